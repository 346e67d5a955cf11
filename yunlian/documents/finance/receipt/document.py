"""The receipt, declared once. Its approval is finance's confirmation against the bank."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, State, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CashEntry, CustomerFundsEntry, ReceivableEntry

from . import posting, rules
from .facts import facts
from .model import Receipt, ReceiptLine

_LABELS = {
    "submit": _("Hand to finance"),
    "approve": _("Confirm"),
    "return": _("Reject"),
    "unapprove": _("Reverse"),
}
_STATES = {
    "submitted": State("submitted", _("To be confirmed"), "waiting"),
    "rereview": State("rereview", _("Rejected or reversed"), "bad"),
    "approved": State("approved", _("Confirmed"), "good"),
}
# flows.md F12: a confirmed receipt is locked; reversing takes its rows back when what it funded can be unapplied.
FLOW = replace(
    STANDARD,
    states=tuple(_STATES.get(state.name, state) for state in STANDARD.states),
    steps=tuple(
        replace(step, label=_LABELS.get(step.name, step.label))
        for step in STANDARD.steps
        if step.name not in ("close", "reopen")
    ),
)


def fill(receipt: Receipt, lines: list[ReceiptLine], ctx: Context) -> Iterable[Problem]:
    """Put the sum of the lines where no amount was given."""
    if receipt.amount is None and lines:
        receipt.amount = sum((line.amount or Decimal(0) for line in lines), Decimal(0))
    return ()


RECEIPT = declare(
    Document(
        code="finance.receipt",
        label=_("Receipt"),
        header=Receipt,
        lines=ReceiptLine,
        series=Series("RC{yyyymm}-{n:05}"),
        flow=FLOW,
        fill=fill,
        facts=facts,
        check=rules.check,
        post=posting.post,
        ledgers=(CashEntry, ReceivableEntry, CustomerFundsEntry),
        columns="number date customer purpose account amount reference state",
        find="number reference",
        sums="amount",
        form=(
            Section(
                _("Receipt"),
                "customer date purpose account amount payer reference is_auto_applied owner department note",
            ),
            Section(_("For"), "document amount note", of="lines"),
        ),
        links=(
            Link(
                source="sales.contract",
                header={"customer": "customer"},
                line={"document": "number"},
                fills=("amount", "received_amount"),
                same=("customer",),
                of_header=True,
            ),
            Link(
                source="sales.intention",
                header={"customer": "customer"},
                line={"document": "number"},
                fills=("amount", "earnest_amount"),
                same=("customer",),
                of_header=True,
            ),
        ),
        route_by="amount customer",
        is_chained=True,
    )
)
