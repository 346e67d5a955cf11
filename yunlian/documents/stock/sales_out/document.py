"""The sales stock-out, declared once."""

from collections.abc import Iterable
from dataclasses import replace

from yunlian.kernel.consent import require_consent
from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CostEntry, StockEntry
from yunlian.masters.units import fill_factors

from . import posting, rules
from .facts import facts
from .model import SalesOut, SalesOutLine
from .signing import SIGNED, WITHDRAWAL, is_unsigned


def fill(out: SalesOut, lines: list[SalesOutLine], ctx: Context) -> Iterable[Problem]:
    """Put base units where none were given."""
    return fill_factors(lines, ctx)


def take_back(out: SalesOut, lines: list[SalesOutLine], given: object, ctx: Context) -> Iterable[Problem]:
    """What the customer's enterprise has is taken back with its consent only."""
    yield from require_consent(out)
    out.withdrawal = "none"


# Goods that left are not closed, and what the customer has signed for is not taken back.
FLOW = replace(
    STANDARD,
    steps=tuple(
        replace(step, may=is_unsigned, act=take_back) if step.name == "unapprove" else step
        for step in STANDARD.steps
        if step.name not in ("close", "reopen")
    ),
)

SALES_OUT = declare(
    Document(
        code="stock.sales_out",
        label=_("Sales stock-out"),
        header=SalesOut,
        lines=SalesOutLine,
        needs_lines=True,
        series=Series("SO{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(SIGNED, WITHDRAWAL),
        fill=fill,
        facts=facts,
        check=rules.check,
        post=posting.post,
        ledgers=(StockEntry, CostEntry),
        columns="number date customer warehouse logistics waybill signed state",
        find="number waybill customer",
        form=(
            Section(
                _("Stock-out"),
                "customer warehouse date logistics waybill arrival_date contact phone address owner department note "
                "withdrawal reason",
            ),
            Section(_("Lines"), "product unit qty note received_qty short_qty damaged_qty", of="lines"),
        ),
        links=(
            Link(
                source="stock.dispatch_notice",
                header={
                    "customer": "customer",
                    "warehouse": "warehouse",
                    "contact": "contact",
                    "phone": "phone",
                    "address": "address",
                },
                line={"product": "product", "unit": "unit", "note": "note"},
                fills=("base_qty", "out_qty"),
                same=("customer", "warehouse", "product"),
                onward=(("sales.contract", "shipped_qty"),),
            ),
        ),
        is_chained=True,
    )
)
