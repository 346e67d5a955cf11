"""Read one document whole: header, lines and what they point to, in a fixed handful of statements."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from . import permission
from .document import Document, Missing, fixed, pushes
from .fields import AnyKind, Done, Ref
from .models import LinkRow
from .scope import Context
from .sql import Row, brief, named, run, run_together, table


@dataclass
class Loaded:
    """One document in memory. `sources` are its links to earlier documents, by line id (or its own id).

    `changes` are what the act that announces it has changed, as the log keeps them: none when it was made just now.
    """

    document: Document
    header: Any
    lines: list[Any] = field(default_factory=list)
    sources: dict[uuid.UUID, list[LinkRow]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pk(self) -> uuid.UUID:
        id_: uuid.UUID = self.header.id
        return id_


@dataclass(frozen=True)
class _Select:
    """A statement that reads rows of a model together with the rows its references point to."""

    columns: str
    joins: str
    model: Any
    refs: tuple[tuple[str, Any], ...]

    def instances(self, rows: list[Row]) -> list[Any]:
        own = table(self.model)
        made = []
        for row in rows:
            at = len(own.columns)
            instance = own.instance(row[:at])
            cached = instance._state.fields_cache = {}
            for name, target in self.refs:
                end = at + len(target.columns)
                cached[name] = target.instance(row[at:end]) if row[at] is not None else None
                at = end
            made.append(instance)
        return made


@cache
def select_for(model: Any) -> _Select:
    """Return the statement parts that read rows of a model with what they point to."""
    own = table(model)
    columns, joins, refs = own.select("t"), "", []
    references = [x for x in model._meta.fields if type(x) is Ref]
    for position, ref in enumerate(references):
        target = named(ref.remote_field.model) if ref.is_named else brief(ref.remote_field.model)
        alias = f"r{position}"
        columns += ", " + target.select(alias)
        joins += (
            f' LEFT JOIN "{target.name}" {alias} ON {alias}.enterprise_id = t.enterprise_id'
            f' AND {alias}.id = t."{ref.column_name}"'
        )
        refs.append((ref.name, target))
    return _Select(columns, joins, model, tuple(refs))


def load(document: Document, ctx: Context, id_: Any, *, lock: bool = False, scoped: bool = True) -> Loaded:
    """Return the document; raises Missing when it does not exist or is outside the member's row scope.

    With `lock` the header is locked until the transaction ends; a header's lock stands for all its lines.
    """
    select = select_for(document.header)
    where, values = permission.row_condition(ctx, document) if scoped else ("", [])
    sql = (
        f'SELECT {select.columns} FROM "{document.header._meta.db_table}" t{select.joins} '
        f"WHERE t.enterprise_id = %s AND t.id = %s{where}{' FOR NO KEY UPDATE OF t' if lock else ''}"
    )
    statements = [(sql, [ctx.enterprise_id, id_, *values])]
    if document.lines is not None:
        statements.append(_lines_statement(document, ctx, [id_]))
    if document.links:
        statements.append(_sources_statement(ctx, id_))
    # In one journey, and in this order: what is read after the header is read under its lock.
    headers, *more = run_together(statements)
    if not headers:
        raise Missing(document.code)
    loaded = Loaded(document, select.instances(headers)[0])
    if document.lines is not None:
        loaded.lines = select_for(document.lines).instances(more[0])
    if document.links:
        loaded.sources = _by_target(more[-1])
    return loaded


def load_lines(document: Document, ctx: Context, parents: list[uuid.UUID]) -> list[Any]:
    """Return the lines of documents, in order, with what they point to."""
    return select_for(document.lines).instances(run(*_lines_statement(document, ctx, parents)))


Statement = tuple[str, list[Any]]


def _lines_statement(document: Document, ctx: Context, parents: list[Any]) -> Statement:
    select = select_for(document.lines)
    sql = (
        f'SELECT {select.columns} FROM "{table(document.lines).name}" t{select.joins} '
        f'WHERE t.enterprise_id = %s AND t."{document.parent}_id" = ANY(%s) ORDER BY t."{document.parent}_id", t.no'
    )
    return sql, [ctx.enterprise_id, parents]


def find_rows(model: Any, enterprise_id: int, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Return rows of a model by id, as a reference to them is read: without log columns, notes and custom values."""
    shape = brief(model)
    sql = f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND t.id = ANY(%s)'
    return {row.id: row for row in map(shape.instance, run(sql, [enterprise_id, list(ids)]))}


def load_sources(ctx: Context, target: uuid.UUID) -> dict[uuid.UUID, list[LinkRow]]:
    """Return the links of one target document by target line."""
    return _by_target(run(*_sources_statement(ctx, target)))


def _sources_statement(ctx: Context, target: Any) -> Statement:
    shape = table(LinkRow)
    sql = f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND t.target_doc_id = %s'
    return sql, [ctx.enterprise_id, target]


def _by_target(rows: list[Row]) -> dict[uuid.UUID, list[LinkRow]]:
    found: dict[uuid.UUID, list[LinkRow]] = defaultdict(list)
    for link in map(table(LinkRow).instance, rows):
        found[link.target_line].append(link)
    return dict(found)


def reference(target: Any) -> dict[str, Any] | None:
    """Return how a row that is pointed to is shown: id, code, name, and what stands beside the name."""
    if target is None:
        return None
    code = getattr(target, "code", None) or getattr(target, "number", None) or ""
    shown = {"id": str(target.id), "code": code, "name": getattr(target, "name", code)}
    beside = getattr(target, "beside", "") and getattr(target, target.beside)
    return shown | {"hint": beside} if beside else shown


def show_fields(instance: Any, kinds: Mapping[str, AnyKind], hidden: frozenset[str]) -> dict[str, Any]:
    """Return the JSON of an instance's declared fields, without those behind a hidden guard."""
    shown: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind.guard in hidden:
            continue
        if isinstance(kind, Ref):
            shown[name] = reference(instance._state.fields_cache.get(name))
        else:
            shown[name] = kind.show(getattr(instance, name))
            if isinstance(kind, Done):
                shown[kind.linked] = kind.show(getattr(instance, kind.linked))
    return shown


def complete(loaded: Loaded, ctx: Context) -> None:
    """Read the rows the header points to and nobody has read yet, such as its owner: one statement a kind."""
    header, cached = loaded.header, loaded.header._state.fields_cache
    lacking: dict[Any, list[Ref]] = defaultdict(list)
    for kind in loaded.document.fields.values():
        if (
            isinstance(kind, Ref)
            and getattr(header, kind.column_name) is not None
            and cached.get(kind.name) is None
        ):
            lacking[kind.remote_field.model].append(kind)
    for model, kinds in lacking.items():
        rows = find_rows(model, ctx.enterprise_id, {getattr(header, kind.column_name) for kind in kinds})
        for kind in kinds:
            cached[kind.name] = rows.get(getattr(header, kind.column_name))


def show(loaded: Loaded, ctx: Context) -> dict[str, Any]:
    """Return a document as the API answers it, cut to what the member may see."""
    document, header = loaded.document, loaded.header
    complete(loaded, ctx)
    hidden = permission.hidden(ctx, document.guards) if document.guards else frozenset()
    shown: dict[str, Any] = {"id": str(header.id), "code": document.code}
    if document.is_master:
        shown = {"id": str(header.id)}
    shown |= show_fields(header, document.fields, hidden)
    shown |= {
        "version": header.version,
        "created_by": str(header.created_by),
        "updated_by": str(header.updated_by),
    }
    if document.lines is not None:
        shown["lines"] = [
            {"id": str(line.id), "no": line.no}
            | show_fields(line, document.line_fields, hidden)
            | ({"sources": _sources(loaded, line.id)} if document.links else {})
            for line in loaded.lines
        ]
    shown["can"] = abilities(loaded, ctx)
    return shown


def is_direct(target: Document, row: LinkRow) -> bool:
    """Whether the link says what a line was made from, not only where it counts further up (`Link.onward`)."""
    return any((link.source, link.fills[1]) == (row.source_code, row.counter) for link in target.links)


def direct_sources(loaded: Loaded, line: uuid.UUID) -> list[LinkRow]:
    """Return what a line was made from."""
    return [row for row in loaded.sources.get(line, ()) if is_direct(loaded.document, row)]


def _sources(loaded: Loaded, line: uuid.UUID) -> list[dict[str, Any]]:
    return [
        {
            "code": link.source_code,
            "line": str(link.source_line),
            "doc": str(link.source_doc_id),
            "qty": format(link.qty.normalize(), "f"),
        }
        for link in direct_sources(loaded, line)
    ]


def abilities(loaded: Loaded, ctx: Context) -> dict[str, Any]:
    """Return what the member can do with this document now: edit, delete, steps and pushes by name."""
    document, header = loaded.document, loaded.header
    edit = permission.may(ctx, document.code, "edit") and not fixed(document, header)
    if document.flow is None:
        return {
            "edit": edit,
            "delete": permission.may(ctx, document.code, "delete"),
            "steps": _steps(document, header, ctx),
            "pushes": [],
        }
    followers = [d for d in pushes(document.code) if permission.may(ctx, d.code, "edit")]
    followers = [d for d in followers if _may_follow(d, loaded)]
    bars = {
        d.code: bar
        for d in followers
        for link in d.links
        if link.source == document.code and (bar := document.barred(link, header, ctx))
    }
    waits = next((bar.waits for bar in bars.values() if bar.waits), None)
    return {
        "edit": edit,
        "delete": header.state == "draft" and permission.may(ctx, document.code, "delete"),
        "steps": _steps(document, header, ctx),
        "pushes": [d.code for d in followers if d.code not in bars],
    } | ({"waits": waits} if waits else {})


def _may_follow(target: Document, loaded: Loaded) -> bool:
    """Whether the target can be made now of what is open. Money may follow what is closed, because closing ends
    quantities only."""
    source, header = loaded.document, loaded.header
    if header.state != "approved":
        return False
    return any(
        left > 0
        for link in target.links
        if link.source == source.code and (header.close == "open" or link.of_header)
        for left in link.rooms(
            source, [(header, row) for row in ([header] if link.of_header else loaded.lines)]
        ).values()
    )


def _steps(document: Document, header: Any, ctx: Context) -> list[str]:
    return [
        name
        for name, (flow, step) in document.steps.items()
        if getattr(header, flow.field) in step.from_
        and (not step.when or header.state in step.when)
        and (step.may is None or step.may(header))
        and not step.is_partner
        and close_fits(step.effect, header)
        and permission.may(ctx, document.code, name)
    ]


def close_fits(effect: tuple[str, ...], header: Any) -> bool:
    """Tell whether the close flag allows a step: only what is open can be closed, only what was closed by hand reopened."""
    if "close" in effect:
        return bool(header.close == "open")
    return bool(header.close == "manual") if "reopen" in effect else True
