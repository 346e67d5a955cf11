"""Dispatch notice: what the warehouse is to send a customer, promised from stock until it has left."""

from django.db.models import Index, Q

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import _
from yunlian.masters.lines import GoodsLine
from yunlian.masters.models import Partner, Product, Warehouse


class DispatchNotice(Header):
    """One dispatch to one customer from one warehouse, on `ship_date`."""

    customer = f.Ref(Partner, label=_("Customer"), where={"is_customer": True}, index=True)
    warehouse = f.Ref(Warehouse, label=_("Ship from"))
    ship_date = f.Date(label=_("Ship on"), required=False)
    contact = f.Text(label=_("Contact"), max_length=60, required=False)
    phone = f.Phone(label=_("Telephone"), required=False)
    address = f.Text(label=_("Address"), required=False)

    class Meta:
        indexes = (
            Index(
                fields=["enterprise_id"],
                name="stock_dispatchnotice_waits",
                condition=Q(state="approved", close="open"),
            ),
        )


class DispatchNoticeLine(GoodsLine):
    """One product to send; `out_qty` has left, in base units."""

    notice = f.Parent(DispatchNotice)
    product = f.Ref(Product, label=_("Product"))
    note = f.Text(label=_("Note"), max_length=500, required=False)
    out_qty = f.Done(label=_("Issued"), of="base_qty", closes=True)
