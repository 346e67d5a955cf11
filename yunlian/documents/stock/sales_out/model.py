"""Sales stock-out: goods that have left for a customer, how they travel and how they arrived."""

from decimal import Decimal
from typing import Any

from django.db.models import CheckConstraint, F, Q

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header
from yunlian.kernel.text import Label, _
from yunlian.masters.lines import GoodsLine
from yunlian.masters.models import Partner, Product, Warehouse

from .signing import SIGNED, WITHDRAWAL


class SalesOut(Header):
    """One shipment of one notice or several of the same customer and warehouse.

    `withdrawal` says whether the customer's enterprise has it and lets us have it back, `reason` is the last one given.
    """

    customer = f.Ref(Partner, label=_("Customer"), where={"is_customer": True}, index=True)
    warehouse = f.Ref(Warehouse, label=_("Ship from"))
    contact = f.Text(label=_("Contact"), max_length=60, required=False)
    phone = f.Phone(label=_("Telephone"), required=False)
    address = f.Text(label=_("Address"), required=False)
    logistics = f.Text(label=_("Carrier"), max_length=60, required=False)
    waybill = f.Code(index=True, label=_("Waybill"), required=False)
    arrival_date = f.Date(label=_("Expected arrival"), required=False)
    signed = f.State(SIGNED)
    withdrawal = f.State(WITHDRAWAL)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)


def _counted(label: Label, **options: Any) -> f.Qty:
    return f.Qty(label=label, readonly=True, default=Decimal(0), null=False, **options)


class SalesOutLine(GoodsLine):
    """One product that left. What the customer reports is in base units and adds up to at most what was sent."""

    out = f.Parent(SalesOut)
    product = f.Ref(Product, label=_("Product"))
    note = f.Text(label=_("Note"), max_length=500, required=False)
    received_qty = _counted(_("Received by the customer"))
    short_qty = _counted(_("Short"))
    damaged_qty = _counted(_("Damaged"))

    class Meta:
        constraints = (
            CheckConstraint(
                name="stock_salesoutline_counted",
                condition=Q(received_qty__gte=0, short_qty__gte=0, damaged_qty__gte=0)
                & Q(base_qty__gte=F("received_qty") + F("short_qty") + F("damaged_qty")),
            ),
        )
