"""The record of who did what: written with the act, never changed."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .document import Document
from .events import consumers
from .fields import AnyKind, Ref, Told
from .identity import new_id
from .load import Loaded, reference
from .models import Audit, Outbox
from .scope import Context
from .sql import Writing


class Picture:
    """The values of a document at one moment, whatever the member may see: for comparison only."""

    def __init__(self, loaded: Loaded) -> None:
        self.header = _values(loaded.header)
        self.lines = {line.id: _values(line) for line in loaded.lines}


Values = tuple[dict[str, Any], dict[str, Any]]


def _values(instance: Any) -> Values:
    return dict(instance.__dict__), dict(instance._state.fields_cache)


def changes(before: Picture, after: Picture, document: Document) -> list[dict[str, Any]]:
    """Return what differs: field, line number (of the side that has the line), old and new as shown."""
    found = list(_differences(before.header, after.header, document.fields, None))
    old, new = before.lines, after.lines
    for id_ in [*old, *(id_ for id_ in new if id_ not in old)]:
        was, is_ = old.get(id_), new.get(id_)
        if was is None or is_ is None:
            numbers = {"old": was and was[0]["no"], "new": is_ and is_[0]["no"]}
            found.append({"field": "lines", "line": numbers["new"] or numbers["old"]} | numbers)
        else:
            found += _differences(was, is_, document.line_fields, is_[0]["no"])
    return found


def changed_lines(before: Picture, loaded: Loaded) -> list[Any]:
    """Return the lines whose own columns differ from the picture."""
    return [
        line
        for line in loaded.lines
        if line.id not in before.lines or before.lines[line.id][0] != line.__dict__
    ]


def _differences(
    old: Values, new: Values, kinds: Mapping[str, AnyKind], line: int | None
) -> Iterable[dict[str, Any]]:
    for name, kind in kinds.items():
        attname = kind.column_name if isinstance(kind, Ref) else name
        was, is_ = old[0].get(attname), new[0].get(attname)
        if was != is_ and name != "updated_at":
            yield {
                "field": name,
                "line": line,
                "old": _shown(kind, was, old[1]),
                "new": _shown(kind, is_, new[1]),
            }


def _shown(kind: AnyKind, value: Any, cached: Mapping[str, Any]) -> Any:
    if isinstance(kind, Told):
        return value  # put into words for who reads the log
    if not isinstance(kind, Ref):
        return kind.show(value)
    return reference(cached.get(kind.name or "")) if value is not None else None


def record(
    writing: Writing, ctx: Context, loaded: Loaded, act: str, made: list[dict[str, Any]], note: str = ""
) -> None:
    """Add the audit row and the outbox event of an act to its statement."""
    trace, event = rows(ctx, loaded, act, made, note)
    writing.insert([trace])
    send(writing, [event])


def send(writing: Writing, events: Sequence[Outbox]) -> None:
    """Add events to the statement of their acts; where somebody waits for one, the relay is told to come at once."""
    writing.insert(events)
    if any(consumers(each.code, each.event) for each in events):
        writing.raw("INSERT INTO kernel_due (enterprise_id) VALUES (%s)", [writing.enterprise_id])


def rows(
    ctx: Context, loaded: Loaded, act: str, made: list[dict[str, Any]], note: str = ""
) -> tuple[Audit, Outbox]:
    """Return the audit row and the outbox event of an act, to be written with it."""
    code, header = loaded.document.code, loaded.header
    common = {
        "enterprise_id": ctx.enterprise_id,
        "at": ctx.now,
        "code": code,
        "record": header.id,
        "version": header.version,
    }
    return Audit(
        **common,
        id=new_id(),
        act=act,
        by=ctx.member_id,
        by_name=ctx.member_name,
        changes=made,
        note=note,
    ), Outbox(**common, id=new_id(), event=act)


def visible(made: list[dict[str, Any]], document: Document, hidden: frozenset[str]) -> list[dict[str, Any]]:
    """Return recorded changes with their labels, without those of fields behind a hidden guard."""
    shown = []
    for change in made:
        kinds = document.fields if change["line"] is None else document.line_fields
        kind = kinds.get(change["field"])
        if kind is not None and kind.guard in hidden:
            continue
        if isinstance(kind, Told):
            change = change | {side: kind.show(change[side] or "") for side in ("old", "new")}
        shown.append(change | {"label": str(kind.label if kind is not None else change["field"])})
    return shown
