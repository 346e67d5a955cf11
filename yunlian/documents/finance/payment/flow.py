"""A payment's lifecycle: entered, approved, and paid by the cashier, which alone moves cash (flows.md F13)."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.consent import asking, require_consent
from yunlian.kernel.document import STANDARD, Flow, Problem, State, Step
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Account

from .paying import pay


def _release(payment: Any, lines: list[Any], given: Any, ctx: Context) -> Iterable[Problem]:
    """What was paid is taken back together with the approval; what the supplier's enterprise has, with its consent only."""
    yield from require_consent(payment)
    payment.paid, payment.withdrawal = "unpaid", "none"
    payment.theirs_number = payment.theirs_state = ""


_ACCOUNT = f.Ref(
    Account, label=_("Account"), required=False, hint=_("Where it is paid from; blank: as the payment says.")
)
_ACCOUNT.name = "account"


def _settle(payment: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """The cashier says which account the money leaves."""
    account = given["account"]
    if account is not None:
        payment.account_id = account.id
        payment._state.fields_cache["account"] = account
    if payment.account is None:
        yield Problem("account", _("Name the account it is paid from."), code="required")


# What a supplier tells of their receipt, as code.state.
THEIRS = (
    ("finance.receipt.submitted", _("To be confirmed")),
    ("finance.receipt.approved", _("Confirmed")),
    ("finance.receipt.rereview", _("Rejected or reversed")),
    ("finance.receipt.voided", _("Voided")),
)
_NUMBER = f.Code(label=_("Supplier's number"), required=False)
_NUMBER.name = "theirs_number"
_STATE = f.Choice(label=_("Supplier's state"), choices=THEIRS, required=False)
_STATE.name = "theirs_state"


def _progress(payment: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Keep what the supplier tells of their receipt; it moves nothing of ours."""
    payment.theirs_number = given["theirs_number"] or payment.theirs_number
    payment.theirs_state = given["theirs_state"] or payment.theirs_state
    return ()


FLOW = replace(
    STANDARD,
    steps=(
        *(
            replace(step, act=_release) if step.name == "unapprove" else step
            for step in STANDARD.steps
            if step.name not in ("close", "reopen")
        ),
        Step(
            "partner_progress",
            _("Supplier's progress"),
            ("approved",),
            "approved",
            input=(_NUMBER, _STATE),
            act=_progress,
            is_partner=True,
        ),
    ),
)
PAID = Flow(
    label=_("Payment"),
    field="paid",
    states=(State("unpaid", _("Not paid"), "waiting"), State("paid", _("Paid"), "good")),
    steps=(
        Step(
            "pay",
            _("Pay"),
            ("unpaid",),
            "paid",
            input=(_ACCOUNT,),
            act=_settle,
            when=("approved",),
            post=pay,
            tone="primary",
            confirm=_("The money leaves the account."),
        ),
    ),
)
WITHDRAWAL = asking()
