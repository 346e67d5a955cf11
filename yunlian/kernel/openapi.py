"""The description of the whole API (OpenAPI 3.1), made from the routes and the declarations, never by hand.

Generic routes are written out for every code, so that a generated client knows each document's fields and steps. A field
behind a guard may be absent from answers, so no field of an answer is required.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.utils import translation

from .api import ROUTES, XLSX, Answer, Request, Route, encode, gate, route
from .document import REGISTRY, VIEWS, Document, Listed, pushes
from .fields import AnyKind, Boolean, Choice, Date, Done, Integer, Moment, Number, Ref, Tags, Text
from .intake import MAX_LINES
from .jobs import JOB
from .shapes import (
    ANY,
    DECIMAL,
    ID,
    MOMENT,
    NAMED,
    REFERENCE,
    TEXT,
    WHOLE,
    YES,
    Schema,
    every,
    maybe,
    pages,
    record,
    rows,
)

SESSION = "__Host-session"
LIST_QUERY = {
    "filter": 'JSON list of [field, operator, value]; all must hold; an element may be {"or": [...]}.',
    "sort": "Fields, each with a hyphen before it for descending: -date,number.",
    "columns": "Fields to answer, separated by commas.",
    "cursor": "`next` of the page before.",
    "search": "Piece of a number, code, name or initials.",
}
QUERIES: dict[str, tuple[str, ...]] = {
    "/api/{code}": ("filter", "sort", "columns", "cursor", "limit", "search"),
    "/api/{code}/total": ("filter", "search"),
    "/api/{code}/export.xlsx": ("filter", "sort", "columns", "search"),
    "/api/{code}/lookup": ("q", "limit", "for"),
    "/api/{code}/pull/{source}": ("search",),
    "/api/search": ("q",),
}
ERRORS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in.",
    403: "The roles do not allow it, or it comes from another site.",
    404: "There is no such thing, or not for you.",
    409: "Business says no; every problem is named.",
    413: "The body is too large.",
    415: "The content type is wrong.",
    422: "The input does not fit; every problem is named.",
    429: "Slow down.",
}


@route("GET", "/api/openapi.json", needs=settings.DESCRIPTION_NEEDS)
def get_description(request: Request) -> Any:
    """This description."""
    data = _encoded(len(ROUTES), len(REGISTRY)).replace(
        SESSION.encode(), gate().cookie_name(request.http).encode()
    )
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    if request.http.headers.get("If-None-Match") == tag:
        return Answer(status=304, data=b"", content_type="application/json", headers={"ETag": tag})
    return Answer(data, headers={"ETag": tag, "Cache-Control": "no-cache"}, content_type="application/json")


@lru_cache(maxsize=2)
def _encoded(_routes: int, _codes: int) -> bytes:
    return encode(describe())


def describe() -> Schema:
    """Return the description, in English."""
    with translation.override("en"):
        paths: dict[str, Schema] = {}
        for each in sorted(ROUTES, key=lambda r: "{code}" in r.path):  # what is written by hand comes first
            for path, operation in _operations(each):
                paths.setdefault(path, {}).setdefault(each.method.lower(), operation)
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "Yunlian",
                "version": "1",
                "description": (
                    "Decimals are strings, dates 2026-11-22, moments UTC. Errors are lists of problems, also those no "
                    "operation names, such as 405 at an address that does not take the method. A write without an "
                    "Idempotency-Key is done again when it is sent again; a step without `version` is taken of whatever "
                    "the document has become meanwhile."
                ),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"session": []}, {"credential": []}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(_schemas()),
                "responses": {
                    str(status): _problem_response(status, text) for status, text in ERRORS.items()
                },
                "securitySchemes": {
                    "session": {"type": "apiKey", "in": "cookie", "name": SESSION},
                    "credential": {"type": "http", "scheme": "bearer"},
                },
                "parameters": {
                    "idempotency": {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": (
                            "One per act; a repetition gets the first answer, other content is refused. Without it a "
                            "repetition is a second act, so send one with everything that may be sent again."
                        ),
                        "schema": {"type": "string", "minLength": 8, "maxLength": 100},
                    }
                },
            },
        }


def _problem_response(status: int, text: str) -> Schema:
    schema = _to("Conflict" if status == 409 else "Problems")
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _to(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _every_listed() -> list[Listed]:
    return [*REGISTRY.values(), *VIEWS.values()]


def _operations(each: Route) -> Iterable[tuple[str, Schema]]:
    """Give a route once, or once for every code it serves."""
    if "{code}" not in each.path:
        yield each.path, _operation(each, each.path, {}, None)
        return
    for listed in _every_listed():
        for fixed in _variants(each, listed):
            path = each.path
            for name, value in ({"code": listed.code} | fixed).items():
                path = path.replace(f"{{{name}}}", value)
            yield path, _operation(each, path, fixed, listed)


_FOR_VIEWS = ("/api/meta/{code}", "/api/{code}", "/api/{code}/total", "/api/{code}/export.xlsx")
BATCH, EXPORT = "/api/{code}/batch/{step}", "/api/{code}/export"
TRACE = "/api/{code}/{id}/trace"
_FOR_MASTERS = ("/api/{code}/lookup", "/api/{code}/resolve")


def _variants(each: Route, listed: Listed) -> list[dict[str, str]]:
    """Return the parameters that a code's declaration fixes; nothing when the route does not serve the code."""
    if not isinstance(listed, Document):
        serves = _FOR_VIEWS if each.method == "GET" else (EXPORT,)
        return [{}] if each.path in serves else []
    if each.path in _FOR_MASTERS and not listed.is_master:
        return []
    if each.path == TRACE and listed.flow is None:
        return []
    if each.path == BATCH:
        steps = [step for _flow, step in listed.steps.values() if not any(k.required for k in step.input)]
        return [{"step": step.name} for step in steps if not step.is_partner]
    if "{step}" in each.path:
        return [{"step": name} for name, (_flow, step) in listed.steps.items() if not step.is_partner]
    if "{source}" in each.path:
        return [{"source": link.source} for link in listed.links]
    if "{target}" in each.path:
        return [{"target": target.code} for target in pushes(listed.code)]
    return [{}]


def _operation(each: Route, path: str, fixed: Mapping[str, str], listed: Listed | None) -> Schema:
    about = each.summary
    if "step" in fixed and isinstance(listed, Document):
        about = f"{listed.steps[fixed['step']][1].label}: {each.summary}"
    operation: Schema = {
        "operationId": re.sub(r"[^A-Za-z0-9]+", "_", f"{each.method.lower()} {path}").strip("_"),
        "summary": about,
        "tags": [listed.code if listed is not None else path.split("/")[2].partition(".")[0]],
        "responses": _responses(each, path, fixed, listed),
    }
    parameters = _parameters(each, path)
    if parameters:
        operation["parameters"] = parameters
    body = _body(each, fixed, listed)
    if body is not None:
        operation["requestBody"] = body
    if each.needs == "public":
        operation["security"] = []
    if "." in each.needs:
        code = {"code": listed.code} if listed is not None else {}
        operation["x-permission"] = each.needs.format(**(code | dict(fixed)))
    return operation


def _parameters(each: Route, path: str) -> list[Schema]:
    found: list[Schema] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"}
            | ({"format": "uuid"} if name == "id" and "{code}" in each.path else {}),
        }
        for name in re.findall(r"{(\w+)}", path)
    ]
    queries = QUERIES.get(each.path, ()) if each.method == "GET" else ()
    for name in (*queries, *each.schema.get("query", {})):
        schema = each.schema.get("query", {}).get(name, {"type": "string"})
        if name == "limit":
            schema = {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
        shown = {"name": name, "in": "query", "schema": schema}
        if name in each.schema.get("wanted", ()):
            shown["required"] = True
        found.append(shown | ({"description": LIST_QUERY[name]} if name in LIST_QUERY else {}))
    if each.method != "GET" and not each.reads and each.needs not in ("public", "user"):
        found.append({"$ref": "#/components/parameters/idempotency"})
    return found


def _body(each: Route, fixed: Mapping[str, str], listed: Listed | None) -> Schema | None:
    if each.method in ("GET", "DELETE"):
        return None
    if each.takes == "xlsx":
        return {"required": True, "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
    if each.takes == "any":
        return {"required": True, "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
    schema: Schema | None = each.schema.get("body")
    if isinstance(listed, Document) and schema is None:
        if "step" in fixed:
            schema = _step_input(listed, fixed["step"])
        elif each.path == "/api/{code}":
            schema = _to(f"{listed.code}.input")
        elif each.path == "/api/{code}/{id}":
            schema = {"allOf": [_to(f"{listed.code}.input"), {"required": ["version"]}]}
        elif each.path == "/api/{code}/preview":
            schema = _to(f"{listed.code}.part")
    if schema is None:
        return None  # what it does stands in its address
    is_optional = "properties" in schema and not schema.keys() & {"required", "anyOf"}
    return {"required": not is_optional, "content": {"application/json": {"schema": schema}}}


def _step_input(document: Document, name: str) -> Schema:
    _flow, step = document.steps[name]
    fields = {kind.name or "": input_schema(kind) for kind in step.input}
    required = [kind.name or "" for kind in step.input if kind.required]
    version = maybe(WHOLE) | {
        "description": "The version that was seen; without it, whatever there is by now."
    }
    return _object({"version": version} | fields, *required)


def _responses(each: Route, path: str, fixed: Mapping[str, str], listed: Listed | None) -> Schema:
    status, content = _answer(each, path, fixed, listed)
    found: Schema = {str(status): {"description": each.summary or "Done."} | content}
    if path.endswith("push/" + fixed.get("target", "-")):
        found["201"] = {"description": "Saved."} | _json(_to(fixed["target"]))
    for other, schema in each.schema.get("others", {}).items():
        found[str(other)] = {"description": "See its answer."} | _json(schema)
    if path == "/api/openapi.json":
        found["304"] = {"description": "Unchanged."}
    relevant = [400, 404, 422] if each.needs == "public" else [400, 401, 403, 404, 422, 429]
    if each.method != "GET":
        relevant += [409, 413, 415]
    if each.needs == "public" and each.method != "GET":
        relevant += [401, 403, 429]
    return found | {str(s): {"$ref": f"#/components/responses/{s}"} for s in sorted(set(relevant))}


def _json(schema: Schema) -> Schema:
    return {"content": {"application/json": {"schema": schema}}}


def _answer(each: Route, path: str, fixed: Mapping[str, str], listed: Listed | None) -> tuple[int, Schema]:
    if path.endswith(".xlsx"):
        return 200, {"content": {XLSX: {"schema": {"type": "string", "format": "binary"}}}}
    if each.method == "DELETE":
        return 204, {}
    if each.takes == "xlsx":
        return 202, _json(record(job=JOB))
    code = listed.code if listed is not None else ""
    of_document: dict[tuple[str, str], tuple[int, Schema]] = {
        ("GET", "/api/{code}"): (200, _to(f"{code}.page")),
        ("POST", "/api/{code}"): (201, _to(code)),
        ("GET", "/api/{code}/{id}"): (200, _to(code)),
        ("PUT", "/api/{code}/{id}"): (200, _to(code)),
        ("POST", "/api/{code}/{id}/{step}"): (200, _to(code)),
        ("POST", "/api/{code}/preview"): (200, _to(f"{code}.preview")),
        ("POST", "/api/{code}/pull/{source}"): (200, _to(f"{code}.part")),
        ("POST", "/api/{code}/{id}/push/{target}"): (200, _to(f"{fixed.get('target', code)}.part")),
    }
    if "source" in fixed and each.method == "GET" and isinstance(listed, Document):
        return 200, _json(_open_lines(listed, fixed["source"]))
    said = each.schema.get("answer", {"type": "object"})
    fallback = (each.schema.get("status", 200), said() if callable(said) else said)
    known = of_document.get((each.method, each.path))
    status, schema = known if known is not None and (listed is not None or not code) else fallback
    return status, _json(schema)


def _open_lines(document: Document, code: str) -> Schema:
    """Return the shape of what can be pulled: lines of the source with some of their document's fields."""
    source = REGISTRY[code]
    (link,) = [each for each in document.links if each.source == code]
    fields = {name: output_schema(source.fields[name]) for name in source.columns.split()}
    if not link.of_header:
        fields |= _fields(source.line_fields, output_schema)
    return rows(record(fields, line=ID, doc=ID, open=DECIMAL))


def _object(properties: Mapping[str, Schema], *required: str, is_open: bool = False) -> Schema:
    found: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        found["required"] = list(required)
    if not is_open:
        found["additionalProperties"] = False
    return found


def _schemas() -> Iterable[tuple[str, Schema]]:
    yield "Reference", record({"hint": TEXT}, id=TEXT, code=maybe(TEXT), name=maybe(TEXT))
    line = maybe(WHOLE) | {"description": "1-based line of the submitted document."}
    yield "Problem", record(field=maybe(TEXT), line=line, code=TEXT, message=TEXT)
    problems = every(_to("Problem"))
    yield "Problems", record(problems=problems)
    change = record(
        {"old": ANY, "new": ANY, "label": TEXT},
        field=maybe(TEXT),
        line=maybe(WHOLE),
        by=record(id=TEXT, name=TEXT),
        at=MOMENT,
        act=TEXT,
    )
    stale = every(change) | {"description": "When the version is stale: who changed what since."}
    yield "Conflict", record({"changes": stale}, problems=problems)
    yield "Can", record(edit=YES, delete=YES, steps=every(TEXT), pushes=every(TEXT))
    yield from NAMED.items()
    for listed in _every_listed():
        yield from _document_schemas(listed)


_ECHO: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "version": {"type": "integer", "description": "Needed to rewrite."},
    "created_by": maybe(REFERENCE),
    "updated_by": maybe(REFERENCE),
}


_LINE: dict[str, Schema] = {"id": TEXT, "no": WHOLE}
_SOURCE = record(
    {"code": maybe(TEXT), "doc": maybe(ID), "qty": {"type": ["string", "number", "null"]}}, line=ID
)


def _sources(document: Document) -> dict[str, Schema]:
    return {"sources": every(_SOURCE)} if document.links else {}


def _document_schemas(listed: Listed) -> Iterable[tuple[str, Schema]]:
    columns = {name: output_schema(kind) for name, kind in listed.fields.items()}
    yield f"{listed.code}.page", pages(record({"version": WHOLE} | columns, id=TEXT))
    if not isinstance(listed, Document):
        return
    taken = (
        _ECHO
        | _fields(listed.fields, input_schema)
        | {"can": {"readOnly": True}, "draft": {"type": "boolean"}}
    )
    if not listed.is_master:
        taken["code"] = {"const": listed.code}
    if listed.lines is not None:
        line = _LINE | _fields(listed.line_fields, input_schema)
        taken["lines"] = every(_object(line | _sources(listed))) | {"maxItems": MAX_LINES}
    yield listed.code, document_schema(listed)
    yield f"{listed.code}.preview", _preview(listed)
    yield f"{listed.code}.part", _object(taken) | {"title": str(listed.label)}
    yield f"{listed.code}.input", {"allOf": [_to(f"{listed.code}.part")]} | _required(listed)


def _required(document: Document) -> Schema:
    """Return what a body must give besides: nothing in a draft, and what a source gives only where there is none."""
    header, lines = wanted(document.fields), wanted(document.line_fields)
    whole: Schema = {"required": header}
    each: Schema = {"required": lines}
    if document.links:
        sourced: Schema = {"required": ["sources"]}
        whole = {"anyOf": [whole, {"required": ["lines"], "properties": {"lines": {"contains": sourced}}}]}
        each = {"anyOf": [each, sourced]}
    if lines:
        whole = whole | {"properties": whole.get("properties", {}) | {"lines": {"items": each}}}
    if document.flow is None:
        return whole
    draft: Schema = {"required": ["draft"], "properties": {"draft": {"const": True}}}
    return {"if": draft, "else": whole}


def wanted(kinds: Mapping[str, AnyKind]) -> list[str]:
    """Return the fields that input must name; who may not set a guarded one leaves it out."""
    return [
        name
        for name, kind in kinds.items()
        if kind.required
        and not kind.readonly
        and not kind.guard
        and kind.initial is None
        and not isinstance(kind, Boolean | Tags)
    ]


def _preview(document: Document) -> Schema:
    lines = {"no": {"type": "integer"}} | _fields(document.line_fields, output_schema)
    parts: dict[str, Schema] = {
        "header": _object(_fields(document.fields, output_schema)),
        "lines": {"type": "array", "items": _object(lines, "no")},
        "problems": {"type": "array", "items": _to("Problem")},
    }
    return _object(parts, *parts)


def _fields(kinds: Mapping[str, AnyKind], make: Any) -> dict[str, Schema]:
    found: dict[str, Schema] = {}
    for name, kind in kinds.items():
        found[name] = make(kind)
        if isinstance(kind, Done):
            found[kind.linked] = make(kind)
    return found


def output_schema(kind: AnyKind) -> Schema:
    """Return the schema of a field in an answer."""
    return _titled(kind, maybe(REFERENCE) if isinstance(kind, Ref) else _value(kind))


def input_schema(kind: AnyKind) -> Schema:
    """Return the schema of a field in a body; what is read-only may come back and carries nothing."""
    if isinstance(kind, Ref):
        schema: Schema = {
            "type": ["string", "object", "null"],
            "description": "An id, a code, or {id} or {code}.",
        }
    elif isinstance(kind, Number):
        schema = {"type": ["string", "number", "null"]}
    else:
        schema = _value(kind)
    return _titled(kind, schema) | ({"readOnly": True} if kind.readonly else {})


def _titled(kind: AnyKind, schema: Schema) -> Schema:
    found = {"title": str(kind.label)} | schema
    if kind.guard:
        found["x-guard"] = kind.guard
    return found


def _value(kind: AnyKind) -> Schema:
    if isinstance(kind, Number):
        return {"type": ["string", "null"], "pattern": DECIMAL["pattern"]}
    if isinstance(kind, Boolean):
        return {"type": ["boolean", "null"]}
    if isinstance(kind, Integer):
        return {"type": ["integer", "null"]}
    if isinstance(kind, Date):
        return {"type": ["string", "null"], "format": "date"}
    if isinstance(kind, Moment):
        return {"type": ["string", "null"], "format": "date-time"}
    if isinstance(kind, Tags):
        return {"type": ["array", "null"], "items": {"type": "string"}}
    if isinstance(kind, Choice):
        return {"enum": [*(value for value, _label in kind.options), "", None]}
    schema: Schema = {"type": ["string", "null"]}
    return schema | ({"maxLength": kind.max_length} if isinstance(kind, Text) and kind.max_length else {})


def document_schema(document: Document, **more: Schema) -> Schema:
    """Return the schema of a whole document as it is answered, and of what else stands in one answer of it."""
    shown = _ECHO | _fields(document.fields, output_schema) | {"can": _to("Can")}
    if not document.is_master:
        shown["code"] = {"const": document.code}
    if document.lines is not None:
        line = _LINE | _fields(document.line_fields, output_schema)
        shown["lines"] = every(_object(line | _sources(document)))
    return _object(shown | more, "id", "version", *more) | {"title": str(document.label)}
