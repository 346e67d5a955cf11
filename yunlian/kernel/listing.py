"""Lists: filter, search, sort and page through any number of rows in one statement, leaving the database as JSON.

Paging is by key: a page costs the same wherever it stands. A search is a union of branches (number, each reference, each
line reference), every one of which has its own index, sort and limit; the best rows of the whole are among the best of
each.
"""

import base64
import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import models

from . import permission
from .document import REGISTRY, Document, Invalid, Listed, Problem, Series, find_document
from .fields import (
    AnyKind,
    BadValue,
    Boolean,
    Code,
    Date,
    Integer,
    Moment,
    Number,
    Ref,
    Tags,
    Text,
    Told,
    normal_code,
    require_storable,
    uuid_or_none,
)
from .models import Doc, Master
from .scope import Context
from .search import find_records
from .sql import brief, run
from .text import _, told

LIMIT, MAX_LIMIT, COUNT_CAP = 50, 200, 10_000
Sql = tuple[str, list[Any]]


@dataclass(frozen=True)
class Page:
    """Rows as JSON texts and the cursor of the next page, or None."""

    rows: list[str]
    next: str | None

    def json(self) -> bytes:
        """Return the answer of the API without decoding a row."""
        return f'{{"rows":[{",".join(self.rows)}],"next":{json.dumps(self.next)}}}'.encode()


@dataclass(frozen=True)
class Query:
    """What is asked of a list, as it stands in the address."""

    filter: str = ""
    sort: str = ""
    columns: str = ""
    cursor: str = ""
    search: str = ""
    limit: int = LIMIT


def read_query(params: Mapping[str, str]) -> Query:
    """Read the parameters of a list; raises Invalid for unknown ones and bad limits."""
    known = set(Query.__dataclass_fields__)
    problems = [
        Problem(name, _("There is no such parameter."), code="surplus")
        for name in params
        if name not in known
    ]
    limit = params.get("limit", str(LIMIT))
    if not limit.isdecimal() or len(limit) > 9 or not 1 <= int(limit) <= MAX_LIMIT:
        problems.append(
            Problem(
                "limit",
                _("Must be between %(low)s and %(high)s.") % {"low": 1, "high": MAX_LIMIT},
                code="range",
            )
        )
    if problems:
        raise Invalid(*problems)
    return Query(**{k: v for k, v in params.items() if k in known and k != "limit"}, limit=int(limit))


def page(listed: Listed, ctx: Context, query: Query) -> Page:
    """Return one page of a list. Raises Invalid naming every bad column, filter, sort or cursor."""
    fields = visible(listed, ctx)
    own = [name for name in listed.columns.split() if name in fields]
    names = query.columns.split(",") if query.columns else own
    _require_known(names, fields, "columns")
    order = _order(listed, query.sort or listed.sort, fields)
    where, params = _where(listed, ctx, query, fields)
    after, after_params = _after(order, query.cursor)
    picked, joins = _picked(listed, names, fields)
    shape = listed.header._meta.db_table
    ordering = ", ".join(f"{key.sql} {key.way}" for key in order)
    branches = branches_of(listed, ctx, query.search)
    base = f"t.enterprise_id = %s{where}{after}"
    values: list[Any] = [ctx.enterprise_id, *params, *after_params]
    if branches is None:
        source, source_params = (
            f'SELECT t.* FROM "{shape}" t WHERE {base} ORDER BY {ordering} LIMIT %s',
            [*values, query.limit + 1],
        )
    else:
        each = " UNION ".join(
            f'(SELECT t.id FROM "{shape}" t WHERE {base} AND {sql} ORDER BY {ordering} LIMIT %s)'
            for sql, _v in branches
        )
        source = f'SELECT t.* FROM "{shape}" t WHERE t.enterprise_id = %s AND t.id IN ({each}) ORDER BY {ordering} LIMIT %s'
        source_params = [ctx.enterprise_id]
        for _sql, more in branches:
            source_params += [*values, *more, query.limit + 1]
        source_params.append(query.limit + 1)
        if not branches:
            return Page([], None)
    keys = ", ".join(f"({key.sql})::text" for key in order)
    sql = f"SELECT row_to_json(x)::text, ARRAY[{keys}] FROM ({source}) t{joins} CROSS JOIN LATERAL (SELECT {picked}) x ORDER BY {ordering}"
    rows = run(sql, source_params, is_planned_anew=True)
    more_rows = len(rows) > query.limit
    rows = rows[: query.limit]
    cursor = base64.urlsafe_b64encode(msgspec.json.encode(rows[-1][1])).decode() if more_rows else None
    phrased = [name for name in names if isinstance(fields[name], Told)]
    return Page([_phrased(row[0], phrased) if phrased else row[0] for row in rows], cursor)


def _phrased(row: str, names: Sequence[str]) -> str:
    """Return a row with what the program said put into the reader's words."""
    shown = msgspec.json.decode(row)
    return msgspec.json.encode(shown | {name: told(shown[name]) for name in names}).decode()


def total(listed: Listed, ctx: Context, query: Query) -> dict[str, Any]:
    """Return the count, at most 10,000, and the sums of the amount columns while it is below that."""
    fields = visible(listed, ctx)
    sums = [name for name in listed.sums.split() if name in fields]
    base, values = matching(listed, ctx, query)
    shape = listed.header._meta.db_table
    picked = ", ".join(["t.id", *(f't."{name}"' for name in sums)])
    totals = ", ".join(["count(*)", *(f'coalesce(sum("{name}"), 0)::text' for name in sums)])
    sql = f'SELECT {totals} FROM (SELECT {picked} FROM "{shape}" t WHERE {base} LIMIT %s) x'
    ((count, *added),) = run(sql, [*values, COUNT_CAP + 1], is_planned_anew=True)
    if count > COUNT_CAP:
        return {"count": COUNT_CAP, "more": True, "sums": {}}
    return {"count": count, "more": False, "sums": dict(zip(sums, added, strict=True))}


def matching(listed: Listed, ctx: Context, query: Query) -> Sql:
    """Return the condition over `t` that keeps what filter and search find, of the rows the member may see."""
    where, params = _where(listed, ctx, query, visible(listed, ctx))
    branches = branches_of(listed, ctx, query.search)
    base, values = f"t.enterprise_id = %s{where}", [ctx.enterprise_id, *params]
    if branches is not None:
        base += f" AND ({' OR '.join(sql for sql, _v in branches) or 'false'})"
        values += [value for _sql, more in branches for value in more]
    return base, values


def visible(listed: Listed, ctx: Context) -> dict[str, AnyKind]:
    """Return the fields of a list that the member may read."""
    hidden = permission.hidden(ctx, listed.guards) if listed.guards else frozenset()
    return {name: kind for name, kind in listed.fields.items() if kind.guard not in hidden}


def _require_known(names: Sequence[str], fields: Mapping[str, AnyKind], where: str) -> None:
    unknown = [name for name in names if name not in fields]
    if unknown:
        raise Invalid(
            *(
                Problem(where, _("There is no field %(name)s.") % {"name": name[:60]}, code="unknown")
                for name in unknown
            )
        )


def _picked(listed: Listed, names: Sequence[str], fields: Mapping[str, AnyKind]) -> tuple[str, str]:
    """Return the columns of a row as SQL, and the joins of its references."""
    columns, joins = ["t.id"], ""
    attributes = {x.name for x in listed.header._meta.concrete_fields}
    if "version" in attributes:
        columns.append("t.version")
    tracks = [flow.field for flow in listed.flows] if isinstance(listed, Document) else []
    for name in dict.fromkeys([*names, *tracks, *(["close"] if tracks[:1] == ["state"] else [])]):
        kind = fields.get(name)
        if kind is None:
            continue
        if isinstance(kind, Ref):
            alias = f"j{len(columns)}"
            target = kind.remote_field.model
            joins += (
                f' LEFT JOIN "{target._meta.db_table}" {alias} ON {alias}.enterprise_id = t.enterprise_id'
                f' AND {alias}.id = t."{kind.column_name}"'
            )
            columns.append(f'{_reference(target, alias)} AS "{name}"')
        else:
            columns.append(f'{_shown(kind, name)} AS "{name}"')
    return ", ".join(columns), joins


def document_number(alias: str) -> str:
    """Return SQL for the number of the document whose identity row is `alias`: one look at the one table it lives in."""
    looks = "".join(
        f" WHEN '{code}' THEN (SELECT h.number FROM \"{document.header._meta.db_table}\" h "
        f"WHERE h.enterprise_id = {alias}.enterprise_id AND h.id = {alias}.id)"
        for code, document in REGISTRY.items()
        if document.flow is not None
    )
    return f"CASE {alias}.code{looks} END" if looks else "NULL"


def _reference(target: type[models.Model], alias: str) -> str:
    if target is Doc:
        # Any document: its own code, so that it can be opened, and its number for a name.
        return f"json_build_object('id', {alias}.id, 'code', {alias}.code, 'name', {document_number(alias)})"
    has = {x.name for x in target._meta.concrete_fields}
    code = f"{alias}.code" if "code" in has else f"{alias}.number" if "number" in has else "NULL"
    name = f"{alias}.name" if "name" in has else code
    beside = f", 'hint', {alias}.\"{target.beside}\"" if issubclass(target, Master) and target.beside else ""
    return f"CASE WHEN {alias}.id IS NOT NULL THEN json_build_object('id', {alias}.id, 'code', {code}, 'name', {name}{beside}) END"


def _shown(kind: AnyKind, name: str) -> str:
    column = f't."{name}"'
    if isinstance(kind, Number):
        if kind.keeps == kind.places:
            return f"{column}::text"
        if kind.keeps:
            return f"CASE WHEN scale(trim_scale({column})) < {kind.keeps} THEN round({column}, {kind.keeps}) ELSE trim_scale({column}) END::text"
        return f"trim_scale({column})::text"
    if isinstance(kind, Moment):
        return f"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    return column


@dataclass(frozen=True)
class _Key:
    """One column of the order; `sql` is never null."""

    sql: str
    type: str
    way: str


_BLANK = {
    "text": "''",
    "numeric": "-1e17",
    "date": "'0001-01-01'::date",
    "timestamptz": "'-infinity'::timestamptz",
    "integer": "-1",
}


def _order(listed: Listed, sort: str, fields: Mapping[str, AnyKind]) -> list[_Key]:
    keys: list[_Key] = []
    names = [part.strip() for part in sort.split(",") if part.strip()]
    _require_known([name.lstrip("-") for name in names if name.lstrip("-") != "id"], fields, "sort")
    way = "DESC"
    for name in names:
        way = "DESC" if name.startswith("-") else "ASC"
        name = name.lstrip("-")
        if name == "id":
            continue
        kind = fields[name]
        if isinstance(kind, Ref | Tags):
            raise Invalid(
                Problem(
                    "sort", _("Lists cannot be sorted by %(name)s.") % {"name": kind.label}, code="unsortable"
                )
            )
        type_ = _type(kind)
        sql = f'coalesce(t."{name}", {_BLANK[type_]})' if kind.null and type_ in _BLANK else f't."{name}"'
        keys.append(_Key(sql, type_, way))
    return [*keys, _Key("t.id", "uuid", way)]


def _type(kind: AnyKind) -> str:
    if isinstance(kind, Number):
        return "numeric"
    if isinstance(kind, Boolean):
        return "boolean"
    if isinstance(kind, Integer):
        return "integer"
    if isinstance(kind, Moment):
        return "timestamptz"
    return "date" if isinstance(kind, Date) else "text"


def _after(order: Sequence[_Key], cursor: str) -> Sql:
    if not cursor:
        return "", []
    try:
        values = msgspec.json.decode(base64.urlsafe_b64decode(cursor.encode()), type=list[str])
    except (msgspec.MsgspecError, ValueError):
        values = []
    if len(values) != len(order):
        raise Invalid(Problem("cursor", _("Is not a cursor of this list."), code="invalid"))
    if len({key.way for key in order}) == 1:
        left = ", ".join(key.sql for key in order)
        right = ", ".join(f"%s::{key.type}" for key in order)
        return f" AND ({left}) {'<' if order[0].way == 'DESC' else '>'} ({right})", list(values)
    terms, params = [], []
    for at, key in enumerate(order):
        same = "".join(f"{k.sql} = %s::{k.type} AND " for k in order[:at])
        terms.append(f"({same}{key.sql} {'<' if key.way == 'DESC' else '>'} %s::{key.type})")
        params += values[: at + 1]
    return f" AND ({' OR '.join(terms)})", params


def _where(listed: Listed, ctx: Context, query: Query, fields: Mapping[str, AnyKind]) -> Sql:
    scope, params = permission.row_condition(ctx, listed)
    conditions: list[str] = []
    for item in _filters(query.filter):
        if isinstance(item, dict):
            parts = [_condition(part, listed, ctx, fields) for part in item["or"]]
            sql, values = " OR ".join(part for part, _v in parts), [v for _s, more in parts for v in more]
        else:
            sql, values = _condition(item, listed, ctx, fields)
        conditions.append(f"({sql})")
        params = [*params, *values]
    return scope + "".join(f" AND {condition}" for condition in conditions), params


def _filters(text: str) -> list[Any]:
    """Return the conditions of a filter: [field, operator, value], or {"or": [...]} of such."""
    if not text:
        return []
    bad = Invalid(Problem("filter", _("Must be a JSON list of [field, operator, value]."), code="json"))
    try:
        items = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise bad from None
    if isinstance(items, dict):
        items = items.get("and", [items])
    if not isinstance(items, list) or len(items) > 50:
        raise bad
    for item in items:
        parts = item.get("or") if isinstance(item, dict) else [item]
        if not isinstance(parts, list) or not 1 <= len(parts) <= 50:
            raise bad
        if not all(
            isinstance(part, list) and len(part) in (2, 3) and isinstance(part[0], str) for part in parts
        ):
            raise bad
    return items


_COMPARE = {"=": "=", "!=": "IS DISTINCT FROM", ">": ">", ">=": ">=", "<": "<", "<=": "<="}


def _condition(part: list[Any], listed: Listed, ctx: Context, fields: Mapping[str, AnyKind]) -> Sql:
    name, operator, value = part[0], str(part[1]), part[2] if len(part) == 3 else None
    if name == "id":
        return _id_condition(operator, value)
    of_line = _line_reference(listed, name, ctx)
    kind = of_line or fields.get(name)
    if kind is None:
        raise Invalid(
            Problem("filter", _("There is no field %(name)s.") % {"name": name[:60]}, code="unknown")
        )
    try:
        sql, params = (
            _reference_condition(kind, operator, value, ctx)
            if isinstance(kind, Ref)
            else _plain_condition(kind, operator, value)
        )
        if of_line is None:
            return sql, params
        lines = of_line.model._meta.db_table
        parent = find_document(listed.code).parent
        return f't.id IN (SELECT t."{parent}_id" FROM "{lines}" t WHERE t.enterprise_id = %s AND {sql})', [
            ctx.enterprise_id, *params
        ]  # fmt: skip
    except BadValue as bad:
        raise Invalid(Problem("filter", f"{kind.label}: {bad.message}", code=bad.code)) from None


def _line_reference(listed: Listed, name: str, ctx: Context) -> Ref | None:
    """Return what `lines.product` names: documents are found by what any of their lines refers to."""
    if not isinstance(listed, Document) or not name.startswith("lines."):
        return None
    kind = listed.line_fields.get(name.removeprefix("lines."))
    is_seen = isinstance(kind, Ref) and kind.guard not in permission.hidden(ctx, listed.guards)
    return kind if is_seen and isinstance(kind, Ref) else None


def _id_condition(operator: str, value: Any) -> Sql:
    """Return the condition that keeps chosen rows: a selection to be exported."""
    values = value if operator == "in" and isinstance(value, list) else [value]
    ids = [uuid_or_none(v) for v in values]
    if operator not in ("=", "in") or None in ids or len(ids) > 10_000:
        raise Invalid(Problem("filter", _("Must be a list of values."), code="invalid"))
    return "t.id = ANY(%s::uuid[])", [ids]


def _plain_condition(kind: Any, operator: str, value: Any) -> Sql:
    column = f't."{kind.name}"'
    if isinstance(kind, Tags):
        if operator != "empty":
            raise BadValue(_("The operator %(name)s does not fit.") % {"name": operator[:20]})
        return f"jsonb_array_length({column}) {'>' if value is False else '='} 0", []
    if operator == "empty":
        blank = (
            f"({column} IS NULL OR {column}::text = '')" if isinstance(kind, Text) else f"{column} IS NULL"
        )
        return (f"NOT {blank}" if value is False else blank), []
    if operator == "in":
        if not isinstance(value, list) or not 1 <= len(value) <= 500:
            raise BadValue(_("Must be a list of values."))
        return f"{column} = ANY(%s::{_type(kind)}[])", [[kind.parse(item) for item in value]]
    if operator in _COMPARE:
        return f"{column} {_COMPARE[operator]} %s::{_type(kind)}", [kind.parse(value)]
    if operator in ("contains", "starts") and isinstance(kind, Text) and isinstance(value, str) and value:
        if operator == "starts" and isinstance(kind, Code):
            return _starts(column, normal_code(value))
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return f"{column} ILIKE %s", [f"%{escaped}%" if operator == "contains" else f"{escaped}%"]
    raise BadValue(_("The operator %(name)s does not fit.") % {"name": operator[:20]})


def _starts(column: str, text: str) -> Sql:
    """Return a range in byte order, which uses a plain index under row security."""
    return f"{column} >= %s AND {column} < %s", [text, text + "\U0010ffff"]


def _reference_condition(kind: Ref, operator: str, value: Any, ctx: Context) -> Sql:
    column = f't."{kind.column_name}"'
    if operator == "empty":
        return f"{column} IS {'NOT ' if value is False else ''}NULL", []
    target = kind.remote_field.model
    if operator == "contains" and isinstance(value, str):
        found = find_records(ctx, _code_of(target), value, 1_000)
        return f"{column} = ANY(%s::uuid[])", [found]
    values = value if operator == "in" and isinstance(value, list) else [value]
    if operator not in ("=", "in", "!=") or not all(isinstance(v, str) for v in values):
        raise BadValue(_("The operator %(name)s does not fit.") % {"name": operator[:20]})
    ids = [id_ for v in values if (id_ := uuid_or_none(v))]
    codes = [normal_code(v) for v in values if not uuid_or_none(v)]
    params: list[Any] = [ids]
    sql = f"{column} = ANY(%s::uuid[])"
    if codes and "code" not in brief(target).by_attname:
        raise BadValue(_("Must be an id."))
    if codes:
        sql = f'({sql} OR {column} IN (SELECT id FROM "{target._meta.db_table}" WHERE enterprise_id = %s AND code = ANY(%s)))'
        params += [ctx.enterprise_id, codes]
    return (f"({sql}) IS NOT TRUE" if operator == "!=" else sql), params


def _code_of(model: type[Any]) -> str:
    return next((code for code, document in REGISTRY.items() if document.header is model), "")


def branches_of(listed: Listed, ctx: Context, text: str) -> list[Sql] | None:
    """Return the branches of a search, each an indexed condition; None when nothing is searched."""
    text = text.strip()
    if not text:
        return None
    if len(text) > 100:
        raise Invalid(Problem("search", _("Is longer than %(n)s characters.") % {"n": 100}, code="too_long"))
    try:
        require_storable(text)
    except BadValue as bad:
        raise Invalid(Problem("search", bad.message, code=bad.code)) from None
    if isinstance(listed, Document) and listed.is_master:
        return [("t.id = ANY(%s::uuid[])", [find_records(ctx, listed.code, text, 1_000)])]
    branches: list[Sql] = []
    for path in listed.find.split():
        head, _dot, rest = path.partition(".")
        if head == "lines" and isinstance(listed, Document) and listed.lines is not None:
            kind = listed.line_fields[rest.partition(".")[0]]
            assert isinstance(kind, Ref)
            found = find_records(ctx, _code_of(kind.remote_field.model), text, 200)
            if found:
                lines = f'SELECT l."{listed.parent}_id" FROM "{listed.lines._meta.db_table}" l'
                branches.append(
                    (
                        f't.id IN ({lines} WHERE l.enterprise_id = t.enterprise_id AND l."{kind.column_name}" = ANY(%s))',
                        [found],
                    )
                )
            continue
        kind = listed.fields[head]
        if isinstance(kind, Ref):
            found = find_records(ctx, _code_of(kind.remote_field.model), text, 1_000)
            if found:
                branches.append((f't."{kind.column_name}" = ANY(%s)', [found]))
        else:
            branches += number_branches(listed, head, ctx, text)
    return branches


MONTHS = 24
_READ_OUT = re.compile(r"(.*?)([0-9]{1,8})")


def number_branches(listed: Listed, name: str, ctx: Context, text: str) -> list[Sql]:
    """Return the branches of a search in a number, ours or theirs: by its beginning, and ours by its end."""
    wanted = normal_code(text)
    branches = [_starts(f't."{name}"', wanted)]
    if name == "number" and isinstance(listed, Document) and listed.series is not None:
        branches += _ends(listed.series, ctx.today, wanted)
    return branches


def _ends(series: Series, today: dt.date, text: str) -> list[Sql]:
    """Return the branch of what people read out of a number: its last digits, with any of what stands before them,
    within two years.

    Equal to one of the numbers these digits can make, so that the index on numbers serves it.
    """
    read = _READ_OUT.fullmatch(text)
    if read is None:
        return []
    before, digits = read.groups()
    months = [today.year * 12 + today.month - 1 - back for back in range(MONTHS)]
    parts = {series.parts(dt.date(month // 12, month % 12 + 1, 1)) for month in months}
    numbers = [
        head + digits.lstrip("0").zfill(width) for head, width in sorted(parts) if head.endswith(before)
    ]
    return [("t.number = ANY(%s)", [numbers])] if numbers else []
