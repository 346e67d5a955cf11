"""Apply what was accepted: exactly once, one thread in order, threads side by side (chain protocol A5).

Three ends of a message: applied; rejected, a business answer that closes it while its thread goes on; quarantined, a
technical failure, behind which its thread waits while all others go on. Each end sends its receipt in the same
transaction that reaches it.
"""

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from typing import Any

from django.db import OperationalError, transaction

from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from . import account, envelope, queue, receipts, schedule
from .account import database_now
from .messages import INCOMING, RECEIPT, Arrival
from .models import Inbox, Lane, Link, Thread

TRIES = 8
AT_ONCE = 50  # heads looked at in one round of an enterprise


class Poison(Exception):
    """A message that will fail however often it is tried; it is quarantined at once."""


class Waiting(Exception):
    """Not now: the communication user is missing. The message waits, and is no failure of its own."""


def heads(enterprise_id: int) -> list[uuid.UUID]:
    """Return the inbox rows that may be applied now: the first open one of every thread that is not stopped.

    A plain read; whoever applies one looks again under its lock.
    """
    sql = (
        "SELECT id FROM (SELECT DISTINCT ON (lane_id, thread) id, state, next_at, received_at FROM chain_inbox "
        "WHERE enterprise_id = %s AND state IN ('new', 'quarantined') ORDER BY lane_id, thread, seq) AS head "
        "WHERE state = 'new' AND (next_at IS NULL OR next_at <= clock_timestamp()) ORDER BY received_at, id LIMIT %s"
    )
    with tenant(enterprise_id):
        return [row[0] for row in run(sql, [enterprise_id, AT_ONCE])]


def apply_next(enterprise_id: int) -> int:
    """Apply a round of heads; returns how many messages reached an end."""
    return sum(apply(enterprise_id, id_) for id_ in heads(enterprise_id))


def apply(enterprise_id: int, id_: uuid.UUID) -> bool:
    """Apply one message if it is still the open head of its thread; tells whether it reached an end.

    Deadlocks are tried again from a fresh transaction, at most three times.
    """
    for _attempt in range(3):
        try:
            with tenant(enterprise_id):
                fault("chain.before_apply")
                ended = _apply(enterprise_id, id_)
                fault("chain.while_applying")
            fault("chain.after_apply")
        except (Refused, Missing, Forbidden) as answer:
            return _reject(enterprise_id, id_, answer)
        except Waiting as waiting:
            return _postpone(enterprise_id, id_, str(waiting))
        except OperationalError as failure:
            if not _is_conflict(failure):
                raise
        except Exception as failure:  # one bad message must not stop the others (B7): it is counted and shown
            return _fail(enterprise_id, id_, failure)
        else:
            return ended
    return False


def _is_conflict(failure: OperationalError) -> bool:
    return getattr(failure.__cause__, "sqlstate", "") in ("40P01", "40001", "55P03")


def _lock_head(id_: uuid.UUID) -> tuple[Inbox, Thread] | None:
    """Lock the message and its thread, and look again: it must still be the first open one and the next version."""
    row = Inbox.objects.select_for_update(skip_locked=True).filter(id=id_, state="new").order_by("id").first()
    if row is None:
        return None
    thread = _lock_thread(row)
    earlier = Inbox.objects.filter(
        lane_id=row.lane_id, thread=row.thread, seq__lt=row.seq, state__in=("new", "quarantined")
    )
    if thread.is_stopped or earlier.exists() or row.thread_version > thread.version + 1:
        return None
    return row, thread


def _lock_thread(row: Inbox) -> Thread:
    sql = (
        "INSERT INTO chain_thread (enterprise_id, id, lane_id, thread, version, is_stopped) "
        "VALUES (%s, %s, %s, %s, 0, false) ON CONFLICT (enterprise_id, lane_id, thread) DO NOTHING"
    )
    run(sql, [row.enterprise_id, new_id(), row.lane_id, row.thread])
    found: Thread = Thread.objects.select_for_update().get(lane_id=row.lane_id, thread=row.thread)
    return found


def _apply(enterprise_id: int, id_: uuid.UUID) -> bool:
    found = _lock_head(id_)
    if found is None:
        return False
    row, thread = found
    if row.thread_version <= thread.version:
        _end(
            row, "applied"
        )  # a replay: the sender restored and numbered it again; its effect is already here
        return True
    arrival = None if row.kind == RECEIPT else _effect(row)
    if row.kind == RECEIPT:
        receipts.take(enterprise_id, row)
    thread.version = row.thread_version
    thread.save(update_fields=["version"])
    _end(row, "applied")
    _answer(row, "applied", arrival=arrival)
    return True


def _repeat_answer(row: Inbox) -> None:
    """Give a version that was handled before the same answer again, and no effect (a sender restored and sent anew)."""
    first = (
        Inbox.objects.filter(
            lane_id=row.lane_id,
            thread=row.thread,
            thread_version=row.thread_version,
            state__in=("applied", "rejected"),
        )
        .order_by("seq")
        .first()
    )
    state, problems = ("applied", []) if first is None else (first.state, first.problems)
    _end(row, state, problems)
    _answer(row, state, problems)


def _effect(row: Inbox) -> Arrival:
    """Run the business of a message as the communication user; a savepoint keeps what it raises harmless."""
    message = envelope.read(row.text or "")
    handler = INCOMING.get(message.kind)
    if handler is None or message.major not in handler.majors:
        raise Refused(Problem("type", _("This kind of message is not supported here."), code="unsupported"))
    acting = account.acting()
    if acting is None:
        raise Waiting("The communication user is missing, inactive or without its role.")
    arrival = Arrival(acting, Link.objects.get(id=Lane.objects.get(id=row.lane_id).link_id), message)
    with transaction.atomic():
        handler.apply(arrival)
    return arrival


def _end(row: Inbox, state: str, problems: Sequence[Any] = ()) -> None:
    row.state, row.handled_at, row.problems, row.next_at = state, database_now(), list(problems), None
    row.save(update_fields=["state", "handled_at", "problems", "next_at", "tries"])


def _answer(row: Inbox, outcome: str, problems: Sequence[Any] = (), arrival: Arrival | None = None) -> None:
    """Queue the receipt on the way back; a receipt itself is never receipted."""
    if row.kind == RECEIPT:
        return
    link = Lane.objects.get(id=row.lane_id).link_id
    data: dict[str, Any] = {"about": str(row.message_id), "outcome": outcome, "problems": list(problems)}
    if arrival is not None and arrival.results:
        data["code"], data["number"] = arrival.results[-1]
    queue.put(
        row.enterprise_id,
        now=database_now(),
        link_id=link,
        kind=RECEIPT,
        subject=f"chain.inbox/{row.message_id}",
        thread=row.message_id,
        causation=row.message_id,
        data=data,
    )


def _reject(enterprise_id: int, id_: uuid.UUID, answer: Exception) -> bool:
    """Close the message with a business answer; the thread goes on."""
    with tenant(enterprise_id):
        found = _lock_head(id_)
        if found is None:
            return False
        row, thread = found
        problems = receipts.problems_of(answer)
        thread.version = row.thread_version
        thread.save(update_fields=["version"])
        _end(row, "rejected", problems)
        _answer(row, "rejected", problems)
    return True


def _postpone(enterprise_id: int, id_: uuid.UUID, why: str) -> bool:
    with tenant(enterprise_id):
        Inbox.objects.filter(id=id_, state="new").update(
            next_at=database_now() + dt.timedelta(seconds=30),
            problems=[{"field": None, "code": "waiting", "message": why}],
        )
    return False


def _fail(enterprise_id: int, id_: uuid.UUID, failure: Exception) -> bool:
    """Count a technical failure; at the eighth, or when it can only fail again, stop the thread."""
    with tenant(enterprise_id):
        found = _lock_head(id_)
        if found is None:
            return False
        row, thread = found
        row.tries += 1
        problems = [
            {"field": None, "code": "failure", "message": f"{type(failure).__name__}: {failure}"[:500]}
        ]
        if row.tries < TRIES and not isinstance(failure, Poison):
            row.problems = problems
            row.next_at = database_now() + dt.timedelta(
                seconds=schedule.delay_s(row.tries + 1, random.Random())
            )
            row.save(update_fields=["tries", "problems", "next_at"])
            return False
        thread.is_stopped = True
        thread.save(update_fields=["is_stopped"])
        _end(row, "quarantined", problems)
        _answer(row, "quarantined", [problems[0] | {"message": str(_("The receiver could not process it."))}])
    return True


def release(ctx: Context, id_: uuid.UUID) -> None:
    """Let a quarantined message be tried again, and its thread go on behind it."""
    row, thread = _quarantined(id_)
    row.state, row.tries, row.next_at, row.handled_at = "new", 0, None, None
    row.save(update_fields=["state", "tries", "next_at", "handled_at"])
    thread.is_stopped = False
    thread.save(update_fields=["is_stopped"])
    queue.wake(ctx.enterprise_id)


def reject(ctx: Context, id_: uuid.UUID, reason: str) -> None:
    """Close a quarantined message with a reason for the sender; its thread goes on without it."""
    row, thread = _quarantined(id_)
    problems = [{"field": None, "code": "refused", "message": reason, "by": ctx.member_name}]
    thread.version, thread.is_stopped = row.thread_version, False
    thread.save(update_fields=["version", "is_stopped"])
    _end(row, "rejected", problems)
    _answer(row, "rejected", [{"field": None, "code": "refused", "message": reason}])
    queue.wake(ctx.enterprise_id)


def _quarantined(id_: uuid.UUID) -> tuple[Inbox, Thread]:
    row = Inbox.objects.select_for_update().filter(id=id_).order_by("id").first()
    if row is None:
        raise Missing("chain.message")
    if row.state != "quarantined":
        raise Refused(
            Problem("state", _("Only a message in quarantine can be released or rejected."), code="state")
        )
    return row, Thread.objects.select_for_update().get(lane_id=row.lane_id, thread=row.thread)
