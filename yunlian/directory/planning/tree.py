"""The departments of both sides and which is which."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..side import Department


@dataclass(frozen=True)
class Tree:
    """The departments of both sides and which is which. The roots stand for each other and are not written.

    `foreign` are departments of another enterprise's part of the same corp, on whichever side is the platform.
    `inactive` are departments of the target that are there and switched off.
    """

    source: Mapping[str, Department]
    target: Mapping[str, Department]
    matched: Mapping[str, str]
    source_root: str
    target_root: str
    foreign: frozenset[str] = frozenset()
    inactive: frozenset[str] = frozenset()

    @cached_property
    def order(self) -> list[str]:
        """Keys of the source below its root, parents first; what hangs on nothing visible hangs on the root."""
        below: dict[str, list[str]] = defaultdict(list)
        for key, each in self.source.items():
            if key != self.source_root and key not in self.foreign:
                below[each.parent if each.parent in self.source else self.source_root].append(key)
        found: list[str] = []
        queue = deque(below[self.source_root])
        while queue:
            key = queue.popleft()
            found.append(key)
            queue.extend(below[key])
        return found

    @cached_property
    def loops(self) -> list[str]:
        """Keys of the source that no way leads to from the root: they lie in a ring or under one."""
        reached = {self.source_root, *self.order, *self.foreign}
        return [key for key in self.source if key not in reached]

    @cached_property
    def of_target(self) -> dict[str, str]:
        """Source keys by target key."""
        return {target: source for source, target in self.matched.items()}

    def parent(self, key: str) -> str:
        """Return the source key of the department above one of the source."""
        parent = self.source[key].parent
        return parent if parent in self.source else self.source_root

    def at(self, key: str) -> str:
        """Return the target's key for a department of the source, empty while there is none."""
        return self.target_root if key == self.source_root else self.matched.get(key, "")

    def source_name(self, key: str) -> str:
        return self.source[key].name if key in self.source else ""

    def target_name(self, key: str) -> str:
        return self.target[key].name if key in self.target else ""


def ring(departments: Mapping[str, Department], key: str) -> list[str]:
    """Return the way up from a department until it comes back on itself."""
    way: list[str] = []
    while key in departments and key not in way:
        way.append(key)
        key = departments[key].parent
    return [*way, key] if key in way else way


def depth(departments: Mapping[str, Department], key: str) -> int:
    """Return how many departments a way up goes through; of a ring, all of them."""
    found = 0
    while key in departments and found <= len(departments):
        key, found = departments[key].parent, found + 1
    return found
