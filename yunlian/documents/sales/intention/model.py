"""Sales intention: what a customer wants, before it binds anybody; a dealer's purchase order arrives as one."""

from django.db.models import Index, Q

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.masters.lines import GoodsLine
from yunlian.masters.models import Partner, Product
from yunlian.masters.prices import price_reason

from .flow import COLLAB, WITHDRAWAL


class SalesIntention(Header):
    """One customer's wish. No effect on stock or receivables. `reason` is the last one given by either side."""

    customer = f.Ref(Partner, label=_("Customer"), where={"is_customer": True}, index=True)
    customer_order = f.Code(index=True, label=_("Customer's order"), required=False)
    due_date = f.Date(label=_("Wanted by"), required=False)
    contact = f.Text(label=_("Contact"), max_length=60, required=False)
    phone = f.Phone(label=_("Telephone"), required=False)
    address = f.Text(label=_("Address"), required=False)
    collab = f.State(COLLAB)
    withdrawal = f.State(WITHDRAWAL)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)
    amount = f.Amount(label=_("Amount"), formula="total(lines.amount)", guard="sales.price")
    earnest_amount = f.Done(label=_("Earnest money"), of="amount")

    class Meta:
        indexes = (
            Index(
                fields=["enterprise_id"],
                name="sales_salesintention_waits",
                condition=Q(state="approved", close="open"),
            ),
        )


class SalesIntentionLine(GoodsLine):
    """One product wanted. Prices are per `unit`, tax included; the expected figures are what a dealer's order said."""

    intention = f.Parent(SalesIntention)
    product = f.Ref(Product, label=_("Product"), where={"is_sold": True})
    price = f.Price(label=_("Price"), required=False, guard="sales.price")
    price_reason = price_reason("sales.price")
    amount = f.Amount(label=_("Amount"), formula="round(qty * price)", guard="sales.price")
    due_date = f.Date(label=_("Delivery date"), required=False)
    expected_qty = f.Qty(label=_("Ordered quantity"), readonly=True)
    expected_price = f.Price(label=_("Expected price"), readonly=True, guard="sales.price")
    expected_date = f.Date(label=_("Expected date"), readonly=True)
    note = f.Text(label=_("Note"), max_length=500, required=False)
    contracted_qty = f.Done(label=_("Contracted"), of="base_qty", closes=True)
