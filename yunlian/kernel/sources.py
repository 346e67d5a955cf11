"""What a submitted line says it is made from: read, completed from its sources, and checked for form."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from . import permission
from .document import REGISTRY, Document, Link, Missing, Problem, find_document
from .fields import AnyKind, BadValue, Qty, Ref, uuid_or_none
from .load import Loaded, direct_sources, load_lines, select_for
from .scope import Context
from .sql import run
from .text import _

ONE = Decimal(1)
_quantity = Qty(above="0")


@dataclass(frozen=True)
class Taking:
    """One target line takes `qty` of one source line."""

    link: Link
    source_line: uuid.UUID
    target_line: uuid.UUID
    line_no: int
    qty: Decimal


def take_sources(
    loaded: Loaded, data: Mapping[str, Any], problems: list[Problem], *, is_draft: bool = False
) -> list[Taking]:
    """Read the `sources` of the submitted lines. A draft's quantities are not judged yet; blank ones are kept as 1.

    A line with one source takes its whole quantity, whatever quantity was typed beside the source; with several, their
    sum must be the line's quantity. A line that is edited without naming `sources` keeps those it has.
    """
    takings: list[Taking] = []
    rows = data.get("lines") or []
    for line, row in zip(loaded.lines, rows, strict=False):
        named = row.get("sources")
        if named is None:
            named = [
                {"line": str(link.source_line), "qty": link.qty, "code": link.source_code}
                for link in direct_sources(loaded, line.id)
            ]
        if not isinstance(named, list) or not all(isinstance(item, Mapping) for item in named):
            problems.append(Problem("sources", _("Must be a list of source lines."), line.no, "invalid"))
            continue
        takings += _of_line(loaded.document, line, named, problems, is_draft)
    return takings


def _of_line(
    document: Document, line: Any, named: list[Any], problems: list[Problem], is_draft: bool
) -> Iterable[Taking]:
    found: list[Taking] = []
    for item in named:
        id_ = uuid_or_none(item.get("line"))
        link = find_link(document, item.get("code"))
        if id_ is None or link is None:
            problems.append(Problem("sources", _("Names no line this can be made from."), line.no, "unknown"))
            return ()
        whole = getattr(line, link.fills[0])
        try:
            typed = _quantity.parse(item.get("qty"))
        except BadValue as bad:
            problems.append(Problem("sources", bad.message, line.no, bad.code))
            return ()
        if typed is None and len(named) > 1:
            problems.append(Problem("sources", _("Say how much is taken of each."), line.no, "required"))
            return ()
        qty = whole if len(named) == 1 else typed
        if qty is None or qty <= 0:
            if not is_draft:
                return ()
            qty = ONE
        if any(taking.source_line == id_ for taking in found):
            problems.append(Problem("sources", _("The same source line stands twice."), line.no, "twice"))
            return ()
        found.append(Taking(link, id_, line.id, line.no, qty))
    if (
        len(found) > 1
        and not is_draft
        and sum(taking.qty for taking in found) != getattr(line, found[0].link.fills[0])
    ):
        problems.append(
            Problem(found[0].link.fills[0], _("Must be the sum taken from its sources."), line.no, "sum")
        )
    return found


def find_link(document: Document, code: Any) -> Link | None:
    """Return the link from a source's code; without a code the only one there is."""
    if code is None:
        return document.links[0] if len(document.links) == 1 else None
    return next((link for link in document.links if link.source == code), None)


def find_named(loaded: Loaded, ctx: Context, data: Mapping[str, Any]) -> None:
    """Find what the submitted lines name as their sources: name the code where it is left out, and forget the line of
    what the member may not see, which is then refused as if it were not there. At most two statements a source kind.

    A line that the document is made from already stays, whoever edits it now.
    """
    known = {str(link.source_line) for links in loaded.sources.values() for link in links}
    items = [
        item for item in _named(data) if (id_ := uuid_or_none(item.get("line"))) and str(id_) not in known
    ]
    _guess_codes(loaded.document, ctx, [item for item in _named(data) if not item.get("code")])
    for link in loaded.document.links:
        ours = [item for item in items if find_link(loaded.document, item.get("code")) is link]
        if ours:
            seen = _seen(ctx, link, [uuid_or_none(item["line"]) for item in ours])
            for item in ours:
                if seen is not None and uuid_or_none(item["line"]) not in seen:
                    item["line"] = None


def _named(data: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    rows = data.get("lines")
    for row in rows if isinstance(rows, list) else ():
        named = row.get("sources") if isinstance(row, Mapping) else None
        yield from (item for item in (named if isinstance(named, list) else ()) if isinstance(item, dict))


def _guess_codes(document: Document, ctx: Context, items: list[dict[str, Any]]) -> None:
    ids = [id_ for item in items if (id_ := uuid_or_none(item.get("line")))]
    if not ids or len(document.links) < 2:
        return
    for link in document.links:
        source = REGISTRY[link.source]
        model = source.header if link.of_header else source.lines
        sql = f'SELECT id FROM "{model._meta.db_table}" WHERE enterprise_id = %s AND id = ANY(%s)'  # type: ignore[union-attr]
        known = {row[0] for row in run(sql, [ctx.enterprise_id, ids])}
        for item in items:
            if uuid_or_none(item.get("line")) in known:
                item["code"] = link.source


def _seen(ctx: Context, link: Link, ids: list[Any]) -> set[uuid.UUID] | None:
    """Return which source lines the member may see; None when all, without asking."""
    source = find_document(link.source)
    if not permission.may(ctx, source.code, "view"):
        return set()
    where, values = permission.row_condition(ctx, source)
    if not where:
        return None
    alias, joined = "t", ""
    if not link.of_header:
        assert source.lines is not None
        alias = "l"
        joined = (
            f' JOIN "{source.lines._meta.db_table}" l ON l.enterprise_id = t.enterprise_id '
            f'AND l."{source.parent}_id" = t.id'
        )
    sql = (
        f'SELECT {alias}.id FROM "{source.header._meta.db_table}" t{joined} '
        f"WHERE t.enterprise_id = %s AND {alias}.id = ANY(%s){where}"
    )
    return {row[0] for row in run(sql, [ctx.enterprise_id, ids, *values])}


def inherit(loaded: Loaded, ctx: Context, data: Mapping[str, Any]) -> None:
    """Let new lines, and a new header, take over from their source what the input leaves out.

    That is also how somebody who may not see a price can receive goods: fields behind a guard they may not write come
    from the source. Costs nothing when the input, as `pull` made it, is complete.
    """
    document = loaded.document
    frozen = permission.locked(ctx, document.guards)
    wanted: dict[str, dict[uuid.UUID, list[tuple[Any, list[str]]]]] = defaultdict(lambda: defaultdict(list))
    for line, row in zip(loaded.lines, data.get("lines") or [], strict=False):
        named = row.get("sources")
        if not line._state.adding or not isinstance(named, list) or len(named) != 1:
            continue
        link = find_link(document, named[0].get("code")) if isinstance(named[0], Mapping) else None
        id_ = uuid_or_none(named[0].get("line")) if link is not None else None
        if link is None or id_ is None:
            continue
        lacks = _lacking(link.line, document.line_fields, row, frozen)
        head = _lacking(link.header, document.fields, data, frozen) if loaded.header._state.adding else []
        if lacks or head:
            wanted[link.source][id_].append((line, lacks))
    for code, lines in wanted.items():
        _take_over(loaded, ctx, code, lines, data, frozen)


def _lacking(
    names: Mapping[str, str], kinds: Mapping[str, AnyKind], given: Mapping[str, Any], frozen: frozenset[str]
) -> list[str]:
    return [name for name in names if name not in given or kinds[name].guard in frozen]


def _take_over(
    loaded: Loaded,
    ctx: Context,
    code: str,
    lines: Mapping[uuid.UUID, list[tuple[Any, list[str]]]],
    data: Mapping[str, Any],
    frozen: frozenset[str],
) -> None:
    document, source = loaded.document, find_document(code)
    link = find_link(document, code)
    assert link is not None
    for head, row in read_sources(ctx, source, link, list(lines), [], scoped=False):
        if loaded.header._state.adding:
            for name in _lacking(link.header, document.fields, data, frozen):
                _copy(loaded.header, document.fields[name], name, head, link.header[name])
        for line, lacks in lines[row.id]:
            for name in lacks:
                _copy(line, document.line_fields[name], name, row, link.line[name])


def _copy(ours: Any, kind: AnyKind, name: str, theirs: Any, their: str) -> None:
    if isinstance(kind, Ref):
        setattr(ours, kind.column_name, getattr(theirs, f"{their}_id"))
        ours._state.fields_cache[name] = getattr(theirs, their)
    else:
        setattr(ours, name, getattr(theirs, their))


def read_sources(
    ctx: Context,
    source: Document,
    link: Link,
    lines: list[uuid.UUID],
    docs: list[Any],
    *,
    scoped: bool = True,
) -> list[tuple[Any, Any]]:
    """Return (header, row) pairs in order; when scoped, raise Missing for any outside the member's scope."""
    ids = [id_ for id_ in docs if id_]
    if lines and not link.of_header:
        assert source.lines is not None
        sql = f'SELECT DISTINCT "{source.parent}_id" FROM "{source.lines._meta.db_table}" WHERE enterprise_id = %s AND id = ANY(%s)'
        ids += [row[0] for row in run(sql, [ctx.enterprise_id, lines])]
    elif lines:
        ids += lines
    select = select_for(source.header)
    where, values = permission.row_condition(ctx, source) if scoped else ("", [])
    sql = (
        f'SELECT {select.columns} FROM "{source.header._meta.db_table}" t{select.joins} '
        f"WHERE t.enterprise_id = %s AND t.id = ANY(%s){where} ORDER BY t.id"
    )
    headers = {h.id: h for h in select.instances(run(sql, [ctx.enterprise_id, ids, *values]))}
    if scoped and (not headers or len(headers) < len(set(ids))):
        raise Missing(source.code)
    if link.of_header:
        return [(header, header) for header in headers.values()]
    chosen = set(lines)
    rows = load_lines(source, ctx, list(headers))
    parent = f"{source.parent}_id"
    return [
        (headers[getattr(r, parent)], r)
        for r in rows
        if not chosen or r.id in chosen or getattr(r, parent) in docs
    ]
