"""Put a message into the outbox, unnumbered, in the business transaction; takes no lane lock (chain protocol A3)."""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import connection

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from . import envelope
from .envelope import Envelope
from .models import Lane, Link, Origin, Outbox

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

    The thread's row is locked until the transaction ends, so that versions follow the order of commits. Raises
    Refused when the link has no open lane, body.Malformed when the body breaks the rules (our bug).
    """
    lane = Lane.objects.filter(link_id=link_id, is_out=True).exclude(state="closed").first()
    if lane is None:
        raise Refused(
            Problem(None, _("There is no collaboration in force with this partner."), code="no_link")
        )
    row = Outbox(
        enterprise_id=enterprise_id,
        id=uuid.uuid4(),
        lane_id=lane.id,
        kind=kind,
        major=major,
        subject=subject,
        subject_version=subject_version,
        thread=thread,
        thread_version=_next_version(enterprise_id, lane.id, thread),
        causation=causation,
        data=dict(data),
        queued_at=now,
    )
    _try_on(row, now)
    id_: uuid.UUID = row.id
    row.save(force_insert=True)
    wake(enterprise_id)
    fault("chain.after_queue")
    return id_


def _try_on(row: Outbox, now: dt.datetime) -> None:
    """Write the envelope once with numbers of full length: what does not fit fails here, not at the sequencer."""
    envelope.write(
        id=row.id,
        source=row.id,
        kind=row.kind,
        major=row.major,
        subject=row.subject,
        time=now,
        recipient=row.id,
        lane=row.lane_id,
        epoch=_LONGEST,
        sequence=1,
        prevhash="0" * 64,
        thread=row.thread,
        thread_version=_LONGEST,
        subject_version=row.subject_version,
        causation=row.causation,
        data=row.data,
    )


def _next_version(enterprise_id: int, lane: uuid.UUID, thread: uuid.UUID) -> int:
    sql = (
        "INSERT INTO chain_thread (enterprise_id, id, lane_id, thread, version, is_stopped) "
        "VALUES (%s, %s, %s, %s, 1, false) ON CONFLICT (enterprise_id, lane_id, thread) "
        "DO UPDATE SET version = chain_thread.version + 1 RETURNING version"
    )
    version: int = run(sql, [enterprise_id, new_id(), lane, thread])[0][0]
    return version


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
