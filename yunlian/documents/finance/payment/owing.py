"""What may still be paid of orders and stock-ins: by the ledgers, less what other payments are about to pay (flows.md F13).

`order_unpaid` is an order's price less what was applied and what is prepaid for it. For a stock-in only what is owed for
its goods counts, whichever of its orders' payments paid the rest.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import find_document
from yunlian.kernel.models import LinkRow
from yunlian.ledgers import money
from yunlian.ledgers.models import PayableBalance, PayableEntry, TiedPrepaid

ZERO = Decimal(0)
ORDER, STOCK_IN, PAYMENT = "purchase.order", "stock.purchase_in", "finance.payment"
Named = tuple[str, uuid.UUID]


@dataclass
class Owing:
    """`owed` by order, and `room`, what an order's price still leaves to be paid, in advance or not.

    `orders` are the orders a stock-in is owed for (itself, where it had none).
    """

    owed: dict[uuid.UUID, Decimal]
    room: dict[uuid.UUID, Decimal]
    orders: Mapping[uuid.UUID, list[uuid.UUID]]

    def most(self, code: str, id_: uuid.UUID) -> Decimal:
        """Return what may still be paid of an order or a stock-in."""
        if code == ORDER:
            return max(self.room[id_], ZERO)
        return sum((self.owed[order] for order in self.orders.get(id_, ())), ZERO)

    def lay(self, code: str, id_: uuid.UUID, amount: Decimal) -> dict[uuid.UUID, Decimal]:
        """Lay an amount on what is owed, in turn; returns it by order. What is left of it is prepaid for an order named."""
        laid: dict[uuid.UUID, Decimal] = {}
        for order in [id_] if code == ORDER else self.orders.get(id_, ()):
            laid[order] = min(amount - sum(laid.values(), ZERO), self.owed[order])
            self.owed[order] -= laid[order]
            if order in self.room:
                self.room[order] -= amount if code == ORDER else laid[order]
        return laid


def lock(supplier: uuid.UUID, named: Iterable[Named]) -> Owing:
    """Lock and return what is owed and prepaid; a fixed number of statements."""
    orders, bought = _orders(named)
    return _owing(orders, bought, money.lock_payables(bought), money.lock_tied_prepaid(supplier, bought))


def lock_unclaimed(supplier: uuid.UUID, named: Iterable[Named], payment: uuid.UUID) -> Owing:
    """Lock and return what is owed and prepaid, less what payments other than this one were approved for."""
    named = list(named)
    owing = lock(supplier, named)
    _claim(owing, _unpaid().filter(state="approved").exclude(id=payment))
    return owing


def open_of(code: str) -> Callable[[list[Any]], dict[uuid.UUID, Decimal]]:
    """Return the function that says what may still be paid of documents of a code, less every payment not paid yet."""

    def books(headers: list[Any]) -> dict[uuid.UUID, Decimal]:
        orders, bought = _orders((code, header.id) for header in headers)
        payables = {row.order_id: row for row in PayableBalance.objects.filter(order_id__in=bought)}
        prepaid = TiedPrepaid.objects.filter(for_doc_id__in=bought).values_list("for_doc_id", "prepaid")
        owing = _owing(orders, bought, payables, dict(prepaid))
        _claim(owing, _unpaid())
        return {header.id: owing.most(code, header.id) for header in headers}

    return books


def _orders(named: Iterable[Named]) -> tuple[dict[uuid.UUID, list[uuid.UUID]], list[uuid.UUID]]:
    """Return the orders of each stock-in, and every order there is to be looked at, sorted."""
    named = list(named)
    orders = _by_stock_in(doc_id__in=[id_ for code, id_ in named if code == STOCK_IN])
    bought = {id_ for code, id_ in named if code == ORDER} | {id_ for each in orders.values() for id_ in each}
    return orders, sorted(bought)


def _by_stock_in(**which: Any) -> dict[uuid.UUID, list[uuid.UUID]]:
    rows = PayableEntry.objects.filter(received__gt=0, **which)
    undone = PayableEntry.objects.filter(reverses__in=rows.values("id")).values("reverses")
    pairs = rows.exclude(id__in=undone).order_by("order_id").values_list("doc_id", "order_id").distinct()
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for stock_in, order in pairs:
        found[stock_in].append(order)
    return found


def _owing(
    orders: Mapping[uuid.UUID, list[uuid.UUID]],
    bought: list[uuid.UUID],
    payables: Mapping[uuid.UUID, Any],
    prepaid: Mapping[uuid.UUID, Decimal],
) -> Owing:
    amounts = find_document(ORDER).header.objects.filter(id__in=bought).values_list("id", "amount")
    applied = {id_: balance.applied for id_, balance in payables.items()}
    return Owing(
        owed={id_: max(payables[id_].open, ZERO) if id_ in payables else ZERO for id_ in bought},
        room={id_: amount - applied.get(id_, ZERO) - prepaid.get(id_, ZERO) for id_, amount in amounts},
        orders=orders,
    )


def _unpaid() -> Any:
    return find_document(PAYMENT).header.objects.filter(paid="unpaid").exclude(state="voided")


def _claim(owing: Owing, payments: Any) -> None:
    """Take from what is owed, and from the room, what these payments name of the orders and of every stock-in of theirs."""
    bought = list(owing.owed)
    own = {**_by_stock_in(order_id__in=bought), **owing.orders}
    rows = LinkRow.objects.filter(
        target_code=PAYMENT, source_doc_id__in=[*bought, *own], target_doc_id__in=payments.values("id")
    )
    whole = Owing(
        owing.owed, owing.room, {id_: [o for o in each if o in owing.owed] for id_, each in own.items()}
    )
    for code, id_, amount in rows.order_by("id").values_list("source_code", "source_doc_id", "qty"):
        whole.lay(code, id_, amount)
