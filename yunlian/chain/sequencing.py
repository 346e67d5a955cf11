"""The sequencer: gives queued messages their numbers, their place in the hash path, their bytes and signature.

One transaction under the lane's lock. Numbers are given late, never by the order of ids: an id is taken before its
transaction commits, so whoever reads by id misses rows. Source: chain protocol A3.
"""

import uuid
from collections.abc import Sequence

from yunlian.kernel.faults import fault
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run
from yunlian.org.models import Enterprise

from . import envelope, hashpath, keys, signing
from .account import database_now
from .models import Key, Lane, Link, Outbox

AT_ONCE = 500  # messages numbered in one transaction
STOPPED = ("closed", "frozen", "behind", "paused")  # states of a lane in which nothing is numbered or sent


def number(enterprise_id: int, lane_id: uuid.UUID) -> int:
    """Number and sign the queued messages of a lane in thread order; returns how many.

    Returns 0 also when another worker holds the lane. Raises keys.Locked in a copy made without the secret.
    """
    with tenant(enterprise_id):
        lane = lock_lane(lane_id)
        if lane is None or lane.state in STOPPED:
            return 0
        rows = list(
            Outbox.objects.filter(lane_id=lane.id, seq=None).order_by("thread", "thread_version")[:AT_ONCE]
        )
        if not rows:
            return 0
        fault("chain.before_number")
        _write_texts(lane, rows)
        _store_numbers(enterprise_id, rows)
        lane.last_seq, lane.last_hash = rows[-1].seq, rows[-1].digest
        lane.save(update_fields=["last_seq", "last_hash", "key_id"])
        fault("chain.while_numbering")
    fault("chain.after_number")
    return len(rows)


def lock_lane(lane_id: uuid.UUID) -> Lane | None:
    """Lock a lane out of ours; None when another worker holds it or it is not there."""
    lane: Lane | None = (
        Lane.objects.select_for_update(skip_locked=True)
        .filter(id=lane_id, is_out=True)
        .order_by("id")
        .first()
    )
    return lane


def _write_texts(lane: Lane, rows: Sequence[Outbox]) -> None:
    link = Link.objects.get(id=lane.link_id)
    source = Enterprise.objects.get(pk=lane.enterprise_id).chain_id
    key = _key_of(lane)
    private = signing.opened(key)
    now, prev, seq = database_now(), lane.last_hash, lane.last_seq
    for row in rows:
        seq += 1
        row.seq = seq
        row.text = envelope.compose(
            id=row.id,
            source=source,
            kind=row.kind,
            major=row.major,
            subject=row.subject,
            time=now,
            recipient=uuid.UUID(link.partner_chain_id),
            lane=lane.id,
            epoch=lane.epoch,
            sequence=seq,
            prevhash=prev,
            thread=row.thread,
            thread_version=row.thread_version,
            subject_version=row.subject_version,
            correlation=row.correlation,
            causation=row.causation,
            data=row.data,
        )
        prev = row.digest = hashpath.digest(row.text)
        row.key_id, row.signature = key.key_id, keys.sign(key.key_id, private, row.text)


def _key_of(lane: Lane) -> Key:
    """The key the partner knows us by on this lane; a newer one is used once they acknowledged its announcement."""
    key: Key = Key.objects.get(link_id=None, key_id=lane.key_id)
    return key


def _store_numbers(enterprise_id: int, rows: Sequence[Outbox]) -> None:
    sql = (
        "UPDATE chain_outbox t SET seq = v.seq, text = v.text, digest = v.digest, key_id = v.key_id, "
        "signature = v.signature FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[]) "
        "AS v (id, seq, text, digest, key_id, signature) WHERE t.enterprise_id = %s AND t.id = v.id RETURNING 1"
    )
    columns = ("id", "seq", "text", "digest", "key_id", "signature")
    done = run(sql, [*([getattr(row, name) for row in rows] for name in columns), enterprise_id])
    assert len(done) == len(rows)
