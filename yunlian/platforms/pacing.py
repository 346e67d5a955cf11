"""Staying under a platform's limits: token buckets per key, in a store that processes may share."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from .errors import PACED, PlatformError

ONE = 1 - 1e-9  # one call, short of what adding floats may lose


@dataclass(frozen=True)
class Limit:
    """So many calls in so many seconds, as the platform counts them.

    The bucket holds a tenth and fills with the other nine tenths, so no window of the platform's, wherever it
    begins, sees more than the limit.
    """

    calls: int
    per_s: float

    def __post_init__(self) -> None:
        if self.calls < 2 or self.per_s <= 0:
            raise ValueError("a limit has at least two calls and some time")

    @property
    def burst(self) -> float:
        """What a full bucket holds, in calls."""
        return max(1.0, self.calls // 10)

    @property
    def rate(self) -> float:
        """What flows in, in calls per second."""
        return (self.calls - self.burst) / self.per_s


class PaceKey(NamedTuple):
    """What the platform counts apart: one path for one corp."""

    platform: str
    corp: str
    path: str


@dataclass(frozen=True)
class PaceState:
    """Levels of the buckets of one key, one per limit, as they stood at `at` (seconds since 1970)."""

    at: float = 0.0
    levels: tuple[float, ...] = ()
    blocked_until: float = 0.0


class PaceStore(Protocol):
    """Where levels are kept. Between `get` and `put` the caller holds `lock`, which holds across all who share it."""

    def get(self, key: PaceKey) -> PaceState: ...

    def put(self, key: PaceKey, state: PaceState) -> None: ...

    def lock(self, key: PaceKey) -> AbstractContextManager[object]: ...


class MemoryPace:
    """A store for one process."""

    def __init__(self) -> None:
        self._states: dict[PaceKey, PaceState] = {}
        self._locks: defaultdict[PaceKey, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, key: PaceKey) -> PaceState:
        return self._states.get(key, PaceState())

    def put(self, key: PaceKey, state: PaceState) -> None:
        self._states[key] = state

    def lock(self, key: PaceKey) -> threading.Lock:
        with self._guard:
            return self._locks[key]


def drawn(state: PaceState, limits: Sequence[Limit], now: float) -> tuple[PaceState, float]:
    """Take one call out of every bucket, or out of none; and the seconds to wait, 0 when it was taken."""
    if state.blocked_until > now:
        return state, state.blocked_until - now
    passed = max(0.0, now - state.at)
    levels = state.levels if len(state.levels) == len(limits) else tuple(each.burst for each in limits)
    levels = tuple(
        min(limit.burst, level + passed * limit.rate) for limit, level in zip(limits, levels, strict=True)
    )
    wait = max(
        ((1 - level) / limit.rate for limit, level in zip(limits, levels, strict=True) if level < ONE),
        default=0.0,
    )
    taken = levels if wait else tuple(level - 1 for level in levels)
    return PaceState(now, taken, state.blocked_until), wait


@dataclass
class Pace:
    """Waits for room under the limits, up to `patience_s`; longer waits are refused at once."""

    store: PaceStore = field(default_factory=MemoryPace)
    patience_s: float = 30.0
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def wait(self, key: PaceKey, limits: Sequence[Limit]) -> None:
        """Return when one call may be made. Raises PlatformError (PACED) when that is further off than our patience."""
        give_up = self.clock() + self.patience_s
        while (wait := self._draw(key, limits)) > 0:
            if self.clock() + wait > give_up:
                text = f"{key.path} may be called again in {wait:.0f} s"
                raise PlatformError(
                    key.platform, PACED, text, "Wait until the platform's limit is over.", retry=True
                )
            self.sleep(wait)

    def block(self, key: PaceKey, seconds: float) -> None:
        """Let nobody call for so long: the platform said that its limit is passed."""
        with self.store.lock(key):
            state = self.store.get(key)
            until = max(state.blocked_until, self.clock() + seconds)
            self.store.put(key, PaceState(state.at, state.levels, until))

    def _draw(self, key: PaceKey, limits: Sequence[Limit]) -> float:
        with self.store.lock(key):
            state, wait = drawn(self.store.get(key), limits, self.clock())
            self.store.put(key, state)
        return wait
