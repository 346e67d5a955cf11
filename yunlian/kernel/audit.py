"""The record of who did what: written with the act, never changed."""

from collections.abc import Mapping
from typing import Any

from .document import Document
from .identity import new_id
from .load import Loaded, show_fields
from .models import Audit, Outbox
from .scope import Context
from .sql import Writing

Picture = dict[str, Any]


def picture(loaded: Loaded) -> Picture:
    """Return every declared value of a document as shown, whatever the member may see: for comparison only."""
    document = loaded.document
    shown = show_fields(loaded.header, document.fields, frozenset())
    lines = {
        str(line.id): {"no": line.no} | show_fields(line, document.line_fields, frozenset())
        for line in loaded.lines
    }
    return {"header": shown, "lines": lines}


def changes(before: Picture, after: Picture, document: Document) -> list[dict[str, Any]]:
    """Return what differs: field, line number (of the side that has the line), old and new."""
    found = _differences(before["header"], after["header"], None)
    old, new = before["lines"], after["lines"]
    for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
        was, is_ = old.get(id_), new.get(id_)
        if was is None or is_ is None:
            line = (is_ or was or {})["no"]
            found.append({"field": "lines", "line": line, "old": was and was["no"], "new": is_ and is_["no"]})
        else:
            found += _differences(was, is_, is_["no"])
    # Counters move by links, and the kernel's own columns by every act.
    return [change for change in found if change["field"] not in ("updated_at", "no")]


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], line: int | None) -> list[dict[str, Any]]:
    return [
        {"field": name, "line": line, "old": old.get(name), "new": value}
        for name, value in new.items()
        if value != old.get(name)
    ]


def record(
    writing: Writing, ctx: Context, loaded: Loaded, act: str, made: list[dict[str, Any]], note: str = ""
) -> None:
    """Add the audit row and the outbox event of an act to its statement."""
    code, header = loaded.document.code, loaded.header
    common = {
        "enterprise_id": ctx.enterprise_id,
        "at": ctx.now,
        "code": code,
        "record": header.id,
        "version": header.version,
    }
    writing.insert(
        [
            Audit(
                **common,
                id=new_id(),
                act=act,
                by=ctx.member_id,
                by_name=ctx.member_name,
                changes=made,
                note=note,
            )
        ]
    )
    writing.insert([Outbox(**common, id=new_id(), event=act)])


def visible(made: list[dict[str, Any]], document: Document, hidden: frozenset[str]) -> list[dict[str, Any]]:
    """Return recorded changes with their labels, without those of fields behind a hidden guard."""
    shown = []
    for change in made:
        kinds = document.fields if change["line"] is None else document.line_fields
        kind = kinds.get(change["field"])
        if kind is not None and kind.guard in hidden:
            continue
        shown.append(change | {"label": str(kind.label if kind is not None else change["field"])})
    return shown
