"""Delivers callbacks in the background: one lane per receiver, with the platform's timeouts and retries."""

import heapq
import ipaddress
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from .faults import Fault, Kind, Where, struck
from .world import Entry, World

HELD_S = 2.0  # a reordered callback waits so long for another to overtake it


@dataclass(frozen=True)
class Delivery:
    """One callback to be delivered.

    `request` is made afresh for every attempt and is told the faults it must carry (WRONG_SIGNATURE,
    WRONG_RECEIVE_ID). `complaint` says what is wrong with an answer, "" when nothing is. `attempts` counts all of them. `given_up` is
    called after the last one failed.
    """

    platform: str
    receiver: str
    about: str
    request: Callable[[frozenset[Kind]], httpx.Request]
    complaint: Callable[[httpx.Response], str]
    timeout_s: float
    attempts: int
    pause_s: float
    growth: float = 1.0  # each pause is so many times the one before
    given_up: Callable[[], None] | None = None


@dataclass(order=True)
class _Turn:
    due: float  # of the monotonic clock
    number: int
    delivery: Delivery = field(compare=False)
    faults: frozenset[Kind] = field(compare=False)
    attempt: int = field(compare=False, default=1)


class Courier:
    """Takes deliveries and returns at once; each receiver's go one after another."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lanes: dict[tuple[str, str], _Lane] = {}
        self._lock = threading.Lock()
        self._client = httpx.Client(trust_env=False, follow_redirects=False)

    def post(self, delivery: Delivery) -> None:
        """Deliver soon, as the faults that are on would have it."""
        hit = struck(self._world, delivery.platform, Where.CALLBACK, delivery.receiver)
        if Kind.LOST in hit:
            self._world.note(_entry(self._world, delivery, 0, "lost on purpose", 0.0))
            return
        with self._lock:
            key = (delivery.platform, delivery.receiver)
            if key not in self._lanes:
                self._lanes[key] = _Lane(self._world, self._client)
            lane = self._lanes[key]
        for _ in range(2 if Kind.DOUBLED in hit else 1):
            lane.add(delivery, hit)

    def settle(self, limit_s: float) -> bool:
        """Wait until everything posted has been delivered or given up; False when that takes longer."""
        end = time.monotonic() + limit_s
        with self._lock:
            lanes = list(self._lanes.values())
        return all(lane.settle(end) for lane in lanes)

    def close(self) -> None:
        """Stop delivering; what is still waiting is dropped."""
        with self._lock:
            for lane in self._lanes.values():
                lane.close()
        self._client.close()


class _Lane:
    def __init__(self, world: World, client: httpx.Client) -> None:
        self._world = world
        self._client = client
        self._turns: list[_Turn] = []
        self._held: list[_Turn] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._busy = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="sandbox-callbacks", daemon=True)
        self._thread.start()

    def add(self, delivery: Delivery, hit: dict[Kind, Fault]) -> None:
        now = time.monotonic()
        late = hit[Kind.LATE].seconds if Kind.LATE in hit else 0.0
        held = HELD_S if Kind.REORDERED in hit else 0.0
        with self._changed:
            turn = _Turn(now + late + held, next(self._numbers), delivery, frozenset(hit))
            heapq.heappush(self._turns, turn)
            if held:
                self._held.append(turn)
            elif self._held:
                self._let_go(now)
            self._changed.notify_all()

    def settle(self, end: float) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: self._closed or not (self._turns or self._busy), end - time.monotonic()
            )

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _let_go(self, now: float) -> None:
        for turn in self._held:
            turn.due, turn.number = now, next(self._numbers)
        self._held.clear()
        heapq.heapify(self._turns)

    def _run(self) -> None:
        while (turn := self._next()) is not None:
            again = self._tried(turn)
            with self._changed:
                if again:
                    heapq.heappush(self._turns, again)
                self._busy = False
                self._changed.notify_all()

    def _next(self) -> _Turn | None:
        with self._changed:
            while not self._closed:
                wait = self._turns[0].due - time.monotonic() if self._turns else None
                if wait is not None and wait <= 0:
                    self._busy = True
                    turn = heapq.heappop(self._turns)
                    self._held = [each for each in self._held if each is not turn]
                    return turn
                self._changed.wait(wait)
            return None

    def _tried(self, turn: _Turn) -> _Turn | None:
        """Try once; the next attempt, when there is to be one."""
        delivery, began = turn.delivery, time.monotonic()
        try:
            request = delivery.request(turn.faults)
            request.extensions["timeout"] = httpx.Timeout(delivery.timeout_s).as_dict()
            answer = self._client.send(request)
            status, said = answer.status_code, delivery.complaint(answer)
        except httpx.HTTPError as error:
            status, said = 0, f"{type(error).__name__}: {error}"
        attempt = f"attempt {turn.attempt} of {delivery.attempts}"
        told = f"{said} ({attempt})" if said else "accepted"
        self._world.note(_entry(self._world, delivery, status, told, time.monotonic() - began))
        if not said:
            return None
        if turn.attempt >= delivery.attempts:
            if delivery.given_up:
                delivery.given_up()
            return None
        due = time.monotonic() + delivery.pause_s * delivery.growth ** (turn.attempt - 1)
        return _Turn(due, next(self._numbers), delivery, turn.faults, turn.attempt + 1)


def _entry(world: World, delivery: Delivery, status: int, said: str, took_s: float) -> Entry:
    what = f"{delivery.receiver}: {delivery.about}"
    return Entry(world.now(), delivery.platform, "callback", what, status, said, int(took_s * 1000))


def local(address: str) -> str:
    """The address of a receiver, when it is one on this machine. Raises ValueError for others: the sandbox calls nobody else."""
    url = httpx.URL(address)
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"{address} is no http address")
    if url.host != "localhost" and not _loopback(url.host):
        raise ValueError(f"the sandbox calls only this machine, not {url.host}")
    return address


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
