"""What a dispatch notice adds to the stock ledger (flows.md F9). Values only: the kernel writes them."""

from collections.abc import Iterable
from decimal import Decimal

from yunlian.ledgers.models import StockEntry

from .facts import Facts
from .model import DispatchNotice, DispatchNoticeLine

ZERO = Decimal(0)


def post(notice: DispatchNotice, lines: list[DispatchNoticeLine], facts: Facts) -> Iterable[StockEntry]:
    """Each line: what is held for its contract lines is used up, and all of it is pending out of the notice's warehouse.

    A reservation stays where it was made: a notice for another warehouse frees it there and takes available stock here.
    """
    held = dict(facts.held)
    for line in lines:
        for row in facts.links.get(line.id, ()):
            own = min(row.qty, held.get(row.source_line, ZERO))
            if own > 0:
                held[row.source_line] -= own
                contract = facts.contracts[row.source_doc_id]
                yield StockEntry(
                    line_no=line.no,
                    product_id=line.product_id,
                    warehouse_id=contract.warehouse_id,
                    status="good",
                    reserved=-own,
                    for_line=row.source_line,
                )
        yield pending(notice, line, line.base_qty)


def pending(notice: DispatchNotice, line: DispatchNoticeLine, qty: Decimal) -> StockEntry:
    """Return the entry that promises, or with a negative quantity frees, stock for a line."""
    return StockEntry(
        line_no=line.no,
        product_id=line.product_id,
        warehouse_id=notice.warehouse_id,
        status="good",
        pending_out=qty,
    )


def rest(notice: DispatchNotice, lines: list[DispatchNoticeLine], closing: bool) -> Iterable[StockEntry]:
    """Free what has not been issued when closing; promise it again when reopening."""
    for line in lines:
        left = line.base_qty - line.out_qty
        if left > 0:
            yield pending(notice, line, -left if closing else left)
