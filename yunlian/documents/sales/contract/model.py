"""Sales contract: what we sell to whom at what price, and how far it is paid and delivered (flows.md F3)."""

from decimal import Decimal
from typing import Any

from django.db.models import F, Index, Q

from yunlian.kernel import fields as f
from yunlian.kernel.document import Flow, State
from yunlian.kernel.models import Header
from yunlian.kernel.text import Label, _
from yunlian.masters.lines import GoodsLine
from yunlian.masters.models import Partner, Product, Warehouse
from yunlian.masters.prices import price_reason


def _track(label: Label, field: str) -> Flow:
    states = (
        State("none", _("Not begun")),
        State("partial", _("Partly"), "moving"),
        State("complete", _("Complete"), "good"),
    )
    return Flow(label=label, states=states, steps=(), field=field)


# Derived from ledgers and counters, never moved by hand.
RECEIPT = _track(_("Money received"), "receipt")
DELIVERY = _track(_("Delivery"), "delivery")


def _zero(label: Label, **options: Any) -> f.Amount:
    return f.Amount(label=label, readonly=True, default=Decimal(0), null=False, **options)


class SalesContract(Header):
    """One contract. Amounts are tax-inclusive, in the enterprise's currency.

    `total` is what the customer owes and `applied_amount` what is paid of it. `funds_amount` of that came without naming
    the contract (earnest money, a receipt that pays the oldest), so receipts may name at most `collect_amount`.
    """

    customer = f.Ref(Partner, label=_("Customer"), where={"is_customer": True}, index=True)
    customer_order = f.Code(index=True, label=_("Customer's order"), required=False)
    warehouse = f.Ref(Warehouse, label=_("Ship from"))
    due_date = f.Date(label=_("Deliver by"), required=False)
    contact = f.Text(label=_("Contact"), max_length=60, required=False)
    phone = f.Phone(label=_("Telephone"), required=False)
    address = f.Text(label=_("Address"), required=False)
    dispatch_gate = f.Rate(
        label=_("Paid before dispatch"),
        low="0",
        high="1",
        initial="1",
        hint=_("1 = the goods to be shipped must be paid; does not bind customers on account."),
    )
    is_auto_reserved = f.Boolean(label=_("Reserve available stock"), default=True, initial=True)
    discount_amount = f.Amount(label=_("Order discount"), low="0", initial="0", guard="sales.price")
    fee_amount = f.Amount(label=_("Fees charged"), low="0", initial="0", guard="sales.price")
    net_amount = f.Amount(label=_("Goods"), formula="total(lines.net)", guard="sales.price")
    tax_amount = f.Amount(label=_("Tax included"), formula="total(lines.tax)", guard="sales.price")
    total = f.Amount(label=_("Total"), formula="total(lines.net) + fee_amount", guard="sales.price")
    funds_amount = _zero(_("Paid without naming it"), guard="sales.price")
    collect_amount = f.Amount(label=_("To be collected"), formula="total - funds_amount", guard="sales.price")
    received_amount = f.Done(label=_("Receipts naming it"), of="collect_amount", guard="sales.price")
    applied_amount = _zero(_("Received"), guard="sales.price", of="total")
    receipt = f.State(RECEIPT)
    receipt_rate = f.Rate(label=_("Received, share"), readonly=True, default=Decimal(0), null=False)
    delivery = f.State(DELIVERY)
    delivery_rate = f.Rate(label=_("Delivered, share"), readonly=True, default=Decimal(0), null=False)


class SalesContractLine(GoodsLine):
    """One product sold. `price` is per `unit`, tax included; a `discount` of 0.1 takes ten per cent off.

    `share` is the line's part of the order's discount; `net` is what is charged for the line; `tax` is contained in it.
    """

    contract = f.Parent(SalesContract)
    product = f.Ref(Product, label=_("Product"), where={"is_sold": True})
    price = f.Price(label=_("Price"), guard="sales.price")
    price_reason = price_reason("sales.price")
    discount = f.Rate(
        label=_("Discount"), low="0", high="1", initial="0", required=False, guard="sales.price"
    )
    gross = f.Amount(label=_("Gross"), formula="round(qty * price)", guard="sales.price")
    after_discount = f.Amount(
        label=_("After discount"), formula="round(gross * (1 - discount))", guard="sales.price"
    )
    share = _zero(_("Share of order discount"), guard="sales.price")
    net = f.Amount(label=_("Net"), formula="after_discount - share", guard="sales.price")
    tax_rate = f.Rate(label=_("Tax rate"), low="0", high="1", initial="0", required=False)
    tax = f.Amount(
        label=_("Tax included"), formula="round(net * tax_rate / (1 + tax_rate))", guard="sales.price"
    )
    due_date = f.Date(label=_("Delivery date"), required=False)
    note = f.Text(label=_("Note"), max_length=500, required=False)
    noticed_qty = f.Done(label=_("Noticed"), of="base_qty")
    shipped_qty = f.Done(label=_("Shipped"), of="base_qty")

    class Meta:
        indexes = (
            Index(
                fields=["enterprise_id", "product_id"],
                name="sales_salescontractline_waits",
                condition=Q(noticed_qty__lt=F("base_qty"), is_closed=False),
            ),
        )
