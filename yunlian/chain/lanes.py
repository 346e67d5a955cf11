"""The operator's view of lanes and messages: positions, ages, alarms, and what each message is about (chain protocol A12)."""

import datetime as dt
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Min, OuterRef, Q

from yunlian.kernel import home, permission
from yunlian.kernel.document import REGISTRY, Missing
from yunlian.kernel.fields import moment_text, uuid_or_none
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from . import account, branches, envelope, operating, reasons, schedule, timeline
from .messages import RECEIPT
from .models import Inbox, Lane, Membership, Origin, Outbox

PAGE = 50
_UNSENT = Q(sent_at=None, is_void=False)
_UNANSWERED = Q(outcome="") & ~Q(kind=RECEIPT) & Q(is_void=False)
_STOPPED = (
    "frozen",
    "held",
    "suspended",
    "behind",
)  # states that ask for somebody; one paused by hand does not


def lanes() -> list[dict[str, Any]]:
    """Return every lane of the active enterprise."""
    now = account.database_now()
    member = Membership.objects.select_related("credential").first()
    days = None if member is None else (min(member.credential.valid_until, member.valid_until) - now).days
    rows = Lane.objects.select_related("link").order_by("link__partner_name", "link_id", "-is_out")
    return [_lane(lane, now, days) for lane in rows]


def _lane(lane: Lane, now: dt.datetime, days: int | None) -> dict[str, Any]:
    counts = _out(lane) if lane.is_out else _in(lane)
    oldest = counts.pop("oldest")
    age = None if oldest is None else max(0, round((now - oldest).total_seconds()))
    return {
        "id": f"{lane.id}",
        "partner": {"name": lane.link.partner_name},
        "direction": "out" if lane.is_out else "in",
        "state": lane.state,
        "reason": reasons.words(lane.reason),
        "last_seq": lane.last_seq if lane.is_out else lane.accepted,
        "accepted": lane.accepted,
        "delivered": lane.delivered if lane.is_out else lane.accepted,
        "oldest_unsent_s": age,
        "last_error": lane.last_error,
        "failures": lane.failures,
        "next_at": None if lane.next_at is None else moment_text(lane.next_at),
        "answered_at": None if lane.answered_at is None else moment_text(lane.answered_at),
        "clock_offset_s": lane.clock_offset_s,
        "window": lane.window,
        "credential_days_left": days,
        "epoch": lane.epoch,
        "choices": branches.choices(lane),
        "acts": operating.lane_acts(lane),
        "alarms": _alarms(lane, counts, age, days),
    } | counts


def _out(lane: Lane) -> dict[str, Any]:
    """What waits on a lane out. `handled` counts what the partner has applied or refused, as they count it themselves.

    A receipt is done with once it is there: nobody answers it.
    """
    waiting = Outbox.objects.filter(Q(lane_id=lane.id) & (_UNSENT | _UNANSWERED | Q(outcome="quarantined")))
    is_there = Q(seq__lte=lane.delivered)
    found = waiting.aggregate(
        unsent=Count("id", filter=_UNSENT),
        unapplied=Count("id", filter=_UNANSWERED),
        quarantined=Count("id", filter=Q(outcome="quarantined")),
        oldest=Min("queued_at", filter=_UNSENT),
        open=Count("id", filter=is_there & (_UNANSWERED | Q(outcome="quarantined"))),
    )
    return found | {"handled": lane.delivered - found.pop("open")}


def _in(lane: Lane) -> dict[str, Any]:
    waiting = Inbox.objects.filter(lane_id=lane.id, state__in=("new", "quarantined"))
    found = waiting.aggregate(
        unapplied=Count("id"),
        quarantined=Count("id", filter=Q(state="quarantined")),
        oldest=Min("received_at", filter=Q(state="new")),
    )
    return found | {"unsent": 0, "handled": lane.accepted - found["unapplied"]}


def _alarms(lane: Lane, counts: dict[str, Any], age_s: int | None, days: int | None) -> list[str]:
    """Return the names of what somebody should look at."""
    found = []
    if lane.state in _STOPPED:
        found.append(lane.state)
    if not lane.is_out and lane.state == "open" and lane.reason:
        found.append("role")
    if counts["quarantined"]:
        found.append("quarantine")
    if age_s is not None and age_s >= schedule.ALARMS[0].total_seconds():
        found.append("age")
    if days is not None and days < 30:
        found.append("credential")
    return found


def messages(lane_id: uuid.UUID, state: str = "", cursor: str = "") -> dict[str, Any]:
    """Return one page of a lane's messages, newest first. Raises Missing."""
    lane = Lane.objects.filter(id=lane_id).first()
    if lane is None:
        raise Missing("chain.lane")
    rows = _page_out(lane, state, cursor) if lane.is_out else _page_in(lane, state, cursor)
    shown = rows[:PAGE]
    told = {} if lane.is_out else _told(shown, lane)
    return {
        "rows": [_shown(row, lane, told) for row in shown],
        "next": str(shown[-1].id) if len(rows) > PAGE else None,
    }


_STATES_OUT = {
    "queued": Q(sent_at=None, outcome="", is_void=False),
    "sent": Q(sent_at__isnull=False, delivered_at=None, outcome=""),
    "delivered": Q(delivered_at__isnull=False, outcome=""),
    "voided": Q(is_void=True),
}


def _page_out(lane: Lane, state: str, cursor: str) -> list[Any]:
    """Messages of ours by number, the last first; before them those that have none yet."""
    found = Outbox.objects.filter(lane_id=lane.id).select_related("lane")
    if state:
        found = found.filter(_STATES_OUT.get(state, Q(outcome=state)))
    last = Outbox.objects.filter(id=uuid_or_none(cursor)).first()
    if last is not None and last.seq is not None:
        found = found.filter(seq__lt=last.seq)
    elif last is not None:
        before = Q(queued_at__lt=last.queued_at) | Q(queued_at=last.queued_at, id__lt=last.id)
        found = found.filter(Q(seq__isnull=False) | before)
    return list(found.order_by(F("seq").desc(nulls_first=True), "-queued_at", "-id")[: PAGE + 1])


def _page_in(lane: Lane, state: str, cursor: str) -> list[Any]:
    found = Inbox.objects.filter(lane_id=lane.id)
    if state:
        found = found.filter(state="new" if state == "delivered" else state)
    last = Inbox.objects.filter(id=uuid_or_none(cursor)).first()
    if last is not None:
        found = found.filter(seq__lt=last.seq)
    return list(found.order_by("-seq")[: PAGE + 1])


@dataclass
class _About:
    """What a message is about: our document, its number, and the partner's number in what they sent."""

    document: tuple[str, uuid.UUID] | None
    number: str | None = None
    theirs: str | None = None


def message(row: Outbox | Inbox, lane: Lane) -> dict[str, Any]:
    """Return one message of a lane as the list shows it."""
    return _shown(row, lane, {} if isinstance(row, Outbox) else _told([row], lane))


def _shown(row: Outbox | Inbox, lane: Lane, told: dict[uuid.UUID, _About]) -> dict[str, Any]:
    if isinstance(row, Outbox):
        about = _About(_document(row.subject), number=row.data.get("number"))
    else:
        about = told[row.id]
    return {
        "id": str(row.id),
        "seq": row.seq,
        "type": row.kind,
        "label": timeline.label_of(row.kind),
        "thread": str(row.thread),
        "version": row.thread_version,
        "state": timeline.status_of(row) if isinstance(row, Outbox) else timeline.status_in(row),
        "reason": timeline.reason_of(row),
        "attempts": 0 if isinstance(row, Outbox) else row.tries,
        "at": moment_text(row.queued_at if isinstance(row, Outbox) else row.received_at),
        "theirs": about.theirs,
        "number": about.number,
        "code": about.document and about.document[0],
        "doc": about.document and str(about.document[1]),
        "acts": operating.acts(row, lane),
        "recovered": isinstance(row, Outbox) and row.recovered_at is not None,
    }


def _told(rows: list[Inbox], lane: Lane) -> dict[uuid.UUID, _About]:
    """Return what messages of the partner's are about, in a fixed number of statements and one for each kind of document.

    Ours is the document a message made or, of those its thread is about, the one it names, else the first we spoke of.
    A receipt's thread is the message of ours that it answers.
    """
    threads = {row.thread for row in rows}
    origins = Origin.objects.filter(link_id=lane.link_id, thread__in=threads).order_by("id")
    made = {(origin.thread, origin.subject): (origin.code, origin.doc) for origin in origins}
    of_thread: dict[uuid.UUID, list[tuple[str, uuid.UUID]]] = {}
    spoken = Outbox.objects.filter(Q(thread__in=threads) | Q(id__in=threads), lane__link_id=lane.link_id)
    for id_, thread, subject in spoken.order_by("queued_at", "id").values_list("id", "thread", "subject"):
        if (ours := _document(subject)) is not None:
            of_thread.setdefault(id_, []).append(ours)
            of_thread.setdefault(thread, []).append(ours)
    for (thread, _subject), document in made.items():
        of_thread.setdefault(thread, []).append(document)
    told = {}
    for row in rows:
        data = envelope.read(row.text).data if row.text else {}
        named = {uuid_or_none(data.get("shipment")), uuid_or_none(data.get("payment"))}
        spoken_of = sorted(of_thread.get(row.thread, []), key=lambda each: each[1] not in named)
        about = made.get((row.thread, row.subject)) or next(iter(spoken_of), None)
        number = data.get("number")
        told[row.id] = _About(about, theirs=number if isinstance(number, str) else None)
    _number(told.values())
    return told


def _document(subject: str) -> tuple[str, uuid.UUID] | None:
    """Our document that a subject names; None for what the chain says of itself."""
    code, _slash, doc = subject.partition("/")
    found = uuid_or_none(doc)
    return (code, found) if found is not None and code in REGISTRY and not code.startswith("chain.") else None


def _number(told: Collection[_About]) -> None:
    """Read the numbers of our documents."""
    known = {each.document for each in told if each.document is not None}
    for code in {code for code, _doc in known}:
        rows = REGISTRY[code].header.objects.filter(id__in=[doc for of, doc in known if of == code])
        numbers = {(code, id_): number for id_, number in rows.values_list("id", "number")}
        for each in told:
            each.number = numbers.get(each.document, each.number) if each.document else None


class _Trouble:
    """Lanes that wait for somebody who administers links, on the home page."""

    def read(self, ctx: Context) -> dict[str, Any] | None:
        """See home.Shown."""
        if not permission.may(ctx, "chain.link", "edit"):
            return None
        quarantined = Inbox.objects.filter(lane_id=OuterRef("id"), state="quarantined")
        refusing = Q(is_out=False, state="open") & ~Q(reason="")
        count = Lane.objects.filter(Q(state__in=_STOPPED) | refusing | Exists(quarantined)).count()
        if not count:
            return None
        label = _("Message lanes · in need of attention")
        return {"code": "chain.lanes", "label": label, "count": count, "filter": [], "tone": "bad"}


home.alert(_Trouble())
