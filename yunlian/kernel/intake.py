"""Take a submitted JSON object into a document's header and lines, naming everything that does not fit at once."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from . import permission, reasons
from .document import Document, Problem, document_of, surplus
from .fields import AnyKind, BadValue, Choice, Done, Kind, Ref, normal_code, require_storable, uuid_or_none
from .identity import new_id
from .load import Loaded
from .scope import Context
from .sql import Table, brief, run_together
from .text import _

# Keys of an answer that may come back with it and carry nothing.
_ECHO = frozenset(
    [
        "id",
        "code",
        "version",
        "number",
        "state",
        "close",
        "can",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "lines",
        "draft",
    ]
)
_LINE_ECHO = frozenset(("id", "no", "sources"))
MAX_LINES = 1_000


@dataclass(frozen=True)
class Sought:
    """Rows of one model that were referred to, by id or by code (number)."""

    model: Any
    ids: list[uuid.UUID]
    codes: list[str]


Finder = Callable[[list[Sought], Context], list[list[Any]]]


def find_rows(sought: list[Sought], ctx: Context) -> list[list[Any]]:
    """Return the rows that were referred to, model by model: one statement each, all in one journey."""
    shapes = [brief(each.model) for each in sought]
    found = run_together([_finding(shape, each, ctx) for shape, each in zip(shapes, sought, strict=True)])
    return [[shape.instance(row) for row in rows] for shape, rows in zip(shapes, found, strict=True)]


def _finding(shape: Table, sought: Sought, ctx: Context) -> tuple[str, list[Any]]:
    key = "code" if "code" in shape.by_attname else "number"
    if sought.codes and key in shape.by_attname:
        where, values = f"(t.id = ANY(%s) OR t.{key} = ANY(%s))", [sought.ids, sought.codes]
    else:
        where, values = "t.id = ANY(%s)", [sought.ids]
    sql = f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND {where}'
    return sql, [ctx.enterprise_id, *values]


def take(
    loaded: Loaded, ctx: Context, data: Mapping[str, Any], find: Finder = find_rows
) -> Iterable[Problem]:
    """Put the input into the loaded document; yields every problem of shape, value and reference.

    `find` looks up what is referred to; whoever takes many documents at once brings one that has read ahead.
    A field that is absent from the input becomes blank, or its initial value in a new document; fields behind a guard
    the member may not write keep what they had. Lines are matched by id; absent lines are dropped.
    """
    document = loaded.document
    problems: list[Problem] = []
    frozen = permission.locked(ctx, document.guards) if document.guards else frozenset[str]()
    wanted: dict[type[Any], list[_Wanted]] = defaultdict(list)
    stood = reasons.picture(loaded) if document.reasons else {}
    kept = _once(loaded)
    echo = _ECHO if not document.is_master else _ECHO - {"code"}
    problems += _unknown(data, document.fields, echo, None)
    _take_fields(loaded.header, document.fields, data, ctx, frozen, None, problems, wanted)
    problems += _misread(document, data)
    if document.lines is not None:
        _take_lines(loaded, ctx, data.get("lines"), frozen, problems, wanted)
    elif data.get("lines"):
        problems.append(Problem("lines", _("This has no lines."), code="surplus"))
    problems += _resolve(wanted, ctx, find)
    problems += _keep(loaded.header, kept)
    if document.reasons:
        reasons.note_stated(loaded, stood, frozen)
    return problems


def _misread(document: Document, data: Mapping[str, Any]) -> Iterable[Problem]:
    """Yield a problem for each word about the whole body that is not what it claims to be."""
    if not document.is_master and data.get("code") not in (None, document.code):
        yield Problem(
            "code", _("This is not the body of %(document)s.") % {"document": document.label}, code="invalid"
        )
    if not isinstance(data.get("draft"), bool | None):
        yield Problem("draft", _("Must be yes or no."), code="invalid")
    version = data.get("version")
    if isinstance(version, bool) or not isinstance(version, int | None):
        yield Problem("version", _("Must be a whole number."), code="invalid")


def _once(loaded: Loaded) -> dict[str, tuple[str, Any]]:
    """Return what a stored record was given once and for all: column and value by name."""
    if loaded.header._state.adding:
        return {}
    columns = {
        name: kind.column_name if isinstance(kind, Ref) else name
        for name, kind in loaded.document.fields.items()
        if kind.once
    }
    return {name: (column, getattr(loaded.header, column)) for name, column in columns.items()}


def _keep(header: Any, kept: Mapping[str, tuple[str, Any]]) -> Iterable[Problem]:
    """Put back what is kept where nothing was given, and yield where something else was."""
    for name, (column, value) in kept.items():
        if getattr(header, column) in (None, ""):
            setattr(header, column, value)
        elif getattr(header, column) != value:
            message = _("It stays as it was first entered: make another record for another one.")
            yield Problem(name, message, code="fixed")


class _Answers:
    """Holds what the references of a step's input lead to."""

    def __init__(self) -> None:
        self._state = _NewState()


def take_input(
    kinds: Mapping[str, AnyKind], given: Mapping[str, Any], ctx: Context
) -> tuple[dict[str, Any], list[Problem]]:
    """Return a step's input by name, references as the rows they lead to, and every problem with it."""
    problems = surplus(given, kinds)
    values: dict[str, Any] = {}
    answers, wanted = _Answers(), defaultdict[type[Any], list[_Wanted]](list)
    for name, kind in kinds.items():
        value = given.get(name)
        try:
            if not isinstance(kind, Ref):
                value = kind.parse(value)
            elif value in (None, ""):
                value = None
            else:
                wanted[kind.remote_field.model].append(_Wanted(answers, kind, value, None))
        except BadValue as bad:
            problems.append(Problem(name, bad.message, code=bad.code))
            continue
        values[name] = value
        if kind.required and value in (None, ""):
            problems.append(Problem(name, _("Must be filled in."), code="required"))
    for target, places in wanted.items():
        problems += _resolve({target: places}, ctx, find_rows)
        values |= {place.ref.name: answers._state.fields_cache.get(place.ref.name) for place in places}
    return values, problems


class _Wanted:
    """A reference somebody typed: an id or a code, and where it goes."""

    __slots__ = ("id", "instance", "line", "ref", "typed")

    def __init__(self, instance: Any, ref: Ref, value: Any, line: int | None) -> None:
        self.instance, self.ref, self.line = instance, ref, line
        if isinstance(value, Mapping):
            value = value.get("id") or value.get("code")
        if not isinstance(value, str) or not value.strip() or len(value) > 200:
            raise BadValue(_("Must be an id or a code."))
        require_storable(value)
        self.id, self.typed = uuid_or_none(value), value.strip()

    @property
    def code(self) -> str | None:
        return None if self.id else normal_code(self.typed)


def _unknown(
    data: Mapping[str, Any], kinds: Mapping[str, AnyKind], echo: frozenset[str], line: int | None
) -> list[Problem]:
    ours = (key for key in data if not (key.startswith("linked_") and key[7:] in kinds))
    return surplus(ours, {*kinds, *echo}, line)


def _take_fields(
    instance: Any,
    kinds: Mapping[str, AnyKind],
    data: Mapping[str, Any],
    ctx: Context,
    frozen: frozenset[str],
    line: int | None,
    problems: list[Problem],
    wanted: dict[type[Any], list[_Wanted]],
) -> None:
    is_new = instance._state.adding
    for name, kind in kinds.items():
        if kind.readonly:
            continue
        given = name in data
        value = data.get(name)
        if kind.guard in frozen:
            if given and not _same(kind, instance, name, value):
                problems.append(Problem(name, _("You may not set this field."), line, "guard"))
            continue
        if not given and not is_new and callable(kind.initial):
            continue
        if (not given and is_new) or (value in (None, "") and not kind.null):
            # A column that is never blank falls back to its initial value, when it has one.
            value = kind.initial(ctx) if callable(kind.initial) else kind.initial
        try:
            if isinstance(kind, Ref):
                if value is None or value == "":
                    setattr(instance, kind.column_name, None)
                    instance._state.fields_cache[name] = None
                elif isinstance(value, uuid.UUID):
                    setattr(instance, kind.column_name, value)
                elif not given and not is_new:
                    setattr(instance, kind.column_name, None)
                else:
                    wanted[kind.remote_field.model].append(_Wanted(instance, kind, value, line))
            else:
                setattr(instance, name, kind.parse(value))
        except BadValue as bad:
            problems.append(Problem(name, bad.message, line, bad.code))
            continue
        if isinstance(kind, Choice) and kind.guards.get(getattr(instance, name)) in frozen:
            problems.append(Problem(name, _("Your roles do not allow this choice."), line, "guard"))


def _same(kind: AnyKind, instance: Any, name: str, value: Any) -> bool:
    if isinstance(kind, Kind):
        try:
            return bool(kind.parse(value) == getattr(instance, name, None))
        except BadValue:
            return False
    if isinstance(value, Mapping):
        value = value.get("id")
    return str(getattr(instance, f"{name}_id", None)) == str(value)


def _take_lines(
    loaded: Loaded,
    ctx: Context,
    rows: Any,
    frozen: frozenset[str],
    problems: list[Problem],
    wanted: dict[type[Any], list[_Wanted]],
) -> None:
    document = loaded.document
    assert document.lines is not None
    if rows is None:
        rows = []
    if not isinstance(rows, list):
        problems.append(Problem("lines", _("Must be a list of lines."), code="invalid"))
        return
    if len(rows) > MAX_LINES:
        problems.append(
            Problem("lines", _("At most %(n)s lines fit one document.") % {"n": MAX_LINES}, code="range")
        )
        return
    if odd := [no for no, row in enumerate(rows, 1) if not isinstance(row, Mapping)]:
        problems += [Problem("lines", _("Must be an object."), no, "invalid") for no in odd]
        return
    echo = _LINE_ECHO if document.links else _LINE_ECHO - {"sources"}
    known = {line.id: line for line in loaded.lines}
    taken = []
    for no, row in enumerate(rows, 1):
        id_ = uuid_or_none(row.get("id"))
        if row.get("id") and (id_ is None or id_ not in known):
            problems.append(Problem("id", _("This document has no such line."), no, "unknown"))
            continue
        line = known.pop(id_) if id_ is not None else blank(document.lines, ctx)
        if id_ is None:
            setattr(line, f"{document.parent}_id", loaded.pk)
        line.no = no
        problems += _unknown(row, document.line_fields, echo, no)
        _take_fields(line, document.line_fields, row, ctx, frozen, no, problems, wanted)
        taken.append(line)
    loaded.lines = taken


def blank(model: Any, ctx: Context) -> Any:
    """Return a new row with its key and the columns' defaults; nothing is written."""
    made = model.__new__(model)
    fixed, made_anew = _defaults(model)
    values = made.__dict__
    values.update(fixed)
    for name, default in made_anew:
        values[name] = default()
    values["id"], values["enterprise_id"], values["_state"] = new_id(), ctx.enterprise_id, _NewState()
    return made


@cache
def _defaults(model: Any) -> tuple[dict[str, Any], list[tuple[str, Any]]]:
    """Return the defaults of a model's columns: plain values, and those made anew for each row."""
    fields = [x for x in model._meta.concrete_fields if x.name != "id"]
    fixed = {x.attname: None if callable(x.default) else x.get_default() for x in fields}
    return fixed, [(x.attname, x.default) for x in fields if x.has_default() and callable(x.default)]


class _NewState:
    """Django's bookkeeping for a row that is not in the database yet."""

    __slots__ = ("adding", "db", "fields_cache")

    def __init__(self) -> None:
        self.adding, self.db = True, "default"
        self.fields_cache: dict[str, Any] = {}


def _resolve(wanted: Mapping[Any, list[_Wanted]], ctx: Context, find: Finder) -> Iterable[Problem]:
    """Find what was meant by each id or code, and put it in place."""
    sought = [
        Sought(
            model,
            list({each.id for each in places if each.id is not None}),
            list({each.code for each in places if each.code is not None}),
        )
        for model, places in wanted.items()
    ]
    for places, found in zip(wanted.values(), find(sought, ctx), strict=True):
        yield from _place(places, found)


def _place(places: list[_Wanted], found: list[Any]) -> Iterable[Problem]:
    key = "code" if found and hasattr(found[0], "code") else "number"
    by_id = {row.id: row for row in found}
    by_code = {getattr(row, key, None): row for row in found}
    for wanted in places:
        row = by_id.get(wanted.id) if wanted.id is not None else by_code.get(wanted.code)
        problem = _unfit(row, wanted)
        if problem is not None:
            yield problem
            continue
        before = getattr(wanted.instance, wanted.ref.column_name, None)
        setattr(wanted.instance, wanted.ref.column_name, row.id)  # type: ignore[union-attr]
        wanted.instance._state.fields_cache[wanted.ref.name] = row
        if getattr(row, "is_active", True) is False and before != row.id:  # type: ignore[union-attr]
            message = _("%(code)s is no longer in use.") % {"code": getattr(row, key, "")}
            yield Problem(wanted.ref.name, message, wanted.line, "inactive")


def _unfit(row: Any, wanted: _Wanted) -> Problem | None:
    if row is None:
        message = _("%(code)s is not known here.") % {"code": wanted.typed}
        return Problem(wanted.ref.name, message, wanted.line, "unknown")
    for name, value in wanted.ref.where.items():
        if getattr(row, name) != value:
            label = getattr(document_of(type(row)).fields.get(name), "label", name)
            message = _("%(code)s does not fit: %(what)s.") % {
                "code": getattr(row, "code", ""),
                "what": label,
            }
            return Problem(wanted.ref.name, message, wanted.line, "unfit")
    return None


def incomplete(loaded: Loaded) -> Iterable[Problem]:
    """Yield a problem for every required field that is blank, and for lines where there must be some; drafts are not asked."""
    document = loaded.document
    yield from _blanks(loaded.header, document.fields, None)
    if document.needs_lines and not loaded.lines:
        yield Problem("lines", _("At least one line is needed."), code="required")
    for line in loaded.lines:
        yield from _blanks(line, document.line_fields, line.no)


def _blanks(instance: Any, kinds: Mapping[str, AnyKind], line: int | None) -> Iterable[Problem]:
    for name, kind in kinds.items():
        if not kind.required or isinstance(kind, Done):
            continue
        value = getattr(instance, kind.column_name if isinstance(kind, Ref) else name)
        if value is None or (value == "" and isinstance(kind, Kind)):
            yield Problem(name, _("Must be filled in."), line, "required")
