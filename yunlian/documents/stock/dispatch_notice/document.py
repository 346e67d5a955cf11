"""The dispatch notice, declared once."""

from collections.abc import Iterable

from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import StockEntry
from yunlian.masters.units import fill_factors

from . import posting, rules
from .facts import facts
from .model import DispatchNotice, DispatchNoticeLine


def fill(notice: DispatchNotice, lines: list[DispatchNoticeLine], ctx: Context) -> Iterable[Problem]:
    """Put base units where none were given."""
    return fill_factors(lines, ctx)


DISPATCH_NOTICE = declare(
    Document(
        code="stock.dispatch_notice",
        label=_("Dispatch notice"),
        header=DispatchNotice,
        lines=DispatchNoticeLine,
        needs_lines=True,
        series=Series("DN{yyyymm}-{n:05}"),
        flow=STANDARD,
        fill=fill,
        facts=facts,
        check=rules.check,
        post=posting.post,
        rest=posting.rest,
        ledgers=(StockEntry,),
        columns="number date customer warehouse ship_date close state",
        find="number customer",
        form=(
            Section(
                _("Dispatch"),
                "customer warehouse date ship_date contact phone address owner department note",
            ),
            Section(_("Lines"), "product unit qty note out_qty", of="lines"),
        ),
        links=(
            Link(
                source="sales.contract",
                header={
                    "customer": "customer",
                    "warehouse": "warehouse",
                    "ship_date": "due_date",
                    "contact": "contact",
                    "phone": "phone",
                    "address": "address",
                },
                line={"product": "product", "unit": "unit", "note": "note"},
                fills=("base_qty", "noticed_qty"),
                same=("customer", "product"),
                returns=True,
            ),
        ),
    )
)
