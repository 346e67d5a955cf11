"""Taking back what another enterprise has: with its consent only, asked for on our document and given on theirs.

Two flows that mirror each other. `asking` is for the document whose message left: it may be recalled while nobody there
took it up, else the partner is asked with a reason. `asked` is for the document it became: it carries the request until
somebody consents or declines. The steps stand by themselves for an order and its intention, whose collaboration is a track
of its own. Source: flows.md F5 (message rules), chain protocol B17.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from .document import REASON, Flow, Problem, State, Step
from .scope import Context
from .text import _

# States of `asking` in which the partner has a say.
BOUND = ("sent", "asked", "declined")
_MAY_ASK = ("sent", "declined")


def require_consent(header: Any) -> Iterable[Problem]:
    """Yield why the approval of a document the partner has may not be taken back yet."""
    if header.withdrawal in BOUND:
        message = _("The partner has this document: recall it, or ask to have it back, first.")
        yield Problem("withdrawal", message, code="consent")


def keep_reason(header: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Show the reason that was given last."""
    header.reason = given["reason"]
    return ()


def _forget_reason(header: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    header.reason = ""
    return ()


# The steps of who asks. From where one may is the flow's to say.
RECALL = Step(
    "recall",
    _("Recall"),
    _MAY_ASK,
    "asked",
    act=_forget_reason,
    when=("approved",),
    tone="danger",
    confirm=_("Taken back on both sides if nobody there has taken it up."),
)
ASK = Step(
    "ask_withdrawal",
    _("Ask to have it back"),
    _MAY_ASK,
    "asked",
    input=(REASON,),
    act=keep_reason,
    when=("approved",),
    tone="danger",
)
GRANTED = Step(
    "partner_grant_withdrawal",
    _("Withdrawal granted"),
    ("asked",),
    "granted",
    when=("approved",),
    is_partner=True,
)
DECLINED = Step(
    "partner_decline_withdrawal",
    _("Withdrawal declined"),
    ("asked",),
    "declined",
    input=(REASON,),
    act=keep_reason,
    when=("approved",),
    is_partner=True,
)
# The steps of who is asked; what consent does is the flow's to say.
ASKED_FOR = Step(
    "partner_ask_withdrawal",
    _("Withdrawal asked for"),
    ("none", "declined"),
    "asked",
    input=(REASON,),
    act=keep_reason,
    is_partner=True,
)
GRANT = Step("grant_withdrawal", _("Grant withdrawal"), ("asked",), "granted", tone="danger")
DECLINE = Step(
    "decline_withdrawal", _("Decline withdrawal"), ("asked",), "declined", input=(REASON,), act=keep_reason
)


def asking(may_recall: Callable[[Any], bool] | None = None) -> Flow:
    """Return the track of a document whose message left; `may_recall` hides recalling once that is known to be too late."""
    return Flow(
        label=_("Withdrawal"),
        field="withdrawal",
        states=(
            State("none", _("Not with the partner")),
            State("sent", _("With the partner"), "partner"),
            State("asked", _("Asked to have it back"), "waiting"),
            State("granted", _("Withdrawal granted"), "good"),
            State("declined", _("Withdrawal declined"), "bad"),
        ),
        steps=(
            replace(RECALL, may=may_recall),
            ASK,
            GRANTED,
            DECLINED,
            Step(
                "partner_reject",
                _("Not taken by the partner"),
                BOUND,
                "none",
                input=(REASON,),
                act=keep_reason,
                when=("approved",),
                is_partner=True,
            ),
        ),
    )


def asked(
    effect: tuple[str, ...], when: tuple[str, ...], check: Callable[[Any], Iterable[Problem]] | None = None
) -> Flow:
    """Return the track of a document that came from a partner.

    Consent takes it back by `effect` and voids it. It is possible in the states `when`; `check(header)` yields why it
    cannot be given there: what hangs on the document must go first.
    """

    def give_back(header: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
        yield from () if check is None else check(header)
        header.state = "voided"

    return Flow(
        label=_("Withdrawal"),
        field="withdrawal",
        states=(
            State("none", _("Not asked")),
            State("asked", _("Partner asks to have it back"), "waiting"),
            State("granted", _("Withdrawal granted"), "quiet"),
            State("declined", _("Withdrawal declined"), "bad"),
        ),
        steps=(
            Step(
                "partner_recall",
                _("Recalled by the partner"),
                ("none", "declined"),
                "granted",
                effect=effect,
                act=give_back,
                when=when,
                is_partner=True,
            ),
            ASKED_FOR,
            replace(
                GRANT,
                effect=effect,
                act=give_back,
                when=when,
                confirm=_("This document is voided, and the partner takes theirs back."),
            ),
            DECLINE,
        ),
    )
