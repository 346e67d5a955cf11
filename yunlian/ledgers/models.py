"""Tables of the ledgers: entries, which are only ever added, and the balances they fold into.

Quantities are in the product's base unit, money in the enterprise's currency with 2 decimals. Every wrong state that one
row can show is a CHECK here (reliability.md section 3); `stock`, `costing` and `money` refuse it in words before.
"""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Case, CheckConstraint, F, Index, Q, UniqueConstraint, Value, When

from yunlian.kernel import fields as f
from yunlian.kernel.models import Balance, Doc, Entry
from yunlian.kernel.text import Label, _
from yunlian.masters.models import Account, Partner, Product, Warehouse

STATUSES = (("good", _("Good")), ("defect", _("Defective")), ("inspect", _("To be inspected")))


def _qty(label: Label, **options: Any) -> f.Qty:
    return f.Qty(label=label, default=Decimal(0), null=False, **options)


def _amount(label: Label, **options: Any) -> f.Amount:
    return f.Amount(label=label, default=Decimal(0), null=False, **options)


class StockEntry(Entry):
    """One change of the five quantities of flows.md F9. `for_line` names the contract line a reservation serves."""

    product = f.Ref(Product, label=_("Product"), null=False)
    warehouse = f.Ref(Warehouse, label=_("Warehouse"), null=False)
    status = f.Choice(label=_("Stock status"), choices=STATUSES, default="good")
    on_hand = _qty(_("On hand"))
    reserved = _qty(_("Reserved"))
    pending_out = _qty(_("Pending out"))
    in_transit = _qty(_("In transit"))
    on_order = _qty(_("On order"))
    for_line = models.UUIDField(null=True)

    class Meta:
        indexes = (
            Index(
                fields=["enterprise_id", "product_id", "warehouse_id", "date"],
                name="ledgers_stockentry_product",
            ),
        )


class StockBalance(Balance):
    """What there is of a product in a warehouse in one status.

    Available is on hand less reserved less pending out; only good stock counts.
    """

    product = f.Ref(Product, label=_("Product"), null=False)
    warehouse = f.Ref(Warehouse, label=_("Warehouse"), null=False)
    status = f.Choice(label=_("Stock status"), choices=STATUSES, default="good")
    on_hand = _qty(_("On hand"))
    reserved = _qty(_("Reserved"))
    pending_out = _qty(_("Pending out"))
    in_transit = _qty(_("In transit"))
    on_order = _qty(_("On order"))
    available = f.DerivedQty(
        label=_("Available"),
        expression=Case(
            When(status="good", then=F("on_hand") - F("reserved") - F("pending_out")),
            default=Value(Decimal(0)),
        ),
    )
    may_be_negative = f.Boolean(label=_("May be negative"))

    class Meta:
        constraints = (
            UniqueConstraint(
                name="ledgers_stockbalance_key",
                fields=["enterprise_id", "product_id", "warehouse_id", "status"],
            ),
            CheckConstraint(
                name="ledgers_stockbalance_on_hand", condition=Q(may_be_negative=True) | Q(on_hand__gte=0)
            ),
            CheckConstraint(
                name="ledgers_stockbalance_reserved",
                condition=Q(reserved__gte=0) & (Q(may_be_negative=True) | Q(reserved__lte=F("on_hand"))),
            ),
            CheckConstraint(
                name="ledgers_stockbalance_expected",
                condition=Q(pending_out__gte=0, in_transit__gte=0, on_order__gte=0),
            ),
            CheckConstraint(
                name="ledgers_stockbalance_available",
                condition=Q(may_be_negative=True)
                | ~Q(status="good")
                | Q(on_hand__gte=F("reserved") + F("pending_out")),
            ),
        )


class ReservationBalance(Balance):
    """What is reserved for one contract line, over all warehouses."""

    for_line = models.UUIDField()
    reserved = _qty(_("Reserved"))

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_reservationbalance_key", fields=["enterprise_id", "for_line"]),
            CheckConstraint(name="ledgers_reservationbalance_reserved", condition=Q(reserved__gte=0)),
        )


class CostEntry(Entry):
    """One change of quantity and value of a product over all warehouses (flows.md F11).

    `value` left None is computed under the lock of the balance. `line` is the document line that moved the goods;
    `returns` the line of the issue whose goods come back. A row with `adjusts` corrects the value of that earlier row:
    quantity 0, dated like it, and taken back with it.
    """

    product = f.Ref(Product, label=_("Product"), null=False)
    qty = _qty(_("Quantity"))
    value = _amount(_("Value"), guard="stock.cost")
    line = models.UUIDField(null=True)
    returns = models.UUIDField(null=True)
    adjusts = models.UUIDField(null=True)

    class Meta:
        constraints = (
            CheckConstraint(name="ledgers_costentry_corrects", condition=Q(adjusts__isnull=True) | Q(qty=0)),
        )
        indexes = (
            Index(fields=["enterprise_id", "product_id", "date", "at"], name="ledgers_costentry_dated"),
            Index(
                fields=["enterprise_id", "adjusts"],
                name="ledgers_costentry_adjusts",
                condition=Q(adjusts__isnull=False),
            ),
            Index(fields=["enterprise_id", "line"], name="ledgers_costentry_line"),
            Index(
                fields=["enterprise_id", "returns"],
                name="ledgers_costentry_returns",
                condition=Q(returns__isnull=False),
            ),
        )


class CostBalance(Balance):
    """Quantity and value of a product. The value is the truth; the average is value / qty and never stored."""

    product = f.Ref(Product, label=_("Product"), null=False)
    qty = _qty(_("Quantity"))
    value = _amount(_("Value"), guard="stock.cost")

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_costbalance_key", fields=["enterprise_id", "product_id"]),
            CheckConstraint(
                name="ledgers_costbalance_value",
                condition=Q(qty=0, value=0) | Q(qty__gt=0, value__gte=0) | Q(qty__lt=0, value__lte=0),
            ),
        )


class ReceivableEntry(Entry):
    """One change of what a customer owes for a contract (flows.md F12)."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    contract = f.Ref(Doc, label=_("Contract"), null=False)
    charged = _amount(_("Charged"))
    credited = _amount(_("Credited"))
    applied = _amount(_("Received"))
    written_off = _amount(_("Written off"))

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "partner_id", "date"], name="ledgers_receivable_partner"),
            Index(fields=["enterprise_id", "contract_id"], name="ledgers_receivable_contract"),
        )


def _never_negative(*names: str) -> Q:
    return Q(**{f"{name}__gte": 0 for name in names})


class ReceivableBalance(Balance):
    """What is owed for one contract; `open` is negative between a credit and its refund."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    contract = f.Ref(Doc, label=_("Contract"), null=False)
    charged = _amount(_("Charged"))
    credited = _amount(_("Credited"))
    applied = _amount(_("Received"))
    written_off = _amount(_("Written off"))
    open = f.DerivedAmount(
        label=_("Still to receive"), expression=F("charged") - F("credited") - F("applied") - F("written_off")
    )

    class Meta:
        constraints = (
            UniqueConstraint(
                name="ledgers_receivablebalance_key", fields=["enterprise_id", "partner_id", "contract_id"]
            ),
            CheckConstraint(
                name="ledgers_receivablebalance_signs",
                condition=_never_negative("charged", "credited", "applied", "written_off"),
            ),
            CheckConstraint(
                name="ledgers_receivablebalance_applied",
                condition=Q(charged__gte=F("applied") + F("written_off")),
            ),
        )
        indexes = (Index(fields=["enterprise_id", "contract_id"], name="ledgers_receivablebalance_doc"),)


class CustomerBalance(Balance):
    """What a customer owes over all contracts; credit limits are decided on this row, locked."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    charged = _amount(_("Charged"))
    credited = _amount(_("Credited"))
    applied = _amount(_("Received"))
    written_off = _amount(_("Written off"))
    open = f.DerivedAmount(
        label=_("Still to receive"), expression=F("charged") - F("credited") - F("applied") - F("written_off")
    )

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_customerbalance_key", fields=["enterprise_id", "partner_id"]),
            CheckConstraint(
                name="ledgers_customerbalance_signs",
                condition=_never_negative("charged", "credited", "applied", "written_off"),
            ),
        )


class CustomerFundsEntry(Entry):
    """One change of a customer's own money with us; `for_doc` ties it to an intention or contract."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    for_doc = f.Ref(Doc, label=_("For"), required=False)
    free = _amount(_("Free"))
    frozen = _amount(_("Frozen"))

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "partner_id", "date"], name="ledgers_customerfunds_partner"),
        )


class CustomerFunds(Balance):
    """A customer's money that is not applied to anything yet."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    free = _amount(_("Free"))
    frozen = _amount(_("Frozen"))

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_customerfunds_key", fields=["enterprise_id", "partner_id"]),
            CheckConstraint(name="ledgers_customerfunds_signs", condition=_never_negative("free", "frozen")),
        )


class TiedFunds(Balance):
    """The part of a customer's free money that was received for one document."""

    partner = f.Ref(Partner, label=_("Customer"), null=False)
    for_doc = f.Ref(Doc, label=_("For"), null=False)
    free = _amount(_("Free"))

    class Meta:
        constraints = (
            UniqueConstraint(
                name="ledgers_tiedfunds_key", fields=["enterprise_id", "partner_id", "for_doc_id"]
            ),
            CheckConstraint(name="ledgers_tiedfunds_signs", condition=_never_negative("free")),
        )


class PayableEntry(Entry):
    """One change of what we owe a supplier, by purchase order (by stock-in where there is no order)."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    order = f.Ref(Doc, label=_("Order"), null=False)
    received = _amount(_("Value received"))
    returned = _amount(_("Returned"))
    applied = _amount(_("Paid"))

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "partner_id", "date"], name="ledgers_payable_partner"),
            Index(fields=["enterprise_id", "order_id"], name="ledgers_payable_order"),
        )


class PayableBalance(Balance):
    """What we owe for one order (flows.md F13); `open` is negative between a return and its refund."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    order = f.Ref(Doc, label=_("Order"), null=False)
    received = _amount(_("Value received"))
    returned = _amount(_("Returned"))
    applied = _amount(_("Paid"))
    open = f.DerivedAmount(label=_("Still to pay"), expression=F("received") - F("returned") - F("applied"))

    class Meta:
        constraints = (
            UniqueConstraint(
                name="ledgers_payablebalance_key", fields=["enterprise_id", "partner_id", "order_id"]
            ),
            CheckConstraint(
                name="ledgers_payablebalance_signs",
                condition=_never_negative("received", "returned", "applied"),
            ),
            CheckConstraint(
                name="ledgers_payablebalance_applied",
                condition=Q(received__gte=F("applied")) & Q(received__gte=F("returned")),
            ),
        )
        indexes = (Index(fields=["enterprise_id", "order_id"], name="ledgers_payablebalance_doc"),)


class SupplierBalance(Balance):
    """What we owe a supplier over all orders."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    received = _amount(_("Value received"))
    returned = _amount(_("Returned"))
    applied = _amount(_("Paid"))
    open = f.DerivedAmount(label=_("Still to pay"), expression=F("received") - F("returned") - F("applied"))

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_supplierbalance_key", fields=["enterprise_id", "partner_id"]),
            CheckConstraint(
                name="ledgers_supplierbalance_signs",
                condition=_never_negative("received", "returned", "applied"),
            ),
        )


class SupplierFundsEntry(Entry):
    """One change of what we have paid a supplier in advance; `for_doc` ties it to an order."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    for_doc = f.Ref(Doc, label=_("For"), required=False)
    prepaid = _amount(_("Prepaid"))

    class Meta:
        indexes = (
            Index(fields=["enterprise_id", "partner_id", "date"], name="ledgers_supplierfunds_partner"),
        )


class SupplierFunds(Balance):
    """What we have paid a supplier in advance and not used yet."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    prepaid = _amount(_("Prepaid"))

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_supplierfunds_key", fields=["enterprise_id", "partner_id"]),
            CheckConstraint(name="ledgers_supplierfunds_signs", condition=_never_negative("prepaid")),
        )


class TiedPrepaid(Balance):
    """The part of a prepayment that was paid for one order."""

    partner = f.Ref(Partner, label=_("Supplier"), null=False)
    for_doc = f.Ref(Doc, label=_("For"), null=False)
    prepaid = _amount(_("Prepaid"))

    class Meta:
        constraints = (
            UniqueConstraint(
                name="ledgers_tiedprepaid_key", fields=["enterprise_id", "partner_id", "for_doc_id"]
            ),
            CheckConstraint(name="ledgers_tiedprepaid_signs", condition=_never_negative("prepaid")),
        )


class CashEntry(Entry):
    """One change of the money in an account."""

    account = f.Ref(Account, label=_("Account"), null=False)
    amount = _amount(_("Amount"))

    class Meta:
        indexes = (Index(fields=["enterprise_id", "account_id", "date"], name="ledgers_cashentry_account"),)


class CashBalance(Balance):
    """The money in an account."""

    account = f.Ref(Account, label=_("Account"), null=False)
    amount = _amount(_("Amount"))
    may_be_negative = f.Boolean(label=_("May be negative"))

    class Meta:
        constraints = (
            UniqueConstraint(name="ledgers_cashbalance_key", fields=["enterprise_id", "account_id"]),
            CheckConstraint(
                name="ledgers_cashbalance_amount", condition=Q(may_be_negative=True) | Q(amount__gte=0)
            ),
        )
