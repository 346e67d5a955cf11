"""Taking back a shipment or a payment the partner has: recalled, or given back with consent (flows.md F5, B17).

The message left from `ours` and became `theirs` there. Until somebody there took it up a recall takes both back at once;
after that a person consents or declines on their document. On consent theirs is voided and ours un-approved; a refusal
comes back with its reason. A shipment that serves several orders came in parts, which go back together or not at all.
"""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from yunlian.kernel.document import Problem, Refused, find_document
from yunlian.kernel.events import on
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.load import Loaded
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.text import _, keep

from .. import receipts
from ..messages import Arrival, Handler, Message, Outgoing, queue_all, queue_message, receive, send
from ..models import Origin, Outbox
from . import wording
from .kinship import require_direction


@dataclass(frozen=True)
class Family:
    """A kind of document that travels: `kind` of its message, what it is here and what it becomes there.

    `party` is the field of ours that names the partner, `theirs_is` what the link is to whoever received it.
    """

    name: str
    kind: str
    ours: str
    theirs: str
    party: str
    theirs_is: str


FAMILIES = (
    Family(
        "shipment", "shipment.sent", "stock.sales_out", "stock.receipt_notice", "customer_id", "downstream"
    ),
    Family("payment", "payment.sent", "finance.payment", "finance.receipt", "supplier_id", "upstream"),
)


def bound(ctx: Context, loaded: Loaded) -> None:
    """Mark a document whose message has just been queued: from now on the partner has a say.

    A column of the same act, in its transaction: neither a step of its own nor a new version.
    """
    loaded.header.withdrawal = "sent"
    type(loaded.header).objects.filter(id=loaded.pk).update(withdrawal="sent")


def not_taken(code: str) -> Callable[[Context, Outbox], None]:
    """Return what to do when the partner did not take the message: the document is ours alone again."""

    def back(ctx: Context, row: Outbox) -> None:
        move(code, ctx, _id(row.subject), "partner_reject", reason=receipts.kept_reason(row))

    return back


def _id(subject: str) -> uuid.UUID:
    return uuid.UUID(subject.rpartition("/")[2])


# Ours: recalling and asking


def _about(family: Family) -> Callable[[Context, Loaded], Iterable[Outgoing]]:
    """Return what a recall or a request says: which document, as how many messages, and why. It follows the last part."""

    def make(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
        version = loaded.header.turn + 1
        sent = Outbox.objects.select_related("lane").filter(
            subject=f"{family.ours}/{loaded.pk}", kind=family.kind, subject_version=version
        )
        parts = list(sent.order_by("queued_at", "id"))
        if not parts:
            raise Refused(Problem("withdrawal", _("The partner was not told of it."), code="unsent"))
        data = {"number": loaded.header.number, "parts": len(parts), "reason": loaded.header.reason}
        yield Outgoing(
            link_id=parts[-1].lane.link_id,
            thread=parts[-1].thread,
            subject=f"{family.ours}/{loaded.pk}",
            subject_version=version,
            data=data,
        )

    return make


def _granted(family: Family) -> Callable[[Context, Outbox], None]:
    """Return what follows when the partner recalled theirs at once."""

    def done(ctx: Context, row: Outbox) -> None:
        _take_back(family, ctx, _id(row.subject))

    return done


def _declined(family: Family) -> Callable[[Context, Outbox], None]:
    def back(ctx: Context, row: Outbox) -> None:
        move(
            family.ours, ctx, _id(row.subject), "partner_decline_withdrawal", reason=receipts.kept_reason(row)
        )

    return back


def _take_back(family: Family, ctx: Context, id_: uuid.UUID) -> None:
    """The partner consented."""
    move(family.ours, ctx, id_, "partner_grant_withdrawal")
    finish(family.ours, ctx, id_)


def finish(code: str, ctx: Context, id_: uuid.UUID) -> None:
    """Un-approve a document of ours once the partner consented. What stands in the way stays as the reason.

    It is tried again when a report of the partner's that came later takes that away, else by a person.
    """
    granted = find_document(code).header.objects.filter(id=id_, state="approved", withdrawal="granted")
    if not granted.exists():
        return
    try:
        with transaction.atomic():
            move(code, ctx, id_, "unapprove")
    except (Refused, Forbidden) as refused:
        problems = refused.problems if isinstance(refused, Refused) else ()
        first, *more = [problem.message for problem in problems] or [str(refused)]
        why = _("It could not be taken back by itself: %(why)s") % {"why": first}
        granted.update(reason=keep(why, *more))


# Theirs, as we are: recalled and asked


def _parts(family: Family, arrival: Arrival) -> list[Any]:
    """Our documents that the message speaks of and that still stand. Raises Refused while some have not arrived."""
    require_direction(arrival, family.theirs_is)
    envelope = arrival.envelope
    origins = Origin.objects.filter(
        link_id=arrival.link.id,
        subject=envelope.subject,
        subject_version=envelope.subject_version,
        code=family.theirs,
    )
    docs = list(origins.values_list("doc", flat=True))
    if len(docs) != arrival.data.get("parts"):
        raise Refused(Problem("parts", _("It has not arrived here, or not all of it."), code="incomplete"))
    found = list(find_document(family.theirs).header.objects.filter(id__in=docs).order_by("id"))
    for document in found:
        arrival.concern(family.theirs, document.number or "")
    return [document for document in found if document.state != "voided"]


def _hear_recalled(family: Family) -> Callable[[Arrival], None]:
    def apply(arrival: Arrival) -> None:
        for document in _parts(family, arrival):
            move(family.theirs, arrival.ctx, document.id, "partner_recall")

    return apply


def _hear_asked(family: Family) -> Callable[[Arrival], None]:
    """Put the request on our documents; what was voided here already is given back at once."""

    def apply(arrival: Arrival) -> None:
        standing = _parts(family, arrival)
        reason = wording.reason_of(arrival.data)
        for document in standing:
            move(family.theirs, arrival.ctx, document.id, "partner_ask_withdrawal", reason=reason)
        if not standing:
            queue_message(
                arrival.ctx,
                f"{family.name}.granted",
                Outgoing(
                    link_id=arrival.link.id,
                    thread=arrival.envelope.thread,
                    subject=arrival.envelope.subject,
                    subject_version=arrival.envelope.subject_version,
                    data={family.name: str(_id(arrival.envelope.subject))},
                ),
            )

    return apply


# Theirs, as we are: a person decides


def _siblings(family: Family, loaded: Loaded) -> tuple[Origin | None, list[uuid.UUID]]:
    """Where a document came from, and the other parts of it that wait for the same decision."""
    origin = Origin.objects.filter(doc=loaded.pk, code=family.theirs).first()
    if origin is None:
        return None, []
    same = Origin.objects.filter(
        link_id=origin.link_id,
        subject=origin.subject,
        subject_version=origin.subject_version,
        code=family.theirs,
    )
    docs = same.exclude(doc=loaded.pk).values_list("doc", flat=True)
    waiting = find_document(family.theirs).header.objects.filter(id__in=list(docs), withdrawal="asked")
    return origin, list(waiting.order_by("id").values_list("id", flat=True))


def _decide_together(family: Family, step: str) -> Callable[[Context, Loaded], None]:
    """Return a follower that decides the same about the next part; each part calls the one after it."""

    def follow(ctx: Context, loaded: Loaded) -> None:
        _origin, waiting = _siblings(family, loaded)
        given = {"reason": loaded.header.reason} if step == "decline_withdrawal" else {}
        for id_ in waiting[:1]:
            move(family.theirs, ctx, id_, step, **given)

    return follow


def _decided(family: Family) -> Callable[[Context, Loaded], Iterable[Outgoing]]:
    """Return what a decision says, once the last part is decided."""

    def make(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
        origin, waiting = _siblings(family, loaded)
        if origin is None or waiting or origin.link.state != "linked":
            return
        data = {family.name: str(_id(origin.subject)), "number": loaded.header.number}
        if loaded.header.withdrawal == "declined":
            data["reason"] = loaded.header.reason
        yield Outgoing(
            link_id=origin.link_id,
            thread=origin.thread,
            subject=f"{family.theirs}/{loaded.pk}",
            subject_version=origin.subject_version,
            data=data,
        )

    return make


def _voided(family: Family) -> Callable[[Context, Loaded], Iterable[Outgoing]]:
    """Return what voiding by hand says of a document that is asked back: it is consent."""
    decided = _decided(family)

    def make(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
        if loaded.header.withdrawal != "asked":
            return ()
        loaded.header.withdrawal = "granted"
        type(loaded.header).objects.filter(id=loaded.pk).update(withdrawal="granted")
        return decided(ctx, loaded)

    return make


# Ours again: the answer


def _answered(family: Family, arrival: Arrival) -> uuid.UUID:
    """Our document the answer speaks of, in the version that was asked back. Raises Refused."""
    header = find_document(family.ours).header
    found = header.objects.filter(
        id=uuid_or_none(arrival.data.get(family.name)), **{family.party: arrival.link.partner_id}
    ).first()
    if found is None or found.turn + 1 != arrival.envelope.subject_version:
        raise Refused(
            Problem(family.name, _("There is no such document here, or not any more."), code="unknown")
        )
    arrival.concern(family.ours, found.number or "")
    return uuid.UUID(str(found.id))


def _hear_granted(family: Family) -> Callable[[Arrival], None]:
    def apply(arrival: Arrival) -> None:
        _take_back(family, arrival.ctx, _answered(family, arrival))

    return apply


def _hear_declined(family: Family) -> Callable[[Arrival], None]:
    def apply(arrival: Arrival) -> None:
        reason = wording.reason_of(arrival.data)
        move(
            family.ours,
            arrival.ctx,
            _answered(family, arrival),
            "partner_decline_withdrawal",
            reason=reason,
        )

    return apply


def _register(family: Family) -> None:
    name, ours, theirs = family.name, family.ours, family.theirs
    about, back = _about(family), _declined(family)
    send(
        Message(kind=f"{name}.recalled", on=((ours, "recall"),), make=about, done=_granted(family), back=back)
    )
    send(Message(kind=f"{name}.asked", on=((ours, "ask_withdrawal"),), make=about, back=back))
    for step, kind in (("grant_withdrawal", "granted"), ("decline_withdrawal", "declined")):
        on(theirs, step, _decide_together(family, step))
        send(Message(kind=f"{name}.{kind}", on=((theirs, step),), make=_decided(family)))
    voided = _voided(family)
    on(theirs, "void", lambda ctx, loaded: queue_all(ctx, f"{name}.granted", voided(ctx, loaded)))
    for kind, hear, verb in (
        ("recalled", _hear_recalled, f"{theirs}.partner_recall"),
        ("asked", _hear_asked, f"{theirs}.partner_ask_withdrawal"),
        ("granted", _hear_granted, f"{ours}.partner_grant_withdrawal"),
        ("declined", _hear_declined, f"{ours}.partner_decline_withdrawal"),
    ):
        receive(Handler(kind=f"{name}.{kind}", apply=hear(family), verbs=(verb,)))


for _family in FAMILIES:
    _register(_family)
