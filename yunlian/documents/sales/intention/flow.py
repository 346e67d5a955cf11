"""The intention's lifecycle and its collaboration with the dealer's purchase order (flows.md F5).

`collab` says how far the two sides are; `withdrawal` whether the dealer asked to take a sent order back. Steps marked
as the partner's are moved by messages of the chain only.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.consent import ASKED_FOR, DECLINE, GRANT, keep_reason
from yunlian.kernel.document import REASON, STANDARD, Flow, Problem, State, Step
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

# Collaboration states in which the intention is ours to decide on by the ordinary steps.
OWN = ("none",)
OVER = ("none", "refused", "recalled")

_CUSTOMER_ORDER = f.Text(label=_("Customer's order"), max_length=60, required=False)
_CUSTOMER_ORDER.name = "customer_order"


def _is_own(intention: Any) -> bool:
    return intention.collab in OWN


def _is_over(intention: Any) -> bool:
    return intention.collab in OVER


FLOW = replace(
    STANDARD,
    steps=tuple(
        replace(step, may=_is_own)
        if step.name in ("submit", "approve", "unapprove")
        else replace(step, may=_is_over)
        if step.name == "void"
        else step
        for step in STANDARD.steps
    ),
)


def place(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Keep what the dealer expects beside what we will quote."""
    intention.customer_order = given["customer_order"] or intention.customer_order
    for line in lines:
        line.expected_price, line.expected_qty, line.expected_date = line.price, line.qty, line.due_date
    return ()


def refuse(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """End it; the dealer may edit and send the order again."""
    intention.state, intention.reason = "voided", given["reason"]
    return ()


def quote(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Nothing is quoted by halves: every line names a price and a date."""
    for line in lines:
        if line.price is None:
            yield Problem("price", _("A quotation needs a price."), line.no, "required")
        if line.due_date is None:
            message = _("A quotation needs a date: on the line, or for all lines in the field Wanted by.")
            yield Problem("due_date", message, line.no, "required")
    intention.reason = ""


def agree(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """The dealer took our quotation: the intention is in force."""
    intention.state = "approved"
    return ()


def recall(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """The dealer took the order back before we accepted it."""
    intention.state = "voided"
    return ()


def grant(intention: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Let the dealer have the order back; contracts made from it must be taken back first."""
    intention.state, intention.collab = "voided", "recalled"
    return ()


def _may_accept(intention: Any) -> bool:
    return bool(intention.withdrawal != "asked")


COLLAB = Flow(
    label=_("Collaboration"),
    field="collab",
    states=(
        State("none", _("Not from the chain")),
        State(
            "pending",
            _("To be accepted"),
            "waiting",
            fixed=_("Accept the order before you change its prices and dates."),
        ),
        State("quoting", _("To be quoted"), "moving"),
        State(
            "quoted",
            _("Waiting for the customer"),
            "partner",
            fixed=_("The customer has this quotation: it can be changed when they disagree."),
        ),
        State("agreed", _("Agreed"), "good"),
        State("refused", _("Refused"), "bad"),
        State("recalled", _("Taken back by the customer")),
    ),
    steps=(
        Step(
            "partner_place",
            _("Order placed"),
            ("none",),
            "pending",
            input=(_CUSTOMER_ORDER,),
            act=place,
            when=("created",),
            is_partner=True,
        ),
        Step("accept", _("Accept"), ("pending",), "quoting", when=("created",), tone="primary"),
        Step(
            "refuse",
            _("Refuse"),
            ("pending", "quoting"),
            "refused",
            input=(REASON,),
            act=refuse,
            when=("created", "rereview"),
            tone="danger",
        ),
        Step(
            "quote",
            _("Quote"),
            ("quoting",),
            "quoted",
            effect=("check",),
            act=quote,
            when=("created", "rereview"),
            may=_may_accept,
            tone="primary",
            confirm=_(
                "Prices, dates and quantities go to the customer and can be changed again only when they disagree."
            ),
        ),
        Step(
            "partner_agree",
            _("Quotation accepted"),
            ("quoted",),
            "agreed",
            effect=("post",),
            act=agree,
            is_partner=True,
        ),
        Step(
            "partner_disagree",
            _("Quotation not accepted"),
            ("quoted",),
            "quoting",
            input=(REASON,),
            act=keep_reason,
            is_partner=True,
        ),
        Step("partner_recall", _("Order recalled"), ("pending",), "recalled", act=recall, is_partner=True),
    ),
)

WITHDRAWAL = Flow(
    label=_("Withdrawal"),
    field="withdrawal",
    states=(
        State("none", _("Not asked")),
        State("asked", _("Customer asks to withdraw"), "waiting"),
        State("granted", _("Withdrawal granted"), "quiet"),
        State("declined", _("Withdrawal declined"), "bad"),
    ),
    steps=(
        replace(ASKED_FOR, may=lambda intention: intention.collab in ("quoting", "quoted", "agreed")),
        replace(
            GRANT,
            effect=("negate",),
            act=grant,
            confirm=_("The intention is voided and the customer may change the order."),
        ),
        DECLINE,
    ),
)
