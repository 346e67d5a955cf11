"""Which messages exist: what sends them and what they do when they arrive, declared as data.

An outgoing `Message` is queued in the transaction of the step it names. An incoming `Handler` turns one message into
ordinary acts of the communication user; what it raises as a business answer goes back to the sender as a rejection.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.org import grants

from . import queue
from .account import ROLE
from .envelope import Envelope
from .models import Link, Origin, Outbox

RECEIPT = "message.receipt"
VOID = "message.void"
KEY_ANNOUNCED = "key.announced"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message to queue. `thread` is the document family both sides know; `subject` is `code/id` of ours."""

    link_id: uuid.UUID
    thread: uuid.UUID
    subject: str
    data: Mapping[str, Any]
    subject_version: int = 1
    causation: uuid.UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Message:
    """A kind of message we send. `make(ctx, loaded)` yields what one step of one document says, or nothing.

    `back(ctx, row)` is called when the receiver rejected it for a business reason or could not apply it, with the
    outbox row that says why; `done(ctx, row)` when it was applied.
    """

    kind: str
    on: tuple[tuple[str, str], ...]
    make: Callable[[Context, Loaded], Iterable[Outgoing]]
    major: int = 1
    back: Callable[[Context, Outbox], None] | None = None
    done: Callable[[Context, Outbox], None] | None = None


@dataclass(frozen=True)
class Arrival:
    """One message being applied, in its transaction; `ctx` is the communication user."""

    ctx: Context
    link: Link
    envelope: Envelope
    results: list[tuple[str, str]] = field(default_factory=list)

    @property
    def data(self) -> Mapping[str, Any]:
        """The message's body; unknown fields are there too."""
        return self.envelope.data

    def remember(self, code: str, doc: uuid.UUID, number: str) -> Origin:
        """Note that this message made a document of ours; a second one for the same version is refused (L1)."""
        self.concern(code, number)
        return queue.remember(self.ctx, self.link, self.envelope, code, doc, number)

    def concern(self, code: str, number: str) -> None:
        """Note which document of ours this message moved, so that the receipt can name it."""
        self.results.append((code, number))


@dataclass(frozen=True, kw_only=True)
class Handler:
    """What a kind of message does when it arrives. `verbs` are those the role must grant, else the lane is held."""

    kind: str
    apply: Callable[[Arrival], None]
    majors: tuple[int, ...] = (1,)
    verbs: tuple[str, ...] = ()


OUTGOING: dict[str, Message] = {}
INCOMING: dict[str, Handler] = {}


def needed() -> frozenset[str]:
    """Return every permission that some kind of message asks of the communication user's role."""
    return frozenset(verb for handler in INCOMING.values() for verb in handler.verbs)


grants.need(ROLE, needed)


def send(message: Message) -> Message:
    """Register a kind we send, and queue it whenever one of its steps is taken."""
    if message.kind in OUTGOING:
        raise ImproperlyConfigured(f"The message {message.kind} is declared twice.")
    OUTGOING[message.kind] = message

    def subscriber(ctx: Context, loaded: Loaded) -> None:
        queue_all(ctx, message.kind, message.make(ctx, loaded))

    for code, step in message.on:
        on(code, step, subscriber)
    return message


def receive(handler: Handler) -> Handler:
    """Register what a kind does when it arrives."""
    if handler.kind in INCOMING:
        raise ImproperlyConfigured(f"The handler of {handler.kind} is declared twice.")
    INCOMING[handler.kind] = handler
    return handler


def queue_all(ctx: Context, kind: str, outgoing: Iterable[Outgoing]) -> None:
    """Queue messages of one registered kind in the running transaction."""
    for each in outgoing:
        queue_message(ctx, kind, each)


def queue_message(ctx: Context, kind: str, outgoing: Outgoing) -> uuid.UUID:
    """Queue one message of a registered kind in the running transaction; returns its id."""
    return queue.put(
        ctx.enterprise_id,
        now=ctx.now,
        link_id=outgoing.link_id,
        kind=kind,
        major=OUTGOING[kind].major if kind in OUTGOING else 1,
        subject=outgoing.subject,
        subject_version=outgoing.subject_version,
        thread=outgoing.thread,
        causation=outgoing.causation,
        data=outgoing.data,
    )
