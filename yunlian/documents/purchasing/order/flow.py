"""The order's lifecycle and its collaboration with the supplier's sales intention (flows.md F5).

`collab` says how far the two sides are; `withdrawal` whether we asked to have a sent order back. Steps marked as the
partner's are moved by messages of the chain only.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.consent import ASK, DECLINED, GRANTED, RECALL
from yunlian.kernel.document import REASON, STANDARD, Bar, Flow, Problem, State, Step
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .quote import LINES, post_agreed, quoted_total, take_quote

# Collaboration states in which the supplier has a say in what becomes of the order.
BOUND = ("sent", "accepted", "quoted", "agreed")
_MAY_ASK = ("none", "declined")
Given = dict[str, Any]
# What a supplier tells of their own document, as code.state; its name is ours to give, in our reader's language.
THEIRS = (
    ("sales.intention.pending", _("To be accepted")),
    ("sales.intention.quoting", _("To be quoted")),
    ("sales.intention.quoted", _("Quoted")),
    ("sales.intention.agreed", _("Agreed")),
    ("sales.contract.created", _("Contract created")),
    ("sales.contract.submitted", _("Contract submitted")),
    ("sales.contract.rereview", _("Contract in re-review")),
    ("sales.contract.approved", _("Contract approved")),
    ("sales.contract.voided", _("Contract voided")),
    ("sales.contract.closed", _("Contract closed")),
)


def _named(kind: Any, name: str) -> Any:
    kind.name = name
    return kind


_NUMBER = _named(f.Code(label=_("Supplier's number")), "theirs_number")
_SOME_NUMBER = _named(f.Code(label=_("Supplier's number"), required=False), "theirs_number")
_STATE = _named(f.Choice(label=_("Supplier's state"), choices=THEIRS, required=False), "theirs_state")
_EXPECTED = _named(f.Date(label=_("Expected"), required=False), "expected_date")


def approve(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """An order to a supplier on the chain waits to be sent."""
    order.collab = "unsent" if order.supplier is not None and order.supplier.chain_id else "none"
    order.withdrawal, order.reason = "none", ""
    return ()


def unapprove(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Without the supplier's consent a sent order stays as it is."""
    if order.collab in BOUND:
        message = _("The supplier has this order: ask them to let you have it back first.")
        yield Problem("collab", message, code="consent")
    order.collab, order.withdrawal = "none", "none"
    _forget_quote(lines)


def close(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Closing cancels what is open, so it needs consent too: the supplier gave it by closing their contract."""
    if order.collab in BOUND and order.theirs_state != "sales.contract.closed":
        message = _(
            "The supplier has this order: ask them to close their contract when the rest is not to come, or to let you "
            "have the order back."
        )
        yield Problem("collab", message, code="consent")


def send(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Give the order to the supplier; what the chain itself must know of products it asks where it makes the message."""
    if not order.supplier.chain_id:
        yield Problem("supplier", _("This supplier is not linked on the chain."), code="unlinked")
    yield from _require_untouched(lines)
    order.attempt += 1
    order.withdrawal, order.reason, order.theirs_number, order.theirs_state = "none", "", "", ""
    order.expected_date = None
    _forget_quote(lines)


def _forget_quote(lines: list[Any]) -> None:
    for line in lines:
        line.quoted_qty = line.quoted_price = line.quoted_date = None


# Until both agree, goods would come at a price and in a quantity that may change; and after that they come by the
# supplier's own shipment, or the two sides' counts part (flows.md F5, decision 0016).
_BARS = {
    "sent": Bar(
        _("The supplier has it: wait for the quotation and confirm it before goods are received."),
        _("Waiting to be accepted"),
    ),
    "accepted": Bar(
        _("The supplier has it: wait for the quotation and confirm it before goods are received."),
        _("Waiting for the quotation"),
    ),
    "quoted": Bar(_("Confirm the quotation before goods are received.")),
    "refused": Bar(_("The supplier refused it: send it again, or take its approval back.")),
    "agreed": Bar(
        _(
            "Its goods are announced by the supplier's shipment: ask the supplier to record the shipment if they are here "
            "already."
        ),
        _("Waiting for the shipment"),
    ),
}


def bar(order: Any, ctx: Context) -> Bar | None:
    """Say why no goods of an order on the chain are noticed or received by hand; the shipment itself comes by the chain."""
    return None if ctx.is_chain and order.collab == "agreed" else _BARS.get(order.collab)


def _require_untouched(lines: list[Any]) -> Iterable[Problem]:
    """Goods that came by hand settle quantity and price already: what the two sides agree on would not hold for them."""
    for line in lines:
        if line.linked_noticed_qty > 0:
            message = _(
                "Goods of this line are noticed or received already: take those documents back and void them first."
            )
            yield Problem("qty", message, line.no, "followed")


def accepted(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """The supplier took the order in under a number of their own."""
    order.theirs_number = given["theirs_number"]
    order.theirs_state = given["theirs_state"]
    return ()


def refused(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """The supplier will not have it; it may be edited and sent again."""
    order.reason, order.withdrawal = given["reason"], "none"
    _forget_quote(lines)
    return ()


def agree(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Take the supplier's quantities, prices and dates for our own."""
    if order.withdrawal == "asked":
        yield Problem("withdrawal", _("You asked to have the order back: wait for the answer."), code="state")
    if max(order.linked_named_amount, order.paid_amount) > quoted_total(lines):
        yield Problem("amount", _("More has been paid than this quotation comes to."), code="exceeds")
    yield from _require_untouched(lines)
    for line in lines:
        line.agreed_change = -line.base_qty
        line.qty, line.price, line.discount = line.quoted_qty, line.quoted_price, line.discount * 0
        line.price_reason = "quoted"
        line.due_date = line.quoted_date or line.due_date


def disagree(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Ask the supplier for another quotation; theirs stays beside ours until it comes."""
    order.reason = given["reason"]
    return ()


def not_taken(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """The supplier did not take our answer: their quotation waits for another. What we agreed to stays in the lines."""
    if any(line.quoted_qty is None for line in lines):
        yield Problem("lines", _("There is no quotation to answer any more."), code="state")
    order.reason = given["reason"]


def progress(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """Keep what the supplier tells of their own document; it moves nothing of ours."""
    order.theirs_number = given["theirs_number"] or order.theirs_number
    order.theirs_state = given["theirs_state"] or order.theirs_state
    order.expected_date = given["expected_date"] or order.expected_date
    return ()


def granted(order: Any, lines: list[Any], given: Given, ctx: Context) -> Iterable[Problem]:
    """The order is ours again, to change or to send once more."""
    order.collab = "unsent"
    _forget_quote(lines)
    return ()


_ACTS = {"approve": approve, "unapprove": unapprove, "close": close}
_PROGRESS = Step(
    "partner_progress",
    _("Supplier's progress"),
    ("approved",),
    "approved",
    input=(_SOME_NUMBER, _STATE, _EXPECTED),
    act=progress,
    is_partner=True,
)
FLOW = replace(
    STANDARD,
    steps=(
        *(replace(step, act=_ACTS.get(step.name)) for step in STANDARD.steps),
        _PROGRESS,
    ),
)

COLLAB = Flow(
    label=_("Collaboration"),
    field="collab",
    states=(
        State("none", _("No collaboration")),
        State("unsent", _("Not sent"), "moving"),
        State("sent", _("Waiting to be accepted"), "partner"),
        State("accepted", _("Accepted"), "partner"),
        State("quoted", _("Quotation to confirm"), "waiting"),
        State("agreed", _("Collaboration complete"), "good"),
        State("refused", _("Refused"), "bad"),
    ),
    steps=(
        Step(
            "send",
            _("Send to the supplier"),
            ("unsent", "refused"),
            "sent",
            effect=("check",),
            act=send,
            when=("approved",),
            may=lambda order: order.close == "open",
            tone="primary",
        ),
        Step(
            "partner_accept",
            _("Accepted by the supplier"),
            ("sent",),
            "accepted",
            input=(_NUMBER, _STATE),
            act=accepted,
            when=("approved",),
            is_partner=True,
        ),
        Step(
            "partner_refuse",
            _("Refused by the supplier"),
            ("sent", "accepted", "quoted"),
            "refused",
            input=(REASON,),
            act=refused,
            when=("approved",),
            is_partner=True,
        ),
        Step(
            "partner_quote",
            _("Quoted by the supplier"),
            ("accepted", "quoted"),
            "quoted",
            input=(LINES, _EXPECTED, _STATE),
            act=take_quote,
            when=("approved",),
            is_partner=True,
        ),
        Step(
            "agree",
            _("Confirm the quotation"),
            ("quoted",),
            "agreed",
            effect=("check",),
            act=agree,
            post=post_agreed,
            when=("approved",),
            tone="primary",
            confirm=_("The order takes over the quoted quantities, prices and dates."),
        ),
        Step(
            "disagree",
            _("Do not agree"),
            ("quoted",),
            "accepted",
            input=(REASON,),
            act=disagree,
            when=("approved",),
            tone="danger",
        ),
        Step(
            "partner_reject",
            _("Answer not taken by the supplier"),
            ("agreed", "accepted"),
            "quoted",
            input=(REASON,),
            act=not_taken,
            when=("approved",),
            is_partner=True,
        ),
    ),
)

WITHDRAWAL = Flow(
    label=_("Withdrawal"),
    field="withdrawal",
    states=(
        State("none", _("Not asked")),
        State("asked", _("Asked to have it back"), "partner"),
        State("granted", _("Withdrawal granted"), "good"),
        State("declined", _("Withdrawal declined"), "bad"),
    ),
    steps=(
        replace(RECALL, from_=_MAY_ASK, may=lambda order: order.collab == "sent"),
        replace(ASK, from_=_MAY_ASK, may=lambda order: order.collab in ("accepted", "quoted", "agreed")),
        replace(GRANTED, act=granted),
        DECLINED,
    ),
)
