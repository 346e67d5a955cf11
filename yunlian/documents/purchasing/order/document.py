"""The purchase order, declared once."""

from yunlian.kernel.document import Document, Section, Series, declare
from yunlian.kernel.text import _
from yunlian.ledgers.models import StockEntry

from . import posting, progress, rules
from .fill import fill
from .flow import COLLAB, FLOW, WITHDRAWAL, bar
from .model import PurchaseOrder, PurchaseOrderLine

PURCHASE_ORDER = declare(
    Document(
        code="purchase.order",
        label=_("Purchase order"),
        menu="purchasing",
        header=PurchaseOrder,
        lines=PurchaseOrderLine,
        needs_lines=True,
        series=Series("PO{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(COLLAB, WITHDRAWAL),
        fill=fill,
        check=rules.check,
        post=posting.post,
        rest=posting.rest,
        bar=bar,
        ledgers=(StockEntry,),
        columns="number date supplier due_date amount collab theirs_number expected_date state",
        find="number theirs_number customer_order supplier",
        sums="amount",
        form=(
            Section(
                _("Order"),
                "supplier warehouse date due_date customer_order owner department note amount paid_amount",
            ),
            Section(
                _("Supplier's side"), "theirs_number theirs_state expected_date quoted_amount reason attempt"
            ),
            Section(
                _("Lines"),
                "product unit qty price discount tax_rate amount due_date quoted_qty quoted_price quoted_date note "
                "noticed_qty received_qty",
                of="lines",
            ),
        ),
        is_chained=True,
    )
)
progress.subscribe()
