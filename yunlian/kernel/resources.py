"""The generic endpoints: every declared document, master and view is served by these and by nothing else."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.conf import settings

from . import figures, listing, meta, permission, pulling, steps
from .api import Answer, Request, route
from .audit import visible
from .document import REGISTRY, Document, Invalid, Missing, Problem, find_document, find_listed
from .fields import Ref, moment_text, uuid_or_none
from .load import Loaded, find_rows, load, reference, show
from .models import Audit, Master
from .preview import preview
from .save import remove, save
from .search import find_records
from .shapes import (
    ANY,
    DAY,
    DECIMAL,
    ID,
    MOMENT,
    TEXT,
    WHOLE,
    YES,
    Schema,
    describes,
    every,
    maybe,
    named,
    pages,
    record,
    rows,
    table,
)
from .sql import run
from .text import _, told
from .trace import trace

_ITEM = record(code=TEXT, label=TEXT, kind={"enum": ["document", "master", "ledger"]})
_MENU = named("Menu", record(menu=every(record(app=TEXT, items=every(_ITEM))), can=every(TEXT)))
# A field says more, by its kind: choices, scale, length, what it refers to.
_FIELD = named(
    "Field",
    record(
        {"hint": TEXT, "once": YES, "guard": TEXT, "formula": TEXT, "default": ANY},
        kind=TEXT,
        label=TEXT,
        required=YES,
        readonly=YES,
    )
    | {"additionalProperties": True},
)
_STEP = record(
    name=TEXT, label=TEXT, track=TEXT, to=maybe(TEXT), tone=TEXT, confirm=maybe(TEXT), close=maybe(TEXT), input=every(_FIELD),
    **{"from": every(TEXT)},
)  # fmt: skip
_META = named(
    "Meta",
    record(
        code=TEXT, label=TEXT, kind=TEXT, app=TEXT, fields=table(_FIELD), columns=every(TEXT), find=every(TEXT),
        sums=every(TEXT), sort=TEXT, sections=table(record(fields=table(_FIELD))),
        form=every(record(label=TEXT, of=maybe(TEXT), fields=every(TEXT))),
        tracks=every(record(field=TEXT, label=TEXT, states=every(record(value=TEXT, label=TEXT, tone=TEXT)))),
        steps=every(_STEP), pulls=every(record(source=TEXT, label=TEXT)), pushes=every(record(target=TEXT, label=TEXT)),
        leads=every(record(to=TEXT, label=TEXT, list=YES, by=table(TEXT), given=table(TEXT))),
        chained=YES, fills=YES, can=table(YES),
    ),
)  # fmt: skip
TOTAL = named("Total", record(count=WHOLE, more=YES, sums=table(DECIMAL)))
_NODE = record(
    {"state_label": TEXT, "tone": TEXT, "date": maybe(DAY), "amount": maybe(DECIMAL)},
    code=TEXT, label=TEXT, id=ID, current=YES, number=maybe(TEXT), state=maybe(TEXT),
)  # fmt: skip
_TRACE = named("Trace", record(nodes=every(_NODE), edges=every(record(to=ID, qty=DECIMAL, **{"from": ID}))))
_CHANGE: Schema = {
    "type": "object",
    "description": "`field` of `line` (null: of the document), `label`, and what it was and is: `old`, `new`.",
}
_LOG = named(
    "Log",
    pages(
        record(
            at=MOMENT,
            by=record(id=ID, name=TEXT),
            act=TEXT,
            act_label=TEXT,
            changes=every(_CHANGE),
            note=TEXT,
        )
    ),
)
_CHOICE = {"id": ID, "code": TEXT, "name": TEXT}
_FIGURE = record(label=TEXT, kind=TEXT, value=maybe(DECIMAL))
LOOKUP = named("Lookup", rows(record(**_CHOICE, hint=TEXT, figures=every(_FIGURE))))
_RESOLVED = named("Resolved", record(found=table(record(**_CHOICE)), missing=every(TEXT)))


@route("GET", "/api/meta", needs="signed", schema=describes(_MENU))
def get_menu(request: Request) -> Any:
    """The menu, and every verb I hold."""
    return meta.menu(request.ctx)


@route("GET", "/api/meta/{code}", needs="{code}.view", schema=describes(_META))
def get_meta(request: Request, code: str) -> Any:
    """Fields, form, columns, steps and links of one code, as far as I may see them."""
    return meta.describe(code, request.ctx)


@route("GET", "/api/{code}", needs="{code}.view")
def list_rows(request: Request, code: str) -> Any:
    """One page of a list."""
    page = listing.page(find_listed(code), request.ctx, listing.read_query(request.query))
    return Answer(page.json(), content_type="application/json")


@route("GET", "/api/{code}/total", needs="{code}.view", schema=describes(TOTAL))
def get_total(request: Request, code: str) -> Any:
    """How many rows a filter finds, and the sums of their amounts."""
    return listing.total(find_listed(code), request.ctx, listing.read_query(request.query))


_THEN = {"then": {"type": "string", "description": "A step to take at once: saved and moved, or neither."}}


@route("POST", "/api/{code}", needs="{code}.edit", schema={"query": _THEN})
def create(request: Request, code: str) -> Any:
    """Create a document or a master; with `then`, take a step at once."""
    return Answer(answer(_saved(request, code), request), 201)


@route("GET", "/api/{code}/{id}", needs="{code}.view")
def read(request: Request, code: str, id: str) -> Any:
    """One document whole."""
    return answer(load(find_document(code), request.ctx, _id(id)), request)


@route("PUT", "/api/{code}/{id}", needs="{code}.edit", schema={"query": _THEN})
def rewrite(request: Request, code: str, id: str) -> Any:
    """Rewrite a document; needs the version that was edited. With `then`, take a step at once."""
    return answer(_saved(request, code, _id(id)), request)


def _saved(request: Request, code: str, id_: Any = None) -> Loaded:
    step = request.query.get("then")
    if step is None:
        return save(code, request.ctx, request.body, id_)
    return steps.save_and_move(code, request.ctx, request.body, step, id_)


@route("DELETE", "/api/{code}/{id}", needs="{code}.delete")
def delete(request: Request, code: str, id: str) -> Any:
    """Delete a draft, or a master that nothing uses."""
    remove(code, request.ctx, _id(id))
    return Answer(status=204)


@route("POST", "/api/{code}/{id}/{step}", needs="{code}.{step}")
def take_step(request: Request, code: str, id: str, step: str) -> Any:
    """Move a document one step."""
    given = dict(request.body)
    version = given.pop("version", None)
    if version is not None and (not isinstance(version, int) or isinstance(version, bool)):
        raise Invalid(Problem("version", _("Must be a whole number.")))
    return answer(steps.move(code, request.ctx, _id(id), step, version, **given), request)


@route("GET", "/api/{code}/{id}/trace", needs="{code}.view", schema=describes(_TRACE))
def get_trace(request: Request, code: str, id: str) -> Any:
    """The chain of documents this one stands in, with the quantities carried."""
    return trace(find_document(code), request.ctx, _id(id))


@route("GET", "/api/{code}/{id}/log", needs="{code}.view", schema=describes(_LOG))
def get_log(request: Request, code: str, id: str) -> Any:
    """Who did what to it, newest first."""
    document = find_document(code)
    loaded = load(document, request.ctx, _id(id))
    hidden = permission.hidden(request.ctx, document.guards)
    rows = Audit.objects.filter(code=code, record=loaded.pk).order_by("-version", "-id")[: listing.MAX_LIMIT]
    return {
        "rows": [
            {
                "at": moment_text(row.at),
                "by": {"id": str(row.by), "name": row.by_name},
                "act": row.act,
                "act_label": _act_label(document, row.act),
                "changes": visible(row.changes, document, hidden),
                "note": told(row.note),
            }
            for row in rows
        ],
        "next": None,
    }


def _act_label(document: Document, act: str) -> Any:
    if act in document.steps:
        return document.steps[act][1].label
    return {"created": _("Created"), "edited": _("Edited"), "deleted": _("Deleted")}.get(act, act)


@route("POST", "/api/{code}/preview", needs="{code}.edit", reads=True)
def get_preview(request: Request, code: str) -> Any:
    """What saving would make of a body, and its problems; nothing is saved."""
    return preview(code, request.ctx, request.body)


@route("GET", "/api/{code}/pull/{source}", needs="{code}.edit")
def list_open(request: Request, code: str, source: str) -> Any:
    """Open lines of a source that can be pulled into this kind of document."""
    return {"rows": pulling.open_lines(code, request.ctx, source, request.query.get("search", ""))}


_PULL = named(
    "Pull",
    record(
        {
            "lines": table(maybe(TEXT))
            | {"description": "Quantity by source line; null for all that is open."},
            "docs": every(TEXT) | {"description": "Whole documents."},
        }
    ),
)


@route("POST", "/api/{code}/pull/{source}", needs="{code}.edit", reads=True, schema=describes(body=_PULL))
def pull(request: Request, code: str, source: str) -> Any:
    """The body of a new document made of open source lines; nothing is saved."""
    body = request.fields("lines", "docs")
    lines, docs = body.get("lines") or {}, body.get("docs") or []
    if not isinstance(lines, dict) or not isinstance(docs, list):
        raise Invalid(Problem("lines", _("Choose at least one source line.")))
    return pulling.pull(code, request.ctx, source, lines, docs)


@route(
    "POST",
    "/api/{code}/{id}/push/{target}",
    needs="{target}.edit",
    schema=describes(body=record({"save": YES})),
)
def push(request: Request, code: str, id: str, target: str) -> Any:
    """The body of a document made from all that is open here; with `save` it is saved."""
    is_saved = request.fields("save").get("save") is True
    body = pulling.push(code, request.ctx, _id(id), target)
    if is_saved:
        return Answer(answer(save(target, request.ctx, body), request), 201)
    return body


@route("GET", "/api/{code}/lookup", needs="signed", schema=describes(LOOKUP))
def lookup(request: Request, code: str) -> Any:
    """Rows a picker offers for what is being typed: by code, name, pinyin initials, bar code.

    Open to who may see the master, or anything that points to it; it answers code and name only. `for` names the field
    that is filled in, as `sales.contract.customer` or `sales.contract.lines.product`: then only rows that fit it are
    offered, in a line with the figures the member may see, for what `header.warehouse=…` says of the header.
    """
    document = find_document(code)
    if not document.is_master:
        raise Missing(code)
    permission.require_pick(request.ctx, document)
    text = request.query.get("q", "").strip()[:100]
    asked = request.query.get("limit", "")
    limit = min(int(asked) if asked.isdecimal() and len(asked) < 9 else 20, 50)
    beside = document.header.beside if issubclass(document.header, Master) else ""
    picked = f', t."{beside}"' if beside else ", ''"
    table = document.header._meta.db_table
    fits = _fitting(document, request.query.get("for", ""))
    base = f'SELECT t.id, t.code, t.name{picked} FROM "{table}" t WHERE t.enterprise_id = %s AND t.is_active'
    base += "".join(f' AND t."{name}" = %s' for name in fits)
    seen, values = permission.row_condition(request.ctx, document)
    base += seen
    own = [request.ctx.enterprise_id, *fits.values(), *values]
    if text:
        ids = find_records(request.ctx, code, text, 500)
        exact = (
            f"{base} AND (t.id = ANY(%s::uuid[]) OR t.code = %s) ORDER BY t.code = %s DESC, t.code LIMIT %s"
        )
        rows = run(exact, [*own, ids, text.upper(), text.upper(), limit])
    else:
        rows = run(f"{base} ORDER BY t.code LIMIT %s", [*own, limit])
    shown = figures.beside(
        request.ctx, code, request.query.get("for", ""), _header_of(request.query), [row[0] for row in rows]
    )
    return {
        "rows": [
            {"id": row[0], "code": row[1], "name": row[2], "hint": row[3], "figures": shown[row[0]]}
            for row in rows
        ]
    }


def _header_of(query: Mapping[str, str]) -> dict[str, uuid.UUID]:
    """Return what a query says of the header a line belongs to: `header.warehouse=<id>`."""
    named = {
        name.removeprefix("header."): uuid_or_none(value)
        for name, value in query.items()
        if name.startswith("header.")
    }
    return {name: id_ for name, id_ in named.items() if id_}


def _fitting(target: Document, purpose: str) -> dict[str, Any]:
    """Return what rows must be to fit the field a picker fills in; nothing for a purpose that is no such field."""
    code, _dot, name = purpose.rpartition(".")
    is_line = code.endswith(".lines")
    document = REGISTRY.get(code.removesuffix(".lines"))
    if document is None:
        return {}
    kind = (document.line_fields if is_line else document.fields).get(name)
    if isinstance(kind, Ref) and kind.remote_field.model is target.header:
        return dict(kind.where)
    return {}


@route(
    "POST",
    "/api/{code}/resolve",
    needs="signed",
    reads=True,
    schema=describes(_RESOLVED, body=record(values=every(TEXT))),
)
def resolve(request: Request, code: str) -> Any:
    """Find masters for pasted texts: by code, else by exact name; open to whom `lookup` is."""
    document = find_document(code)
    if not document.is_master:
        raise Missing(code)
    permission.require_pick(request.ctx, document)
    values = request.fields("values").get("values")
    if not isinstance(values, list) or len(values) > 2_000 or not all(isinstance(v, str) for v in values):
        raise Invalid(Problem("values", _("Must be a list of texts.")))
    seen, more = permission.row_condition(request.ctx, document)
    wanted = [value.strip() for value in values]
    table = document.header._meta.db_table
    sql = (
        f'SELECT t.id, t.code, t.name FROM "{table}" t WHERE t.enterprise_id = %s AND t.is_active '
        f"AND (t.code = ANY(%s) OR t.name = ANY(%s)){seen}"
    )
    rows = run(sql, [request.ctx.enterprise_id, [w.upper() for w in wanted], wanted, *more])
    by_code = {row[1]: row for row in rows}
    names: dict[str, list[Any]] = {}
    for row in rows:
        names.setdefault(row[2], []).append(row)
    found: dict[str, Any] = {}
    missing: list[str] = []
    for text in wanted:
        same_name = names.get(text, ())
        meant = by_code.get(text.upper()) or (same_name[0] if len(same_name) == 1 else None)
        if meant is None:
            missing.append(text)
        else:
            found[text] = {"id": meant[0], "code": meant[1], "name": meant[2]}
    return {"found": found, "missing": missing}


def answer(loaded: Loaded, request: Request) -> dict[str, Any]:
    """Return a document as answered, with the names of who made and last changed it."""
    member = apps.get_model(settings.MEMBER_MODEL)
    people = find_rows(
        member, request.ctx.enterprise_id, {loaded.header.created_by, loaded.header.updated_by}
    )
    named = {
        name: reference(people.get(getattr(loaded.header, name))) for name in ("created_by", "updated_by")
    }
    return show(loaded, request.ctx) | named


def _id(text: str) -> Any:
    found = uuid_or_none(text)
    if found is None:
        raise Missing(text)
    return found
