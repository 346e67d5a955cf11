"""What an approved stock-in adds to the ledgers (flows.md F7, F9, F11, F13). Values only: the kernel writes them."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from yunlian.kernel.models import Entry
from yunlian.ledgers.models import CostEntry, PayableEntry, StockEntry, SupplierFundsEntry

from .facts import Facts

ZERO = Decimal(0)


def post(stock_in: Any, lines: list[Any], facts: Facts) -> Iterable[Entry]:
    """In transit or on order becomes on hand, at cost; the supplier is owed the amount, less what is prepaid for it."""
    owed: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    for line in lines:
        yield from _arrive(stock_in, line, facts)
        yield CostEntry(
            line_no=line.no, product_id=line.product_id, qty=line.base_qty, value=line.cost, line=line.id
        )
        for order, share in shares(line, facts, stock_in.id):
            owed[order] += share
            yield PayableEntry(
                line_no=line.no, partner_id=stock_in.supplier_id, order_id=order, received=share
            )
    for order, amount in owed.items():
        paid = min(facts.prepaid.get(order, ZERO), facts.open.get(order, ZERO) + amount)
        if paid > 0:
            yield PayableEntry(partner_id=stock_in.supplier_id, order_id=order, applied=paid)
            yield SupplierFundsEntry(partner_id=stock_in.supplier_id, for_doc_id=order, prepaid=-paid)


def _arrive(stock_in: Any, line: Any, facts: Facts) -> Iterable[StockEntry]:
    """What was expected was expected good; it may arrive in another status."""
    expected = {
        "in_transit": -facts.noticed.get(line.id, ZERO),
        "on_order": -sum(facts.ordered.get(line.id, {}).values(), ZERO),
    }
    key = {"line_no": line.no, "product_id": line.product_id, "warehouse_id": stock_in.warehouse_id}
    if line.status == "good":
        yield StockEntry(**key, status="good", on_hand=line.base_qty, **expected)
        return
    yield StockEntry(**key, status=line.status, on_hand=line.base_qty)
    if any(expected.values()):
        yield StockEntry(**key, status="good", **expected)


def shares(line: Any, facts: Facts, own: uuid.UUID) -> Iterable[tuple[uuid.UUID, Decimal]]:
    """Return how a line's amount falls on its orders, by quantity; without an order it is owed for the stock-in itself.

    Each share is rounded half up to 2 decimals; the last takes the remainder.
    """
    left, qty = line.amount, line.base_qty
    for order, part in facts.orders.get(line.id, {}).items():
        qty -= part
        share = (
            left
            if qty == 0
            else (line.amount * part / line.base_qty).quantize(Decimal("0.01"), ROUND_HALF_UP)
        )
        left -= share
        yield order, share
    if qty > 0:
        yield own, left
