"""The sales intention, declared once."""

from yunlian.kernel.document import Document, Section, Series, declare
from yunlian.kernel.text import _

from . import rules
from .fill import fill
from .flow import COLLAB, FLOW, WITHDRAWAL
from .model import SalesIntention, SalesIntentionLine

SALES_INTENTION = declare(
    Document(
        code="sales.intention",
        label=_("Sales intention"),
        header=SalesIntention,
        lines=SalesIntentionLine,
        needs_lines=True,
        series=Series("SI{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(COLLAB, WITHDRAWAL),
        fill=fill,
        check=rules.check,
        columns="number date customer customer_order due_date amount collab state",
        find="number customer_order customer",
        sums="amount",
        form=(
            Section(
                _("Intention"),
                "customer customer_order date due_date contact phone address owner department note amount "
                "earnest_amount reason",
            ),
            Section(
                _("Lines"),
                "product unit qty price expected_price amount due_date expected_date expected_qty note contracted_qty",
                of="lines",
            ),
        ),
        is_chained=True,
    )
)
