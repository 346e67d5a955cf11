"""Timing side by side: ours and the floor in turns, so that the machine's moods meet both."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One measured figure. `ratio` is our time divided by the floor's; lower is better. None where there is no floor."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None
    note: str = ""


def clocked(act: Callable[[], object]) -> float:
    """Return the seconds one call takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def in_turns(rounds: int, *acts: Callable[[], object]) -> list[list[float]]:
    """Run each act once a round, in changing order, and return the seconds of each; the collector is off meanwhile."""
    taken: list[list[float]] = [[] for _ in acts]
    gc.collect()
    gc.disable()
    try:
        for at in range(rounds):
            for turn in range(len(acts)):
                index = (at + turn) % len(acts)
                taken[index].append(clocked(acts[index]))
    finally:
        gc.enable()
    return taken


def compared(name: str, ours: list[float], floor: list[float], *, note: str = "") -> Result:
    """Return medians in milliseconds and their ratio."""
    mine, theirs = statistics.median(ours) * 1000, statistics.median(floor) * 1000
    return Result(name, mine, "ms", theirs, mine / theirs, note)


def p95(taken: list[float]) -> float:
    """Return the 95th percentile."""
    return statistics.quantiles(taken, n=20)[18]
