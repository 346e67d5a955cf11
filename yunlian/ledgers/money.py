"""What money may look like (flows.md F12, F13), and the locked figures that postings decide on.

Amounts are in the enterprise's currency, 2 decimals. Comparisons are exact, without tolerance.
"""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.text import Label, _
from yunlian.masters.models import Account

from .models import (
    CashBalance,
    CashEntry,
    CustomerBalance,
    CustomerFunds,
    CustomerFundsEntry,
    PayableBalance,
    PayableEntry,
    ReceivableBalance,
    ReceivableEntry,
    SupplierFunds,
    SupplierFundsEntry,
    TiedFunds,
    TiedPrepaid,
)

ZERO = Decimal(0)


def open_rows(entries: list[CashEntry], balances: dict[tuple[Any, ...], CashBalance]) -> None:
    """Copy the account's permission to go below zero onto balances that begin with these entries."""
    fresh = {balance.account_id: balance for balance in balances.values() if balance._state.adding}
    if fresh:
        for id_ in Account.objects.filter(id__in=list(fresh), may_be_negative=True).values_list(
            "id", flat=True
        ):
            fresh[id_].may_be_negative = True


def check_receivable(balance: ReceivableBalance, entries: list[ReceivableEntry]) -> Iterable[Problem]:
    """Yield when more is received or written off than was charged, or a sum falls below zero."""
    taken = balance.applied + balance.written_off
    if taken > balance.charged:
        yield _exceeds(
            balance,
            entries,
            _("open on this contract"),
            balance.charged - taken,
            ("applied", "written_off"),
            "charged",
        )
        return
    yield from _below_zero(balance, entries, ("charged", "credited", "applied", "written_off"))


def check_payable(balance: PayableBalance, entries: list[PayableEntry]) -> Iterable[Problem]:
    """Yield when more is paid or returned than was received, or a sum falls below zero."""
    if balance.applied > balance.received:
        yield _exceeds(
            balance,
            entries,
            _("owed for this order"),
            balance.received - balance.applied,
            ("applied",),
            "received",
        )
        return
    if balance.returned > balance.received:
        yield _exceeds(
            balance,
            entries,
            _("received on this order"),
            balance.received - balance.returned,
            ("returned",),
            "received",
        )
        return
    yield from _below_zero(balance, entries, ("received", "returned", "applied"))


def check_customer_funds(balance: CustomerFunds, entries: list[CustomerFundsEntry]) -> Iterable[Problem]:
    """Yield when a customer has less free or frozen money than is taken."""
    yield from _below_zero(balance, entries, ("free", "frozen"))


def check_tied_funds(balance: TiedFunds, entries: list[CustomerFundsEntry]) -> Iterable[Problem]:
    """Yield when more is taken than was received for a document."""
    yield from _below_zero(balance, entries, ("free",))


def check_supplier_funds(balance: SupplierFunds, entries: list[SupplierFundsEntry]) -> Iterable[Problem]:
    """Yield when more prepayment is used than there is."""
    yield from _below_zero(balance, entries, ("prepaid",))


def check_tied_prepaid(balance: TiedPrepaid, entries: list[SupplierFundsEntry]) -> Iterable[Problem]:
    """Yield when more is used than was paid in advance for an order."""
    yield from _below_zero(balance, entries, ("prepaid",))


def check_cash(balance: CashBalance, entries: list[CashEntry]) -> Iterable[Problem]:
    """Yield when an account would hold less than nothing."""
    if not balance.may_be_negative:
        yield from _below_zero(balance, entries, ("amount",), "account")


def _sum(entries: list[Any], names: Iterable[str]) -> Decimal:
    return sum((getattr(entry, name) for entry in entries for name in names), ZERO)


# What is owed follows from prices; funds and cash do not.
_GUARDS = {
    ReceivableBalance: "sales.price",
    CustomerBalance: "sales.price",
    PayableBalance: "purchase.price",
}


def _exceeds(
    balance: Any, entries: list[Any], what: Label, left: Decimal, taken: tuple[str, ...], given: str
) -> Problem:
    """`left` is what the balance has after the entries, below zero."""
    need = _sum(entries, taken) - _sum(entries, (given,))
    said = {"need": need, "have": left + need, "what": what}
    exact = _("%(need)s is more than the %(have)s %(what)s.") % said
    plain = _("It is more than what is %(what)s.") % said
    return Problem("amount", plain, entries[0].line_no or None, "exceeds_open", _GUARDS[type(balance)], exact)


def _below_zero(
    balance: Any, entries: list[Any], names: tuple[str, ...], field: str = "amount"
) -> Iterable[Problem]:
    guard = _GUARDS.get(type(balance))
    for name in names:
        now = getattr(balance, name)
        if now < 0:
            need = -_sum(entries, (name,))
            said = {"label": type(balance)._meta.get_field(name).label, "have": now + need, "need": need}
            exact = _("%(label)s: there is %(have)s, %(need)s needed.") % said
            plain = exact if guard is None else _("%(label)s: there is less than needed.") % said
            yield Problem(field, plain, entries[0].line_no or None, "short", guard, exact)


def lock_customer(partner_id: uuid.UUID) -> CustomerBalance | None:
    """Lock and return what a customer owes over all contracts; None while there never was any."""
    return CustomerBalance.objects.select_for_update(no_key=True).filter(partner_id=partner_id).first()


def lock_receivables(contracts: Iterable[uuid.UUID]) -> dict[uuid.UUID, ReceivableBalance]:
    """Lock and return what is owed by contract id, in key order."""
    rows = ReceivableBalance.objects.select_for_update(no_key=True).filter(contract_id__in=list(contracts))
    return {row.contract_id: row for row in rows.order_by("partner_id", "contract_id")}


def lock_payables(orders: Iterable[uuid.UUID]) -> dict[uuid.UUID, PayableBalance]:
    """Lock and return what we owe by order id, in key order."""
    rows = PayableBalance.objects.select_for_update(no_key=True).filter(order_id__in=list(orders))
    return {row.order_id: row for row in rows.order_by("partner_id", "order_id")}


def lock_customer_funds(partner_id: uuid.UUID) -> Decimal:
    """Lock a customer's money and return what of it is free."""
    row = CustomerFunds.objects.select_for_update(no_key=True).filter(partner_id=partner_id).first()
    return ZERO if row is None else row.free


def lock_tied_funds(partner_id: uuid.UUID, documents: Iterable[uuid.UUID]) -> dict[uuid.UUID, Decimal]:
    """Lock and return the free money a customer paid for each of these documents."""
    rows = TiedFunds.objects.select_for_update(no_key=True).filter(
        partner_id=partner_id, for_doc_id__in=list(documents)
    )
    return {row.for_doc_id: row.free for row in rows.order_by("for_doc_id")}


def lock_prepaid(partner_id: uuid.UUID) -> Decimal:
    """Lock our prepayments to a supplier and return their sum."""
    row = SupplierFunds.objects.select_for_update(no_key=True).filter(partner_id=partner_id).first()
    return ZERO if row is None else row.prepaid


def lock_tied_prepaid(partner_id: uuid.UUID, orders: Iterable[uuid.UUID]) -> dict[uuid.UUID, Decimal]:
    """Lock and return what is prepaid to a supplier for each of these orders."""
    rows = TiedPrepaid.objects.select_for_update(no_key=True).filter(
        partner_id=partner_id, for_doc_id__in=list(orders)
    )
    return {row.for_doc_id: row.prepaid for row in rows.order_by("for_doc_id")}
