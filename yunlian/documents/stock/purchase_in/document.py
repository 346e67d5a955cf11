"""The purchase stock-in, declared once."""

from collections.abc import Iterable

from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CostEntry, PayableEntry, StockEntry, SupplierFundsEntry
from yunlian.masters.lines import BOUGHT, SAME, otherwise_priced
from yunlian.masters.prices import fill_prices
from yunlian.masters.units import fill_factors

from . import posting, rules
from .facts import read_facts
from .model import PurchaseIn, PurchaseInLine


def fill(stock_in: PurchaseIn, lines: list[PurchaseInLine], ctx: Context) -> Iterable[Problem]:
    """Put base units, and for goods without an order the supplier's list prices, where nothing was given."""
    yield from fill_factors(lines, ctx)
    fill_prices(lines, ctx, stock_in.supplier, stock_in.date, kind="purchase")


_SAME = ("supplier", "warehouse", *SAME)
_HEADER = {"supplier": "supplier", "warehouse": "warehouse"}
_LINE = {name: name for name in BOUGHT}

PURCHASE_IN = declare(
    Document(
        code="stock.purchase_in",
        label=_("Purchase stock-in"),
        header=PurchaseIn,
        lines=PurchaseInLine,
        needs_lines=True,
        series=Series("PI{yyyymm}-{n:05}"),
        flow=STANDARD,
        fill=fill,
        facts=read_facts,
        check=rules.check,
        post=posting.post,
        ledgers=(StockEntry, CostEntry, PayableEntry, SupplierFundsEntry),
        columns="number date supplier warehouse delivery_no amount state",
        find="number delivery_no supplier",
        sums="amount",
        form=(
            Section(
                _("Stock-in"),
                "supplier warehouse date delivery_no owner department note amount cost named_amount",
            ),
            Section(
                _("Lines"), "product unit qty status price discount tax_rate amount cost note", of="lines"
            ),
        ),
        links=(
            Link(
                source="stock.receipt_notice",
                fills=("base_qty", "received_qty"),
                header=_HEADER,
                line=_LINE,
                same=_SAME,
                differs=otherwise_priced,
                onward=(("purchase.order", "received_qty"),),
            ),
            Link(
                source="purchase.order",
                fills=("base_qty", "noticed_qty"),
                also=("received_qty",),
                header=_HEADER,
                line=_LINE,
                same=_SAME,
                differs=otherwise_priced,
            ),
        ),
        is_chained=True,
    )
)
