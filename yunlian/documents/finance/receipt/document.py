"""The receipt, declared once. Its approval is finance's confirmation against the bank."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, State, Step, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CashEntry, CustomerFundsEntry, ReceivableEntry
from yunlian.masters.models import Account

from . import posting, rules
from .facts import facts
from .flow import WITHDRAWAL
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
_ACCOUNT = f.Ref(
    Account, label=_("Account"), required=False, hint=_("Where the money came; blank: as the receipt says.")
)
_ACCOUNT.name = "account"


def _settle(receipt: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Finance says where the money came; a receipt from the chain does not know."""
    account = given["account"]
    if account is not None:
        receipt.account_id = account.id
        receipt._state.fields_cache["account"] = account
    return ()


def _shaped(step: Step) -> Step:
    step = replace(step, label=_LABELS.get(step.name, step.label))
    return replace(step, input=(_ACCOUNT,), act=_settle) if step.name == "approve" else step


# flows.md F12: a confirmed receipt is locked; reversing takes its rows back when what it funded can be unapplied.
FLOW = replace(
    STANDARD,
    states=tuple(_STATES.get(state.name, state) for state in STANDARD.states),
    steps=tuple(_shaped(step) for step in STANDARD.steps if step.name not in ("close", "reopen")),
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
        tracks=(WITHDRAWAL,),
        fill=fill,
        facts=facts,
        check=rules.check,
        post=posting.post,
        ledgers=(CashEntry, ReceivableEntry, CustomerFundsEntry),
        columns="number date customer purpose account amount reference state",
        find="number reference customer",
        sums="amount",
        form=(
            Section(
                _("Receipt"),
                "customer date purpose account amount payer reference is_auto_applied owner department note "
                "withdrawal reason",
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
        is_chained=True,
    )
)
