"""A seeded world for the model: loss, duplication, delay, reordering, kills, restores and copies.

`run(seed)` plays one world to its end and raises `InvariantError` with the seed when an invariant does not hold. The names
B1 to B16 are those of the protocol's part B.
"""

import random
from collections import Counter
from collections.abc import Iterable

from tests.chain.model import Entry, Message, Node, Packet, Step, Store, Surroundings, Thread

SCENARIOS = ("plain", "poison", "blind restore", "restore", "clone")
STEPS = 260
ROUNDS = 120  # a healed world must be quiet within so many rounds
THREADS = 4


class InvariantError(AssertionError):
    """An invariant was seen not to hold."""


class World(Surroundings):
    """Two nodes and a network, driven by one random generator."""

    def __init__(self, seed: int, removed: Iterable[str] = (), scenario: str | None = None) -> None:
        """Set the scene; the scenario follows the seed unless it is named."""
        self.seed, self.random = seed, random.Random(seed)
        self.removed = frozenset(removed)
        self.scenario = scenario or SCENARIOS[seed % len(SCENARIOS)]
        self.window = self.random.choice((3, 6, 50))
        self.writers = self.random.choice(
            ("AB", "AB", "B")
        )  # whose peer: with one writer nothing hides a lost last message
        self.cured = False
        self.tickets = self.uids = 0
        self.network: list[Packet] = []
        self.network_is_fine = False
        self.seen: Counter[str] = Counter()  # what happened, to show that the storm was one
        self.nodes = {"A": Node("A", "B", self, Store()), "B": Node("B", "A", self, Store())}
        self.running: list[tuple[str, Step]] = []
        self.backups: list[Store] = []
        self.epochs = {"A": 1, "B": 1}  # the peer's epoch as each side knows it
        self.forked: dict[str, int] = {}  # node → length of its log in when it first saw a fork
        self.aside: set[int] = set()  # what took effect on a branch that was put aside
        self.split = self.random.randrange(STEPS // 4, STEPS * 3 // 4)  # when A is restored or copied
        self.poisoned: Thread | None = ("order", 0) if self.scenario == "poison" else None

    # What the model asks for

    def ticket(self) -> int:
        """Next number of a sequence."""
        self.tickets += 1
        return self.tickets

    def random_id(self) -> int:
        """A random message id."""
        return self.random.getrandbits(62)

    def post(self, packet: Packet) -> None:
        """Take a packet into the network, or lose it, or take it twice."""
        self.seen[packet.kind] += 1
        if packet.kind == "fork":
            self.forked.setdefault(packet.sender, len(self.nodes[packet.sender].store.inlog))
        if self.network_is_fine:
            self.network.append(packet)
            return
        for _ in range(self.random.choice((0, 1, 1, 1, 2))):
            self.network.append(packet)

    # Playing

    def play(self) -> None:
        """Act wildly, then heal: first with the poison still there, then cured and released."""
        for moment in range(STEPS):
            if moment == self.split:
                self._split()
            self._act()
            self._check()
        for name in self.nodes:
            self._kill(name)
        self.network_is_fine = True
        self.settle()
        self._check_others_finished()
        self._decide()
        self.cured = True
        self._release()
        self.settle()
        self._check_end()

    def _act(self) -> None:
        dice = self.random.random()
        if dice < 0.45 and self.running:
            self._advance(self.random.randrange(len(self.running)))
        elif dice < 0.60 and self.network:
            self._deliver(self.random.randrange(len(self.network)))
        elif dice < 0.63:
            self._kill(self.random.choice(list(self.nodes)))
        elif dice < 0.66:
            self.backups.append(self.nodes["A"].store.copy())
        else:
            name = self.random.choice(list(self.nodes))
            self._start(name, self._choose(self.nodes[name]))

    def _choose(self, node: Node) -> Step | None:
        job = self.random.choice(("write", "write", "number", "send", "send", "apply", "apply"))
        if job == "write":
            return self._write(node) if node.peer in self.writers else None
        if job == "apply":
            heads = node.heads()
            return node.apply(self.random.choice(heads)) if heads else None
        if node.store.behind and self.random.random() < 0.5:
            return node.hello()
        if job == "number":
            return node.number()
        return node.send() if node.store.position < len(node.store.log) else node.probe()

    def _write(self, node: Node) -> Step:
        thread = ("order", self.random.randrange(THREADS))
        body = self.random.choice(("plain", "plain", "plain", "refused"))
        if thread == self.poisoned and self.random.random() < 0.5:
            body = "poison"
        self.uids += 1
        return node.write(thread, self.uids, body)

    def _start(self, name: str, step: Step | None) -> None:
        if step is not None and next(step, self) is not self:
            self.running.append((name, step))

    def _advance(self, index: int) -> None:
        if next(self.running[index][1], self) is self:
            del self.running[index]

    def _deliver(self, index: int) -> None:
        packet = self.network.pop(index)
        node = self.nodes.get(packet.receiver)
        if node is not None:
            hear = {"batch": node.accept, "hello": node.greeted, "fetch": node.greeted}
            if packet.kind not in hear and packet.asker != node.life:
                return
            is_welcome = packet.kind in ("welcome", "old") or (packet.kind == "fork" and packet.digest > 0)
            heard = hear.get(packet.kind, node.welcomed if is_welcome else node.answered)
            before = len(node.store.inlog)
            self._start(packet.receiver, heard(packet))
            is_over = packet.kind == "batch" and packet.epoch < node.store.peer_epoch
            if is_over and len(node.store.inlog) > before:
                self.fail("B9", f"{packet.receiver} heard somebody whose epoch is over")

    def _kill(self, name: str) -> None:
        """Lose everything that is not durable: running steps and row locks."""
        self.seen["killed at a step"] += any(owner == name for owner, _ in self.running)
        self.running = [(owner, step) for owner, step in self.running if owner != name]
        self.nodes[name].writing.clear()

    def _split(self) -> None:
        """Bring A back from a backup, with or without the handshake, or let a copy of it speak too."""
        if self.scenario in ("plain", "poison") or not self.backups:
            return
        self.seen[self.scenario] += 1
        past = self.random.choice(self.backups)
        if self.scenario == "clone":
            self.nodes["C"] = Node("C", "B", self, self.nodes["A"].store.copy())
            return
        self._kill("A")
        old, self.nodes["A"] = self.nodes["A"].store, Node("A", "B", self, past.copy())
        if self.scenario == "restore":
            self.nodes["A"].store.behind = True
            self.nodes["C"] = Node("C", "B", self, old)  # the old process was not quite dead

    def settle(self) -> None:
        """Run every worker of every node fairly until nothing changes."""
        for _ in range(ROUNDS):
            before = self._fingerprint()
            for name, node in self.nodes.items():
                steps = (node.hello(), node.number(), node.send(), node.probe())
                for step in (*steps, *map(node.apply, node.heads())):
                    self._start(name, step)
            while self.running or self.network:
                if self.running:
                    self._advance(0)
                else:
                    self._deliver(0)
                self._check()
            if before == self._fingerprint():
                return
        self.fail("B16", "the world does not come to rest")

    def _decide(self) -> None:
        """Operators stop the copy, look at both branches and choose one, until nothing is stopped."""
        self.nodes.pop("C", None)
        for node in self.nodes.values():
            if (node.store.held or node.store.frozen) and self.scenario in ("plain", "poison", "restore"):
                self.fail("B16", f"a lane of {node.name} stopped without a cause")
        for _ in range(3):
            for name, receiver in (("A", self.nodes["B"]), ("B", self.nodes["A"])):
                if self.nodes[name].store.held:
                    self._choose_branch(self.nodes[name], receiver)
            self.settle()

    def _choose_branch(self, sender: Node, receiver: Node) -> None:
        mine, theirs = sender.store.log, receiver.store.inlog
        parting = sender.store.position  # what was acknowledged is common: nobody looks further back
        while parting < min(len(mine), len(theirs)) and mine[parting].digest == theirs[parting].digest:
            parting += 1
        if self.random.random() < 0.5:
            self.seen["theirs chosen"] += 1
            sender.take_theirs(parting)
            return
        self.seen["ours chosen"] += 1
        gone = {_truth(one) for one in receiver.put_aside(parting)}
        s = receiver.store
        self.aside |= {m.uid for m in s.books if _truth_of(m) in gone}
        s.handled = [m for m in s.handled if _truth_of(m) not in gone]
        sender.store.held, sender.store.behind = False, True

    def _release(self) -> None:
        for node in self.nodes.values():
            s = node.store
            for i, state in enumerate(s.state):
                if state == "quarantined":
                    self.seen["released"] += 1
                    s.state[i], s.tries[i] = "new", 0

    def _fingerprint(self) -> object:
        return [
            (
                len(n.store.log),
                n.store.position,
                n.store.held,
                n.store.behind,
                n.store.frozen,
                tuple(n.store.state),
                tuple(sorted(n.store.tries.items())),
                len(n.store.outcomes),
                len(n.store.outbox),
            )
            for n in self.nodes.values()
        ]

    # Holding the invariants

    def fail(self, invariant: str, why: str) -> None:
        """Stop, and say how to see it again."""
        raise InvariantError(
            f"{invariant}: {why} (seed {self.seed}, {self.scenario}, without {sorted(self.removed)})"
        )

    def _check(self) -> None:
        for name in ("A", "B"):
            s = self.nodes[name].store
            self._check_path(s.inlog)
            if s.peer_epoch < self.epochs[name]:
                self.fail("B9", f"{name} went back to an epoch that is over")
            self.epochs[name] = s.peer_epoch
            if not s.frozen:
                self.forked.pop(name, None)
            if len(s.inlog) > self.forked.get(name, len(s.inlog)):
                self.fail("B9", f"{name} went on accepting after a fork")
            uids = [m.uid for m in s.books]
            if len(uids) != len(set(uids)):
                self.fail("B1", f"{name} booked a message twice")
            versions: dict[Thread, int] = {}
            for message in s.handled:
                if message.version != versions.get(message.thread, 0) + 1:
                    self.fail("B3", f"{name} handled {message.thread} out of order")
                versions[message.thread] = message.version
            if self.scenario in ("plain", "poison") and s.inlog != self._sent_to(name)[: len(s.inlog)]:
                self.fail("B2", f"{name} holds what was not sent in this order")
            waiting = len(Node.waiting(_Judge(s), s))  # type: ignore[arg-type]
            if waiting > max(self.window, self._released(name)):
                self.fail("B8", f"{name} holds {waiting} unapplied messages")

    def _released(self, name: str) -> int:
        """A release may bring parked messages back above the window; nothing more may be added to them."""
        return 10_000 if self.cured and self.poisoned else 0

    def _sent_to(self, name: str) -> list[Entry]:
        return self.nodes["B" if name == "A" else "A"].store.log

    def _check_path(self, log: list[Entry]) -> None:
        prev = 0
        for position, one in enumerate(log, 1):
            if one.seq != position or one.prev != prev:
                self.fail("B2", f"no whole path at {position}")
            prev = one.digest

    def _check_others_finished(self) -> None:
        for name, sender in (("A", self.nodes["B"]), ("B", self.nodes["A"])):
            s = self.nodes[name].store
            if s.frozen or sender.store.held or self.scenario not in ("plain", "poison"):
                continue
            for row in sender.store.outbox:
                if row.message.thread == self.poisoned or row.message.about is not None:
                    continue
                if row.message.id not in sender.store.outcomes and not self._back_frozen(name):
                    self.fail("B7" if self.poisoned else "B16", f"{row.message.thread} waits at {name}")

    def _back_frozen(self, name: str) -> bool:
        back = self.nodes["B" if name == "A" else "A"].store
        return back.frozen or self.nodes[name].store.held

    def _check_end(self) -> None:
        for name in ("A", "B"):
            s, sender = self.nodes[name].store, self.nodes["B" if name == "A" else "A"].store
            self._check_branches(name)
            if s.frozen or sender.held or sender.behind:
                self.fail("B16", f"the lane into {name} is stopped though operators have chosen")
            self._check_whole(name, s, sender)

    def _check_branches(self, name: str) -> None:
        """B9: two truths about one lane never pass unseen. The simulator's own uids say what is true."""
        s = self.nodes[name].store
        mine = [_truth(one) for one in s.inlog]
        speakers = [n for n in self.nodes.values() if n.peer == name and n.store.epoch >= s.peer_epoch]
        for speaker in speakers:
            theirs = [_truth(one) for one in speaker.store.log]
            shorter = min(len(mine), len(theirs))
            if mine[:shorter] != theirs[:shorter] and not (s.frozen or speaker.store.held):
                self.fail("B9", f"two branches of the lane into {name} live on")

    def _check_whole(self, name: str, s: Store, sender: Store) -> None:
        for row in sender.outbox:
            if row.seq is None or row.seq > len(s.inlog):
                self.fail("B16", f"a message to {name} never arrived")
        if "new" in s.state or "quarantined" in s.state:
            self.fail("B16", f"{name} leaves messages unapplied")
        wanted = sorted(
            r.message.uid for r in sender.outbox if r.message.about is None and r.message.body != "refused"
        )
        if sorted(m.uid for m in s.books if m.uid not in self.aside or m.uid in wanted) != wanted:
            self.fail("B1", f"the books of {name} are not what was sent")
        back = self.nodes["B" if name == "A" else "A"].store
        if not (back.frozen or s.held):
            for row in sender.outbox:
                outcome = sender.outcomes.get(row.message.id)
                wanted_outcome = "rejected" if row.message.body == "refused" else "applied"
                if row.message.about is None and outcome != wanted_outcome:
                    self.fail("B16", f"{name} answered {outcome}, not {wanted_outcome}")


class _Judge:
    """The checker's own view of a node, with every guard in place."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def holds(self, guard: str) -> bool:
        """All guards stand in the checker."""
        return True


def _truth(one: Entry) -> tuple[int, int | None]:
    """What a numbered message really is: the simulator's uid, or the receipt's own id."""
    return _truth_of(one.message)


def _truth_of(message: Message) -> tuple[int, int | None]:
    return (message.uid, message.id if message.uid < 0 else None)


def run(seed: int, removed: Iterable[str] = (), scenario: str | None = None) -> World:
    """Play one seeded world to its end; raises InvariantError."""
    world = World(seed, removed, scenario)
    world.play()
    return world
