"""The operator's view of lanes and messages: positions, ages, alarms, evidence (chain protocol A12)."""

import datetime as dt
import uuid
from typing import Any

from django.db.models import Count, Min, Q

from yunlian.kernel.document import Missing
from yunlian.kernel.fields import moment_text, uuid_or_none

from . import account, branches, reasons, schedule, timeline
from .messages import RECEIPT
from .models import Attempt, Inbox, Lane, Membership, Outbox

PAGE = 50
_UNSENT = Q(sent_at=None, is_void=False)
_UNANSWERED = Q(outcome="") & ~Q(kind=RECEIPT) & Q(is_void=False)


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
        "alarms": _alarms(lane, counts, age, days),
    } | counts


def _out(lane: Lane) -> dict[str, Any]:
    """What waits on a lane out. `applied` counts up to where everything is answered or still on its way."""
    waiting = Outbox.objects.filter(Q(lane_id=lane.id) & (_UNSENT | _UNANSWERED | Q(outcome="quarantined")))
    found = waiting.aggregate(
        unsent=Count("id", filter=_UNSENT),
        unapplied=Count("id", filter=_UNANSWERED),
        quarantined=Count("id", filter=Q(outcome="quarantined")),
        oldest=Min("queued_at", filter=_UNSENT),
    )
    return found | {"applied": max(lane.delivered - found["unapplied"], 0)}


def _in(lane: Lane) -> dict[str, Any]:
    waiting = Inbox.objects.filter(lane_id=lane.id, state__in=("new", "quarantined"))
    found = waiting.aggregate(
        unapplied=Count("id"),
        quarantined=Count("id", filter=Q(state="quarantined")),
        oldest=Min("received_at", filter=Q(state="new")),
    )
    return found | {"unsent": 0, "applied": lane.accepted - found["unapplied"]}


def _alarms(lane: Lane, counts: dict[str, Any], age_s: int | None, days: int | None) -> list[str]:
    """Return the names of what somebody should look at."""
    found = []
    if lane.state in ("frozen", "held", "suspended", "behind"):
        found.append(lane.state)
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
    return {
        "rows": [_message(row) for row in shown],
        "next": str(shown[-1].id) if len(rows) > PAGE else None,
    }


_STATES_OUT = {
    "queued": Q(sent_at=None, outcome="", is_void=False),
    "sent": Q(sent_at__isnull=False, delivered_at=None, outcome=""),
    "delivered": Q(delivered_at__isnull=False, outcome=""),
    "voided": Q(is_void=True),
}


def _page_out(lane: Lane, state: str, cursor: str) -> list[Any]:
    found = Outbox.objects.filter(lane_id=lane.id)
    if state:
        found = found.filter(_STATES_OUT.get(state, Q(outcome=state)))
    last = Outbox.objects.filter(id=uuid_or_none(cursor)).first()
    if last is not None:
        found = found.filter(Q(queued_at__lt=last.queued_at) | Q(queued_at=last.queued_at, id__lt=last.id))
    return list(found.order_by("-queued_at", "-id")[: PAGE + 1])


def _page_in(lane: Lane, state: str, cursor: str) -> list[Any]:
    found = Inbox.objects.filter(lane_id=lane.id)
    if state:
        found = found.filter(state="new" if state == "delivered" else state)
    last = Inbox.objects.filter(id=uuid_or_none(cursor)).first()
    if last is not None:
        found = found.filter(seq__lt=last.seq)
    return list(found.order_by("-seq")[: PAGE + 1])


def _message(row: Outbox | Inbox) -> dict[str, Any]:
    is_out = isinstance(row, Outbox)
    code, _slash, doc = row.subject.partition("/")
    data = row.data if isinstance(row, Outbox) else {}
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
        "number": data.get("number"),
        "recovered": isinstance(row, Outbox) and row.recovered_at is not None,
        "code": code if is_out and not code.startswith("chain.") else None,
        "doc": doc if is_out and not code.startswith("chain.") else None,
    }


def evidence(id_: uuid.UUID) -> dict[str, Any]:
    """Return what proves a message: exact text, signature, hash path, receipts. Raises Missing."""
    row: Any = Outbox.objects.filter(id=id_).first() or Inbox.objects.filter(id=id_).first()
    if row is None:
        raise Missing("chain.message")
    before = (
        type(row).objects.filter(lane_id=row.lane_id, seq=(row.seq or 0) - 1).values_list("digest", flat=True)
    )
    shown = _message(row) | {
        "lane": str(row.lane_id),
        "message_id": str(row.id if isinstance(row, Outbox) else row.message_id),
        "envelope": row.text,
        "digest": row.digest,
        "previous": before.first() if row.seq else None,
        "key": row.key_id,
        "signature": row.signature,
        "problems": row.problems,
    }
    if isinstance(row, Outbox):
        receipts = {"sent_at": row.sent_at, "delivered_at": row.delivered_at, "outcome_at": row.outcome_at}
        attempts = Attempt.objects.filter(lane_id=row.lane_id, first_seq__lte=row.seq or 0).order_by("-at")[
            :20
        ]
        shown["attempts_made"] = [
            {
                "at": moment_text(one.at),
                "act": one.act,
                "status": one.status,
                "code": one.code,
                "detail": one.detail,
            }
            for one in attempts
        ]
    else:
        receipts = {"received_at": row.received_at, "handled_at": row.handled_at}
    return shown | {name: None if at is None else moment_text(at) for name, at in receipts.items()}
