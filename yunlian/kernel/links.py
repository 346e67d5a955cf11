"""The quantities later documents take of earlier ones (flows.md F1).

A source's Done field keeps two counters: linked, taken by any target that is not voided, and executed, taken by
approved targets. Both change in the transaction of the target's act, under the lock of the source's header, and CHECK
constraints hold them below what was promised.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from . import reasons
from .document import Document, Link, Problem, Refused, find_document
from .fields import AnyKind, Ref, trimmed
from .identity import new_id
from .load import Loaded, direct_sources, is_direct, load_lines, select_for
from .models import LinkRow
from .scope import Context
from .sources import Taking
from .sql import Writing, run
from .text import _

ZERO = Decimal(0)


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
    if loaded.header.state == "draft":  # nothing was counted so far: what it named is named anew
        writing.delete(LinkRow, [row.id for row in before.values()])
        before = {}
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
            ctx,
            is_old=(taking.source_line, taking.target_line, taking.link.fills[1]) in before,
        )
    if problems:
        raise Refused(*problems)
    rows = [_row(taking, sources, loaded, ctx) for taking in takings]
    for taking in takings if loaded.document.reasons else ():
        source = sources[taking.link.source]
        number = source.headers[source.parent[taking.source_line]].number
        reasons.note_taken(
            loaded, _line_of(loaded, taking), taking.link, number, source.rows[taking.source_line]
        )
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


def note_down(loaded: Loaded, ctx: Context, takings: list[Taking], writing: Writing) -> None:
    """Keep what a draft names as its sources, so that it is still made from them once it is finished. It counts nowhere
    until then (F0), and nothing is asked of the sources but that they are there."""
    writing.delete(LinkRow, [row.id for rows in loaded.sources.values() for row in rows])
    sources = lock_sources(ctx, loaded.document, [(t.link.source, t.source_line) for t in takings])
    rows = [_row(t, sources, loaded, ctx) for t in takings if t.source_line in sources[t.link.source].rows]
    writing.insert(rows)
    loaded.sources = defaultdict(list)
    for row in rows:
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
        room = source.document.done(name).room(source.rows[beyond.source_line])
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


def _take(
    source: _Source, taking: Taking, loaded: Loaded, ctx: Context, *, is_old: bool
) -> Iterable[Problem]:
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
    elif not is_old and (bar := source.document.barred(taking.link, header, ctx)):
        yield bar.problem(header.number, taking.line_no)
    differing = []
    for name in taking.link.same:
        if name in taking.link.header:
            kinds, one, other = loaded.document.fields, loaded.header, header
            theirs_kinds, their = source.document.fields, taking.link.header[name]
        else:
            kinds, one, other = loaded.document.line_fields, _line_of(loaded, taking), row
            theirs_kinds = source.document.fields if taking.link.of_header else source.document.line_fields
            their = taking.link.line[name]
        if _value(one, kinds[name], name) != _value(other, theirs_kinds[their], their):
            differing.append((name, kinds[name]))
    if taking.link.differs is not None:
        names = taking.link.differs(_line_of(loaded, taking), row)
        differing += [(name, loaded.document.line_fields[name]) for name in names]
    for name, kind in differing:
        message = _("%(field)s differs from %(number)s.") % {"field": kind.label, "number": header.number}
        yield Problem(name, message, taking.line_no, "differs")
    open_ = source.document.done(theirs).room(row)
    if taking.qty > open_:
        said = {
            "qty": trimmed(taking.qty, 0),
            "open": trimmed(max(open_, ZERO), 0),
            "number": header.number,
        }
        exact = _("%(qty)s is more than the %(open)s still open on %(number)s.") % said
        guard = source.document.done(theirs).guard
        plain = exact if guard is None else _("More than is still open on %(number)s.") % said
        yield Problem(ours, plain, taking.line_no, "exceeds_open", guard, exact)
    _move(source, taking.source_line, theirs, linked=taking.qty)


def _line_of(loaded: Loaded, taking: Taking) -> Any:
    return next(line for line in loaded.lines if line.id == taking.target_line)


def _value(row: Any, kind: AnyKind, name: str) -> Any:
    return getattr(row, kind.column_name if isinstance(kind, Ref) else name)


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
    # Taking back too: what was closed by hand has settled with the ledgers on what was executed then.
    _require_open(rows, sources, loaded)
    if sign > 0:
        _require_unbarred(rows, sources, loaded, ctx)
    for row in rows:
        _move(sources[row.source_code], row.source_line, row.counter, executed=sign * row.qty)
    _write(sources, writing, "executed")
    for source in sources.values():
        _close_done(source, writing)


def _require_open(rows: list[LinkRow], sources: Mapping[str, _Source], loaded: Loaded) -> None:
    numbers = {line.id: line.no for line in loaded.lines}
    # What is under way may arrive though the rest was closed: only the direct source is asked.
    direct = [row for row in rows if is_direct(loaded.document, row)]
    problems = [
        problem
        for row in direct
        for problem in _closed(sources[row.source_code], row.source_line, numbers.get(row.target_line))
    ]
    if problems:
        raise Refused(*problems)


def _closed(source: _Source, line: uuid.UUID, no: int | None) -> Iterable[Problem]:
    """Yield a problem for target line `no` unless its source is in force and not closed by hand."""
    header = source.headers[source.parent[line]]
    if header.state != "approved" or (header.close == "manual" and source.rows is not source.headers):
        message = _("%(number)s is not open: it must be approved and not closed.") % {"number": header.number}
        yield Problem("sources", message, no, "closed")


def _require_unbarred(
    rows: list[LinkRow], sources: Mapping[str, _Source], loaded: Loaded, ctx: Context
) -> None:
    """Raise Refused for a source that lets nothing be taken now; what was in force once may come back."""
    if loaded.header.turn:
        return
    links = {(link.source, link.fills[1]): link for link in loaded.document.links}
    numbers = {line.id: line.no for line in loaded.lines}
    problems = []
    for row in rows:
        link, source = links.get((row.source_code, row.counter)), sources[row.source_code]
        header = source.headers[source.parent[row.source_line]]
        bar = None if link is None else source.document.barred(link, header, ctx)
        if bar is not None:
            problems.append(bar.problem(header.number, numbers.get(row.target_line)))
    if problems:
        raise Refused(*problems)


def release(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Give back what a voided document had taken; its link rows stay as history."""
    rows = [row for rows in loaded.sources.values() for row in rows]
    sources = lock_sources(ctx, loaded.document, [(row.source_code, row.source_line) for row in rows])
    for row in rows:
        _move(sources[row.source_code], row.source_line, row.counter, linked=-row.qty)
    _write(sources, writing, "linked")


def revoke(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    """Count an approved document's links as executed no longer and let them go at once; its link rows stay as history."""
    rows = [row for rows in loaded.sources.values() for row in rows]
    if not rows:
        return
    sources = lock_sources(ctx, loaded.document, [(row.source_code, row.source_line) for row in rows])
    _require_open(rows, sources, loaded)
    for row in rows:
        _move(sources[row.source_code], row.source_line, row.counter, linked=-row.qty, executed=-row.qty)
    _write(sources, writing, "both")
    for source in sources.values():
        _close_done(source, writing)


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
    for line in loaded.lines:
        left = by_line[line.id] if returning else ZERO
        ours = [row for row in held if row.target_line == line.id]
        for row in reversed(ours):
            source = sources[row.source_code]
            if left > 0:
                problems += _closed(source, row.source_line, line.no)
            room = source.document.done(row.counter).room(source.rows[row.source_line])
            moved = max(left, -row.qty) if left < 0 else min(left, max(room, ZERO))
            if moved == 0:
                continue
            _move(source, row.source_line, row.counter, linked=moved, executed=moved)
            row.qty += moved
            left -= moved
            changed.append(row)
        if left > 0:
            message = _("%(qty)s is no longer open on what it was made from.") % {"qty": trimmed(left, 0)}
            problems.append(Problem("sources", message, line.no, "exceeds_open"))
    if problems:
        raise Refused(*problems)
    writing.update(changed, ["qty"])
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


def has_followers(loaded: Loaded, ctx: Context) -> bool:
    """Whether any later document, not voided, is made from this one; also one that gave all back as it was closed by hand,
    because reopened it takes it again: its links stand with nothing in them."""
    rows = (loaded.header, *loaded.lines)
    if any(getattr(row, done.linked, ZERO) > 0 for done in loaded.document.counters for row in rows):
        return True
    sql = "SELECT 1 FROM kernel_linkrow WHERE enterprise_id = %s AND source_doc_id = %s AND qty = 0 LIMIT 1"
    return bool(loaded.document.counters) and bool(run(sql, [ctx.enterprise_id, loaded.pk]))
