"""Positions the target lacks: made, or used again, just before the first person who is to hold one."""

from collections.abc import Iterator

from .values import Change, Policy


class Lacking:
    """Remembers which positions a plan has made already. A title is a free text there and a row here, known by its name."""

    def __init__(self, policy: Policy) -> None:
        self.known = policy.positions
        self.planned: set[str] = set()

    def before(self, change: Change) -> Iterator[Change]:
        """Yield what must happen to a position before a person's change can be made."""
        name = change.wanted.get("position")
        if self.known is None or not name or change.act in ("none", "conflict") or name in self.planned:
            return
        known = self.known.get(name)
        if known is not None and known.is_active:
            return
        self.planned.add(name)
        act, key = ("add", "") if known is None else ("restore", known.key)
        yield Change(
            "position", act, name[:100], key, name, fields={"name": ["", name]}, wanted={"name": name}
        )
