"""What a plan is made from and of: pairs of persons with whom they look like, and changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..side import Person, Rules


@dataclass(frozen=True, slots=True)
class Verdict:
    """A decision about one person: `what` is a word of WAYS, `value` whom, which or where it means."""

    what: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """Somebody of the target who looks like a person of the source: by `account`, `mobile`, `name` or `union`.

    `is_matched`: they are somebody else of the source already.
    """

    by: str
    person: Person
    is_matched: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A person of the source, the one of the target they are, or either alone.

    `twins` counts the others of the source with the same mobile. `verdicts` are decisions by topic. `key` is that of the
    source, also when they are no longer there.
    """

    key: str
    source: Person | None
    target: Person | None
    is_matched: bool = False
    rivals: tuple[Rival, ...] = ()
    twins: int = 0
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one person, department or position of the target.

    `source` and `target` are keys on their sides; `target` is empty for what does not exist yet. `fields` show what
    differs: name to [before, after]. `wanted` and `was` are the same for machines: departments are keys of the source in
    `wanted`, of the target in `was`; `kept` are those outside our part, which stay.
    """

    kind: str
    act: str
    source: str
    target: str
    name: str
    place: str = ""
    reason: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, list[str]] = field(default_factory=dict)
    wanted: Mapping[str, Any] = field(default_factory=dict)
    was: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """A position of the target."""

    key: str
    is_active: bool = True


@dataclass(frozen=True)
class Policy:
    """How the target is written: its rules, the fields kept in step, and its positions by name (None: it takes any text).

    A position it does not have is made before the first person who holds it; `positions` tells whether one is in use.
    """

    rules: Rules
    fields: frozenset[str]
    positions: Mapping[str, Position] | None = None
