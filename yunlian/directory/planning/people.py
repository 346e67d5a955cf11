"""What becomes of people, judged one by one."""

import re
from collections.abc import Mapping
from typing import Any

from ..side import Person, plain_mobile
from .tree import Tree
from .values import Change, Pair, Policy, Rival


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
        if "position" in self.policy.fields and (self.policy.positions is None or source.position):
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
