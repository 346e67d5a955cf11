"""The chain between two enterprises as a pure model: what is durable, what is a step, and which guards hold it.

No clock, no I/O, no randomness of its own. Every step is a generator: what happens between two `yield`s is one
database transaction, and at a `yield` the process may be killed or another worker may run. A guard is named where
it stands, so that a test can take it away and see who notices. Source: the protocol's sections A3 to A6 and A11.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

BATCH = 4
TRIES = 3  # the product takes 8; fewer keep the simulation short
Step = Iterator[None]
Thread = tuple[str, int]


@dataclass(frozen=True)
class Message:
    """One message. `uid` is the simulator's truth and never travels; `id` is what the protocol knows."""

    uid: int
    id: int
    thread: Thread
    version: int
    body: str  # plain, refused (a business answer), poison (a technical failure)
    about: int | None = None  # for a receipt: the id it answers
    outcome: str | None = None


@dataclass(frozen=True)
class Entry:
    """A numbered message: what is hashed, sent, stored and sent again as it is."""

    seq: int
    prev: int
    message: Message
    digest: int


def entry(seq: int, prev: int, message: Message) -> Entry:
    """Number a message. The digest covers number, path and id, as the envelope's hash does."""
    return Entry(seq, prev, message, hash((seq, prev, message.id)))


@dataclass
class Row:
    """One outbox row; `ticket` is given before the commit, as a sequence does."""

    message: Message
    ticket: int
    seq: int | None = None


@dataclass
class Store:
    """Everything of one node that survives a kill: the tables of one enterprise."""

    epoch: int = 1
    outbox: list[Row] = field(default_factory=list)
    written: dict[Thread, int] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    seen_ticket: int = 0
    position: int = 0
    held: bool = False  # own lane out stopped: a fork, or somebody speaks for us in a later epoch
    behind: bool = False  # own lane out waits for a handshake: restored, or the peer knows more than we do
    outcomes: dict[int, str] = field(default_factory=dict)
    inlog: list[Entry] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    tries: dict[int, int] = field(default_factory=dict)
    applied: dict[Thread, int] = field(default_factory=dict)
    books: list[Message] = field(default_factory=list)
    handled: list[Message] = field(default_factory=list)
    frozen: bool = False  # lane in stopped: a fork was seen
    peer_epoch: int = 1
    aside: dict[int, str] = field(default_factory=dict)  # message id → state when its branch was put aside

    def copy(self) -> "Store":
        """A backup as a dump would make it: rows copied, messages shared because they never change."""
        mutable = (
            "written",
            "log",
            "outcomes",
            "inlog",
            "state",
            "tries",
            "applied",
            "books",
            "handled",
            "aside",
        )
        copies = {name: getattr(self, name).copy() for name in mutable}
        return replace(self, outbox=[replace(row) for row in self.outbox], **copies)


@dataclass(frozen=True)
class Packet:
    """What the network carries: a batch one way, an answer to exactly that batch the other."""

    kind: str  # batch, accepted, gap, busy, fork, stale; hello, fetch, welcome, old
    sender: str
    receiver: str
    epoch: int = 0
    entries: tuple[Entry, ...] = ()
    through: int = 0
    digest: int = 0
    asker: int = 0  # which life of the asking node it answers: after a restore nobody waits for it


class Node:
    """One enterprise's chain: a lane out, a lane in, and workers that may all be killed at any step."""

    def __init__(self, name: str, peer: str, world: "Surroundings", store: Store) -> None:
        """Run `store`; `world` gives ids, tickets and the network, and says which guards were taken away."""
        self.name, self.peer, self.world, self.store = name, peer, world, store
        self.life = world.ticket()
        self.writing: set[Thread] = set()  # row locks of the documents: gone when the process dies

    def holds(self, guard: str) -> bool:
        """Tell whether a guard still stands."""
        return guard not in self.world.removed

    def head(self) -> int:
        """The hash at the end of the lane out."""
        return self.store.log[-1].digest if self.store.log else 0

    # Sending

    def write(self, thread: Thread, uid: int, body: str) -> Step:
        """The business transaction: a document changes and its message is queued, unnumbered."""
        if thread in self.writing:
            return
        self.writing.add(thread)
        ticket = self.world.ticket()
        yield
        self.queue(thread, uid, body, ticket)
        self.writing.discard(thread)

    def queue(self, thread: Thread, uid: int, body: str, ticket: int, **receipt: object) -> None:
        """Insert the outbox row with the next version of its thread."""
        s = self.store
        version = s.written[thread] = s.written.get(thread, 0) + 1
        id_ = self.world.random_id() if self.holds("random id") else hash((thread[1], version, body))
        message = Message(uid, id_, thread, version, body, **receipt)  # type: ignore[arg-type]
        s.outbox.append(Row(message, ticket))

    def stops(self) -> bool:
        """Tell whether nothing may be numbered or sent now."""
        return self.store.held or (self.store.behind and self.holds("handshake first"))

    def number(self) -> Step:
        """The sequencer: one lane lock, all unnumbered rows in thread order, hash path."""
        s = self.store
        if self.stops():
            return
        rows = [row for row in s.outbox if row.seq is None]
        if not self.holds("late numbering"):
            rows = [row for row in rows if row.ticket > s.seen_ticket]
            s.seen_ticket = max([s.seen_ticket, *(row.ticket for row in rows)])
        by_thread: Callable[[Row], object] = lambda row: (row.message.thread, row.message.version)  # noqa: E731
        rows.sort(key=by_thread if self.holds("thread order") else lambda row: row.message.id)
        seq, prev, new = len(s.log), self.head(), []
        for row in rows:
            seq += 1
            new.append(entry(seq, prev, row.message))
            prev = new[-1].digest
        if not self.holds("lane lock"):
            yield
        if self.holds("unique number") and len(s.log) + len(new) != seq:
            return  # the unique key of (lane, seq) refuses the whole transaction
        s.log += new
        for row, one in zip(rows, new, strict=True):
            row.seq = one.seq
        yield

    def send(self) -> Step:
        """Send what follows the acknowledged position; the position itself waits for the answer."""
        s = self.store
        batch = tuple(s.log[s.position : s.position + BATCH])
        if self.stops() or not batch:
            return
        if not self.holds("position after answer"):
            s.position += len(batch)
        self.world.post(Packet("batch", self.name, self.peer, s.epoch, batch, asker=self.life))
        yield

    def probe(self) -> Step:
        """Ask an idle peer where it stands: an empty batch after our position."""
        s = self.store
        if self.stops() or s.position < len(s.log) or not self.holds("probe"):
            return
        self.world.post(Packet("batch", self.name, self.peer, s.epoch, (), s.position, asker=self.life))
        yield

    def answered(self, packet: Packet) -> Step:
        """Do what the answer says: move, rewind, or stop the lane."""
        s = self.store
        if packet.kind in ("accepted", "busy", "gap") and packet.through > len(s.log):
            s.behind = s.behind or self.holds("peer ahead")
        if packet.kind == "accepted":
            sent = max((one.seq for one in packet.entries), default=0)
            through = min(packet.through, sent) if self.holds("no further than sent") else packet.through
            s.position = max(s.position, through)
        elif packet.kind == "gap" and self.holds("rewind"):
            s.position = packet.through
        elif packet.kind in ("fork", "stale"):
            s.held = True
        yield

    # Accepting

    def accept(self, packet: Packet) -> Step:
        """Store a batch in one transaction, then answer."""
        if self.holds("commit before answer"):
            answer = self.take(self.store, packet)
            yield
            self.world.post(answer)
        else:
            self.world.post(self.take(self.store.copy(), packet))
            yield
            self.take(self.store, packet)

    def take(self, s: Store, packet: Packet) -> Packet:
        """The receiver's judgement of a batch, message by message, in order."""
        if packet.epoch < s.peer_epoch and self.holds("epoch"):
            return self._answer(s, packet, "stale")
        if s.frozen and self.holds("freeze"):
            return self._answer(s, packet, "fork")
        for one in packet.entries:
            kind = self._judge(s, one)
            if kind == "fork":
                s.frozen = True
            if kind not in ("append", "duplicate"):
                return self._answer(s, packet, kind)
            if kind == "append":
                s.inlog.append(one)
                s.state.append("new")
        return self._answer(s, packet, "gap" if packet.through > len(s.inlog) else "accepted")

    def _judge(self, s: Store, one: Entry) -> str:
        accepted = len(s.inlog)
        if one.seq <= accepted and self.holds("position"):
            same = s.inlog[one.seq - 1].digest == one.digest
            return "duplicate" if same or not self.holds("same digest") else "fork"
        if one.seq > accepted + 1 and self.holds("gap"):
            return "gap"
        if one.prev != (s.inlog[-1].digest if s.inlog else 0) and self.holds("hash path"):
            return "fork"
        if len(self.waiting(s)) >= self.world.window and self.holds("window"):
            return "busy"
        return "append"

    def _answer(self, s: Store, packet: Packet, kind: str) -> Packet:
        through = (
            len(s.inlog) if self.holds("true answer") else max((e.seq for e in packet.entries), default=0)
        )
        return Packet(
            "accepted" if kind == "gap" and not self.holds("true answer") else kind,
            self.name,
            packet.sender,
            packet.epoch,
            packet.entries,
            through,
            asker=packet.asker,
        )

    def waiting(self, s: Store) -> list[int]:
        """Indexes of what fills the window: unapplied messages, less those parked behind a quarantined one."""
        parked = {s.inlog[i].message.thread for i, state in enumerate(s.state) if state == "quarantined"}
        if not self.holds("parking"):
            return [i for i, state in enumerate(s.state) if state in ("new", "quarantined")]
        return [
            i for i, state in enumerate(s.state) if state == "new" and s.inlog[i].message.thread not in parked
        ]

    # Applying

    def heads(self) -> list[int]:
        """Indexes of the first open message of every thread that is not stopped."""
        s, first = self.store, {}
        for i, state in enumerate(s.state):
            if state == "new" or (state == "quarantined" and self.holds("thread waits")):
                lane = "all" if not self.holds("threads apart") else s.inlog[i].message.thread
                first.setdefault(lane, i)
        return [i for i in first.values() if s.state[i] == "new"]

    def apply(self, i: int) -> Step:
        """Apply one message that a plain read found at the head of its thread; look again under the lock."""
        yield
        s = self.store
        message = s.inlog[i].message
        done = s.applied.get(message.thread, 0)
        if self.holds("look again") and s.state[i] != "new":
            return
        if message.version > done + 1 and self.holds("version gap waits"):
            return
        if message.version <= done and self.holds("replay refused"):
            s.state[i] = "applied"
            return
        if s.aside.get(message.id) in ("applied", "rejected") and self.holds("handled once"):
            s.state[i] = s.aside[message.id]
            s.handled.append(message)
            s.applied[message.thread] = message.version
            self._receipt(message, s.state[i])
            yield
            return
        if message.body == "poison" and not self.world.cured:
            self._fail(i, message)
            yield
            return
        yield from self._effect(i, message)
        yield

    def _fail(self, i: int, message: Message) -> None:
        s = self.store
        s.tries[i] = s.tries.get(i, 0) + 1
        if s.tries[i] >= TRIES:
            s.state[i] = "quarantined"
            self._receipt(message, "quarantined")

    def _effect(self, i: int, message: Message) -> Step:
        """The one transaction: business effect, inbox row, thread version, receipt."""
        s = self.store
        outcome = "rejected" if message.body == "refused" else "applied"
        if message.id in {m.id for m in s.books} and self.holds("unique document"):
            return  # the unique key refuses; the transaction is rolled back
        if message.about is not None:
            s.outcomes[message.about] = message.outcome or ""
        elif outcome == "applied":
            s.books.append(message)
        s.handled.append(message)
        if not self.holds("effect and state together"):
            yield
        s.state[i] = outcome
        s.applied[message.thread] = max(message.version, s.applied.get(message.thread, 0))
        if not self.holds("receipt in same transaction"):
            yield
        self._receipt(message, outcome)

    def _receipt(self, message: Message, outcome: str) -> None:
        """Queue the outcome on the lane back; a receipt itself is never receipted."""
        if message.about is None or not self.holds("no receipt of receipts"):
            self.queue(
                ("receipt", message.id), -1, "plain", self.world.ticket(), about=message.id, outcome=outcome
            )

    # After a restore

    def hello(self) -> Step:
        """Greet in a new epoch, before anything is numbered: where our lane ends."""
        s = self.store
        if not s.behind or s.held:
            return
        s.epoch += 1
        yield
        self.world.post(
            Packet("hello", self.name, self.peer, s.epoch, (), len(s.log), self.head(), self.life)
        )
        yield

    def greeted(self, packet: Packet) -> Step:
        """Hear a greeting or a fetch: register the epoch, and give back what the sender lacks of its own lane."""
        s = self.store
        kind = "welcome"
        if packet.kind == "hello":
            kind = self._register(s, packet)
        yield
        back = tuple(s.inlog[packet.through : packet.through + BATCH]) if kind == "welcome" else ()
        epoch = s.peer_epoch if kind == "old" else packet.epoch
        self.world.post(
            Packet(kind, self.name, packet.sender, epoch, back, len(s.inlog), packet.epoch, packet.asker)
        )
        yield

    def _register(self, s: Store, packet: Packet) -> str:
        if packet.epoch <= s.peer_epoch and self.holds("higher epoch"):
            return "old"
        known = s.inlog[packet.through - 1].digest if 0 < packet.through <= len(s.inlog) else 0
        if packet.through <= len(s.inlog) and packet.digest != known and self.holds("same branch"):
            s.frozen = True
            return "fork"
        s.peer_epoch, s.frozen = packet.epoch, False
        return "welcome"

    def welcomed(self, packet: Packet) -> Step:
        """Do what the answer to a greeting says: rise above an old epoch, stop at a fork, or store what comes back."""
        s = self.store
        if not s.behind or packet.digest != s.epoch:
            return  # an answer to an earlier greeting
        if packet.kind == "old":
            s.epoch = max(s.epoch, packet.epoch)
        elif packet.kind == "fork":
            s.held = True
        else:
            before = len(s.log)
            for one in packet.entries:
                if one.seq == len(s.log) + 1 and one.prev == self.head():
                    self._import(one)
            if len(s.log) >= packet.through:
                s.behind, s.position = False, packet.through
            elif len(s.log) > before:
                self.world.post(
                    Packet("fetch", self.name, self.peer, s.epoch, (), len(s.log), asker=self.life)
                )
        yield

    def _import(self, one: Entry) -> None:
        """Store a message of ours again under its number; what the backup still had queued becomes what it was."""
        s, message = self.store, one.message
        s.log.append(one)
        known = [r for r in s.outbox if r.message.id == message.id and self.holds("known row")]
        row = known[0] if known else Row(message, 0)
        row.message, row.seq = message, one.seq
        if not known:
            s.outbox.append(row)
        top = max(message.version, s.written.get(message.thread, 0))
        waiting = [r for r in s.outbox if r.message.thread == message.thread and r.seq is None]
        waiting.sort(key=lambda r: r.message.version)
        if waiting and waiting[0].message.version <= message.version and self.holds("make room"):
            for version, other in enumerate(waiting, message.version + 1):
                other.message = replace(other.message, version=version)
            top = max(top, message.version + len(waiting))
        s.written[message.thread] = top

    def take_theirs(self, parting: int) -> None:
        """The operator chose the peer's branch: our messages after the parting are queued again."""
        s = self.store
        del s.log[parting:]
        for row in s.outbox:
            if row.seq is not None and row.seq > parting:
                row.seq = None
        s.position = min(s.position, parting)
        s.held, s.behind = False, True

    def put_aside(self, parting: int) -> list[Entry]:
        """The operator chose the sender's branch: what we hold after the parting goes, its effects stay; returns it."""
        s = self.store
        gone = s.inlog[parting:]
        for one, state in zip(gone, s.state[parting:], strict=True):
            s.aside[one.message.id] = state
        del s.inlog[parting:], s.state[parting:]
        s.tries = {i: n for i, n in s.tries.items() if i < parting}
        for thread in {one.message.thread for one in gone}:
            if self.holds("threads go back"):
                kept = [
                    e.message.version
                    for e, state in zip(s.inlog, s.state, strict=True)
                    if e.message.thread == thread and state in ("applied", "rejected")
                ]
                s.applied[thread] = max(kept, default=0)
        s.frozen = False
        return gone


class Surroundings:
    """What a node needs of the world; the simulator fills it."""

    removed: frozenset[str] = frozenset()
    window: int = 6
    cured: bool = False

    def ticket(self) -> int:
        """Next number of a database sequence: given before the commit, never rolled back."""
        raise NotImplementedError

    def random_id(self) -> int:
        """A random message id."""
        raise NotImplementedError

    def post(self, packet: Packet) -> None:
        """Hand a packet to the network."""
        raise NotImplementedError
