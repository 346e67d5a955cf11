"""Small things the worker does every so often over all enterprises, such as asking what is due.

A chore is declared with `@chore("name", every_s=60)`; one worker at a time does it. It must be quick: whatever takes long,
or talks to other programs, it puts into the queue as a job.
"""

import datetime as dt
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from .leases import take_lease

log = logging.getLogger("yunlian.chores")
LEASE_S = 60.0
Act = Callable[[dt.datetime], None]


@dataclass(frozen=True)
class Chore:
    """One of them."""

    name: str
    every_s: float
    act: Act


CHORES: list[Chore] = []


def chore(name: str, *, every_s: float) -> Callable[[Act], Act]:
    """Declare a chore: `act(now)` is called about every `every_s` seconds; one that raises is asked again."""

    def wrap(act: Act) -> Act:
        CHORES.append(Chore(name, every_s, act))
        return act

    return wrap


class Chores:
    """When one worker is to do what next."""

    def __init__(self, holder: uuid.UUID) -> None:
        self.holder = holder
        self._due: dict[str, dt.datetime] = {}

    def visit(self, now: dt.datetime) -> None:
        """Do what is due."""
        for each in CHORES:
            if self._due.get(each.name, now) > now:
                continue
            self._due[each.name] = now + dt.timedelta(seconds=each.every_s)
            if not take_lease(f"chore.{each.name}", self.holder, now, max(LEASE_S, 2 * each.every_s)):
                continue
            try:
                each.act(now)
            except Exception:  # one chore's trouble must not keep the others from being done
                log.exception("the chore %s failed", each.name)
