"""Hear a greeting: what the receiver does when a sender comes back after a restore, and says where it stands (A11).

A greeting registers a new epoch, higher than any before: whoever still speaks in an older one is refused. It is a text
signed with a key pinned for the link. Both lanes are compared: the sender's, and where it stands on ours, so that what
the restore made it forget is sent again.
"""

import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from yunlian.kernel.faults import fault
from yunlian.kernel.scope import tenant
from yunlian.org.models import Enterprise

from . import body, branches, keys, signing
from .accepting import Stop, admit
from .account import database_now
from .body import Malformed
from .models import Inbox, Lane, Link
from .queue import wake
from .wire import LARGEST_BATCH, LARGEST_BYTES, Answer, Fetch, Greeting, Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a greeting says: the epoch that begins, the end of the lane out, and the end of the lane in.

    `branch_at` and `branch_hash` are the last message both branches share, when the sender insists on its own.
    """

    epoch: int
    last_seq: int
    last_hash: str
    received: int
    received_hash: str
    branch_at: int | None = None
    branch_hash: str | None = None


def write(source: uuid.UUID, recipient: uuid.UUID, lane: uuid.UUID, said: Said) -> str:
    """Return the text of a greeting, to be signed."""
    words: dict[str, Any] = {
        "kind": "greeting",
        "source": str(source),
        "recipient": str(recipient),
        "lane": str(lane),
    }
    words |= {name: getattr(said, name) for name in Said.__slots__}
    return json.dumps(words, separators=(",", ":"))


def greet(enterprise_id: int, greeting: Greeting) -> Answer:
    """Register the sender's epoch and compare both lanes; every reason not to is an answer of C1."""
    with tenant(enterprise_id):
        try:
            lane, link, _acting = admit(greeting)
        except Stop as stop:
            return replace(stop.answer, server_time=database_now())
        try:
            said = _read(enterprise_id, greeting, lane, link)
            _register(lane, said)
            _meet(enterprise_id, link, said)
            answer = Answer(status=202)
        except Stop as stop:
            answer = stop.answer
        lane.save(update_fields=["epoch", "state", "reason", "last_error", "branch_at"])
        answer = replace(
            answer,
            accepted_through=lane.accepted,
            delivered_through=lane.accepted,
            head=lane.last_hash,
            epoch=lane.epoch,
            window=lane.window,
            server_time=database_now(),
        )
        fault("chain.while_greeting")
    fault("chain.after_greeting")
    return answer


def _read(enterprise_id: int, greeting: Greeting, lane: Lane, link: Link) -> Said:
    letter = greeting.letter
    public = signing.pinned(link.id).get(letter.key_id)
    if public is None or not keys.verify(letter.key_id, public, letter.text, letter.signature):
        raise Stop(401, "bad_signature", "The signature does not fit a key known for this link.")
    try:
        words = body.parse(letter.text)
        said = Said(**{name: words[name] for name in Said.__slots__})
        numbers: list[Any] = [said.epoch, said.last_seq, said.received, said.branch_at or 0]
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("positions")
    except (Malformed, KeyError, ValueError) as bad:
        raise Stop(400, "greeting", f"Not a greeting: {bad}") from None
    us = Enterprise.objects.get(pk=enterprise_id).chain_id
    meant = (words.get("kind"), words.get("source"), words.get("recipient"), words.get("lane"))
    if meant != ("greeting", str(greeting.sender), str(us), str(lane.id)):
        raise Stop(400, "misdirected", "Sender, recipient and lane are not those of this lane.")
    return said


def _register(lane: Lane, said: Said) -> None:
    """Begin the sender's epoch if its branch is ours; a branch it insists on is kept for an operator to decide."""
    if said.epoch <= lane.epoch:
        raise Stop(409, "stale_epoch", "This epoch has begun before: greet in a higher one.")
    if said.last_seq <= lane.accepted and branches.head_at(lane, said.last_seq) != said.last_hash:
        lane.state, lane.reason = "frozen", "fork"
        lane.last_error = f"fork: Message {said.last_seq} is another one here."
        if said.branch_at is not None and branches.head_at(lane, said.branch_at) == said.branch_hash:
            lane.branch_at = said.branch_at
        raise Stop(
            409, "fork", f"Message {said.last_seq} is another one here: two senders, or a restored one."
        )
    lane.epoch, lane.state, lane.branch_at = said.epoch, "open", None
    lane.reason = lane.last_error = ""


def _meet(enterprise_id: int, link: Link, said: Said) -> None:
    """Go back, on our own lane to the sender, to where it stands after its restore."""
    out = Lane.objects.select_for_update().filter(link_id=link.id, is_out=True).order_by("id").first()
    if out is None or out.state in ("closed", "frozen"):
        return
    if said.received > out.last_seq:
        out.state, out.reason = "behind", "partner_ahead"
    elif branches.head_at(out, said.received) != said.received_hash:
        out.state, out.reason = "frozen", "fork"
        out.last_error = f"fork: The partner holds another message {said.received} of ours."
    else:
        out.accepted = min(out.accepted, said.received)
    out.next_at = None
    out.save(update_fields=["state", "reason", "last_error", "accepted", "next_at"])
    wake(enterprise_id)


def give_back(enterprise_id: int, fetch: Fetch) -> Answer:
    """Return the sender's own messages after a position, as they were stored: exact text, key and signature."""
    with tenant(enterprise_id):
        try:
            lane, _link, _acting = admit(fetch)
        except Stop as stop:
            return replace(stop.answer, server_time=database_now())
        rows = Inbox.objects.filter(lane_id=lane.id, seq__gt=fetch.after).order_by("seq")
        return Answer(
            status=202,
            accepted_through=lane.accepted,
            delivered_through=lane.accepted,
            head=lane.last_hash,
            epoch=lane.epoch,
            server_time=database_now(),
            messages=_page(rows.values_list("text", "key_id", "signature")[:LARGEST_BATCH]),
        )


def _page(rows: Any) -> tuple[Sealed, ...]:
    found: list[Sealed] = []
    size = 0
    for text, key_id, signature in rows:
        size += len(text.encode())
        if found and size > LARGEST_BYTES:
            break
        found.append(Sealed(text, key_id, signature))
    return tuple(found)
