"""Purchase stock-in: goods that arrived, are ours, and must be paid for."""

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.ledgers.models import STATUSES
from yunlian.masters.lines import BoughtLine
from yunlian.masters.models import Partner, Product, Warehouse
from yunlian.masters.prices import price_reason


class PurchaseIn(Header):
    """One arrival from one supplier into one warehouse. `delivery_no` is the number on the supplier's paper."""

    supplier = f.Ref(Partner, label=_("Supplier"), where={"is_supplier": True}, index=True)
    warehouse = f.Ref(Warehouse, label=_("Receive into"))
    delivery_no = f.Code(index=True, label=_("Delivery note"), required=False)
    amount = f.Amount(label=_("Amount"), formula="total(lines.amount)", guard="purchase.price")
    cost = f.Amount(label=_("Cost without tax"), formula="total(lines.cost)", guard="stock.cost")
    named_amount = f.Done(label=_("Payments naming it"), of="amount", guard="purchase.price")


class PurchaseInLine(BoughtLine):
    """One product that arrived. Prices are per `unit`, tax included; `cost` is what enters stock, without tax."""

    stock_in = f.Parent(PurchaseIn)
    product = f.Ref(Product, label=_("Product"))
    status = f.Choice(
        label=_("Stock status"), choices=STATUSES, default="good", initial="good", hint=_("As it arrived.")
    )
    price_reason = price_reason("purchase.price")
    cost = f.Amount(label=_("Cost without tax"), formula="round(amount / (1 + tax_rate))", guard="stock.cost")
    note = f.Text(label=_("Note"), max_length=500, required=False)
