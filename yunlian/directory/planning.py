"""What a sync would do: pure, from the two sides to changes and conflicts, each with its reason.

The source is the side that is right (ours when we push, the platform's when we pull), the target is written to. Nobody is
guessed: where it is not certain who somebody is or where they belong, a conflict is listed, and a decision, once made,
is remembered and counts in every later plan. Persons are judged one by one, so that a plan of any size takes no more
memory than the two trees of departments.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from .side import Department, Person, Rules, plain_mobile

# What can be decided about a conflict, by its reason; the first word of a decision. Empty: it must be put right.
WAYS: Mapping[str, tuple[str, ...]] = {
    "same_account": ("link", "skip"),
    "account_taken": ("skip",),
    "same_mobile": ("link", "new", "skip"),
    "mobile_taken": ("skip",),
    "same_name": ("link", "new", "skip"),
    "two_enterprises": ("share", "skip"),
    "account_differs": ("rename_theirs", "rename_ours", "keep"),
    "two_departments": ("department", "skip"),
    "missing_mobile": ("ask", "skip"),
    "bad_mobile": ("ask", "skip"),
    "mobile_twice": ("skip",),
    "bad_account": ("rename_ours", "skip"),
    "bad_name": ("skip",),
    "department_loop": (),
    "bad_department_name": (),
    "department_waits": ("skip",),
}
# The fields of a person kept in step, by direction. What the other side calls an account is a login only where we push.
FIELDS_OF: Mapping[str, tuple[str, ...]] = {
    "push": ("name", "mobile", "department", "position", "account"),
    "pull": ("name", "mobile", "department", "position"),
}
# Which question a reason asks: a decision answers the question, so that it holds whatever asks it next.
TOPICS: Mapping[str, str] = {"account_differs": "account", "two_departments": "department"}


def topic(reason: str) -> str:
    """Return the question a conflict asks: who it is, which account, which department."""
    return TOPICS.get(reason, "person")


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
    """What would happen to one person or department of the target.

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


@dataclass(frozen=True)
class Policy:
    """How the target is written: its rules, the fields kept in step, and the positions it knows (None: any text)."""

    rules: Rules
    fields: frozenset[str]
    positions: frozenset[str] | None = None


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


def plan(tree: Tree, pairs: Iterable[Pair], policy: Policy) -> Iterator[Change]:
    """Yield changes in an order in which they can be made: departments downward, persons, departments upward."""
    departments = list(_departments(tree, policy))
    stuck = frozenset(change.source for change in departments if change.act == "conflict")
    linked = {c.source: c.target for c in departments if c.reason == "linked"}
    if linked:
        tree = replace(tree, matched={**tree.matched, **linked})
    yield from departments
    people = People(tree, policy, stuck)
    for pair in pairs:
        change = people.judge(pair)
        if change is not None:
            yield change
    yield from _vanished(tree)


def _departments(tree: Tree, policy: Policy) -> Iterator[Change]:
    rules = policy.rules
    bad = re.compile(rules.bad_in_department) if rules.bad_in_department else None
    taken = set(tree.matched.values())
    siblings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, each in tree.target.items():
        if key not in taken and key != tree.target_root and key not in tree.inactive:
            siblings[each.parent, each.name].append(key)
    linked: dict[str, str] = {}
    stuck: set[str] = set()
    for key in tree.order:
        ours, parent = tree.source[key], tree.parent(key)
        place = tree.source_name(parent)
        if parent in stuck:
            stuck.add(key)
            yield Change("department", "conflict", key, tree.at(key), ours.name, place, "department_waits")
            continue
        if not 1 <= len(ours.name) <= rules.department_max or (bad is not None and bad.search(ours.name)):
            stuck.add(key)
            params = {"most": rules.department_max}
            yield Change(
                "department", "conflict", key, tree.at(key), ours.name, place, "bad_department_name", params
            )
            continue
        above = linked.get(parent) or tree.at(parent)
        target = tree.at(key)
        if not target:
            same = siblings.get((above, ours.name), []) if above else []
            if len(same) == 1:
                linked[key] = same[0]
                yield Change(
                    "department", "none", key, same[0], ours.name, place, "linked", wanted={"parent": parent}
                )
            else:
                yield _new_department(tree, key, parent)
            continue
        change = _changed_department(tree, key, parent, above, target)
        if change is not None:
            yield change
    for key in tree.loops:
        each = tree.source[key]
        ring = [tree.source_name(one) for one in _ring(tree.source, key)]
        yield Change(
            "department", "conflict", key, tree.at(key), each.name, tree.source_name(each.parent),
            "department_loop", {"ring": " → ".join(ring)},
        )  # fmt: skip


def _ring(departments: Mapping[str, Department], key: str) -> list[str]:
    """Return the way up from a department until it comes back on itself."""
    way: list[str] = []
    while key in departments and key not in way:
        way.append(key)
        key = departments[key].parent
    return [*way, key] if key in way else way


def _new_department(tree: Tree, key: str, parent: str) -> Change:
    ours = tree.source[key]
    place = tree.source_name(parent)
    fields = {"name": ["", ours.name], "parent": ["", place]}
    wanted = {"name": ours.name, "parent": parent}
    return Change("department", "add", key, "", ours.name, place, fields=fields, wanted=wanted)


def _changed_department(tree: Tree, key: str, parent: str, above: str, target: str) -> Change | None:
    ours, theirs = tree.source[key], tree.target.get(target)
    place = tree.source_name(parent)
    if theirs is None:
        return replace(_new_department(tree, key, parent), reason="gone_there")
    fields: dict[str, list[str]] = {}
    if theirs.name != ours.name:
        fields["name"] = [theirs.name, ours.name]
    if theirs.parent != above:
        fields["parent"] = [tree.target_name(theirs.parent), place]
    wanted = {"name": ours.name, "parent": parent}
    was = {"name": theirs.name, "parent": theirs.parent}
    if target in tree.inactive:
        return Change("department", "restore", key, target, ours.name, place, "back", {}, fields, wanted, was)
    if not fields:
        return None
    act = "move" if "parent" in fields else "change"
    return Change("department", act, key, target, ours.name, place, "", {}, fields, wanted, was)


def _vanished(tree: Tree) -> Iterator[Change]:
    """Departments the source no longer has, lowest first."""
    gone = [
        target
        for source, target in tree.matched.items()
        if source not in tree.source and target in tree.target and target not in tree.inactive
    ]
    for target in sorted(gone, key=lambda key: -_depth(tree.target, key)):
        each = tree.target[target]
        was = {"name": each.name, "parent": each.parent}
        place = tree.target_name(each.parent)
        yield Change(
            "department", "disable", tree.of_target[target], target, each.name, place, "vanished", was=was
        )


def _depth(departments: Mapping[str, Department], key: str) -> int:
    depth = 0
    while key in departments and depth <= len(departments):
        key, depth = departments[key].parent, depth + 1
    return depth


class _Conflict(Exception):
    """It is not certain; carries the reason and what a person must know to decide."""

    def __init__(self, reason: str, **params: Any) -> None:
        super().__init__(reason)
        self.reason, self.params = reason, params


class People:
    """Judges persons one by one. `stuck` are departments of the source that have a conflict themselves."""

    def __init__(self, tree: Tree, policy: Policy, stuck: frozenset[str] = frozenset()) -> None:
        self.tree, self.policy, self.rules = tree, policy, policy.rules
        self.placed = frozenset((tree.source_root, *tree.order)) - stuck
        self.account = re.compile(self.rules.account) if self.rules.account else None

    def judge(self, pair: Pair) -> Change | None:
        """Return what to do about a pair; None when nothing is to be done."""
        source, target = pair.source, pair.target
        if source is None or not source.is_active:
            return self._left(pair) if target is not None else None
        if (said := pair.verdicts.get("person")) is not None and said.what == "skip":
            return None
        if not pair.is_matched and source.departments and self.tree.foreign.issuperset(source.departments):
            return None  # somebody of another enterprise's part
        reason = ""
        try:
            if target is None or not pair.is_matched:
                target, reason = self._who(pair, source)
            if pair.is_matched and target is None:
                reason = "gone_there"
            return self._written(pair, source, target, reason)
        except _Conflict as conflict:
            place = self._place(source)
            return Change(
                "person", "conflict", source.key, target.key if target else "", source.name, place,
                conflict.reason, conflict.params,
            )  # fmt: skip

    def _left(self, pair: Pair) -> Change | None:
        source, target = pair.source, pair.target
        assert target is not None
        if not pair.is_matched or not target.is_active:
            return None
        place = self.tree.target_name(target.departments[0]) if target.departments else ""
        reason = "left" if source is not None else "vanished"
        params = {"is_admin": True} if target.is_admin else {}
        return Change(
            "person",
            "disable",
            pair.key,
            target.key,
            target.name,
            place,
            reason,
            params,
            was=_machine(target),
        )

    def _who(self, pair: Pair, source: Person) -> tuple[Person | None, str]:
        """Say who of the target an unmatched person is, None for nobody yet, and how that is known."""
        said = pair.verdicts.get("person")
        by = {
            name: [r for r in pair.rivals if r.by == name] for name in ("union", "account", "mobile", "name")
        }
        if said is not None and said.what in ("link", "share"):
            meant = [r.person for r in pair.rivals if r.person.key == said.value and not r.is_matched]
            if meant:
                return meant[0], "linked"
        self._require_ours(pair, source)
        if by["union"]:
            return by["union"][0].person, "back"
        if self.rules.is_account_key and by["account"]:
            return self._same_account(by["account"], source), "linked"
        if said is not None and said.what == "new":
            return None, ""
        if by["mobile"]:
            rival = by["mobile"][0]
            if not rival.is_matched:
                raise _Conflict("same_mobile", **_shown(by["mobile"]))
            if self.rules.needs_mobile:
                raise _Conflict("mobile_taken", **_shown(by["mobile"]))
        if by["name"]:
            raise _Conflict("same_name", **_shown(by["name"]))
        return None, ""

    def _require_ours(self, pair: Pair, source: Person) -> None:
        """Refuse to take somebody who also stands in another enterprise's part, until that is decided."""
        said = pair.verdicts.get("person")
        elsewhere = [key for key in source.departments if key in self.tree.foreign]
        if elsewhere and not (said is not None and said.what == "share"):
            names = "、".join(self.tree.source_name(key) or key for key in elsewhere)
            raise _Conflict("two_enterprises", departments=names)

    def _same_account(self, rivals: list[Rival], source: Person) -> Person:
        rival = rivals[0]
        if rival.is_matched:
            raise _Conflict("account_taken", **_shown(rivals))
        inside = set(self.tree.target) - self.tree.foreign
        if rival.person.departments and not inside & set(rival.person.departments):
            raise _Conflict("two_enterprises", **_shown(rivals))
        if rival.person.name != source.name:
            raise _Conflict("same_account", **_shown(rivals))
        return rival.person

    def _written(self, pair: Pair, source: Person, target: Person | None, reason: str) -> Change | None:
        self._require_writable(pair, source, target)
        wanted = self._wanted(pair, source, target)
        place = self.tree.source_name(wanted["departments"][0]) if wanted["departments"] else ""
        if target is None:
            fields = {
                name: ["", _text(wanted, name, self.tree.source_name)] for name in self._compared(wanted)
            }
            fields = {name: values for name, values in fields.items() if values[1]}
            return Change("person", "add", source.key, "", source.name, place, reason, {}, fields, wanted)
        was = _machine(target)
        fields = self._differences(wanted, target, was)
        if not target.is_active:
            return Change(
                "person", "restore", source.key, target.key, source.name, place, reason or "back", {}, fields,
                wanted, was,
            )  # fmt: skip
        if not fields:
            if reason:
                return Change(
                    "person", "none", source.key, target.key, source.name, place, reason, wanted=wanted
                )
            return None
        act = "move" if "department" in fields else "change"
        return Change(
            "person", act, source.key, target.key, source.name, place, reason, {}, fields, wanted, was
        )

    def _require_writable(self, pair: Pair, source: Person, target: Person | None) -> None:
        rules = self.rules
        if not 1 <= len(source.name) <= rules.name_max:
            raise _Conflict("bad_name", most=rules.name_max)
        if self.account is not None and target is None and not self.account.fullmatch(source.account):
            raise _Conflict("bad_account", account=source.account)
        if not rules.needs_mobile:
            return
        mobile = plain_mobile(source.mobile)
        if not mobile and target is None:
            raise _Conflict("missing_mobile")
        if mobile and not 5 <= len(mobile) <= 20:
            raise _Conflict("bad_mobile", mobile=source.mobile)
        if pair.twins:
            raise _Conflict("mobile_twice", mobile=source.mobile, others=pair.twins)

    def _wanted(self, pair: Pair, source: Person, target: Person | None) -> dict[str, Any]:
        wanted: dict[str, Any] = {"name": source.name, "departments": self._departments(pair, source, target)}
        if "mobile" in self.policy.fields and source.mobile:
            wanted["mobile"] = source.mobile
        known = self.policy.positions
        if "position" in self.policy.fields and (known is None or source.position in known):
            wanted["position"] = source.position
        if target is None or self._is_renamed(pair, source, target):
            wanted["account"] = source.account
        if source.union:
            wanted["union"] = source.union
        if target is not None and self.rules.has_many_departments:
            wanted["kept"] = [key for key in target.departments if key not in self._inside(target)]
        return wanted

    def _is_renamed(self, pair: Pair, source: Person, target: Person) -> bool:
        """Whether the target's account becomes ours. Both ways out of manual 001 are decisions."""
        if not self.rules.is_account_key or source.account.casefold() == target.account.casefold():
            return False
        said = pair.verdicts.get("account")
        if said is None or (said.what == "rename_ours" and said.value != source.account):
            raise _Conflict("account_differs", ours=source.account, theirs=target.account)
        return said.what == "rename_theirs"

    def _departments(self, pair: Pair, source: Person, target: Person | None) -> list[str]:
        """Return the source keys of where the person belongs; empty: where they are, or at the root when new."""
        visible = [key for key in source.departments if key in self.placed]
        if not visible:
            if any(key in self.tree.source for key in source.departments if key not in self.tree.foreign):
                raise _Conflict("department_waits")
            return []
        if self.rules.has_many_departments or len(visible) == 1:
            return visible
        said = pair.verdicts.get("department")
        if said is not None and said.value in visible:
            return [said.value]
        here = target.departments[0] if target is not None and target.departments else None
        current = [key for key in visible if here is not None and self.tree.at(key) == here]
        if current:
            return current[:1]
        if source.has_main and source.departments[0] == visible[0]:
            return visible[:1]
        options = [{"key": key, "name": self.tree.source_name(key)} for key in visible]
        raise _Conflict("two_departments", options=options)

    def _place(self, source: Person) -> str:
        return self.tree.source_name(source.departments[0]) if source.departments else ""

    def _compared(self, wanted: Mapping[str, Any]) -> list[str]:
        names = [name for name in ("name", "mobile", "position", "account") if name in wanted]
        return [*names, "department"] if wanted["departments"] else names

    def _differences(
        self, wanted: Mapping[str, Any], target: Person, was: Mapping[str, Any]
    ) -> dict[str, list[str]]:
        found = {}
        for name in self._compared(wanted):
            if name == "department":
                if not self._is_there(wanted["departments"], target.departments):
                    before = "、".join(self.tree.target_name(key) or key for key in self._inside(target))
                    found[name] = [before, _text(wanted, name, self.tree.source_name)]
            elif name == "mobile":
                if plain_mobile(wanted[name]) != plain_mobile(target.mobile):
                    found[name] = [target.mobile, wanted[name]]
            elif wanted[name] != was[name]:
                found[name] = [was[name], wanted[name]]
        return found

    def _inside(self, target: Person) -> list[str]:
        """Where the target's person is within our part; what lies outside is not ours to judge."""
        return [key for key in target.departments if key in self.tree.target and key not in self.tree.foreign]

    def _is_there(self, wanted: list[str], here: tuple[str, ...]) -> bool:
        places = [self.tree.at(key) for key in wanted]
        inside = [key for key in here if key in self.tree.target and key not in self.tree.foreign]
        return "" not in places and set(places) == set(inside)


def _machine(person: Person) -> dict[str, Any]:
    return {
        "name": person.name,
        "account": person.account,
        "mobile": person.mobile,
        "position": person.position,
        "departments": list(person.departments),
        "is_active": person.is_active,
    }


def _text(wanted: Mapping[str, Any], name: str, named: Any) -> str:
    if name == "department":
        return "、".join(named(key) for key in wanted["departments"])
    return str(wanted.get(name, ""))


def _shown(rivals: list[Rival]) -> dict[str, Any]:
    """Return whom a conflict is with, as the conflict desk shows them."""
    return {
        "rivals": [
            {
                "key": r.person.key,
                "name": r.person.name,
                "account": r.person.account,
                "mobile": r.person.mobile,
            }
            for r in rivals[:5]
        ]
    }
