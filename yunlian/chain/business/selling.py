"""Our sales intentions from dealers on the chain: what they tell us and what we tell them (flows.md F5, side H).

An order placed becomes an intention with our products, their expected prices and dates; nothing else of ours moves. We
accept, refuse, quote and answer; they agree to exactly what we quoted, or do not.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from django.db import transaction

from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.kernel.document import Problem, Refused, find_document
from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.pulling import push
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.text import _, keep
from yunlian.masters.models import Warehouse

from .. import receipts
from ..messages import Arrival, Handler, Message, Outgoing, receive, send
from ..models import Origin, Outbox
from . import wording
from .kinship import made_from, origin_of, owned, pair, pairs_by_ours, require_direction

INTENTION, CONTRACT = "sales.intention", "sales.contract"


def _place(arrival: Arrival) -> None:
    """An intention for the order: our products, the dealer's expected prices and dates; nothing else moves."""
    require_direction(arrival, "upstream")
    data, lines = arrival.data, wording.lines_of(arrival.data)
    _require_currency(arrival)
    _require_gone(arrival)
    reader = wording.Reader(lines)
    taken = [
        {
            "product": reader.product(line, no),
            "unit": reader.unit(line, no),
            "qty": line.get("qty"),
            "price": line.get("price"),
            "due_date": line.get("due_date"),
            "note": line.get("note") or "",
        }
        for no, line in enumerate(lines, 1)
    ]
    reader.finish()
    made = save(
        INTENTION,
        arrival.ctx,
        {
            "customer": str(arrival.link.partner_id),
            "customer_order": data.get("number"),
            "date": data.get("date"),
            "due_date": data.get("due_date"),
            "address": data.get("address") or "",
            "note": data.get("note") or "",
            "lines": taken,
        }
        | owned(arrival),
    )
    move(INTENTION, arrival.ctx, made.pk, "partner_place", customer_order=str(data.get("number") or ""))
    reader.learn(arrival.ctx, [line.product for line in made.lines])
    for line, told in zip(made.lines, lines, strict=True):
        reader.require_base(line.product, told, line.no, line.base_qty)
    reader.finish()
    origin = arrival.remember(INTENTION, made.pk, made.header.number)
    pair(
        origin, zip([wording.line_id(line) for line in lines], [line.id for line in made.lines], strict=True)
    )


def _require_currency(arrival: Arrival) -> None:
    ours = wording.currency_of(arrival.ctx.enterprise_id)
    if arrival.data.get("currency") != ours:
        message = _("We trade in %(currency)s.") % {"currency": ours}
        raise Refused(Problem("currency", message, code="currency"))


def _require_gone(arrival: Arrival) -> None:
    """Another attempt of an order may only come when the one before is over."""
    earlier = Origin.objects.filter(thread=arrival.envelope.thread, link_id=arrival.link.id, code=INTENTION)
    alive = SalesIntention.objects.filter(
        id__in=list(earlier.values_list("doc", flat=True)),
        collab__in=("pending", "quoting", "quoted", "agreed"),
    )
    if alive.exclude(state="voided").exists():
        raise Refused(Problem("attempt", _("The order is here already and not yet over."), code="exists"))


def _of_thread(arrival: Arrival) -> uuid.UUID:
    """Our intention for the attempt the message speaks of. Raises Missing or Refused."""
    require_direction(arrival, "upstream")
    origin = made_from(arrival, INTENTION)
    if origin.subject_version != arrival.envelope.subject_version:
        raise Refused(
            Problem("attempt", _("This is about an earlier or later attempt of the order."), code="attempt")
        )
    return origin.doc


def _agree(arrival: Arrival) -> None:
    """The dealer took our quotation: what they agreed to must be what we quoted, to the last digit."""
    doc = _of_thread(arrival)
    loaded = load(find_document(INTENTION), arrival.ctx, doc, lock=True)
    pairs = pairs_by_ours(made_from(arrival, INTENTION))
    quoted = {
        str(pairs.get(line.id)): (wording.exact(line.qty), wording.exact(line.price, 2))
        for line in loaded.lines
    }
    agreed = {
        str(line.get("line")): (line.get("qty"), line.get("price")) for line in wording.lines_of(arrival.data)
    }
    if quoted != agreed:
        raise Refused(Problem("lines", _("What was agreed to is not what was quoted."), code="differs"))
    agreed_to = move(INTENTION, arrival.ctx, doc, "partner_agree")
    if Warehouse.objects.filter(is_default=True, is_active=True).exists():
        # Without a default warehouse somebody must say where it ships from, and pushes the contract themselves.
        _contract(arrival, agreed_to.header)


def _contract(arrival: Arrival, intention: SalesIntention) -> None:
    """Make the contract. What stands in the way does not undo the agreement: it is told on the intention, to be mended."""
    kept = {"date": intention.date.isoformat(), "owner": str(intention.owner_id)}
    if intention.department_id is not None:
        kept["department"] = str(intention.department_id)
    try:
        with transaction.atomic():
            body = push(INTENTION, arrival.ctx, intention.id, CONTRACT)
            made = save(CONTRACT, arrival.ctx, body | kept)
    except Refused as refused:
        first, *more = [problem.message for problem in refused.problems]
        why = _("The contract could not be made: %(why)s Mend that and push it from here.") % {"why": first}
        SalesIntention.objects.filter(id=intention.id).update(reason=keep(why, *more))
    else:
        arrival.concern(CONTRACT, made.header.number)


def _disagree(arrival: Arrival) -> None:
    move(
        INTENTION,
        arrival.ctx,
        _of_thread(arrival),
        "partner_disagree",
        reason=wording.reason_of(arrival.data),
    )


def _recall(arrival: Arrival) -> None:
    move(INTENTION, arrival.ctx, _of_thread(arrival), "partner_recall")


def _ask_withdrawal(arrival: Arrival) -> None:
    reason = wording.reason_of(arrival.data)
    move(INTENTION, arrival.ctx, _of_thread(arrival), "partner_ask_withdrawal", reason=reason)


receive(Handler(kind="order.placed", apply=_place, verbs=(f"{INTENTION}.edit", f"{INTENTION}.partner_place")))
receive(Handler(kind="order.agreed", apply=_agree, verbs=(f"{INTENTION}.partner_agree", f"{CONTRACT}.edit")))
receive(Handler(kind="order.disagreed", apply=_disagree, verbs=(f"{INTENTION}.partner_disagree",)))
receive(Handler(kind="order.recalled", apply=_recall, verbs=(f"{INTENTION}.partner_recall",)))
receive(
    Handler(kind="withdrawal.asked", apply=_ask_withdrawal, verbs=(f"{INTENTION}.partner_ask_withdrawal",))
)


def _from_intention(loaded: Loaded, data: dict[str, Any]) -> Iterable[Outgoing]:
    """A message about an intention that came from the chain."""
    origin = origin_of(loaded)
    if origin is None:
        return ()
    words = {"number": loaded.header.number, "order_number": loaded.header.customer_order}
    return (
        Outgoing(
            link_id=origin.link_id,
            thread=origin.thread,
            subject=f"{INTENTION}/{loaded.pk}",
            subject_version=origin.subject_version,
            data=words | {"attempt": origin.subject_version} | data,
        ),
    )


def _accepted(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _from_intention(loaded, {"document": INTENTION, "state": loaded.header.collab})


def _refused(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _from_intention(loaded, {"reason": loaded.header.reason})


def _quoted(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """The quotation: every line of the order and no other, in the order's own line ids."""
    origin = origin_of(loaded)
    if origin is None:
        return ()
    pairs = pairs_by_ours(origin)
    bases = wording.base_units(loaded.lines)
    if set(pairs) != {line.id for line in loaded.lines}:
        message = _("A quotation covers every line the customer ordered and no other.")
        raise Refused(Problem("lines", message, code="lines"))
    lines = [
        {
            "line": str(pairs[line.id]),
            "product": wording.product_words(line.product),
            **wording.goods_words(line, bases),
            "price": wording.exact(line.price, 2),
            "date": wording.day(line.due_date),
        }
        for line in loaded.lines
    ]
    dates = [line.due_date for line in loaded.lines if line.due_date]
    data = {
        "currency": wording.currency_of(ctx.enterprise_id),
        "amount": wording.exact(loaded.header.amount, 2),
        "expected_date": wording.day(max(dates, default=None)),
        "document": INTENTION,
        "state": loaded.header.collab,
        "lines": lines,
    }
    return _from_intention(loaded, data)


def _quoting_failed(ctx: Context, row: Outbox) -> None:
    """What the dealer's books did not take is quoted again."""
    intention = row.subject.rpartition("/")[2]
    move(INTENTION, ctx, intention, "partner_disagree", reason=receipts.kept_reason(row))


def _keep_ordered(ctx: Context, loaded: Loaded) -> None:
    """A quotation changes quantity, price and date of what a dealer ordered, never the product or its unit."""
    if loaded.header.collab == "none":
        return
    message = _(
        "The customer ordered this: quantity, price and date can be quoted otherwise. For something else, refuse the "
        "order and let them send another."
    )
    problems = [
        Problem(change["field"], message, change["line"], "ordered")
        for change in loaded.changes
        if change["line"] is not None and change["field"] in ("product", "unit")
    ]
    if problems:
        raise Refused(*problems)


def _granted(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _from_intention(loaded, {"is_granted": True})


def _declined(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _from_intention(loaded, {"is_granted": False, "reason": loaded.header.reason})


send(Message(kind="order.accepted", on=((INTENTION, "accept"),), make=_accepted))
send(Message(kind="order.refused", on=((INTENTION, "refuse"),), make=_refused))
send(Message(kind="order.quoted", on=((INTENTION, "quote"),), make=_quoted, back=_quoting_failed))
send(Message(kind="withdrawal.granted", on=((INTENTION, "grant_withdrawal"),), make=_granted))
send(Message(kind="withdrawal.declined", on=((INTENTION, "decline_withdrawal"),), make=_declined))
on(INTENTION, "saved", _keep_ordered)
