"""Purchase order: what we promise to buy, from whom, at what price, by when."""

from decimal import Decimal

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.masters.lines import BoughtLine
from yunlian.masters.models import Partner, Product, Warehouse
from yunlian.masters.prices import price_reason

from .flow import COLLAB, THEIRS, WITHDRAWAL


class PurchaseOrder(Header):
    """One order to one supplier. Amounts are tax-inclusive.

    `collab` says how far a supplier on the chain and we are (flows.md F5), `attempt` how often it was sent; `theirs_…`
    is what they told us of their own document, `reason` the last one given by either side. `paid_amount` is what the
    cashier paid for it, by payments that name it (`named_amount` once they are approved) or its stock-ins.
    """

    supplier = f.Ref(Partner, label=_("Supplier"), where={"is_supplier": True}, index=True)
    warehouse = f.Ref(Warehouse, label=_("Receive into"))
    due_date = f.Date(label=_("Due"), required=False)
    customer_order = f.Code(
        index=True,
        label=_("Customer's order"),
        required=False,
        hint=_("The order of our customer that this one serves."),
    )
    amount = f.Amount(label=_("Amount"), formula="total(lines.amount)", guard="purchase.price")
    named_amount = f.Done(label=_("Payments naming it"), of="amount", guard="purchase.price")
    paid_amount = f.Amount(
        label=_("Paid"), readonly=True, default=Decimal(0), null=False, guard="purchase.price"
    )
    collab = f.State(COLLAB)
    withdrawal = f.State(WITHDRAWAL)
    attempt = f.Integer(label=_("Times sent"), default=0, null=False, readonly=True)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)
    theirs_number = f.Code(index=True, label=_("Supplier's number"), readonly=True)
    theirs_state = f.Choice(
        label=_("Supplier's state"), choices=THEIRS, required=False, readonly=True, default=""
    )
    expected_date = f.Date(label=_("Expected"), readonly=True)
    quoted_amount = f.Amount(
        label=_("Quoted amount"), formula="total(lines.quoted_amount)", guard="purchase.price"
    )


class PurchaseOrderLine(BoughtLine):
    """One product bought. Quantities are in `unit`; prices are per `unit`, tax included.

    `discount` 0.1 takes a tenth off. The quoted figures are the supplier's proposal beside our own.
    """

    order = f.Parent(PurchaseOrder)
    product = f.Ref(Product, label=_("Product"), where={"is_bought": True})
    price_reason = price_reason("purchase.price")
    due_date = f.Date(label=_("Due"), required=False)
    note = f.Text(label=_("Note"), max_length=500, required=False)
    noticed_qty = f.Done(label=_("Noticed or received"), of="base_qty")
    received_qty = f.Done(label=_("Stocked in"), of="base_qty", closes=True)
    quoted_qty = f.Qty(label=_("Quoted quantity"), readonly=True)
    quoted_price = f.Price(label=_("Quoted price"), readonly=True, guard="purchase.price")
    quoted_date = f.Date(label=_("Quoted date"), readonly=True)
    quoted_amount = f.Amount(
        label=_("Quoted amount"), formula="round(quoted_qty * quoted_price)", guard="purchase.price"
    )
