"""Pull, push and the quantities they may take (flows.md F1).

A source's Done field keeps two counters: linked, taken by any target that is not voided, and executed, taken by
approved targets. Both change in the transaction of the target's act, under the lock of the source's header, and CHECK
constraints hold them below what was promised.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from . import permission
from .document import REGISTRY, Document, Invalid, Link, Missing, Problem, Refused, find_document
from .fields import AnyKind, BadValue, Done, Qty, Ref, trimmed, uuid_or_none
from .identity import new_id
from .load import Loaded, direct_sources, is_direct, load, load_lines, reference, select_for, show_fields
from .models import LinkRow
from .scope import Context
from .sql import Writing, run
from .text import _

ZERO = Decimal(0)
_quantity = Qty(above="0")


@dataclass(frozen=True)
class Taking:
    """One target line takes `qty` of one source line."""

    link: Link
    source_line: uuid.UUID
    target_line: uuid.UUID
    line_no: int
    qty: Decimal


def take_sources(loaded: Loaded, data: Mapping[str, Any], problems: list[Problem]) -> list[Taking]:
    """Read the `sources` of the submitted lines.

    A line with one source takes its whole quantity, whatever was typed beside the source; with several, their sum must
    be the line's quantity. A line that is edited without naming `sources` keeps those it has.
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
            problems.append(Problem("sources", _("Must be a list of source lines."), line.no))
            continue
        takings += _of_line(loaded.document, line, named, problems)
    return takings


def _of_line(document: Document, line: Any, named: list[Any], problems: list[Problem]) -> Iterable[Taking]:
    found: list[Taking] = []
    for item in named:
        id_ = uuid_or_none(item.get("line"))
        link = _link(document, item.get("code"))
        if id_ is None or link is None:
            problems.append(Problem("sources", _("Names no line this can be made from."), line.no, "unknown"))
            return ()
        whole = getattr(line, link.fills[0])
        try:
            qty = whole if len(named) == 1 else _quantity.parse(item.get("qty"))
        except BadValue as bad:
            problems.append(Problem("sources", bad.message, line.no, bad.code))
            return ()
        if qty is None or qty <= 0:
            return ()
        found.append(Taking(link, id_, line.id, line.no, qty))
    if len(found) > 1 and sum(taking.qty for taking in found) != getattr(line, found[0].link.fills[0]):
        problems.append(
            Problem(found[0].link.fills[0], _("Must be the sum taken from its sources."), line.no, "sum")
        )
    return found


def _link(document: Document, code: Any) -> Link | None:
    if code is None:
        return document.links[0] if len(document.links) == 1 else None
    return next((link for link in document.links if link.source == code), None)


def guess_codes(loaded: Loaded, ctx: Context, data: Mapping[str, Any]) -> None:
    """Name the source document of every submitted source line that leaves it out, with one statement a source kind."""
    items = [
        item
        for row in data.get("lines") or []
        if isinstance(row, dict)
        for item in row.get("sources") or []
        if isinstance(item, dict) and not item.get("code") and uuid_or_none(item.get("line"))
    ]
    if not items or len(loaded.document.links) < 2:
        return
    ids = [uuid_or_none(item["line"]) for item in items]
    for link in loaded.document.links:
        source = REGISTRY[link.source]
        model = source.header if link.of_header else source.lines
        sql = f'SELECT id FROM "{model._meta.db_table}" WHERE enterprise_id = %s AND id = ANY(%s)'  # type: ignore[union-attr]
        known = {str(row[0]) for row in run(sql, [ctx.enterprise_id, ids])}
        for item in items:
            if item["line"] in known:
                item["code"] = link.source


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
        link = _link(document, named[0].get("code")) if isinstance(named[0], Mapping) else None
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
    link = _link(document, code)
    assert link is not None
    for head, row in _pulled_sources(ctx, source, link, list(lines), [], scoped=False):
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


@dataclass
class _Source:
    """Locked sources of one kind: headers and rows by id, and what changes on them."""

    document: Document
    headers: dict[uuid.UUID, Any]
    rows: dict[uuid.UUID, Any]
    parent: dict[uuid.UUID, uuid.UUID]
    touched: set[uuid.UUID] = field(default_factory=set)


def lock_sources(
    ctx: Context, document: Document, takings: Iterable[tuple[str, uuid.UUID]]
) -> dict[str, _Source]:
    """Lock and read the source documents of (code, source line) pairs, in order of code and id."""
    wanted: dict[str, set[uuid.UUID]] = defaultdict(set)
    for code, line in takings:
        wanted[code].add(line)
    return {code: _lock(ctx, document, find_document(code), sorted(wanted[code])) for code in sorted(wanted)}


def _lock(ctx: Context, target: Document, source: Document, ids: list[uuid.UUID]) -> _Source:
    is_header = any(link.source == source.code and link.of_header for link in target.links)
    header = source.header._meta.db_table
    within = "t.id = ANY(%s)"
    if not is_header:
        assert source.lines is not None
        lines = source.lines._meta.db_table
        within = f't.id IN (SELECT l."{source.parent}_id" FROM "{lines}" l WHERE l.enterprise_id = %s AND l.id = ANY(%s))'
    select = select_for(source.header)
    sql = (
        f'SELECT {select.columns} FROM "{header}" t{select.joins} WHERE t.enterprise_id = %s AND {within} '
        "ORDER BY t.id FOR NO KEY UPDATE OF t"
    )
    params: list[Any] = [ctx.enterprise_id, ids] if is_header else [ctx.enterprise_id, ctx.enterprise_id, ids]
    headers = {row.id: row for row in select.instances(run(sql, params))}
    if is_header:
        return _Source(source, headers, headers, {id_: id_ for id_ in headers})
    rows = {line.id: line for line in load_lines(source, ctx, list(headers))}
    return _Source(
        source, headers, rows, {id_: getattr(line, f"{source.parent}_id") for id_, line in rows.items()}
    )


def relink(loaded: Loaded, ctx: Context, takings: list[Taking], writing: Writing) -> None:
    """Make the document's links equal to `takings`: move the linked counters and rewrite the link rows.

    Raises Refused naming each line that takes more than is open, comes from a source that is not in force, or
    disagrees with its source in party, warehouse or whatever the link holds the same.
    """
    before = {_key(row): row for rows in loaded.sources.values() for row in rows}
    if not takings and not before:
        return
    touched = [(t.link.source, t.source_line) for t in takings]
    touched += [(row.source_code, row.source_line) for row in before.values()]
    further = _further(takings)
    touched += [(row.source_code, row.source_line) for rows in further.values() for row in rows]
    sources = lock_sources(ctx, loaded.document, touched)
    for row in before.values():
        _move(sources[row.source_code], row.source_line, row.counter, linked=-row.qty)
    problems: list[Problem] = []
    for taking in takings:
        problems += _take(
            sources[taking.link.source],
            taking,
            loaded,
            is_old=(taking.source_line, taking.target_line, taking.link.fills[1]) in before,
        )
    if problems:
        raise Refused(*problems)
    rows = [_row(taking, sources, loaded, ctx) for taking in takings]
    for taking in takings:
        rows += _also(taking, sources, loaded, ctx)
        rows += _carry_on(taking, further.get(taking.source_line, []), sources, loaded, ctx)
    kept = {_key(row): row for row in rows}
    writing.delete(LinkRow, [row.id for row in before.values()])
    writing.insert(rows)
    _write(sources, writing, "linked")
    loaded.sources = defaultdict(list)
    for row in kept.values():
        loaded.sources[row.target_line].append(row)


def _key(row: LinkRow) -> tuple[uuid.UUID, uuid.UUID, str]:
    return row.source_line, row.target_line, row.counter


def _also(taking: Taking, sources: Mapping[str, _Source], loaded: Loaded, ctx: Context) -> Iterable[LinkRow]:
    """Count what a line takes on the further Done fields of its source line."""
    for name in taking.link.also:
        link = Link(source=taking.link.source, fills=(taking.link.fills[0], name))
        counted = Taking(link, taking.source_line, taking.target_line, taking.line_no, taking.qty)
        _move(sources[link.source], taking.source_line, name, linked=taking.qty)
        yield _row(counted, sources, loaded, ctx)


def _further(takings: list[Taking]) -> dict[uuid.UUID, list[LinkRow]]:
    """Return, by source line, the links that lead on from it to what it was made from."""
    lines = sorted({taking.source_line for taking in takings if taking.link.onward})
    found: dict[uuid.UUID, list[LinkRow]] = defaultdict(list)
    if not lines:
        return found
    codes = sorted({code for taking in takings for code, _name in taking.link.onward})
    for row in LinkRow.objects.filter(target_line__in=lines, source_code__in=codes).order_by("id"):
        if is_direct(find_document(row.target_code), row):
            found[row.target_line].append(row)
    return found


def _carry_on(
    taking: Taking, further: list[LinkRow], sources: Mapping[str, _Source], loaded: Loaded, ctx: Context
) -> Iterable[LinkRow]:
    """Count what a line takes on the lines its source was made from, first made first filled."""
    names, left = dict(taking.link.onward), taking.qty
    for at, beyond in enumerate(further):
        source, name = sources[beyond.source_code], names[beyond.source_code]
        is_last = at == len(further) - 1
        room = open_quantity(source.rows[beyond.source_line], _done(source.document, name))
        qty = left if is_last else min(left, beyond.qty, max(room, ZERO))
        if qty > 0:
            link = Link(source=beyond.source_code, fills=(taking.link.fills[0], name))
            counted = Taking(link, beyond.source_line, taking.target_line, taking.line_no, qty)
            _move(source, beyond.source_line, name, linked=qty)
            yield _row(counted, sources, loaded, ctx)
            left -= qty


def _row(taking: Taking, sources: Mapping[str, _Source], loaded: Loaded, ctx: Context) -> LinkRow:
    return LinkRow(
        enterprise_id=ctx.enterprise_id,
        id=new_id(),
        source_doc_id=sources[taking.link.source].parent[taking.source_line],
        target_doc_id=loaded.pk,
        source_code=taking.link.source,
        target_code=loaded.document.code,
        source_line=taking.source_line,
        target_line=taking.target_line,
        counter=taking.link.fills[1],
        qty=taking.qty,
    )


def _take(source: _Source, taking: Taking, loaded: Loaded, *, is_old: bool) -> Iterable[Problem]:
    ours, theirs = taking.link.fills
    row = source.rows.get(taking.source_line)
    if row is None:
        yield Problem("sources", _("Names no line this can be made from."), taking.line_no, "unknown")
        return
    header = source.headers[source.parent[taking.source_line]]
    is_closed = header.close != "open" or getattr(row, "is_closed", False)
    if header.state != "approved" or (is_closed and not is_old and not taking.link.of_header):
        message = _("%(number)s is not open: it must be approved and not closed.") % {"number": header.number}
        yield Problem("sources", message, taking.line_no, "closed")
    for name in taking.link.same:
        if name in taking.link.header:
            kinds, one, other = loaded.document.fields, loaded.header, header
            theirs_kinds, their = source.document.fields, taking.link.header[name]
        else:
            kinds, one, other = loaded.document.line_fields, _line_of(loaded, taking), row
            theirs_kinds = source.document.fields if taking.link.of_header else source.document.line_fields
            their = taking.link.line[name]
        if _value(one, kinds[name], name) != _value(other, theirs_kinds[their], their):
            message = _("%(field)s differs from %(number)s.") % {
                "field": kinds[name].label,
                "number": header.number,
            }
            yield Problem(name, message, taking.line_no, "differs")
    open_ = open_quantity(row, _done(source.document, theirs))
    if taking.qty > open_:
        message = _("%(qty)s is more than the %(open)s still open on %(number)s.") % {
            "qty": trimmed(taking.qty, 0),
            "open": trimmed(max(open_, ZERO), 0),
            "number": header.number,
        }
        yield Problem(ours, message, taking.line_no, "exceeds_open")
    _move(source, taking.source_line, theirs, linked=taking.qty)


def _line_of(loaded: Loaded, taking: Taking) -> Any:
    return next(line for line in loaded.lines if line.id == taking.target_line)


def _value(row: Any, kind: AnyKind, name: str) -> Any:
    return getattr(row, kind.column_name if isinstance(kind, Ref) else name)


def _done(document: Document, name: str) -> Done:
    kind = document.line_fields.get(name) or document.fields[name]
    assert isinstance(kind, Done)
    return kind


def open_quantity(row: Any, done: Done) -> Decimal:
    """Return what may still be taken of a line: its quantity less what is linked; nothing once it is closed."""
    if getattr(row, "is_closed", False):
        return ZERO
    promised: Decimal = getattr(row, done.of) or ZERO
    taken: Decimal = getattr(row, done.linked)
    return promised - taken


def _move(
    source: _Source, line: uuid.UUID, counter: str, *, linked: Decimal = ZERO, executed: Decimal = ZERO
) -> None:
    row = source.rows[line]
    source.touched.add(line)
    setattr(row, f"linked_{counter}", getattr(row, f"linked_{counter}") + linked)
    setattr(row, counter, getattr(row, counter) + executed)


def execute(loaded: Loaded, ctx: Context, writing: Writing, sign: int) -> None:
    """Count this document's links as executed (`sign` 1), or no longer (-1), and close sources that are done."""
    rows = [row for rows in loaded.sources.values() for row in rows]
    if not rows:
        return
    sources = lock_sources(ctx, loaded.document, [(row.source_code, row.source_line) for row in rows])
    if sign > 0:
        _require_open(rows, sources, loaded)
    for row in rows:
        _move(sources[row.source_code], row.source_line, row.counter, executed=sign * row.qty)
    _write(sources, writing, "executed")
    for source in sources.values():
        _close_done(source, writing)


def _require_open(rows: list[LinkRow], sources: Mapping[str, _Source], loaded: Loaded) -> None:
    numbers = {line.id: line.no for line in loaded.lines}
    problems = []
    for row in rows:
        if not is_direct(loaded.document, row):
            continue  # what is under way may arrive though the rest was closed
        source = sources[row.source_code]
        header = source.headers[source.parent[row.source_line]]
        is_closed = header.close == "manual" and source.rows is not source.headers
        if header.state != "approved" or is_closed:
            message = _("%(number)s is not open: it must be approved and not closed.") % {
                "number": header.number
            }
            problems.append(Problem("sources", message, numbers.get(row.target_line), "closed"))
    if problems:
        raise Refused(*problems)


def release(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Give back what a voided document had taken; its link rows stay as history."""
    rows = [row for rows in loaded.sources.values() for row in rows]
    sources = lock_sources(ctx, loaded.document, [(row.source_code, row.source_line) for row in rows])
    for row in rows:
        _move(sources[row.source_code], row.source_line, row.counter, linked=-row.qty)
    _write(sources, writing, "linked")


def give_back(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Give back to its sources what a document closed by hand did not execute itself, where its links say so."""
    done = next((done for done in loaded.document.counters if done.closes), None)
    if done is not None:
        rest = {line.id: getattr(line, done.name or "") - getattr(line, done.of) for line in loaded.lines}
        _adjust(loaded, ctx, writing, rest)


def take_again(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Take once more what closing gave back; raises Refused where it is no longer open."""
    link = next((link for link in loaded.document.links if link.returns), None)
    if link is not None:
        held = {
            line.id: sum((row.qty for row in direct_sources(loaded, line.id)), ZERO) for line in loaded.lines
        }
        _adjust(
            loaded,
            ctx,
            writing,
            {line.id: getattr(line, link.fills[0]) - held[line.id] for line in loaded.lines},
        )


def _adjust(loaded: Loaded, ctx: Context, writing: Writing, by_line: Mapping[uuid.UUID, Decimal]) -> None:
    """Change what lines hold of their sources, linked and executed alike."""
    returning = {link.source for link in loaded.document.links if link.returns}
    held = [r for line in loaded.lines for r in direct_sources(loaded, line.id) if r.source_code in returning]
    sources = lock_sources(ctx, loaded.document, [(row.source_code, row.source_line) for row in held])
    problems: list[Problem] = []
    changed: list[LinkRow] = []
    gone: list[LinkRow] = []
    for line in loaded.lines:
        left = by_line[line.id] if returning else ZERO
        for row in reversed([row for row in held if row.target_line == line.id]):
            source = sources[row.source_code]
            room = open_quantity(source.rows[row.source_line], _done(source.document, row.counter))
            moved = max(left, -row.qty) if left < 0 else min(left, max(room, ZERO))
            if moved == 0:
                continue
            _move(source, row.source_line, row.counter, linked=moved, executed=moved)
            row.qty += moved
            left -= moved
            (changed if row.qty > 0 else gone).append(row)
        if left > 0:
            message = _("%(qty)s is no longer open on what it was made from.") % {"qty": trimmed(left, 0)}
            problems.append(Problem("sources", message, line.no, "exceeds_open"))
    if problems:
        raise Refused(*problems)
    writing.update(changed, ["qty"])
    writing.delete(LinkRow, [row.id for row in gone])
    _write(sources, writing, "both")


def _write(sources: Mapping[str, _Source], writing: Writing, which: str) -> None:
    for source in sources.values():
        pairs = [(done.linked, done.name or "") for done in source.document.counters]
        counters = {name for pair in pairs for name in pair[_PART[which]]}
        names = sorted(name for name in counters if hasattr(next(iter(source.rows.values()), None), name))
        writing.update([source.rows[id_] for id_ in sorted(source.touched)], names)


_PART = {"linked": slice(1), "executed": slice(1, 2), "both": slice(2)}


def _close_done(source: _Source, writing: Writing) -> None:
    a_row = next(iter(source.rows.values()), None)
    closing = next((d for d in source.document.counters if d.closes and hasattr(a_row, d.name or "")), None)
    if closing is None:
        return
    changed = []
    for header in source.headers.values():
        rows = [row for id_, row in source.rows.items() if source.parent[id_] == header.id]
        is_done = all(
            getattr(r, "is_closed", False) or getattr(r, closing.name or "") >= getattr(r, closing.of)
            for r in rows
        )
        close = "auto" if is_done else "open"
        if header.close not in ("manual", close):
            header.close = close
            changed.append(header)
    writing.update(changed, ["close"])


def has_followers(loaded: Loaded) -> bool:
    """Whether any later document, not voided, is made from this one."""
    rows = (loaded.header, *loaded.lines)
    return any(getattr(row, done.linked, ZERO) > 0 for done in loaded.document.counters for row in rows)


def pull(
    code: str,
    ctx: Context,
    source_code: str,
    lines: Mapping[Any, Any] | None = None,
    docs: Sequence[Any] = (),
) -> dict[str, Any]:
    """Return an unsaved document body made of open source lines: what POST or PUT would take.

    `lines` maps source line ids to a quantity in the source's base unit, None for all that is open; `docs` names whole
    documents. Raises Missing when a line is not the member's to see, Refused when parties differ or nothing is open.
    """
    document, source = find_document(code), find_document(source_code)
    permission.require(ctx, document, "edit")
    permission.require(ctx, source, "view")
    link = _link(document, source_code)
    if link is None:
        raise Missing(source_code)
    wanted = {uuid_or_none(str(id_)): qty for id_, qty in (lines or {}).items()}
    if None in wanted or (not wanted and not docs):
        raise Invalid(Problem("lines", _("Choose at least one source line.")))
    found = _pulled_sources(
        ctx, source, link, [id_ for id_ in wanted if id_], [uuid_or_none(str(d)) for d in docs]
    )
    return _body(document, source, link, found, wanted, ctx)


def _pulled_sources(
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


def _body(
    document: Document,
    source: Document,
    link: Link,
    found: list[tuple[Any, Any]],
    wanted: Mapping[Any, Any],
    ctx: Context,
) -> dict[str, Any]:
    ours, theirs = link.fills
    done = _done(source, theirs)
    # What the member may not write is taken over when it is saved.
    frozen = permission.locked(ctx, document.guards)
    heads = {name: their for name, their in link.header.items() if document.fields[name].guard not in frozen}
    fields = {
        name: their for name, their in link.line.items() if document.line_fields[name].guard not in frozen
    }
    header: dict[str, Any] = {}
    lines, problems = [], []
    for head, row in found:
        if head.state != "approved" or (head.close != "open" and not link.of_header):
            message = _("%(number)s is not open: it must be approved and not closed.") % {
                "number": head.number
            }
            problems.append(Problem("sources", message, None, "closed"))
            continue
        mapped = {name: _shown(head, source.fields, their) for name, their in heads.items()}
        if header and any(mapped[name] != header[name] for name in link.same if name in mapped):
            problems.append(
                Problem(None, _("Their parties differ, so they cannot be merged."), None, "differs")
            )
        header = header or mapped
        open_ = open_quantity(row, done)
        asked = wanted.get(row.id)
        qty = open_ if asked is None else _quantity.parse(asked)
        if qty is None or open_ <= 0:
            continue
        kinds = source.fields if link.of_header else source.line_fields
        line = {name: _shown(row, kinds, their) for name, their in fields.items()}
        line |= _quantities(document, ours, row, qty)
        line["sources"] = [{"code": source.code, "line": str(row.id), "qty": format(trimmed(qty, 0), "f")}]
        lines.append(line)
    if not lines and not problems:
        problems.append(Problem(None, _("Nothing is open any more."), None, "closed"))
    if problems:
        raise Refused(*problems)
    return header | {"lines": lines}


def _quantities(document: Document, ours: str, row: Any, qty: Decimal) -> dict[str, Any]:
    """Return the typed quantity of a pulled line: in the source's own unit when both keep one."""
    kind = document.line_fields[ours]
    if ours == "base_qty" and "qty" in document.line_fields:
        factor = getattr(row, "factor", None) or Decimal(1)
        return {"qty": format(trimmed((qty / factor).quantize(Decimal("0.000001")), 0), "f")}
    return {ours: kind.show(qty)} if not isinstance(kind, Ref) else {}


def _shown(row: Any, kinds: Mapping[str, Any], name: str) -> Any:
    kind = kinds[name]
    return reference(getattr(row, name)) if isinstance(kind, Ref) else kind.show(getattr(row, name))


def push(code: str, ctx: Context, id_: Any, target: str) -> dict[str, Any]:
    """Return the body of a document made from all that is open on this one."""
    source = find_document(code)
    loaded = load(source, ctx, id_)
    return pull(target, ctx, code, docs=[loaded.pk])


def open_lines(
    code: str, ctx: Context, source_code: str, search: str = "", limit: int = 200
) -> list[dict[str, Any]]:
    """Return source lines that can still be pulled, newest document first, for the pull dialog."""
    document, source = find_document(code), find_document(source_code)
    permission.require(ctx, document, "edit")
    permission.require(ctx, source, "view")
    link = _link(document, source_code)
    if link is None:
        raise Missing(source_code)
    done = _done(source, link.fills[1])
    where, values = permission.row_condition(ctx, source)
    alias = "t" if link.of_header else "l"
    joins, closed = "", ""
    if not link.of_header:
        assert source.lines is not None
        joins = f' JOIN "{source.lines._meta.db_table}" l ON l.enterprise_id = t.enterprise_id AND l."{source.parent}_id" = t.id'
        closed = " AND t.close = 'open' AND NOT l.is_closed"
    if search:
        where += " AND t.number = ANY(%s)"
        values = [*values, [search.strip().upper()]]
    sql = (
        f'SELECT DISTINCT t.date, t.id FROM "{source.header._meta.db_table}" t{joins} WHERE t.enterprise_id = %s '
        f'AND t.state = \'approved\'{closed} AND {alias}."{done.linked}" < {alias}."{done.of}"{where} '
        "ORDER BY t.date DESC, t.id DESC LIMIT %s"
    )
    ids = [row[1] for row in run(sql, [ctx.enterprise_id, *values, limit])]
    hidden = permission.hidden(ctx, source.guards)
    pairs = _pulled_sources(ctx, source, link, [], ids) if ids else []
    order = {id_: at for at, id_ in enumerate(ids)}
    rows = []
    for head, row in sorted(pairs, key=lambda pair: order[pair[0].id]):
        left = open_quantity(row, done)
        if left <= 0:
            continue
        shown = {} if link.of_header else show_fields(row, source.line_fields, hidden)
        shown |= {
            name: value
            for name, value in show_fields(head, source.fields, hidden).items()
            if name in source.columns.split()
        }
        rows.append(shown | {"line": str(row.id), "doc": str(head.id), "open": format(trimmed(left, 0), "f")})
    return rows
