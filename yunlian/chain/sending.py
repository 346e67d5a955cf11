"""Send what is numbered: lease, speak outside any transaction, move the position only on a 2xx answer.

Several processes may send on one lane: at worst the receiver sees duplicates. Source: chain protocol A3, A7, C1.
"""

import datetime as dt
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run
from yunlian.kernel.text import keep, unpack
from yunlian.org.models import Enterprise

from . import membership, schedule
from .account import database_now
from .models import Attempt, Lane, Link, Outbox
from .sequencing import STOPPED, lock_lane
from .wire import LARGEST_BATCH, LARGEST_BYTES, Answer, Batch, Request, Sealed

LEASE = dt.timedelta(seconds=30)  # longer than a request may take

Transport = Callable[[uuid.UUID, Request], Answer]


class TransportFailure(Exception):
    """No answer: nobody there, time-out, or an answer that is none. The schedule decides when to try again."""


@dataclass(frozen=True)
class Turn:
    """One try to send: the lease that guards it and what goes out."""

    lane_id: uuid.UUID
    owner: uuid.UUID
    peer: uuid.UUID
    batch: Batch


def send(
    enterprise_id: int, lane_id: uuid.UUID, transport: Transport, dice: random.Random | None = None
) -> Answer | None:
    """Send the next batch of a lane and do what the answer says; None when there is nothing to do now."""
    turn = _begin(enterprise_id, lane_id, dice or random.Random())
    if turn is None:
        return None
    fault("chain.before_send")
    try:
        answer = transport(turn.peer, turn.batch)
    except TransportFailure as failure:
        answer = Answer(status=0, code="no_answer", message=str(failure)[:500])
    fault("chain.after_send")
    _finish(enterprise_id, turn, answer, dice or random.Random())
    return answer


def _begin(enterprise_id: int, lane_id: uuid.UUID, dice: random.Random) -> Turn | None:
    """Take the lease and read what follows the acknowledged position, if it is time and we may speak."""
    with tenant(enterprise_id):
        lane = lock_lane(lane_id)
        now = database_now()
        if lane is None or not _is_due(lane, now):
            return None
        standing = membership.standing()
        if not standing.is_good:
            wait(lane, now, dice, Answer(status=0, code=standing.code, message=standing.reason))
            return None
        messages = _read_batch(lane)
        if not messages and not _wants_probe(lane, now):
            return None
        lane.lease_owner, lane.lease_until = uuid.uuid4(), now + LEASE
        lane.save(update_fields=["lease_owner", "lease_until"])
        source = Enterprise.objects.get(pk=enterprise_id).chain_id
        peer = uuid.UUID(Link.objects.get(id=lane.link_id).partner_chain_id)
    batch = Batch(
        sender=source,
        token=standing.token,
        lane=lane.id,
        epoch=lane.epoch,
        after=lane.accepted,
        messages=messages,
    )
    return Turn(lane.id, lane.lease_owner, peer, batch)


def _is_due(lane: Lane, now: dt.datetime) -> bool:
    if lane.state in STOPPED:
        return False
    if lane.lease_until is not None and lane.lease_until > now:
        return False
    return lane.next_at is None or lane.next_at <= now


def _wants_probe(lane: Lane, now: dt.datetime) -> bool:
    """An idle lane asks now and then where the receiver stands; so does one that was held or suspended."""
    if lane.answered_at is None:
        return True
    return lane.state != "open" or now - lane.answered_at >= schedule.IDLE_PROBE


def _read_batch(lane: Lane) -> tuple[Sealed, ...]:
    rows = Outbox.objects.filter(lane_id=lane.id, seq__gt=lane.accepted).order_by("seq")
    found: list[Sealed] = []
    size = 0
    limit = 1 if lane.failures and lane.last_error.startswith("413") else LARGEST_BATCH
    for text, key_id, signature in rows.values_list("text", "key_id", "signature")[:limit]:
        size += len(text.encode())
        if found and size > LARGEST_BYTES:
            break
        found.append(Sealed(text, key_id, signature))
    return tuple(found)


def _finish(enterprise_id: int, turn: Turn, answer: Answer, dice: random.Random) -> None:
    """Move, rewind, wait or stop, as the answer says, if the lease is still ours."""
    with tenant(enterprise_id):
        lane = Lane.objects.select_for_update().get(id=turn.lane_id)
        if lane.lease_owner != turn.owner:
            return
        now = database_now()
        lane.lease_owner = lane.lease_until = None
        if answer.server_time is not None:
            lane.clock_offset_s = round((answer.server_time - now).total_seconds())
        fault("chain.before_position")
        _obey(lane, turn, answer, now, dice)
        lane.save()
        if answer.status != 202 or turn.batch.messages:
            Attempt.objects.create(
                id=new_id(),
                at=now,
                lane_id=lane.id,
                act="send",
                status=answer.status,
                code=answer.code,
                first_seq=turn.batch.after + 1,
                count=len(turn.batch.messages),
                detail=answer.message[:500],
            )
    fault("chain.after_position")


def _obey(lane: Lane, turn: Turn, answer: Answer, now: dt.datetime, dice: random.Random) -> None:
    if answer.status == 409 and answer.code in ("fork", "stale_epoch"):
        _freeze(lane, answer)
    elif answer.accepted_through > lane.last_seq:
        _fall_behind(lane, "partner_ahead")
    elif answer.status == 202:
        _move(lane, turn, answer, now)
    elif answer.status == 409 and answer.code == "gap":
        lane.accepted, lane.answered_at = answer.accepted_through, now
    elif answer.status == 409 and answer.code == "unknown_epoch":
        _fall_behind(lane, "restored_there")
    elif answer.status == 409:
        _freeze(lane, answer)
    elif answer.status == 410:
        lane.state, lane.reason = "closed", answer.code
    elif answer.status in (400, 415):
        _freeze(lane, answer)
    else:
        if answer.status == 429:
            _advance(lane, turn, answer, now)
        if answer.status in (403, 404):
            lane.state = "held"
        wait(lane, now, dice, answer)


def _move(lane: Lane, turn: Turn, answer: Answer, now: dt.datetime) -> None:
    """The only place where success is noted: position, window, and an end to whatever was wrong."""
    _advance(lane, turn, answer, now)
    lane.state, lane.reason, lane.last_error = "open", "", ""
    lane.failures, lane.failing_since, lane.next_at = 0, None, None
    lane.window, lane.answered_at = answer.window, now


def _advance(lane: Lane, turn: Turn, answer: Answer, now: dt.datetime) -> None:
    """Move the position, never further than what this very batch carried (a copy of us may have sent more)."""
    through = min(answer.accepted_through, turn.batch.after + len(turn.batch.messages))
    if through > lane.accepted:
        stored = Outbox.objects.filter(lane_id=lane.id, seq__gt=lane.accepted, seq__lte=through)
        stored.update(sent_at=now, delivered_at=now if answer.delivered_through >= through else None)
        lane.accepted = through
    lane.delivered = max(lane.delivered, min(answer.delivered_through, lane.accepted))


def _freeze(lane: Lane, answer: Answer) -> None:
    """Stop until an operator decides; what the partner holds is looked at meanwhile."""
    lane.state, lane.reason = "frozen", answer.code
    lane.last_error, lane.branch_at = f"{answer.code}: {answer.message}"[:500], None


def _fall_behind(lane: Lane, code: str) -> None:
    """One side was restored: shake hands before anything more is numbered."""
    lane.state, lane.reason, lane.next_at = "behind", code, None


def wait(
    lane: Lane,
    now: dt.datetime,
    dice: random.Random,
    answer: Answer,
) -> None:
    """Note a failure and when to try again; after three days the lane is suspended and only asked hourly.

    A lane that is stopped stays so, and keeps the reason it stopped for.
    """
    lane.failures += 1
    lane.failing_since = lane.failing_since or now
    seconds = schedule.delay_s(lane.failures, dice, answer.retry_after)
    if now - lane.failing_since >= schedule.SUSPEND_AFTER:
        seconds = float(schedule.PROBE_SUSPENDED_S)
        lane.state = lane.state if lane.state in STOPPED else "suspended"
    lane.next_at = now + dt.timedelta(seconds=seconds)
    lane.last_error = f"{answer.status or ''} {answer.code}: {answer.message}".strip()[:500]
    if lane.state not in STOPPED:
        words = unpack(answer.words)
        lane.reason = answer.code if words is None else keep(words)
    lane.save()


def lanes_out(enterprise_id: int) -> list[uuid.UUID]:
    """Return the lanes of an enterprise that have something to number, to send or to ask now."""
    sql = (
        "SELECT l.id FROM chain_lane l WHERE l.enterprise_id = %s AND l.is_out AND l.state NOT IN ('closed', 'frozen', 'behind', 'paused') "
        "AND (l.next_at IS NULL OR l.next_at <= clock_timestamp()) AND (l.accepted < l.last_seq "
        "OR EXISTS (SELECT 1 FROM chain_outbox o WHERE o.enterprise_id = %s AND o.lane_id = l.id AND o.seq IS NULL) "
        "OR l.answered_at IS NULL OR l.state <> 'open' OR l.answered_at < clock_timestamp() - %s) ORDER BY l.id"
    )
    with tenant(enterprise_id):
        return [row[0] for row in run(sql, [enterprise_id, enterprise_id, schedule.IDLE_PROBE])]
