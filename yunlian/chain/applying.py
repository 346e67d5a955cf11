"""Apply what was accepted: exactly once, one thread in order, threads side by side (chain protocol A5).

Three ends of a message: applied; rejected, a business answer that closes it while its thread goes on; quarantined, a
technical failure, behind which its thread waits while all others go on. Each end sends its receipt in the same
transaction that reaches it.
"""

import datetime as dt
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError

from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import Table, run, run_together, table
from yunlian.kernel.text import _
from yunlian.org.context import communication_read, communication_statement

from . import account, envelope, queue, receipts, schedule
from .messages import INCOMING, RECEIPT, Arrival
from .models import Inbox, Link, Stray, Thread

TRIES = 8
AT_ONCE = 100  # heads looked at in one round of an enterprise


class Poison(Exception):
    """A message that will fail however often it is tried; it is quarantined at once."""


class Waiting(Exception):
    """Not now: the communication user is missing. The message waits, and is no failure of its own."""


def heads(enterprise_id: int) -> list[uuid.UUID]:
    """Return the inbox rows that may be applied now: the first open one of every thread that is not stopped.

    Lanes take turns, so that a long queue of one partner does not hold up the others. A plain read; whoever applies
    one looks again under its lock.
    """
    sql = (
        "SELECT id FROM (SELECT id, received_at, row_number() OVER (PARTITION BY lane_id ORDER BY received_at, id) AS turn "
        "FROM (SELECT DISTINCT ON (lane_id, thread) id, lane_id, state, next_at, received_at FROM chain_inbox "
        "WHERE enterprise_id = %s AND state IN ('new', 'quarantined') ORDER BY lane_id, thread, seq) AS head "
        "WHERE state = 'new' AND (next_at IS NULL OR next_at <= clock_timestamp())) AS ready "
        "ORDER BY turn, received_at, id LIMIT %s"
    )
    with tenant(enterprise_id):
        return [row[0] for row in run(sql, [enterprise_id, AT_ONCE])]


def apply_next(enterprise_id: int) -> int:
    """Read the receipts that wait, then apply a round of heads; returns how many messages reached an end."""
    return receipts.take_many(enterprise_id) + sum(apply(enterprise_id, id_) for id_ in heads(enterprise_id))


def apply(enterprise_id: int, id_: uuid.UUID) -> bool:
    """Apply one message if it is still the open head of its thread; tells whether it reached an end.

    Deadlocks are tried again from a fresh transaction, at most three times.
    """
    for _attempt in range(3):
        try:
            return _answered(enterprise_id, id_)
        except OperationalError as failure:
            if _is_outage(failure):
                raise
            if not _is_conflict(failure):
                return _fail(enterprise_id, id_, failure)
        except Exception as failure:  # one bad message must not stop the others (B7): it is counted and shown
            return _fail(enterprise_id, id_, failure)
    return False


def _answered(enterprise_id: int, id_: uuid.UUID) -> bool:
    """Apply a message, or close it with the business answer it got; what fails then is a technical failure too."""
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
    return ended


def _is_conflict(failure: OperationalError) -> bool:
    return getattr(failure.__cause__, "sqlstate", "") in ("40P01", "40001", "55P03")


def _is_outage(failure: OperationalError) -> bool:
    """Whether the database itself is away, full or ending: no message is to blame, and none can be counted."""
    state = getattr(failure.__cause__, "sqlstate", None) or "08"
    return state[:2] in ("08", "53", "58", "XX") or state.startswith("57P")


@dataclass
class _Head:
    """A locked message with its locked thread; `now` is the database's clock.

    `was_handled` says that it took effect on a branch that was put aside. `acting` is the communication user.
    """

    row: Inbox
    link: Link
    thread_id: uuid.UUID
    applied: int
    now: dt.datetime
    was_handled: bool = False
    acting: Context | None = None


# The message with its link, if nobody else holds it and nothing earlier of its thread is open; and its thread, locked.
_LOCK = """
WITH head AS (
  SELECT {inbox}, {link}, clock_timestamp() AS now, EXISTS (SELECT 1 FROM chain_stray s
    WHERE s.enterprise_id = i.enterprise_id AND s.lane_id = i.lane_id AND s.message_id = i.message_id
    AND s.state IN ('applied', 'rejected')) AS was_handled, i.lane_id AS of_lane, i.thread AS of_thread
  FROM chain_inbox i
  JOIN chain_lane l ON l.enterprise_id = i.enterprise_id AND l.id = i.lane_id
  JOIN chain_link k ON k.enterprise_id = i.enterprise_id AND k.id = l.link_id
  WHERE i.enterprise_id = %s AND i.id = %s AND i.state = 'new'
  AND NOT EXISTS (SELECT 1 FROM chain_inbox e WHERE e.enterprise_id = i.enterprise_id AND e.lane_id = i.lane_id
    AND e.thread = i.thread AND e.seq < i.seq AND e.state IN ('new', 'quarantined'))
  FOR UPDATE OF i SKIP LOCKED
), locked AS (
  INSERT INTO chain_thread (enterprise_id, id, lane_id, thread, version, is_stopped)
  SELECT %s, %s::uuid, of_lane, of_thread, 0, false FROM head
  ON CONFLICT (enterprise_id, lane_id, thread) DO UPDATE SET version = chain_thread.version
  RETURNING id, version, is_stopped
)
SELECT head.*, locked.id, locked.version, locked.is_stopped FROM head, locked
"""


def _lock_head(enterprise_id: int, id_: uuid.UUID) -> _Head | None:
    """Lock the message and its thread, and look again: it must still be the first open one and the next version."""
    inbox, link = table(Inbox), table(Link)
    sql = _LOCK.format(inbox=_named(inbox, "i"), link=_named(link, "k"))
    # In one journey with who acts: both are judged in this transaction.
    lock = (sql, [enterprise_id, id_, enterprise_id, new_id()])
    rows, acting = run_together([lock, communication_statement(enterprise_id, None, account.ROLE)])
    if not rows:
        return None
    *columns, now, was_handled, _lane, _thread, thread_id, applied, is_stopped = rows[0]
    row: Inbox = inbox.instance(columns[: len(inbox.columns)])
    if is_stopped or row.thread_version > applied + 1:
        return None
    user = communication_read(enterprise_id, acting)
    return _Head(
        row,
        link.instance(columns[len(inbox.columns) :]),
        thread_id,
        applied,
        now,
        was_handled,
        user[0] if user is not None and user[1] else None,
    )


def _named(shape: Table, alias: str) -> str:
    """The columns of a row under an alias, each under a name of its own."""
    return ", ".join(f'{alias}."{column.name}" AS {alias}_{column.name}' for column in shape.columns)


def _apply(enterprise_id: int, id_: uuid.UUID) -> bool:
    head = _lock_head(enterprise_id, id_)
    if head is None:
        return False
    if head.row.thread_version <= head.applied or head.was_handled:
        _repeat_answer(head)
        return True
    arrival = None if head.row.kind == RECEIPT else _effect(head)
    if head.row.kind == RECEIPT:
        receipts.take(enterprise_id, head.row)
    _close(head, "applied", arrival=arrival)
    return True


def _repeat_answer(head: _Head) -> None:
    """Give what was handled before the same answer again, and no effect (a sender restored, a branch put aside)."""
    row = head.row
    handled = ("applied", "rejected")
    first = (
        Stray.objects.filter(lane_id=row.lane_id, message_id=row.message_id, state__in=handled).first()
        or Inbox.objects.filter(
            lane_id=row.lane_id, thread=row.thread, thread_version=row.thread_version, state__in=handled
        )
        .order_by("seq")
        .first()
    )
    state, problems = ("applied", []) if first is None else (first.state, first.problems)
    _close(head, state, problems)


def _effect(head: _Head) -> Arrival:
    """Run the business of a message as the communication user."""
    message = envelope.read(head.row.text or "")
    handler = INCOMING.get(message.kind)
    if handler is None or message.major not in handler.majors:
        raise Refused(Problem("type", _("This kind of message is not supported here."), code="unsupported"))
    if head.acting is None:
        raise Waiting("The communication user is missing, inactive or without its role.")
    arrival = Arrival(head.acting, head.link, message)
    handler.apply(arrival)
    return arrival


# The end of a message and the place its thread has reached, together.
_END = """
WITH ended AS (
  UPDATE chain_inbox SET state = %s, handled_at = %s, problems = %s::jsonb, tries = %s, next_at = NULL
  WHERE enterprise_id = %s AND id = %s RETURNING 1
)
UPDATE chain_thread SET version = greatest(version, %s), is_stopped = %s
WHERE enterprise_id = %s AND id = %s RETURNING version
"""


def _close(head: _Head, state: str, problems: Sequence[Any] = (), arrival: Arrival | None = None) -> None:
    """End the message and queue its receipt on the way back, in one journey; a receipt itself is never receipted.

    When the link was dissolved meanwhile there is no way back.
    """
    statements = [_end(head, state, problems)]
    is_answered = head.row.kind != RECEIPT and head.link.state == "linked"
    if is_answered:
        statements.append(_receipt(head, state, problems, arrival))
    _ended, *queued = run_together(statements)
    if is_answered:
        queue.stored(queued[0])


Statement = tuple[str, list[Any]]


def _end(head: _Head, state: str, problems: Sequence[Any]) -> Statement:
    row = head.row
    is_stopped = state == "quarantined"
    reached = head.applied if is_stopped else row.thread_version
    said = json.dumps(list(problems), ensure_ascii=False)
    here = row.enterprise_id
    return _END, [state, head.now, said, row.tries, here, row.id, reached, is_stopped, here, head.thread_id]


def _receipt(head: _Head, outcome: str, problems: Sequence[Any], arrival: Arrival | None) -> Statement:
    row = head.row
    said = [{name: value for name, value in problem.items() if name != "by"} for problem in problems]
    data: dict[str, Any] = {"about": str(row.message_id), "outcome": outcome, "problems": said}
    if outcome == "quarantined":
        data["problems"] = [receipts.problem_of(_("The receiver could not process it."), code="failure")]
    if arrival is not None and arrival.results:
        data["code"], data["number"] = arrival.results[-1]
    return queue.statement(
        row.enterprise_id,
        now=head.now,
        link_id=head.link.id,
        kind=RECEIPT,
        subject=f"chain.inbox/{row.message_id}",
        thread=row.message_id,
        causation=row.message_id,
        data=data,
    )


def _reject(enterprise_id: int, id_: uuid.UUID, answer: Exception) -> bool:
    """Close the message with a business answer; the thread goes on."""
    with tenant(enterprise_id):
        head = _lock_head(enterprise_id, id_)
        if head is None:
            return False
        problems = receipts.problems_of(answer)
        _close(head, "rejected", problems)
    return True


def _postpone(enterprise_id: int, id_: uuid.UUID, why: str) -> bool:
    with tenant(enterprise_id):
        Inbox.objects.filter(id=id_, state="new").update(
            next_at=account.database_now() + dt.timedelta(seconds=30),
            problems=[{"field": None, "code": "waiting", "message": why}],
        )
    return False


def _fail(enterprise_id: int, id_: uuid.UUID, failure: Exception) -> bool:
    """Count a technical failure; at the eighth, or when it can only fail again, stop the thread."""
    with tenant(enterprise_id):
        head = _lock_head(enterprise_id, id_)
        if head is None:
            return False
        row = head.row
        row.tries += 1
        problems = [
            {"field": None, "code": "failure", "message": f"{type(failure).__name__}: {failure}"[:500]}
        ]
        if row.tries < TRIES and not isinstance(failure, Poison):
            row.problems = problems
            row.next_at = head.now + dt.timedelta(seconds=schedule.delay_s(row.tries + 1, random.Random()))
            row.save(update_fields=["tries", "problems", "next_at"])
            return False
        _close(head, "quarantined", problems)
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
    head = _Head(row, row.lane.link, thread.id, thread.version, account.database_now())
    said = {"field": None, "code": "refused", "message": reason}
    _close(head, "rejected", [said | {"by": ctx.member_name}])
    queue.wake(ctx.enterprise_id)


def _quarantined(id_: uuid.UUID) -> tuple[Inbox, Thread]:
    locked = Inbox.objects.select_for_update(of=("self",)).select_related("lane__link").filter(id=id_)
    row = locked.order_by("id").first()
    if row is None:
        raise Missing("chain.message")
    if row.state != "quarantined":
        raise Refused(
            Problem("state", _("Only a message in quarantine can be released or rejected."), code="state")
        )
    return row, Thread.objects.select_for_update().get(lane_id=row.lane_id, thread=row.thread)
