"""Our purchase orders with suppliers on the chain: what we tell them and what they tell us (flows.md F5, side D).

The thread is the order's id. We place, agree, disagree, recall, and ask to have an order back; they accept, refuse, quote,
and answer. What they say moves our order only by its partner's steps, and only in the attempt that is out.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from yunlian.documents.purchasing.order.model import PurchaseOrder
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.text import _

from .. import receipts
from ..messages import Arrival, Handler, Message, Outgoing, receive, send
from ..models import Offer, Outbox
from . import wording
from .kinship import find_link, require_direction, theirs

ORDER = "purchase.order"


def _from_order(ctx: Context, loaded: Loaded, data: dict[str, Any]) -> Iterable[Outgoing]:
    """A message about an order of ours, if its supplier is linked."""
    order = loaded.header
    link = find_link(order.supplier_id, "downstream")
    if link is None:
        return ()
    words = {
        "number": order.number,
        "attempt": order.attempt,
        "currency": wording.currency_of(ctx.enterprise_id),
    }
    return (
        Outgoing(
            link_id=link.id,
            thread=order.id,
            subject=f"{ORDER}/{order.id}",
            subject_version=max(order.attempt, 1),
            data=words | data,
        ),
    )


def _placed(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """The order whole. Refuses to be sent while the partner is not linked or a product is not one of theirs."""
    order = loaded.header
    link = find_link(order.supplier_id, "downstream")
    if link is None:
        raise Refused(
            Problem("supplier", _("There is no collaboration in force with this supplier."), code="no_link")
        )
    offers = wording.find_offers(link, [line.product_id for line in loaded.lines])
    foreign = [line for line in loaded.lines if line.product_id not in offers]
    if foreign:
        message = _("%(code)s was not downloaded from this supplier.")
        raise Refused(
            *(
                Problem("product", message % {"code": line.product.code}, line.no, "unmapped")
                for line in foreign
            )
        )
    bases = wording.base_units(loaded.lines)
    lines = [
        {
            "line": str(line.id),
            "no": line.no,
            "product": wording.product_words(line.product, offers[line.product_id]),
            **wording.goods_words(line, bases),
            "price": wording.net_price(line.price, line.discount),
            "due_date": wording.day(line.due_date or order.due_date),
            "note": line.note,
        }
        for line in loaded.lines
    ]
    data = {
        "date": wording.day(order.date),
        "due_date": wording.day(order.due_date),
        "customer_order": order.customer_order,
        "note": order.note,
        "address": order.warehouse.address,
        "lines": lines,
    }
    return _from_order(ctx, loaded, data)


def _agreed(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    lines = [
        {
            "line": str(line.id),
            "qty": wording.exact(line.qty),
            "unit": wording.unit_words(line.unit),
            "price": wording.exact(line.price, 2),
        }
        for line in loaded.lines
    ]
    return _from_order(ctx, loaded, {"lines": lines})


def _reasoned(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _from_order(ctx, loaded, {"reason": loaded.header.reason})


def _step_back(ctx: Context, row: Outbox, step: str) -> None:
    """Take a step of the order because its message was rejected; gives the reason."""
    move(ORDER, ctx, row.thread, step, reason=receipts.kept_reason(row))


def _placing_failed(ctx: Context, row: Outbox) -> None:
    _step_back(ctx, row, "partner_refuse")


def _asking_failed(ctx: Context, row: Outbox) -> None:
    _step_back(ctx, row, "partner_decline_withdrawal")


def _answer_failed(ctx: Context, row: Outbox) -> None:
    _step_back(ctx, row, "partner_reject")


def _recalled(ctx: Context, row: Outbox) -> None:
    move(ORDER, ctx, row.thread, "partner_grant_withdrawal")


# Where their intention stands once they took our answer to a quotation: by our collaboration state.
_ANSWERED = {"agreed": "sales.intention.agreed", "accepted": "sales.intention.quoting"}


def _answer_taken(ctx: Context, row: Outbox) -> None:
    """They told us last that they had quoted; what they told since, of their contract or a new quotation, is newer."""
    order = PurchaseOrder.objects.filter(id=row.thread, theirs_state="sales.intention.quoted").first()
    if order is not None and order.collab in _ANSWERED:
        move(ORDER, ctx, order.id, "partner_progress", theirs_state=_ANSWERED[order.collab])


send(Message(kind="order.placed", on=((ORDER, "send"),), make=_placed, back=_placing_failed))
send(
    Message(
        kind="order.agreed", on=((ORDER, "agree"),), make=_agreed, done=_answer_taken, back=_answer_failed
    )
)
send(
    Message(
        kind="order.disagreed",
        on=((ORDER, "disagree"),),
        make=_reasoned,
        done=_answer_taken,
        back=_answer_failed,
    )
)
send(
    Message(
        kind="order.recalled", on=((ORDER, "recall"),), make=_reasoned, done=_recalled, back=_asking_failed
    )
)
send(Message(kind="withdrawal.asked", on=((ORDER, "ask_withdrawal"),), make=_reasoned, back=_asking_failed))


def _order(arrival: Arrival) -> uuid.UUID:
    """Our order the message speaks of, in the attempt that is out. Raises Missing or Refused."""
    require_direction(arrival, "downstream")
    order: PurchaseOrder = theirs(arrival, PurchaseOrder, "supplier_id")
    if arrival.data.get("attempt") != order.attempt:
        raise Refused(Problem("attempt", _("This is about an earlier attempt of the order."), code="attempt"))
    arrival.concern(ORDER, order.number or "")
    id_: uuid.UUID = order.id
    return id_


def _step(arrival: Arrival, step: str, **given: Any) -> Loaded:
    return move(ORDER, arrival.ctx, _order(arrival), step, None, **given)


def _hear_accepted(arrival: Arrival) -> None:
    data = arrival.data
    _step(arrival, "partner_accept", theirs_number=data.get("number"), theirs_state=wording.state_of(data))


def _hear_refused(arrival: Arrival) -> None:
    _step(arrival, "partner_refuse", reason=wording.reason_of(arrival.data))


def _hear_quoted(arrival: Arrival) -> None:
    names, told = ("line", "qty", "price", "date"), wording.lines_of(arrival.data)
    lines = [{name: line.get(name) for name in names} for line in told]
    said = {
        "expected_date": arrival.data.get("expected_date"),
        "theirs_state": wording.state_of(arrival.data),
    }
    _require_ordered(arrival, _step(arrival, "partner_quote", lines=lines, **said), told)


def _require_ordered(arrival: Arrival, order: Loaded, told: list[Mapping[str, Any]]) -> None:
    """Refuse a quotation of another product or unit than was ordered: it may change quantity, price and date."""
    reader = wording.Reader(told)
    reader.learn(arrival.ctx, [line.product for line in order.lines])
    quoted = {line.get("line"): line for line in told}
    offers = Offer.objects.filter(
        link_id=arrival.link.id, product_id__in=[line.product_id for line in order.lines]
    )
    theirs_of = set(offers.values_list("product_id", "upstream_id"))
    for line in order.lines:
        told_line = quoted[str(line.id)]
        if (line.product_id, wording.their_product(told_line)) not in theirs_of:
            message = _("%(code)s was ordered, and another product is quoted.") % {"code": line.product.code}
            reader.problems.append(Problem("product", message, line.no, "ordered"))
        unit = reader.unit(told_line, line.no)
        if unit == str(line.unit_id):
            reader.require_base(line.product, told_line, line.no, line.quoted_qty * line.factor)
        elif unit is not None:
            message = _("%(unit)s was ordered, and another unit is quoted.") % {"unit": line.unit.name}
            reader.problems.append(Problem("unit", message, line.no, "ordered"))
    reader.finish()


def _hear_granted(arrival: Arrival) -> None:
    _step(arrival, "partner_grant_withdrawal")


def _hear_declined(arrival: Arrival) -> None:
    _step(arrival, "partner_decline_withdrawal", reason=wording.reason_of(arrival.data))


receive(Handler(kind="order.accepted", apply=_hear_accepted, verbs=(f"{ORDER}.partner_accept",)))
receive(Handler(kind="order.refused", apply=_hear_refused, verbs=(f"{ORDER}.partner_refuse",)))
receive(Handler(kind="order.quoted", apply=_hear_quoted, verbs=(f"{ORDER}.partner_quote",)))
receive(Handler(kind="withdrawal.granted", apply=_hear_granted, verbs=(f"{ORDER}.partner_grant_withdrawal",)))
receive(
    Handler(kind="withdrawal.declined", apply=_hear_declined, verbs=(f"{ORDER}.partner_decline_withdrawal",))
)
