"""What a payment does to the ledgers when the cashier pays it (flows.md F13)."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import Problem, Refused, find_document
from yunlian.kernel.load import load_sources
from yunlian.kernel.models import Entry
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers import money
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

ZERO = Decimal(0)
ORDER, STOCK_IN = "purchase.order", "stock.purchase_in"


@dataclass
class _Debts:
    """Locked: `owed` by order, and `room`, what an order's price still leaves to be paid, in advance or not.

    `orders` are the orders a stock-in is owed for (itself, where it had none).
    """

    owed: dict[uuid.UUID, Decimal]
    room: dict[uuid.UUID, Decimal]
    orders: dict[uuid.UUID, list[uuid.UUID]]


def pay(payment: Any, lines: list[Any], ctx: Context) -> Iterable[Entry]:
    """Cash out; what is owed is paid, locked, and what a line pays an order beyond that is prepaid for it.

    What no line names is prepaid for no order. Raises Refused where an order would be paid beyond its amount, or a
    stock-in beyond what is still owed for its goods.
    """
    sources = {line: rows[0] for line, rows in load_sources(ctx, payment.id).items()}
    debts = _debts(payment, [(row.source_code, row.source_doc_id) for row in sources.values()])
    problems: list[Problem] = []
    entries: list[Entry] = [CashEntry(account_id=payment.account_id, amount=-payment.amount)]
    for line in lines:
        source = sources[line.id]
        if source.source_code == ORDER:
            orders, most = [source.source_doc_id], debts.room[source.source_doc_id]
        else:
            orders = debts.orders.get(source.source_doc_id, [])
            most = sum((debts.owed[order] for order in orders), ZERO)
        if line.amount > most:
            problems.append(_too_much(line, most))
            continue
        entries += _lay(payment, line, orders, debts)
    if problems:
        raise Refused(*problems)
    left = payment.amount - sum((line.amount for line in lines), ZERO)
    if left > 0:
        entries.append(SupplierFundsEntry(partner_id=payment.supplier_id, prepaid=left))
    return entries


def _debts(payment: Any, named: list[tuple[str, uuid.UUID]]) -> _Debts:
    """Lock what is owed and prepaid; a fixed number of statements."""
    stock_ins = [doc for code, doc in named if code == STOCK_IN]
    orders: dict[uuid.UUID, list[uuid.UUID]] = {}
    rows = PayableEntry.objects.filter(doc_id__in=stock_ins, received__gt=0).order_by("order_id").distinct()
    for stock_in, order in rows.values_list("doc_id", "order_id"):
        orders.setdefault(stock_in, []).append(order)
    bought = [doc for code, doc in named if code == ORDER]
    owed = sorted({*bought, *(order for each in orders.values() for order in each)})
    balances = money.lock_payables(owed)
    prepaid = money.lock_tied_prepaid(payment.supplier_id, owed)
    amounts = find_document(ORDER).header.objects.filter(id__in=bought).values_list("id", "amount")
    return _Debts(
        owed={id_: max(balances[id_].open, ZERO) if id_ in balances else ZERO for id_ in owed},
        room={id_: amount - _paid(balances.get(id_)) - prepaid.get(id_, ZERO) for id_, amount in amounts},
        orders=orders,
    )


def _paid(balance: Any) -> Decimal:
    applied: Decimal = ZERO if balance is None else balance.applied
    return applied


def _lay(payment: Any, line: Any, orders: list[uuid.UUID], debts: _Debts) -> Iterable[Entry]:
    """Pay what is owed for the orders, in turn; the rest is prepaid, which happens to a line that names an order."""
    left = line.amount
    for order in orders:
        applied = min(left, debts.owed[order])
        if applied > 0:
            debts.owed[order] -= applied
            left -= applied
            yield PayableEntry(
                line_no=line.no, partner_id=payment.supplier_id, order_id=order, applied=applied
            )
    if left > 0:
        yield SupplierFundsEntry(
            line_no=line.no, partner_id=payment.supplier_id, for_doc_id=orders[0], prepaid=left
        )
    for order in orders:
        if order in debts.room:
            debts.room[order] -= line.amount


def _too_much(line: Any, most: Decimal) -> Problem:
    message = _("%(amount)s is more than the %(most)s still to be paid on %(document)s.") % {
        "amount": line.amount,
        "most": max(most, ZERO),
        "document": line.document,
    }
    return Problem("amount", message, line.no, "exceeds_open")


def paid_orders(payment_id: uuid.UUID, turn: int) -> Mapping[uuid.UUID, Decimal]:
    """Return what a payment laid on each order when it was paid, owed and in advance together."""
    found: dict[uuid.UUID, Decimal] = {}
    rows = [
        *PayableEntry.objects.filter(doc_id=payment_id, turn=turn).values_list("order_id", "applied"),
        *SupplierFundsEntry.objects.filter(
            doc_id=payment_id, turn=turn, for_doc_id__isnull=False
        ).values_list("for_doc_id", "prepaid"),
    ]
    for order, amount in rows:
        found[order] = found.get(order, ZERO) + amount
    return found
