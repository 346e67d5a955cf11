"""Write changes to the platform, one call after the other, and take them back by the reverse calls.

Calls lie outside any transaction. What was attempted is noted before, what came of it afterwards; a call that may have
come through unseen is repeated, and what it finds there is taken for its own work.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yunlian.platforms.errors import PlatformError

from . import matches
from .adapters import Writer
from .models import Change, Connection
from .side import Person

# Refusals that concern the whole connection, not one person: going on would only repeat them.
FATAL = frozenset(
    (
        "no-answer", "unreadable", "paced", "40001", "40013", "40014", "40091", "42001", "43009", "48001", "48002",
        "48006", "48009", "60020", "60031", "301007", "45024",
    )
)  # fmt: skip


@dataclass
class Call:
    """One change that was tried: the key it has on the platform now, what it overwrote, or why it failed."""

    change: Change
    key: str = ""
    undo: dict[str, Any] = field(default_factory=dict)
    error: PlatformError | None = None
    is_skipped: bool = False


class Theirs:
    """Writes the changes of one push run. `places` are the platform's keys of departments, by ours."""

    def __init__(self, conn: Connection, writer: Writer) -> None:
        self.writer, self.root = writer, conn.root
        self.places = {str(ours): theirs for theirs, ours in matches.departments(conn).items()}
        self.places[str(conn.department_id) if conn.department_id else ""] = conn.root

    def write(self, change: Change) -> Call:
        """Make one change there; a refusal is in the result. Raises PlatformError when nothing can be asked at all."""
        call = Call(change, key=change.target)
        try:
            if change.kind == "department":
                self._department(call)
            else:
                self._person(call)
        except PlatformError as error:
            if is_fatal(error):
                raise
            call.error = error
        return call

    def _department(self, call: Call) -> None:
        change, wanted = call.change, call.change.wanted
        if change.act == "disable":
            self.writer.remove_department(change.target)
            call.undo = {"removed": dict(change.was)}
            self.places.pop(change.source, None)
            return
        if change.act == "none":
            self.places[change.source] = change.target
            return
        parent = self.places.get(wanted["parent"])
        if parent is None:
            call.is_skipped = True
            return
        if change.act == "add":
            call.key = self.writer.add_department(wanted["name"], parent, key=stable_key(change.source))
            call.undo = {"added": True}
        else:
            fields = {"name": wanted["name"]} if "name" in change.fields else {}
            if "parent" in change.fields:
                fields["parent"] = parent
            self.writer.change_department(change.target, **fields)
            call.undo = {"changed": {name: change.was[name] for name in fields}}
        self.places[change.source] = call.key

    def _person(self, call: Call) -> None:
        change = call.change
        if change.act == "disable":
            self.writer.switch_person(change.target, is_active=False)
            call.undo = {"switched": True}
            return
        if change.act == "none":
            return
        wanted = dict(change.wanted)
        places = [self.places.get(key) for key in wanted.pop("departments")]
        if None in places:
            call.is_skipped = True
            return
        there = [place for place in places if place is not None]
        if change.act == "add":
            person = Person(
                "", wanted["name"], wanted["account"], wanted.get("mobile", ""), tuple(there) or (self.root,),
                position=wanted.get("position", ""),
            )  # fmt: skip
            call.key = self.writer.add_person(person, is_retry=change.attempted_at is not None)
            call.undo = {"added": True}
            return
        fields: dict[str, Any] = {name: wanted[name] for name in change.fields if name in wanted}
        if "department" in change.fields:
            fields["departments"] = [*there, *wanted.get("kept", ())]
        call.undo = {"changed": {name: change.was[name] for name in fields}}
        if change.act == "restore":
            self.writer.switch_person(change.target, is_active=True)
            call.undo["switched"] = False
        if fields:
            call.key = self.writer.change_person(change.target, **fields)

    def take_back(self, change: Change) -> PlatformError | None:
        """Make the reverse call of an applied change."""
        try:
            if change.kind == "department":
                self._department_back(change)
            else:
                self._person_back(change)
        except PlatformError as error:
            if is_fatal(error):
                raise
            return error
        return None

    def _department_back(self, change: Change) -> None:
        undo, key = change.undo, change.undo.get("key", change.target)
        if undo.get("added"):
            self.writer.remove_department(key)
        elif "removed" in undo:
            was = undo["removed"]
            self.writer.add_department(was["name"], was["parent"], key=change.target)
        elif undo.get("changed"):
            self.writer.change_department(key, **undo["changed"])

    def _person_back(self, change: Change) -> None:
        undo, key = change.undo, change.undo.get("key", change.target)
        if undo.get("added"):
            self.writer.remove_person(key)
            return
        if undo.get("changed"):
            self.writer.change_person(key, **undo["changed"])
        if "switched" in undo:
            self.writer.switch_person(change.target, is_active=bool(undo["switched"]))


def stable_key(ours: str) -> str:
    """Return the number we ask for a department: always the same, so that making it twice is noticed.

    WeCom takes numbers up to 2^31; hand-made ones are small, so ours begin at a million.
    """
    return str(1_000_000 + uuid.UUID(ours).int % 1_000_000_007)


def is_fatal(error: PlatformError) -> bool:
    """Whether the platform cannot be asked at all now, whoever it is about."""
    return error.retry or error.code in FATAL


def ties(calls: Sequence[Call]) -> list[matches.Wanted]:
    """Return the matches that successful calls make, with what the platform was told."""
    found = []
    for call in calls:
        change = call.change
        if (
            call.error is not None
            or call.is_skipped
            or (change.kind == "department" and change.act == "disable")
        ):
            continue
        told: dict[str, Any] = {k: v for k, v in change.wanted.items() if k in ("name", "mobile", "position")}
        if change.kind == "person":
            told["is_active"] = change.act != "disable"
        found.append(matches.Wanted(change.kind, uuid.UUID(change.source), call.key, told))
    return found
