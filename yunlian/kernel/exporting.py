"""Export: what a filter finds, as a workbook that can be read, changed and imported again.

With `columns` it is the list as it stands on the screen, one row each. Without, it is everything the form has, lines
included: the key stands on every row, the rest of the head on the first of each document.
"""

import datetime as dt
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import msgspec

from . import layout, listing, permission
from .api import Answer, Request, route
from .document import Document, Invalid, Listed, Missing, Problem, Refused, find_listed
from .fields import AnyKind, Boolean, Choice, Date, Integer, Moment, Number, Ref, Tags, Told
from .jobs import JOB, Progress, download, enqueue, find_mine, job, show_job, whole
from .layout import Place
from .load import load_lines, select_for
from .models import Job
from .scope import Context
from .shapes import TEXT, describes, record
from .sheets import write
from .sql import run
from .text import _

MAX_ROWS = 50_000
PIECE = 1_000
ASKED = ("filter", "search", "sort", "columns")


@route("GET", "/api/{code}/export.xlsx", needs="{code}.export")
def get_export(request: Request, code: str) -> Any:
    """What a filter finds, as a workbook; with columns as a list, without as it can be imported again."""
    listed = find_listed(code)
    permission.require(request.ctx, listed, "view")
    query = replace(listing.read_query(request.query), cursor="", limit=PIECE)
    data = export(listed, request.ctx, query)
    return download(data, f"{code}-{request.ctx.today:%Y%m%d}.xlsx")


@route(
    "POST",
    "/api/{code}/export",
    needs="{code}.export",
    schema=describes(record(job=JOB), status=202, body=record(dict.fromkeys(ASKED, TEXT))),
)
def post_export(request: Request, code: str) -> Any:
    """Export what a filter finds, in the background; the job then has a file."""
    listed, ctx = find_listed(code), request.ctx
    permission.require(ctx, listed, "view")
    asked = request.texts(*ASKED)
    query = _query(asked)
    listing.page(listed, ctx, replace(query, limit=1))  # says now what is wrong with it
    count = listing.total(listed, ctx, query)
    total = None if count["more"] else count["count"]
    made = enqueue(ctx, "export", code, msgspec.json.encode(asked), total)
    return Answer({"job": show_job(made)}, 202)


def _query(asked: list[str]) -> listing.Query:
    filter_, search, sort, columns = asked
    return listing.Query(filter=filter_, search=search, sort=sort, columns=columns, limit=PIECE)


@job("export")
@whole
def run_export(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Write the workbook and keep it as the job's content."""
    listed = find_listed(made.subject)
    for verb in ("view", "export"):
        permission.require(ctx, listed, verb)
    asked = msgspec.json.decode(bytes(made.content or b""), type=list[str])
    data = export(listed, ctx, _query(asked), progress)
    Job.objects.filter(id=made.id).update(content=data)
    return {
        "file": f"{made.subject}-{ctx.today:%Y%m%d}.xlsx",
        "bytes": len(data),
        "sight": permission.sight(ctx).hex(),
    }


@route("GET", "/api/jobs/{id}/file.xlsx", needs="signed")
def get_file(request: Request, id: str) -> Any:
    """The workbook an export of mine has made, as long as I may see just what I might then."""
    made = find_mine(request.ctx, id)
    if made.kind != "export" or made.state != "done" or made.result is None:
        raise Missing(id)
    for verb in ("view", "export"):
        permission.require(request.ctx, find_listed(made.subject), verb)
    if made.result.get("sight") != permission.sight(request.ctx).hex():
        message = _("Your rights have changed since this file was made: export again.")
        raise Refused(Problem(None, message, code="rights"))
    return download(bytes(made.content or b""), made.result["file"])


def _unwatched(done: int, total: int | None = None) -> None:
    """Nobody waits for this export to move on."""


def export(listed: Listed, ctx: Context, query: listing.Query, progress: Progress = _unwatched) -> bytes:
    """Return the workbook. Raises Invalid when more than 50,000 rows are found: then the filter must be narrower."""
    if query.columns or not isinstance(listed, Document):
        return _list(listed, ctx, query, progress)
    places = layout.chosen(listed, ctx, for_import=False)
    rows = _documents(listed, ctx, query, places, progress)
    return write(layout.headings(listed, places), rows, title=str(listed.label))


def _list(listed: Listed, ctx: Context, query: listing.Query, progress: Progress) -> bytes:
    fields = listing.visible(listed, ctx)
    names = query.columns.split(",") if query.columns else [n for n in listed.columns.split() if n in fields]
    query = replace(query, columns=",".join(names))
    show = [(name, _shower(fields[name])) for name in names if name in fields]
    found = _rows(listed, ctx, query, progress)
    rows = ([display(row[name]) for name, display in show] for row in found)
    headings = [str(fields[name].label) for name, _display in show]
    return write(headings, rows, title=str(listed.label))


def _rows(listed: Listed, ctx: Context, query: listing.Query, progress: Progress) -> Iterator[dict[str, Any]]:
    """Give the rows of a list, page by page. Refuses what is wrong with the query at once, not when it is read."""
    page = listing.page(listed, ctx, query)
    return chain([_decoded(row) for row in page.rows], _more(listed, ctx, query, page, progress))


def _more(
    listed: Listed, ctx: Context, query: listing.Query, page: listing.Page, progress: Progress
) -> Iterator[dict[str, Any]]:
    count = len(page.rows)
    progress(count)
    while page.next:
        page = listing.page(listed, ctx, replace(query, cursor=page.next))
        count += len(page.rows)
        if count > MAX_ROWS:
            message = _("More than %(n)s rows: narrow the filter.") % {"n": MAX_ROWS}
            raise Invalid(Problem("filter", message, code="too_many"))
        progress(count)
        yield from map(_decoded, page.rows)


def _decoded(row: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(row)
    return found


def _documents(
    document: Document, ctx: Context, query: listing.Query, places: Sequence[Place], progress: Progress
) -> Iterator[list[Any]]:
    """Give the rows of whole documents, in the order of the list."""
    found = _rows(document, ctx, replace(query, columns=layout.key_of(document)), progress)
    while ids := [uuid.UUID(row["id"]) for row in islice(found, PIECE)]:
        yield from _whole(document, ctx, ids, places)


def _whole(
    document: Document, ctx: Context, ids: Sequence[uuid.UUID], places: Sequence[Place]
) -> Iterator[list[Any]]:
    if not ids:
        return
    select = select_for(document.header)
    sql = (
        f'SELECT {select.columns} FROM "{document.header._meta.db_table}" t{select.joins} '
        "WHERE t.enterprise_id = %s AND t.id = ANY(%s)"
    )
    headers = {row.id: row for row in select.instances(run(sql, [ctx.enterprise_id, list(ids)]))}
    lines: dict[uuid.UUID, list[Any]] = {}
    if document.lines is not None and any(place.is_line for place in places):
        for line in load_lines(document, ctx, list(headers)):
            lines.setdefault(getattr(line, f"{document.parent}_id"), []).append(line)
    key = layout.key_of(document)
    for id_ in ids:
        header = headers[id_]
        for at, line in enumerate(lines.get(id_) or [None]):
            yield [
                _cell(place.kind, line if place.is_line else header)
                if (line is not None if place.is_line else at == 0 or place.name == key)
                else None
                for place in places
            ]


def _cell(kind: AnyKind, instance: Any) -> Any:
    if isinstance(kind, Ref):
        return _named(getattr(instance, kind.name or ""))
    return stored(kind, getattr(instance, kind.name or ""))


def _named(target: Any) -> str | None:
    """Return "code name", which an import understands."""
    if target is None:
        return None
    code = getattr(target, "code", None) or getattr(target, "number", None) or ""
    name = getattr(target, "name", "")
    return f"{code} {name}".strip()


def stored(kind: AnyKind, value: Any) -> Any:
    """Return a stored value as a cell: numbers and dates as such, words in the active language."""
    if value is None or value == "":
        return None
    if isinstance(kind, Boolean):
        return str(layout.YES_NO[0 if value else 1])
    if isinstance(kind, Choice):
        return str(dict(kind.options).get(value, value))
    if isinstance(kind, Number):
        return _short(value, kind)
    if isinstance(kind, Tags):
        return "、".join(value)
    if isinstance(kind, Told):
        return kind.show(value)
    if isinstance(kind, Moment):
        return value.astimezone(dt.UTC).replace(tzinfo=None)
    return value


def _short(value: Decimal, kind: Number) -> Decimal:
    text = kind.show(value)
    return value if text is None else Decimal(text)


def _shower(kind: AnyKind) -> Any:
    """Return how a value of a list's JSON becomes a cell."""
    if isinstance(kind, Ref):
        return _reference
    if isinstance(kind, Number):
        return lambda text: None if text is None else Decimal(text)
    if isinstance(kind, Date):
        return lambda text: None if text is None else dt.date.fromisoformat(text)
    if isinstance(kind, Moment):
        return lambda text: None if text is None else dt.datetime.fromisoformat(text)
    if isinstance(kind, Boolean | Choice | Tags | Integer):
        return lambda value: stored(kind, value)
    return lambda value: value


def _reference(shown: Mapping[str, Any] | None) -> str | None:
    if shown is None:
        return None
    code, name = shown["code"] or "", shown["name"] or ""
    return code if code == name else f"{code} {name}".strip()
