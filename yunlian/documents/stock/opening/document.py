"""The opening stock, declared once."""

from collections.abc import Iterable

from yunlian.kernel.document import STANDARD, Document, Problem, Section, Series, declare
from yunlian.kernel.models import Entry
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CostEntry, StockEntry
from yunlian.masters.units import fill_factors

from .model import OpeningStock, OpeningStockLine


def fill(opening: OpeningStock, lines: list[OpeningStockLine], ctx: Context) -> Iterable[Problem]:
    """Put base units where none were given."""
    return fill_factors(lines, ctx)


def post(opening: OpeningStock, lines: list[OpeningStockLine], facts: None) -> Iterable[Entry]:
    """Each line is on hand, at its cost."""
    for line in lines:
        yield StockEntry(
            line_no=line.no,
            product_id=line.product_id,
            warehouse_id=opening.warehouse_id,
            status=line.status,
            on_hand=line.base_qty,
        )
        yield CostEntry(
            line_no=line.no, product_id=line.product_id, qty=line.base_qty, value=line.amount, line=line.id
        )


OPENING_STOCK = declare(
    Document(
        code="stock.opening",
        label=_("Opening stock"),
        header=OpeningStock,
        lines=OpeningStockLine,
        needs_lines=True,
        series=Series("OS{yyyymm}-{n:05}"),
        flow=STANDARD,
        fill=fill,
        post=post,
        ledgers=(StockEntry, CostEntry),
        columns="number date warehouse amount state",
        form=(
            Section(_("Opening stock"), "warehouse date owner department note amount"),
            Section(_("Lines"), "product unit qty status cost amount", of="lines"),
        ),
        sums="amount",
    )
)
