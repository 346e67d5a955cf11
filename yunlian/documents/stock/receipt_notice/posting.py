"""What an approved receipt notice adds to the ledgers. Values only: the kernel writes them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from yunlian.ledgers.models import StockEntry

from .facts import Facts, find_ordered

ZERO = Decimal(0)


def post(notice: Any, lines: list[Any], facts: Facts) -> Iterable[StockEntry]:
    """Goods on their way: on order becomes in transit."""
    for line in lines:
        yield _move(notice, line, on_order=-facts.ordered.get(line.id, ZERO), in_transit=line.base_qty)


def rest(notice: Any, lines: list[Any], closing: bool) -> Iterable[StockEntry]:
    """What did not arrive is expected again by its order, unless that is closed too; reopening turns it round."""
    held = find_ordered(notice.id)
    sign = 1 if closing else -1
    for line in lines:
        left = line.base_qty - line.received_qty
        if left > 0:
            ordered = held.get(line.id, ZERO)
            # Closing gives back at most what was taken; reopening takes all of it again where it took any.
            back = min(left, ordered) if closing else left if line.id in held else ZERO
            yield _move(notice, line, on_order=sign * back, in_transit=-sign * left)


def _move(notice: Any, line: Any, *, on_order: Decimal, in_transit: Decimal) -> StockEntry:
    return StockEntry(
        line_no=line.no,
        product_id=line.product_id,
        warehouse_id=notice.warehouse_id,
        status="good",
        on_order=on_order,
        in_transit=in_transit,
    )
