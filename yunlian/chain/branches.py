"""Two branches of one lane: both are kept, an operator sees them and says which is the true one (chain protocol A11).

On a lane out the other branch is what the partner holds in place of ours. Choosing it gives our own messages back to the
queue, behind it; choosing ours asks the partner to put theirs aside. On a lane in the other branch is the sender's;
choosing it puts what we hold aside. Nothing is deleted, and no effect on documents is undone by itself.
"""

import datetime as dt
import uuid
from typing import Any

from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.fields import moment_text
from yunlian.kernel.identity import new_id
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from . import envelope, hashpath, timeline
from .envelope import Envelope
from .models import Inbox, Lane, Outbox, Stray, Thread
from .wire import Sealed

SHOWN = 200  # messages of one branch an operator is shown
_COLUMNS = ("kind", "subject", "subject_version", "thread", "thread_version", "text", "digest", "key_id")


def note(lane: Lane, sealed: Sealed, message: Envelope, side: str, now: dt.datetime) -> None:
    """Keep one message of another branch; keeping it again changes nothing."""
    Stray.objects.get_or_create(
        enterprise_id=lane.enterprise_id,
        lane_id=lane.id,
        side=side,
        digest=hashpath.digest(sealed.text),
        defaults={
            "id": new_id(),
            "seq": message.sequence,
            "message_id": message.id,
            "kind": message.kind,
            "subject": message.subject,
            "subject_version": message.subject_version,
            "thread": message.thread,
            "thread_version": message.thread_version,
            "text": sealed.text,
            "key_id": sealed.key_id,
            "signature": sealed.signature,
            "noted_at": now,
        },
    )


def head_at(lane: Lane, seq: int) -> str | None:
    """Return the digest of a message of a lane as this side holds it, the lane's beginning for 0; None beyond its end."""
    if seq == 0:
        return hashpath.start(lane.id)
    rows: Any = Outbox if lane.is_out else Inbox
    found: str | None = rows.objects.filter(lane_id=lane.id, seq=seq).values_list("digest", flat=True).first()
    return found


def take_theirs(lane: Lane) -> None:
    """The partner's branch of our lane out is true: our messages after the parting are queued again, behind it."""
    at = _parting(lane)
    Outbox.objects.filter(lane_id=lane.id, seq__gt=at).update(
        seq=None, text=None, digest="", key_id="", signature="", sent_at=None, delivered_at=None
    )
    Stray.objects.filter(lane_id=lane.id, side="seen").delete()
    lane.last_seq, lane.last_hash = at, head_at(lane, at) or ""
    lane.accepted, lane.delivered = min(lane.accepted, at), min(lane.delivered, at)
    lane.is_insisting = False


def insist(lane: Lane) -> None:
    """Our branch of our lane out is true: ask the partner to put theirs aside."""
    _parting(lane)
    lane.is_insisting = True


def put_aside(lane: Lane, now: dt.datetime) -> None:
    """The sender's branch of a lane in is true: what we hold after the parting is put aside, its threads go back.

    Messages handled before keep their answer: coming again on the other branch they have no second effect.
    """
    at = _parting(lane)
    rows = list(Inbox.objects.filter(lane_id=lane.id, seq__gt=at).order_by("seq"))
    Stray.objects.filter(lane_id=lane.id, side="seen").delete()
    Stray.objects.bulk_create(
        [
            Stray(
                enterprise_id=lane.enterprise_id,
                id=new_id(),
                lane_id=lane.id,
                side="aside",
                noted_at=now,
                **{
                    name: getattr(row, name)
                    for name in (*_COLUMNS, "signature", "seq", "message_id", "state", "problems")
                },
            )
            for row in rows
        ],
        ignore_conflicts=True,
    )
    Inbox.objects.filter(id__in=[row.id for row in rows]).delete()
    _rewind_threads(lane, {row.thread for row in rows})
    lane.accepted, lane.last_hash = at, head_at(lane, at) or ""
    lane.state, lane.reason, lane.branch_at = "open", "", None


def _parting(lane: Lane) -> int:
    if lane.branch_at is None:
        message = _("It is not known yet where the branches part: wait until the partner was asked.")
        raise Refused(Problem("branch", message, code="unknown"))
    return int(lane.branch_at)


def _rewind_threads(lane: Lane, threads: set[uuid.UUID]) -> None:
    """Let threads stand where the messages that remain have brought them."""
    sql = (
        "UPDATE chain_thread t SET is_stopped = false, version = coalesce((SELECT max(i.thread_version) "
        "FROM chain_inbox i WHERE i.enterprise_id = t.enterprise_id AND i.lane_id = t.lane_id AND i.thread = t.thread "
        "AND i.state IN ('applied', 'rejected')), 0) "
        "WHERE t.enterprise_id = %s AND t.lane_id = %s AND t.thread = ANY(%s) RETURNING 1"
    )
    run(sql, [lane.enterprise_id, lane.id, list(threads)])


def make_room(lane: Lane, thread: uuid.UUID, top: int, arriving: set[uuid.UUID]) -> None:
    """Move what waits unnumbered on a thread behind version `top`, which was given away before a restore."""
    waiting = Outbox.objects.filter(lane_id=lane.id, thread=thread, seq=None).exclude(id__in=list(arriving))
    rows = list(waiting.order_by("thread_version"))
    first = top + 1
    if rows and rows[0].thread_version < first:
        for offset in range(len(rows) - 1, -1, -1):
            Outbox.objects.filter(id=rows[offset].id).update(thread_version=first + offset)
        top += len(rows)
    Thread.objects.get_or_create(
        enterprise_id=lane.enterprise_id, lane_id=lane.id, thread=thread, defaults={"id": new_id()}
    )
    Thread.objects.filter(lane_id=lane.id, thread=thread, version__lt=top).update(version=top)


def both(lane_id: uuid.UUID) -> dict[str, Any]:
    """Return both branches of a lane after the message they share, and what may be chosen. Raises Missing."""
    lane = Lane.objects.filter(id=lane_id).first()
    if lane is None:
        raise Missing("chain.lane")
    rows: Any = Outbox if lane.is_out else Inbox
    at = lane.branch_at
    ours = rows.objects.filter(lane_id=lane.id, seq__gt=at) if at is not None else rows.objects.none()
    theirs = Stray.objects.filter(lane_id=lane.id, side="seen")
    aside = Stray.objects.filter(lane_id=lane.id, side="aside")
    return {
        "common": at,
        "ours": [_shown(row) for row in ours.order_by("seq")[:SHOWN]],
        "theirs": [_shown(row) for row in theirs.order_by("seq")[:SHOWN]],
        "aside": [_shown(row) for row in aside.order_by("seq", "noted_at")[:SHOWN]],
        "choices": choices(lane),
    }


def choices(lane: Lane) -> list[str]:
    """Return which branch may be chosen on a lane: the receiver only gives way, and only once the sender insists."""
    if lane.state != "frozen" or lane.branch_at is None:
        return []
    return ["ours", "theirs"] if lane.is_out else ["theirs"]


def _shown(row: Any) -> dict[str, Any]:
    at = row.queued_at if isinstance(row, Outbox) else getattr(row, "received_at", None) or row.noted_at
    data = row.data if isinstance(row, Outbox) else envelope.read(row.text).data
    return {
        "seq": row.seq,
        "type": row.kind,
        "label": timeline.label_of(row.kind),
        "number": data.get("number"),
        "subject": row.subject,
        "version": row.thread_version,
        "state": row.outcome if isinstance(row, Outbox) else row.state,
        "digest": row.digest,
        "at": moment_text(at),
    }
