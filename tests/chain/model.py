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
    held: bool = False  # own lane out stopped: the peer knows more than we do, or a fork
    outcomes: dict[int, str] = field(default_factory=dict)
    inlog: list[Entry] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    tries: dict[int, int] = field(default_factory=dict)
    applied: dict[Thread, int] = field(default_factory=dict)
    books: list[Message] = field(default_factory=list)
    handled: list[Message] = field(default_factory=list)
    frozen: bool = False  # lane in stopped: a fork was seen
    peer_epoch: int = 1

    def copy(self) -> "Store":
        """A backup as a dump would make it: rows copied, messages shared because they never change."""
        mutable = ("written", "log", "outcomes", "inlog", "state", "tries", "applied", "books", "handled")
        copies = {name: getattr(self, name).copy() for name in mutable}
        return replace(self, outbox=[replace(row) for row in self.outbox], **copies)


@dataclass(frozen=True)
class Packet:
    """What the network carries: a batch one way, an answer to exactly that batch the other."""

    kind: str  # batch, accepted, gap, busy, fork, stale
    sender: str
    receiver: str
    epoch: int = 0
    entries: tuple[Entry, ...] = ()
    through: int = 0


class Node:
    """One enterprise's chain: a lane out, a lane in, and workers that may all be killed at any step."""

    def __init__(self, name: str, peer: str, world: "Surroundings", store: Store) -> None:
        """Run `store`; `world` gives ids, tickets and the network, and says which guards were taken away."""
        self.name, self.peer, self.world, self.store = name, peer, world, store
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

    def number(self) -> Step:
        """The sequencer: one lane lock, all unnumbered rows in thread order, hash path."""
        s = self.store
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
        if s.held or not batch:
            return
        if not self.holds("position after answer"):
            s.position += len(batch)
        self.world.post(Packet("batch", self.name, self.peer, s.epoch, batch))
        yield

    def probe(self) -> Step:
        """Ask an idle peer where it stands: an empty batch after our position."""
        s = self.store
        if s.held or s.position < len(s.log) or not self.holds("probe"):
            return
        self.world.post(Packet("batch", self.name, self.peer, s.epoch, (), s.position))
        yield

    def answered(self, packet: Packet) -> Step:
        """Do what the answer says: move, rewind, or stop the lane."""
        s = self.store
        if packet.epoch != s.epoch and self.holds("answer of this epoch"):
            return  # an answer to what we said before a restore
        if packet.kind in ("accepted", "busy", "gap") and packet.through > len(s.log):
            s.held = s.held or self.holds("peer ahead")
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
        known = {(m.thread, m.version) for m in s.books}
        if (message.thread, message.version) in known and self.holds("unique document"):
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

    def handshake(self, peer: "Node") -> None:
        """Raise the epoch and fetch our own later messages back before numbering anything new."""
        s = self.store
        s.epoch = peer.store.peer_epoch = peer.store.peer_epoch + 1
        rows = {row.message.id: row for row in s.outbox}
        for one in peer.store.inlog[len(s.log) :]:
            s.log.append(one)
            row = rows.get(one.message.id) or Row(one.message, 0)
            row.seq = one.seq
            if one.message.id not in rows:
                s.outbox.append(row)
            thread = one.message.thread
            s.written[thread] = max(one.message.version, s.written.get(thread, 0))


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
