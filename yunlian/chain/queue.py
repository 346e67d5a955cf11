"""Put a message into the outbox, unnumbered, in the business transaction; takes no lane lock (chain protocol A3)."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Row, run
from yunlian.kernel.text import _

from . import envelope
from .envelope import Envelope
from .models import Link, Origin

_LONGEST = 2_147_483_647
WAKE = "yunlian_chain"  # PostgreSQL channel; only a hint that there is work in the enterprise named


def put(
    enterprise_id: int,
    *,
    now: dt.datetime,
    link_id: uuid.UUID,
    kind: str,
    subject: str,
    thread: uuid.UUID,
    data: Mapping[str, Any],
    major: int = 1,
    subject_version: int = 1,
    causation: uuid.UUID | None = None,
) -> uuid.UUID:
    """Queue one message; returns its id, which is random, never derived from content (B9).

    The thread's row is locked until the transaction ends, so that versions follow the order of commits. Raises Refused
    when the link has no open lane, body.Malformed when the body breaks the rules (our bug).
    """
    sql, params = statement(
        enterprise_id,
        now=now,
        link_id=link_id,
        kind=kind,
        subject=subject,
        thread=thread,
        data=data,
        major=major,
        subject_version=subject_version,
        causation=causation,
    )
    id_ = stored(run(sql, params))
    wake(enterprise_id)
    fault("chain.after_queue")
    return id_


def statement(
    enterprise_id: int,
    *,
    now: dt.datetime,
    link_id: uuid.UUID,
    kind: str,
    subject: str,
    thread: uuid.UUID,
    data: Mapping[str, Any],
    major: int = 1,
    subject_version: int = 1,
    causation: uuid.UUID | None = None,
) -> tuple[str, list[Any]]:
    """Return the statement that queues one message, to be run with others; `stored` reads what it returns.

    It waits for the next round instead of waking a worker. Raises body.Malformed when the body breaks the rules.
    """
    id_ = uuid.uuid4()
    _try_on(id_, now, kind, major, subject, subject_version, thread, causation, data)
    return _PUT, [
        *(enterprise_id, link_id),
        *(enterprise_id, new_id(), thread),
        *(enterprise_id, id_, kind, major, subject, subject_version, thread, causation),
        *(json.dumps(data, ensure_ascii=False), now),
    ]


def stored(rows: list[Row]) -> uuid.UUID:
    """Return the id of the message that was queued. Raises Refused when the link has no open lane."""
    if not rows:
        raise Refused(
            Problem(None, _("There is no collaboration in force with this partner."), code="no_link")
        )
    return uuid.UUID(str(rows[0][0]))


# The lane out of a link, the next version of the thread, and the message: one statement.
_PUT = """
WITH lane AS (
  SELECT id FROM chain_lane WHERE enterprise_id = %s AND link_id = %s AND is_out AND state <> 'closed'
), next AS (
  INSERT INTO chain_thread (enterprise_id, id, lane_id, thread, version, is_stopped)
  SELECT %s, %s::uuid, lane.id, %s::uuid, 1, false FROM lane
  ON CONFLICT (enterprise_id, lane_id, thread) DO UPDATE SET version = chain_thread.version + 1
  RETURNING lane_id, version
)
INSERT INTO chain_outbox (enterprise_id, id, lane_id, kind, major, subject, subject_version, thread, thread_version,
  causation, data, queued_at, digest, key_id, signature, is_void, outcome, problems)
SELECT %s, %s::uuid, next.lane_id, %s, %s, %s, %s, %s::uuid, next.version,
  %s::uuid, %s::jsonb, %s::timestamptz, '', '', '', false, '', '[]'::jsonb FROM next
RETURNING id
"""


def _try_on(
    id_: uuid.UUID,
    now: dt.datetime,
    kind: str,
    major: int,
    subject: str,
    subject_version: int,
    thread: uuid.UUID,
    causation: uuid.UUID | None,
    data: Mapping[str, Any],
) -> None:
    """Write the envelope once with numbers of full length: what does not fit fails here, not at the sequencer."""
    envelope.write(
        id=id_,
        source=id_,
        kind=kind,
        major=major,
        subject=subject,
        time=now,
        recipient=id_,
        lane=id_,
        epoch=_LONGEST,
        sequence=1,
        prevhash="0" * 64,
        thread=thread,
        thread_version=_LONGEST,
        subject_version=subject_version,
        causation=causation,
        data=data,
    )


def wake(enterprise_id: int) -> None:
    """Hint, when the transaction commits, that there is work in an enterprise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [WAKE, str(enterprise_id)])


def remember(ctx: Context, link: Link, message: Envelope, code: str, doc: uuid.UUID, number: str) -> Origin:
    """Note which of our documents a partner's document became; a second one for the same version is refused (L1)."""
    same = {"subject": message.subject, "subject_version": message.subject_version, "thread": message.thread}
    if Origin.objects.filter(link_id=link.id, **same).exists():
        raise Refused(Problem(None, _("This version of the document is here already."), code="exists"))
    made: Origin = Origin.objects.create(
        id=new_id(),
        link_id=link.id,
        **same,
        code=code,
        doc=doc,
        number=number or "",
    )
    return made
