"""What a stock-out takes from the ledgers (flows.md F9, F11). Values only: the kernel writes them."""

from collections.abc import Iterable

from yunlian.kernel.models import Entry
from yunlian.ledgers.models import CostEntry, StockEntry

from .model import SalesOut, SalesOutLine


def post(out: SalesOut, lines: list[SalesOutLine], facts: object) -> Iterable[Entry]:
    """Each line: -qty on hand and pending out; its cost at the moving average, found under the ledger's lock."""
    for line in lines:
        yield StockEntry(
            line_no=line.no,
            product_id=line.product_id,
            warehouse_id=out.warehouse_id,
            status="good",
            on_hand=-line.base_qty,
            pending_out=-line.base_qty,
        )
        yield CostEntry(
            line_no=line.no, product_id=line.product_id, qty=-line.base_qty, value=None, line=line.id
        )
