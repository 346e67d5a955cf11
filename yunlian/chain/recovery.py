"""The way back after a restore: a new epoch, hands shaken, our own later messages fetched back (chain protocol A11).

A lane out is behind when this database was restored, by what `notice` sees or an operator says, or when the receiver
turns out to have more of it than we have. Nothing is numbered on it before the partner has answered a greeting and what
they hold of ours has been stored again, byte for byte. Where their branch differs from ours the lane is frozen, both
branches are kept, and an operator chooses (see branches).
"""

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import F

from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run
from yunlian.org.models import Enterprise

from . import branches, envelope, greeting, hashpath, keys, membership, receipts, sending, signing
from .account import database_now
from .body import Malformed
from .envelope import Envelope
from .models import Attempt, Incarnation, Key, Lane, Link, Membership, Outbox, Pass
from .queue import wake
from .sequencing import lock_lane
from .wire import Answer, Fetch, Greeting, Request, Sealed

# Which database this is: what differs after a restore, in a copy, and on a promoted standby.
_HERE = (
    "SELECT (SELECT system_identifier::text FROM pg_control_system()), "
    "(SELECT timeline_id FROM pg_control_checkpoint()), "
    "(SELECT oid::bigint FROM pg_database WHERE datname = current_database())"
)


def notice() -> bool:
    """Tell whether this is another database than the chain worked in before; then every lane is behind.

    Called before anything is numbered, and outside any enterprise. Two that notice at once raise the epoch twice: harmless.
    """
    here = run(_HERE, [])[0]
    known = Incarnation.objects.filter(id=1).first()
    if known is not None and here == (known.cluster, known.timeline, known.database):
        return False
    if known is not None:
        restored()
    Incarnation.objects.update_or_create(
        id=1,
        defaults={
            "cluster": here[0],
            "timeline": here[1],
            "database": here[2],
            "since": database_now(),
        },
    )
    return known is not None


def restored() -> int:
    """Say that this database was restored: every lane out of every member shakes hands first; returns how many do."""
    joined = Pass.objects.exclude(member_until=None).order_by("enterprise_id")
    count = 0
    for enterprise_id in joined.values_list("enterprise_id", flat=True).distinct():
        with tenant(enterprise_id):
            Membership.objects.update(epoch=F("epoch") + 1)
            lanes = Lane.objects.filter(is_out=True, state__in=("open", "held", "suspended"))
            count += lanes.update(state="behind", reason="restored_here", next_at=None, lease_until=None)
            wake(enterprise_id)
    return count


@dataclass(frozen=True)
class _Turn:
    """One conversation with a peer: the lease that guards it, and what every request carries."""

    lane_id: uuid.UUID
    owner: uuid.UUID
    peer: uuid.UUID
    source: uuid.UUID
    token: bytes
    letter: Sealed | None = None

    def greeting(self) -> Greeting:
        assert self.letter is not None
        return Greeting(sender=self.source, token=self.token, lane=self.lane_id, letter=self.letter)

    def fetch(self, after: int) -> Fetch:
        return Fetch(sender=self.source, token=self.token, lane=self.lane_id, after=after)


def lanes_out(enterprise_id: int) -> list[tuple[uuid.UUID, bool]]:
    """Return the lanes that must speak before they send: (lane, whether it is frozen on a branch nobody looked at)."""
    sql = (
        "SELECT id, state = 'frozen' FROM chain_lane WHERE enterprise_id = %s AND is_out "
        "AND (state = 'behind' OR state = 'frozen' AND branch_at IS NULL) "
        "AND (next_at IS NULL OR next_at <= clock_timestamp()) ORDER BY id"
    )
    with tenant(enterprise_id):
        return [(row[0], row[1]) for row in run(sql, [enterprise_id])]


def recover(enterprise_id: int, transport: sending.Transport) -> int:
    """Let every lane that stopped take its next step; returns how many got further."""
    return sum(
        (look if is_frozen else shake)(enterprise_id, lane, transport)
        for lane, is_frozen in lanes_out(enterprise_id)
    )


def shake(enterprise_id: int, lane_id: uuid.UUID, transport: sending.Transport) -> bool:
    """Greet in a new epoch, fetch our own later messages back and open the lane; tells whether it got further."""
    turn = _begin(enterprise_id, lane_id, "behind")
    if turn is None:
        return False
    fault("chain.before_greeting")
    answer = _ask(transport, turn, turn.greeting())
    fault("chain.after_greeted")
    if answer.code == "stale_epoch":
        _rise(enterprise_id, turn, answer.epoch)
        return True
    went_on = _greeted(enterprise_id, turn, answer)
    while went_on:
        after = _position(enterprise_id, turn)
        page = _ask(transport, turn, turn.fetch(after))
        fault("chain.after_fetch")
        if not _import(enterprise_id, turn, page):
            return True
        fault("chain.after_import")
    return went_on


def look(enterprise_id: int, lane_id: uuid.UUID, transport: sending.Transport) -> bool:
    """Fetch what the partner holds of a frozen lane and keep what differs from ours; tells whether it was seen."""
    turn = _begin(enterprise_id, lane_id, "frozen")
    if turn is None:
        return False
    after = _position(enterprise_id, turn, is_acknowledged=True)
    seen: list[Sealed] = []
    while len(seen) < branches.SHOWN:
        page = _ask(transport, turn, turn.fetch(after + len(seen)))
        if page.status != 202:
            _wait(enterprise_id, turn, page)
            return False
        seen += page.messages
        if not page.messages:
            break
    _keep(enterprise_id, turn, after, seen)
    return True


def _begin(enterprise_id: int, lane_id: uuid.UUID, state: str) -> _Turn | None:
    """Take the lease; on a lane that is behind, raise the epoch and write the greeting."""
    with tenant(enterprise_id):
        lane = lock_lane(lane_id)
        now = database_now()
        if lane is None or lane.state != state or (lane.lease_until is not None and lane.lease_until > now):
            return None
        standing = membership.standing()
        if not standing.is_good:
            answer = Answer(status=0, code=standing.code, message=standing.reason)
            sending.wait(lane, now, random.Random(), answer)
            return None
        lane.lease_owner, lane.lease_until = uuid.uuid4(), now + sending.LEASE
        source = Enterprise.objects.get(pk=enterprise_id).chain_id
        peer = uuid.UUID(Link.objects.get(id=lane.link_id).partner_chain_id)
        letter = None
        if state == "behind":
            lane.epoch = max(lane.epoch + 1, standing.epoch)
            letter = _letter(lane, source, peer)
        lane.save(update_fields=["lease_owner", "lease_until", "epoch"])
        return _Turn(lane.id, lane.lease_owner, peer, source, standing.token, letter)


def _letter(lane: Lane, source: uuid.UUID, peer: uuid.UUID) -> Sealed:
    """The greeting, signed: where we stand on both lanes. Raises keys.Locked in a copy made without the secret."""
    incoming = Lane.objects.get(link_id=lane.link_id, is_out=False)
    branch_at = lane.branch_at if lane.is_insisting else None
    said = greeting.Said(
        epoch=lane.epoch,
        last_seq=lane.last_seq,
        last_hash=lane.last_hash,
        received=incoming.accepted,
        received_hash=incoming.last_hash,
        branch_at=branch_at,
        branch_hash=None if branch_at is None else branches.head_at(lane, branch_at),
    )
    key: Key = Key.objects.get(link_id=None, key_id=lane.key_id)
    text = greeting.write(source, peer, lane.id, said)
    return Sealed(text, key.key_id, keys.sign(key.key_id, signing.opened(key), text))


def _ask(transport: sending.Transport, turn: _Turn, request: Request) -> Answer:
    try:
        return transport(turn.peer, request)
    except sending.TransportFailure as failure:
        return Answer(status=0, code="no_answer", message=str(failure)[:500])


def _position(enterprise_id: int, turn: _Turn, *, is_acknowledged: bool = False) -> int:
    with tenant(enterprise_id):
        lane = Lane.objects.get(id=turn.lane_id)
        return int(lane.accepted if is_acknowledged else lane.last_seq)


def _held(turn: _Turn) -> Lane | None:
    """The lane, locked, while our lease on it holds."""
    lane: Lane = Lane.objects.select_for_update().get(id=turn.lane_id)
    return lane if lane.lease_owner == turn.owner else None


def _greeted(enterprise_id: int, turn: _Turn, answer: Answer) -> bool:
    """Do what the answer to the greeting says; tells whether the way is free to fetch."""
    with tenant(enterprise_id):
        lane = _held(turn)
        if lane is None:
            return False
        now = database_now()
        _record(lane, now, "greet", answer, 0)
        if answer.status == 202:
            if answer.accepted_through <= lane.last_seq and not _same_branch(lane, answer):
                _stop(lane, "fork", f"The partner holds another message {answer.accepted_through} of ours.")
                return False
            return True
        if answer.code == "fork" and not lane.is_insisting:
            _stop(lane, "fork", answer.message)
        else:
            _give_up(lane, now, answer)
    return False


def _rise(enterprise_id: int, turn: _Turn, epoch: int) -> None:
    """The partner knows us under a higher epoch than the backup remembers: the next greeting goes above it."""
    with tenant(enterprise_id):
        lane = _held(turn)
        if lane is not None:
            lane.epoch, lane.lease_owner, lane.lease_until = max(lane.epoch, epoch), None, None
            lane.save(update_fields=["epoch", "lease_owner", "lease_until"])


def _same_branch(lane: Lane, answer: Answer) -> bool:
    return branches.head_at(lane, answer.accepted_through) == answer.head


def _import(enterprise_id: int, turn: _Turn, page: Answer) -> bool:
    """Store a page of our own messages again; opens the lane when there are no more. Tells whether more may follow."""
    with tenant(enterprise_id):
        lane = _held(turn)
        if lane is None:
            return False
        now = database_now()
        _record(lane, now, "fetch", page, len(page.messages))
        if page.status != 202:
            _give_up(lane, now, page)
            return False
        try:
            messages = _read(lane, turn.source, page.messages)
        except Malformed as bad:
            _stop(lane, "not_ours", str(bad))
            return False
        _store(lane, list(zip(page.messages, messages, strict=True)), now)
        receipts.take_again(enterprise_id, [message.id for message in messages])
        if not messages:
            _open(lane, page, now)
        lane.save()
        fault("chain.while_importing")
    if not messages:
        fault("chain.after_recovery")
    return bool(messages)


def _read(lane: Lane, source: uuid.UUID, sealed: Sequence[Sealed]) -> list[Envelope]:
    """Check what comes back: our own words on this lane, following what we hold, under our signature. Raises Malformed."""
    ours = {key.key_id: bytes(key.public) for key in Key.objects.filter(link_id=None)}
    seq, prev, found = lane.last_seq, lane.last_hash, []
    for one in sealed:
        message = envelope.read(one.text)
        seq += 1
        if (message.source, message.lane, message.sequence, message.prevhash) != (source, lane.id, seq, prev):
            raise Malformed("path", f"message {seq} does not follow what we hold")
        public = ours.get(one.key_id)
        if public is None or not keys.verify(one.key_id, public, one.text, one.signature):
            raise Malformed("signature", f"message {seq} is not signed with a key of ours")
        prev = hashpath.digest(one.text)
        found.append(message)
    return found


def _store(lane: Lane, page: Sequence[tuple[Sealed, Envelope]], now: dt.datetime) -> None:
    """Put messages back into the outbox under their old numbers; what the backup still had queued becomes what it was."""
    arriving = {message.id for _sealed, message in page}
    tops: dict[uuid.UUID, int] = {}
    for _sealed, message in page:
        tops[message.thread] = max(tops.get(message.thread, 0), message.thread_version)
    for thread, top in sorted(tops.items()):
        branches.make_room(lane, thread, top, arriving)
    for sealed, message in page:
        lane.last_seq, lane.last_hash = message.sequence, hashpath.digest(sealed.text)
        numbered = {
            "seq": message.sequence,
            "thread_version": message.thread_version,
            "text": sealed.text,
            "digest": lane.last_hash,
            "key_id": sealed.key_id,
            "signature": sealed.signature,
            "sent_at": now,
            "delivered_at": now,
        }
        names = ("kind", "major", "subject", "subject_version", "thread", "correlation", "causation")
        said = {name: getattr(message, name) for name in names}
        Outbox.objects.update_or_create(
            enterprise_id=lane.enterprise_id,
            id=message.id,
            defaults=numbered,
            create_defaults=numbered
            | said
            | {
                "lane_id": lane.id,
                "data": dict(message.data),
                "queued_at": message.time,
                "recovered_at": now,
            },
        )


def _open(lane: Lane, page: Answer, now: dt.datetime) -> None:
    """Hands are shaken: go on from where the partner stands."""
    lane.accepted = lane.delivered = min(page.accepted_through, lane.last_seq)
    lane.state, lane.reason, lane.last_error = "open", "", ""
    lane.branch_at, lane.is_insisting = None, False
    lane.failures, lane.failing_since, lane.next_at = 0, None, None
    lane.lease_owner = lane.lease_until = None
    lane.answered_at = now


def _keep(enterprise_id: int, turn: _Turn, after: int, seen: Sequence[Sealed]) -> None:
    """Note where the branches part, and the partner's messages after it."""
    with tenant(enterprise_id):
        lane = _held(turn)
        if lane is None:
            return
        own = dict(Outbox.objects.filter(lane_id=lane.id, seq__gt=after).values_list("seq", "digest"))
        now = database_now()
        parting = after
        for position, sealed in enumerate(seen, after + 1):
            if parting == position - 1 and own.get(position) == hashpath.digest(sealed.text):
                parting = position
            else:
                branches.note(lane, sealed, envelope.read(sealed.text), "seen", now)
        lane.branch_at = parting
        lane.lease_owner = lane.lease_until = lane.next_at = None
        lane.save(update_fields=["branch_at", "lease_owner", "lease_until", "next_at"])


def _stop(lane: Lane, code: str, message: str) -> None:
    lane.state, lane.reason, lane.last_error = "frozen", code, f"{code}: {message}"[:500]
    lane.branch_at, lane.is_insisting = None, False
    lane.lease_owner = lane.lease_until = lane.next_at = None
    lane.save()


def _give_up(lane: Lane, now: dt.datetime, answer: Answer) -> None:
    """Try again later; a dissolved link closes the lane."""
    lane.lease_owner = lane.lease_until = None
    if answer.status == 410:
        lane.state, lane.reason = "closed", answer.code
        lane.save()
        return
    sending.wait(lane, now, random.Random(), answer)


def _wait(enterprise_id: int, turn: _Turn, answer: Answer) -> None:
    with tenant(enterprise_id):
        lane = _held(turn)
        if lane is not None:
            _give_up(lane, database_now(), answer)


def _record(lane: Lane, now: dt.datetime, act: str, answer: Answer, count: int) -> None:
    Attempt.objects.create(
        id=new_id(),
        at=now,
        lane_id=lane.id,
        act=act,
        status=answer.status,
        code=answer.code,
        first_seq=lane.last_seq + 1,
        count=count,
        detail=answer.message[:500],
    )
