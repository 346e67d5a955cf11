"""Pull and push: the unsaved body of a document made from what is open on earlier ones."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from . import permission
from .document import Document, Invalid, Link, Missing, Problem, Refused, find_document
from .fields import BadValue, Qty, Ref, trimmed, uuid_or_none
from .listing import branches_of
from .load import load, reference, show_fields
from .scope import Context
from .sources import find_link, read_sources
from .sql import run
from .text import _

ZERO = Decimal(0)
_quantity = Qty(above="0")


def pull(
    code: str,
    ctx: Context,
    source_code: str,
    lines: Mapping[Any, Any] | None = None,
    docs: Sequence[Any] = (),
) -> dict[str, Any]:
    """Return an unsaved document body made of open source lines: what POST or PUT would take.

    `lines` maps source line ids to a quantity in the source's base unit, None for all that is open; `docs` names whole
    documents. Raises Missing when a line is not the member's to see, Refused when parties differ, nothing is open, or less
    than was asked for.
    """
    document, source = find_document(code), find_document(source_code)
    permission.require(ctx, document, "edit")
    permission.require(ctx, source, "view")
    link = find_link(document, source_code)
    if link is None:
        raise Missing(source_code)
    wanted = {uuid_or_none(str(id_)): qty for id_, qty in (lines or {}).items()}
    if None in wanted or (not wanted and not docs):
        raise Invalid(Problem("lines", _("Choose at least one source line.")))
    found = read_sources(
        ctx, source, link, [id_ for id_ in wanted if id_], [uuid_or_none(str(d)) for d in docs]
    )
    return _body(document, source, link, found, wanted, ctx)


def _body(
    document: Document,
    source: Document,
    link: Link,
    found: list[tuple[Any, Any]],
    wanted: Mapping[Any, Any],
    ctx: Context,
) -> dict[str, Any]:
    ours = link.fills[0]
    # What the member may not write is taken over when it is saved.
    frozen = permission.locked(ctx, document.guards)
    heads = {name: their for name, their in link.header.items() if document.fields[name].guard not in frozen}
    fields = {
        name: their for name, their in link.line.items() if document.line_fields[name].guard not in frozen
    }
    header: dict[str, Any] = {}
    lines, problems = [], []
    room = link.rooms(source, found)
    for head, row in found:
        if head.state != "approved" or (head.close != "open" and not link.of_header):
            message = _("%(number)s is not open: it must be approved and not closed.") % {
                "number": head.number
            }
            problems.append(Problem("sources", message, None, "closed"))
            continue
        if bar := source.barred(link, head, ctx):
            problems.append(bar.problem(head.number, None))
            continue
        mapped = {name: _shown(head, source.fields, their) for name, their in heads.items()}
        if header and any(mapped[name] != header[name] for name in link.same if name in mapped):
            problems.append(
                Problem(None, _("Their parties differ, so they cannot be merged."), None, "differs")
            )
        header = header or mapped
        open_ = room[row.id]
        asked = wanted.get(row.id)
        qty = open_ if asked is None else _asked(asked, row)
        if qty is None or open_ <= 0:
            continue
        if qty > open_:
            message = _("%(qty)s is more than the %(open)s still open on %(number)s.") % {
                "qty": trimmed(qty, 0),
                "open": trimmed(open_, 0),
                "number": head.number,
            }
            problems.append(Problem("lines", message, getattr(row, "no", None), "exceeds_open"))
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


def _asked(qty: Any, row: Any) -> Decimal | None:
    try:
        return _quantity.parse(qty)
    except BadValue as bad:
        raise Invalid(Problem("lines", bad.message, getattr(row, "no", None), bad.code)) from None


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
    permission.require(ctx, source, "view")
    loaded = load(source, ctx, id_)
    return pull(target, ctx, code, docs=[loaded.pk])


def open_lines(
    code: str, ctx: Context, source_code: str, search: str = "", limit: int = 200
) -> list[dict[str, Any]]:
    """Return source lines that can still be pulled, newest document first, for the pull dialog."""
    document, source = find_document(code), find_document(source_code)
    permission.require(ctx, document, "edit")
    permission.require(ctx, source, "view")
    link = find_link(document, source_code)
    if link is None:
        raise Missing(source_code)
    done = source.done(link.fills[1])
    where, values = permission.row_condition(ctx, source)
    alias = "t" if link.of_header else "l"
    joins, closed = "", ""
    if not link.of_header:
        assert source.lines is not None
        joins = f' JOIN "{source.lines._meta.db_table}" l ON l.enterprise_id = t.enterprise_id AND l."{source.parent}_id" = t.id'
        closed = " AND t.close = 'open' AND NOT l.is_closed"
    branches = branches_of(source, ctx, search)
    if branches is not None:
        where += f" AND ({' OR '.join(sql for sql, _v in branches) or 'false'})"
        values = [*values, *(value for _sql, more in branches for value in more)]
    sql = (
        f'SELECT DISTINCT t.date, t.id FROM "{source.header._meta.db_table}" t{joins} WHERE t.enterprise_id = %s '
        f'AND t.state = \'approved\'{closed} AND {alias}."{done.linked}" < {alias}."{done.of}"{where} '
        "ORDER BY t.date DESC, t.id DESC LIMIT %s"
    )
    ids = [row[1] for row in run(sql, [ctx.enterprise_id, *values, limit])]
    hidden = permission.hidden(ctx, source.guards)
    pairs = read_sources(ctx, source, link, [], ids) if ids else []
    order = {id_: at for at, id_ in enumerate(ids)}
    rows, room = [], link.rooms(source, pairs)
    for head, row in sorted(pairs, key=lambda pair: order[pair[0].id]):
        left = room[row.id]
        if left <= 0 or source.barred(link, head, ctx):
            continue
        shown = {
            name: value
            for name, value in show_fields(head, source.fields, hidden).items()
            if name in source.columns.split()
        }
        if not link.of_header:
            shown |= show_fields(row, source.line_fields, hidden)
        rows.append(shown | {"line": str(row.id), "doc": str(head.id), "open": format(trimmed(left, 0), "f")})
    return rows
