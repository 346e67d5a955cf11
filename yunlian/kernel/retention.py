"""How long what nobody needs any more is kept; the worker deletes it in small pieces, once an hour.

Rows of an enterprise are cut off by their time-ordered id, which is their key, so no table needs another index.
"""

import datetime as dt
import threading
import uuid
from dataclasses import dataclass

from .leases import take_lease
from .relay import enterprise_ids
from .scope import tenant
from .sql import run

PIECE = 1_000
EVERY = dt.timedelta(hours=1)
LEASE_S = 600.0


@dataclass(frozen=True)
class Kept:
    """Rows of a table are kept so many days. `where` narrows it down, in SQL over `t`.

    `by` names a moment's column for a table of the installation; a tenant table goes by its id.
    """

    table: str
    days: int
    where: str = "true"
    by: str = ""


KEPT: list[Kept] = []


def keep(kept: Kept) -> Kept:
    """Register how long rows of a table are kept."""
    KEPT.append(kept)
    return kept


keep(Kept("kernel_answer", days=30))
keep(Kept("kernel_job", days=7, where="t.state NOT IN ('queued', 'running')"))
keep(Kept("kernel_outbox", days=7, where="t.delivered_at IS NOT NULL"))


def boundary(moment: dt.datetime) -> uuid.UUID:
    """Return the least id that could have been made at a moment; see identity.new_id."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


class Tidying:
    """Deletes what is past its time, when an hour has gone by since it last did."""

    def __init__(self, holder: uuid.UUID, stop: threading.Event) -> None:
        self.holder, self.stop = holder, stop
        self._due: dt.datetime | None = None

    def visit(self, now: dt.datetime) -> None:
        """Tidy up if it is time."""
        if self._due is None:
            self._due = now + dt.timedelta(minutes=1)  # a start has better things to do
        if now < self._due or not take_lease("retention", self.holder, now, LEASE_S):
            return
        self._due = now + EVERY
        tidy(now, self.stop)


def tidy(now: dt.datetime, stop: threading.Event | None = None) -> int:
    """Delete everything that is past its time; returns how many rows went."""
    gone = sum(_shorten(kept, kept.by, now - dt.timedelta(days=kept.days), stop) for kept in KEPT if kept.by)
    tenants = [kept for kept in KEPT if not kept.by]
    for enterprise in enterprise_ids():
        for kept in tenants:
            gone += _shorten_tenant(kept, enterprise, boundary(now - dt.timedelta(days=kept.days)), stop)
    return gone


def _shorten(kept: Kept, by: str, until: dt.datetime, stop: threading.Event | None) -> int:
    piece = f'SELECT t.ctid FROM "{kept.table}" t WHERE t."{by}" < %s AND ({kept.where}) LIMIT {PIECE}'
    gone = 0
    while stop is None or not stop.is_set():
        count = len(run(f'DELETE FROM "{kept.table}" WHERE ctid = ANY(ARRAY({piece})) RETURNING 1', [until]))
        gone += count
        if count < PIECE:
            break
    return gone


def _shorten_tenant(kept: Kept, enterprise: int, until: uuid.UUID, stop: threading.Event | None) -> int:
    piece = (
        f'SELECT t.id FROM "{kept.table}" t WHERE t.enterprise_id = %s AND t.id < %s AND ({kept.where}) '
        f"ORDER BY t.id LIMIT {PIECE}"
    )
    sql = f'DELETE FROM "{kept.table}" WHERE enterprise_id = %s AND id = ANY(ARRAY({piece})) RETURNING 1'
    gone = 0
    while stop is None or not stop.is_set():
        with tenant(enterprise):
            count = len(run(sql, [enterprise, enterprise, until]))
        gone += count
        if count < PIECE:
            break
    return gone
