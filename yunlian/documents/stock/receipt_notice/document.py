"""The purchase receipt notice, declared once."""

from collections.abc import Iterable

from yunlian.kernel.document import Document, Link, Problem, Section, Series, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import StockEntry
from yunlian.masters.lines import BOUGHT, SAME, otherwise_priced
from yunlian.masters.units import fill_factors

from . import posting, rules
from .facts import read_facts
from .flow import FLOW, WITHDRAWAL
from .model import ReceiptNotice, ReceiptNoticeLine


def fill(notice: ReceiptNotice, lines: list[ReceiptNoticeLine], ctx: Context) -> Iterable[Problem]:
    """Put base units where none were given."""
    return fill_factors(lines, ctx)


RECEIPT_NOTICE = declare(
    Document(
        code="stock.receipt_notice",
        label=_("Receipt notice"),
        header=ReceiptNotice,
        lines=ReceiptNoticeLine,
        needs_lines=True,
        series=Series("RN{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(WITHDRAWAL,),
        fill=fill,
        facts=read_facts,
        check=rules.check,
        post=posting.post,
        rest=posting.rest,
        ledgers=(StockEntry,),
        columns="number date supplier warehouse expected_date logistics waybill theirs_number close state",
        find="number waybill theirs_number supplier",
        form=(
            Section(
                _("Delivery"),
                "supplier warehouse date expected_date logistics waybill theirs_number shipment owner department note "
                "amount withdrawal reason",
            ),
            Section(
                _("Lines"), "product unit qty price discount tax_rate amount note received_qty", of="lines"
            ),
        ),
        links=(
            Link(
                source="purchase.order",
                fills=("base_qty", "noticed_qty"),
                header={"supplier": "supplier", "warehouse": "warehouse", "expected_date": "expected_date"},
                line={name: name for name in BOUGHT},
                same=("supplier", "warehouse", *SAME),
                differs=otherwise_priced,
                returns=True,
            ),
        ),
        is_chained=True,
    )
)
