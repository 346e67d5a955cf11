"""Switches that make the sandbox behave badly, per platform and path: in its answers, and in its callbacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World


class Kind(StrEnum):
    """What goes wrong. The last word says where: in answers (A), in callbacks (C), in both."""

    SLOW = "slow"  # answered after `seconds`; A
    LOST = "lost"  # acted on, but the answer never comes; the callback never leaves; both
    DOUBLED = "doubled"  # acted on twice, as behind a proxy that repeats; delivered twice; both
    THROTTLED = "throttled"  # refused with the platform's code for too many calls, or with `code`; A
    DOWN = "down"  # 502 and nothing done; A
    LATE = "late"  # delivered after `seconds`, behind later ones; C
    REORDERED = "reordered"  # delivered after the next one; C
    WRONG_SIGNATURE = "wrong-signature"  # C
    WRONG_RECEIVE_ID = "wrong-receive-id"  # C


ANSWERS = frozenset({Kind.SLOW, Kind.LOST, Kind.DOUBLED, Kind.THROTTLED, Kind.DOWN})
CALLBACKS = frozenset(
    {Kind.LOST, Kind.DOUBLED, Kind.LATE, Kind.REORDERED, Kind.WRONG_SIGNATURE, Kind.WRONG_RECEIVE_ID}
)


class Where(StrEnum):
    """Answers of the sandbox, or callbacks it sends."""

    ANSWER = "answer"
    CALLBACK = "callback"


@dataclass
class Fault:
    """A switch that is on.

    `path` is a pattern (`*`, `?`) over the path below the platform's base ("/cgi-bin/user/*") or over the name of a
    receiver ("contacts"). `times` counts down, and the switch goes off at its end; None stays on.
    """

    platform: str
    where: Where
    kind: Kind
    path: str = "*"
    times: int | None = None
    seconds: float = 3.0
    code: str = ""
    id: int = 0

    def __post_init__(self) -> None:
        known = ANSWERS if self.where is Where.ANSWER else CALLBACKS
        if self.kind not in known:
            raise ValueError(f"{self.kind} is no fault of a {self.where}")


def switch_on(world: World, fault: Fault) -> int:
    """Switch a fault on; its id switches it off again."""
    with world.change():
        world.shared.last_fault += 1
        fault.id = world.shared.last_fault
        world.shared.faults.append(fault)
        return fault.id


def switch_off(world: World, ids: Iterable[int]) -> None:
    """Switch faults off; those that are off stay off."""
    gone = set(ids)
    with world.change():
        world.shared.faults = [each for each in world.shared.faults if each.id not in gone]


def struck(world: World, platform: str, where: Where, path: str) -> dict[Kind, Fault]:
    """The faults that hit this answer or callback; each of them is counted down."""
    with world.lock:
        hit = {
            each.kind: each
            for each in world.shared.faults
            if each.platform == platform and each.where is where and fnmatchcase(path, each.path)
        }
        counted = [each for each in hit.values() if each.times is not None]
        if counted:
            with world.change():
                for each in counted:
                    each.times = (each.times or 0) - 1
                world.shared.faults = [each for each in world.shared.faults if each.times != 0]
        return hit
