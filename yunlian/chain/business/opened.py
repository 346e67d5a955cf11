"""What is still open with a partner, on both sides as far as they told us; a link is not dissolved over it unseen.

Orders under way, goods announced or on their way, money not confirmed. Once a link is dissolved nobody can consent any
more: what the partner had a say in is ours alone again. Source: flows.md F18.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q

from yunlian.documents.finance.payment.model import Payment
from yunlian.documents.finance.receipt.model import Receipt
from yunlian.documents.purchasing.order.flow import BOUND as ORDER_BOUND
from yunlian.documents.purchasing.order.model import PurchaseOrder
from yunlian.documents.sales.contract.model import SalesContract
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.documents.stock.receipt_notice.model import ReceiptNotice
from yunlian.documents.stock.sales_out.model import SalesOut
from yunlian.kernel.consent import BOUND
from yunlian.kernel.document import Flow, Problem, find_document
from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context
from yunlian.kernel.text import Label, _

from ..models import Link, Origin
from ..timeline import state_words, their_words

_UNDECIDED = ("pending", "quoting", "quoted")
_PENDING = ("created", "submitted", "rereview")


@dataclass(frozen=True)
class Open:
    """One document of ours that is not finished, and what the partner told of theirs; states are for people."""

    code: str
    id: uuid.UUID
    number: str
    state: Label
    theirs_number: str = ""
    theirs_state: Label = ""

    @property
    def label(self) -> Label:
        return find_document(self.code).label


def find_open(link: Link) -> list[Open]:
    """Return what is open with the partner of a link, in the order goods and money go."""
    found = _selling(link) if link.direction == "upstream" else _buying(link)
    return list(found)


def _buying(link: Link) -> Iterable[Open]:
    orders = PurchaseOrder.objects.filter(
        supplier_id=link.partner_id, state="approved", close="open", collab__in=ORDER_BOUND
    )
    for order in orders.order_by("number"):
        yield _shown("purchase.order", order, order.collab)
    notices = ReceiptNotice.objects.filter(
        id__in=_from(link, "stock.receipt_notice"), state="approved", close="open"
    )
    for notice in notices.order_by("number"):
        yield _shown("stock.receipt_notice", notice, notice.state)
    payments = Payment.objects.filter(supplier_id=link.partner_id, state="approved", withdrawal__in=BOUND)
    for payment in payments.exclude(theirs_state="finance.receipt.approved").order_by("number"):
        yield _shown("finance.payment", payment, payment.paid)


def _selling(link: Link) -> Iterable[Open]:
    intentions = _from(link, "sales.intention")
    waiting = SalesIntention.objects.filter(id__in=intentions, collab__in=_UNDECIDED).exclude(state="voided")
    for intention in waiting.order_by("number"):
        yield _shown("sales.intention", intention, intention.collab, intention.customer_order)
    made = LinkRow.objects.filter(source_doc_id__in=intentions, target_code="sales.contract")
    contracts = SalesContract.objects.filter(id__in=made.values("target_doc_id"))
    is_open = Q(state="approved", close="open") | Q(state__in=_PENDING)
    for contract in contracts.filter(is_open).order_by("number"):
        yield _shown("sales.contract", contract, contract.state)
    shipments = SalesOut.objects.filter(
        customer_id=link.partner_id, state="approved", withdrawal__in=BOUND
    ).exclude(signed="signed")
    for out in shipments.order_by("number"):
        yield _shown("stock.sales_out", out, out.signed)
    receipts = Receipt.objects.filter(id__in=_from(link, "finance.receipt"), state__in=_PENDING)
    for receipt in receipts.order_by("number"):
        yield _shown("finance.receipt", receipt, receipt.state, receipt.reference)


def _from(link: Link, code: str) -> Any:
    """Our documents of a code that came over a link."""
    return Origin.objects.filter(link_id=link.id, code=code).values("doc")


def _shown(code: str, header: Any, state: str, theirs: str = "") -> Open:
    told = getattr(header, "theirs_state", "")
    of, _dot, name = told.rpartition(".")
    return Open(
        code,
        header.id,
        header.number or "",
        state_words(code, state),
        theirs or getattr(header, "theirs_number", ""),
        their_words(of, name),
    )


def _said(row: Open) -> Label:
    """One open document as people read it, with what the partner told of theirs."""
    said = {"document": row.label, "number": row.number, "state": row.state}
    if not row.theirs_number:
        return _("%(document)s %(number)s is still open: %(state)s") % said
    told = " ".join(str(word) for word in (row.theirs_number, row.theirs_state) if word)
    return _("%(document)s %(number)s is still open: %(state)s; at the partner: %(told)s") % (
        said | {"told": told}
    )


def _require_seen(link: Link, given: dict[str, Any]) -> Iterable[Problem]:
    """Yield every open document, unless an administrator has seen them and says why it ends all the same."""
    rows = find_open(link)
    if not rows:
        return
    if not given["is_seen"]:
        for row in rows:
            yield Problem(None, _said(row), code="open")
    elif not given["reason"]:
        yield Problem("reason", _("Say why it ends though something is still open."), code="required")


def guarded(flow: Flow) -> Flow:
    """Return the flow of links whose step `dissolve` looks for what is open first."""

    def dissolve(link: Link, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
        yield from _require_seen(link, given)
        link.reason = given["reason"]

    return replace(
        flow,
        steps=tuple(replace(step, act=dissolve) if step.name == "dissolve" else step for step in flow.steps),
    )


def _let_go(ctx: Context, loaded: Loaded) -> None:
    """The link is over, and with it the partner's say: what was bound by it is ours alone again."""
    link = loaded.header
    if link.direction == "downstream":
        orders = PurchaseOrder.objects.filter(
            supplier_id=link.partner_id, collab__in=("unsent", *ORDER_BOUND)
        )
        orders.update(collab="none", withdrawal="none")
        Payment.objects.filter(supplier_id=link.partner_id, withdrawal__in=BOUND).update(withdrawal="none")
        notices = ReceiptNotice.objects.filter(id__in=_from(link, "stock.receipt_notice"))
        notices.filter(withdrawal="asked").update(withdrawal="none")
        return
    intentions = SalesIntention.objects.filter(id__in=_from(link, "sales.intention"))
    intentions.filter(collab__in=_UNDECIDED).update(collab="none", withdrawal="none")
    intentions.filter(withdrawal="asked").update(withdrawal="none")
    SalesOut.objects.filter(customer_id=link.partner_id, withdrawal__in=BOUND).update(withdrawal="none")
    Receipt.objects.filter(id__in=_from(link, "finance.receipt"), withdrawal="asked").update(
        withdrawal="none"
    )


for _step in ("dissolve", "dissolved"):
    on("chain.link", _step, _let_go)
