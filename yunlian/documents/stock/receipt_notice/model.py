"""Purchase receipt notice: goods the supplier has sent, or announced, that have not arrived."""

from django.db.models import Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.masters.lines import BoughtLine
from yunlian.masters.models import Partner, Product, Warehouse

from .flow import WITHDRAWAL


class ReceiptNotice(Header):
    """One delivery of one supplier. `shipment` is the supplier's own id of it when it came by the chain: once only.

    `withdrawal` says whether the supplier asks to have it back, `reason` is the last one given by either side.
    """

    supplier = f.Ref(Partner, label=_("Supplier"), where={"is_supplier": True}, index=True)
    warehouse = f.Ref(Warehouse, label=_("Receive into"))
    expected_date = f.Date(label=_("Expected"), required=False)
    logistics = f.Text(label=_("Logistics"), max_length=60, required=False)
    waybill = f.Code(index=True, label=_("Waybill"), required=False)
    shipment = f.Text(label=_("Shipment"), max_length=60, required=False)
    theirs_number = f.Code(index=True, label=_("Supplier's number"), required=False)
    amount = f.Amount(label=_("Amount"), formula="total(lines.amount)", guard="purchase.price")
    withdrawal = f.State(WITHDRAWAL)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="stock_receiptnotice_shipment",
                fields=["enterprise_id", "supplier_id", "shipment"],
                condition=~Q(shipment="") & ~Q(state="voided"),
            ),
        )
        indexes = (
            Index(
                fields=["enterprise_id"],
                name="stock_receiptnotice_waits",
                condition=Q(state="approved", close="open"),
            ),
        )


class ReceiptNoticeLine(BoughtLine):
    """One product of the delivery. Prices are per `unit`, tax included, those of the order."""

    notice = f.Parent(ReceiptNotice)
    product = f.Ref(Product, label=_("Product"))
    note = f.Text(label=_("Note"), max_length=500, required=False)
    received_qty = f.Done(label=_("Stocked in"), of="base_qty", closes=True)
