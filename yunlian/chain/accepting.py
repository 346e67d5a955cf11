"""Accept a batch: durable, dumb, strictly ordered, in one transaction of the receiver (chain protocol A4, C1).

Nothing a user typed is read here, so nothing a user typed can block a lane. Duplicates are told by position and
digest: exactly, and for ever.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from django.db import connection

from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run
from yunlian.kernel.text import Phrase, _, keep, pack
from yunlian.org import grants
from yunlian.org.models import Enterprise

from . import branches, credentials, envelope, hashpath, keys, membership, signing
from .account import database_now
from .body import Malformed
from .envelope import Envelope
from .messages import INCOMING
from .models import Inbox, Lane, Link
from .queue import wake
from .timeline import LABELS
from .wire import LARGEST_BATCH, LARGEST_BYTES, Answer, Batch, Request, Sealed

WINDOW = 1000  # unapplied messages of one lane, those parked behind a stopped thread not counted
PARKED = 5000  # messages parked behind stopped threads of one lane
BUSY_S = 5  # when to ask again at a full window
_THEIRS_LACKS = _("The partner's role for collaboration does not take “%(kind)s”: it lacks “%(verb)s”.")
_OURS_LACKS = _("Our role for collaboration does not take “%(kind)s”: it lacks “%(verb)s”.")


@dataclass
class _Judging:
    """A lane while a batch is judged: where it stands, what is new, and what we ourselves would have to repair."""

    lane: Lane
    link: Link
    us: uuid.UUID
    room: int
    keys: dict[str, bytes]
    known: dict[int, tuple[uuid.UUID, str]]
    verbs: frozenset[str]
    new: list[Inbox] = field(default_factory=list)
    refusal: str = ""


class Stop(Exception):
    """The request ends here, with this answer; what came before it in the batch stays."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str = "",
        retry_after: int | None = None,
        epoch: int = 0,
        words: Phrase | None = None,
    ) -> None:
        super().__init__(code)
        self.answer = Answer(
            status=status,
            code=code,
            message=message,
            words=None if words is None else pack(words),
            retry_after=retry_after,
            epoch=epoch,
        )


def accept(enterprise_id: int, batch: Batch) -> Answer:
    """Store a batch for the enterprise and say how far; every reason not to is an answer of C1, none an exception."""
    with tenant(enterprise_id):
        fault("chain.before_accept")
        answer = _accept(enterprise_id, batch)
        answer = replace(answer, server_time=database_now())
        fault("chain.while_accepting")
    fault("chain.after_accept")
    return answer


def _accept(enterprise_id: int, batch: Batch) -> Answer:
    try:
        judging = _enter(enterprise_id, batch)
    except Stop as stop:
        return stop.answer
    lane, answer = judging.lane, Answer(status=202)
    try:
        for position, sealed in enumerate(batch.messages):
            _take(judging, sealed, position, batch)
        if batch.after > lane.accepted:
            raise Stop(409, "gap", "You are ahead of us: send again from our position.")
    except Stop as stop:
        answer = stop.answer
    if answer.code == "fork":
        lane.state, lane.reason, lane.last_error = "frozen", "fork", f"fork: {answer.message}"[:500]
    _store(enterprise_id, judging)
    return replace(
        answer,
        accepted_through=lane.accepted,
        delivered_through=lane.accepted,
        head=lane.last_hash,
        epoch=lane.epoch,
        window=max(judging.room, 0),
    )


def _enter(enterprise_id: int, batch: Batch) -> _Judging:
    """Check who knocks, whether we may receive, the link and the lane; lock the lane."""
    if (
        len(batch.messages) > LARGEST_BATCH
        or sum(len(m.text.encode()) for m in batch.messages) > LARGEST_BYTES
    ):
        raise Stop(413, "too_large", "A batch has at most 100 messages and 1 MiB.")
    lane, link, standing = admit(batch)
    _check_branch(lane, batch)
    return _Judging(
        lane=lane,
        link=link,
        us=Enterprise.objects.get(pk=enterprise_id).chain_id,
        room=_room(enterprise_id, lane),
        keys=signing.pinned(link.id),
        known=_known(lane, batch),
        verbs=standing.grants.verbs,
    )


def admit(request: Request) -> tuple[Lane, Link, Context]:
    """Judge whoever sends a request over a lane into the active enterprise; locks the lane. Raises Stop."""
    verdict = credentials.judge(request.token)
    if not verdict.is_good or verdict.found is None or verdict.found.chain_id != request.sender:
        raise Stop(401, verdict.code if not verdict.is_good else "credential_of_another")
    lane = Lane.objects.select_for_update().filter(id=request.lane, is_out=False).order_by("id").first()
    link = None if lane is None else Link.objects.get(id=lane.link_id)
    if lane is None or link is None or link.partner_chain_id != str(request.sender):
        raise Stop(404, "no_lane")
    if lane.state == "closed" or link.state == "dissolved":
        raise Stop(410, "dissolved", "The collaboration has ended.")
    if link.state != "linked":
        raise Stop(403, "link", "The collaboration is not in force.")
    standing = membership.standing()
    if not standing.is_good or standing.acting is None:
        raise Stop(403, f"receiver_{standing.code}", "The receiver may not receive now.")
    return lane, link, standing.acting


def _check_branch(lane: Lane, batch: Batch) -> None:
    """Fence who speaks in an epoch that is over; refuse everything on a frozen lane."""
    if batch.epoch < lane.epoch:
        raise Stop(409, "stale_epoch", "You speak in an epoch that is over: shake hands.", epoch=lane.epoch)
    if batch.epoch > lane.epoch:
        raise Stop(409, "unknown_epoch", "Register your epoch first: shake hands.")
    if lane.state == "frozen":
        raise Stop(409, "fork", "This lane is frozen: an operator must choose a branch.")


def _room(enterprise_id: int, lane: Lane) -> int:
    """How many more unapplied messages the lane takes; at most nothing when too many are parked."""
    sql = (
        "SELECT count(*) FILTER (WHERE t.is_stopped IS NOT TRUE), count(*) FILTER (WHERE t.is_stopped) "
        "FROM chain_inbox i LEFT JOIN chain_thread t ON t.enterprise_id = i.enterprise_id AND t.lane_id = i.lane_id "
        "AND t.thread = i.thread WHERE i.enterprise_id = %s AND i.lane_id = %s AND i.state IN ('new', 'quarantined')"
    )
    waiting, parked = run(sql, [enterprise_id, lane.id])[0]
    return 0 if parked >= PARKED else lane.window - waiting


def _known(lane: Lane, batch: Batch) -> dict[int, tuple[uuid.UUID, str]]:
    """What we stored of the numbers this batch may repeat."""
    if not batch.messages or batch.after >= lane.accepted:
        return {}
    rows = Inbox.objects.filter(
        lane_id=lane.id, seq__gt=batch.after, seq__lte=batch.after + len(batch.messages)
    )
    return {seq: (id_, digest) for seq, id_, digest in rows.values_list("seq", "message_id", "digest")}


def _take(judging: _Judging, sealed: Sealed, position: int, batch: Batch) -> None:
    """Judge one message: a duplicate is passed over, the next one is appended, everything else stops the batch."""
    digest = hashpath.digest(sealed.text)
    stored = judging.known.get(batch.after + 1 + position)
    if stored is not None and stored[1] == digest:
        return
    try:
        message = envelope.read(sealed.text)
    except Malformed as bad:
        raise Stop(413 if bad.code == "too_large" else 400, bad.code, str(bad)) from None
    _check_origin(judging, sealed, message, batch)
    lane = judging.lane
    if message.sequence <= lane.accepted:
        _check_repeated(judging, sealed, message, digest)
        return
    if message.sequence > lane.accepted + 1:
        raise Stop(409, "gap", f"{lane.accepted + 1} is wanted next.")
    if message.prevhash != lane.last_hash:
        why = f"Message {message.sequence} does not follow what we hold: two senders, or a restored one."
        raise _fork(judging, sealed, message, why)
    _check_verbs(judging, message)
    if judging.room <= 0:
        raise Stop(429, "window", "The receiver has too much unapplied.", BUSY_S)
    judging.new.append(_row(judging, sealed, message, digest))
    judging.room -= 1
    lane.accepted, lane.last_hash = message.sequence, digest


def _check_origin(judging: _Judging, sealed: Sealed, message: Envelope, batch: Batch) -> None:
    """The message is the sender's own, for us, on this lane, and signed with a key pinned for this link."""
    public = judging.keys.get(sealed.key_id)
    if public is None or not keys.verify(sealed.key_id, public, sealed.text, sealed.signature):
        raise Stop(401, "bad_signature", "The signature does not fit a key known for this link.")
    if message.source != batch.sender or message.recipient != judging.us or message.lane != judging.lane.id:
        raise Stop(400, "misdirected", "Sender, recipient and lane are not those of this lane.")
    if message.epoch > batch.epoch:
        raise Stop(400, "epoch", "Numbered in an epoch that has not begun.")


def _check_repeated(judging: _Judging, sealed: Sealed, message: Envelope, digest: str) -> None:
    rows = Inbox.objects.filter(lane_id=judging.lane.id, seq=message.sequence)
    if rows.values_list("digest", flat=True).first() != digest:
        why = f"Message {message.sequence} is another one here: two senders, or a restored one."
        raise _fork(judging, sealed, message, why)


def _fork(judging: _Judging, sealed: Sealed, message: Envelope, why: str) -> Stop:
    """Keep the message that does not fit, so that an operator sees both branches."""
    branches.note(judging.lane, sealed, message, "seen", database_now())
    return Stop(409, "fork", why)


def _check_verbs(judging: _Judging, message: Envelope) -> None:
    """The communication user's role must grant what this kind does; an unknown kind is answered when applied."""
    handler = INCOMING.get(message.kind)
    if handler is None or "*" in judging.verbs:
        return
    missing = [verb for verb in handler.verbs if verb not in judging.verbs]
    if missing:
        technical = f"The receiver's role does not allow {message.kind}: {', '.join(missing)}."
        code, _dot, verb = missing[0].rpartition(".")
        lacks = {
            "kind": LABELS.get(message.kind, message.kind),
            "verb": grants.permission_label(code, verb),
        }
        judging.refusal = keep(_OURS_LACKS % lacks)
        raise Stop(403, "role", technical, words=_THEIRS_LACKS % lacks)


def _row(judging: _Judging, sealed: Sealed, message: Envelope, digest: str) -> Inbox:
    return Inbox(
        enterprise_id=judging.lane.enterprise_id,
        id=new_id(),
        lane_id=judging.lane.id,
        seq=message.sequence,
        message_id=message.id,
        kind=message.kind,
        subject=message.subject,
        subject_version=message.subject_version,
        thread=message.thread,
        thread_version=message.thread_version,
        text=sealed.text,
        digest=digest,
        key_id=sealed.key_id,
        signature=sealed.signature,
        received_at=database_now() if not judging.new else judging.new[0].received_at,
    )


def _store(enterprise_id: int, judging: _Judging) -> None:
    lane = judging.lane
    stored: Sequence[Inbox] = judging.new
    is_told = lane.state == "open" and judging.refusal != lane.reason and bool(judging.refusal or stored)
    if is_told:
        lane.reason = judging.refusal
    if stored:
        Inbox.objects.bulk_create(stored)
        wake(enterprise_id)
    if stored or is_told or lane.state == "frozen":
        lane.save(update_fields=["accepted", "last_hash", "state", "reason", "last_error"])
    # Whoever reaches us can be reached: do not make the way back wait for its schedule.
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE chain_lane SET next_at = NULL WHERE enterprise_id = %s AND id IN (SELECT id FROM chain_lane "
            "WHERE enterprise_id = %s AND link_id = %s AND is_out AND next_at IS NOT NULL "
            "AND state IN ('open', 'held', 'suspended') FOR UPDATE SKIP LOCKED)",
            [enterprise_id, enterprise_id, lane.link_id],
        )
