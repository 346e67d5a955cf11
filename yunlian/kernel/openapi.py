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

from .api import ROUTES, XLSX, Answer, Request, Route, encode, route
from .document import REGISTRY, VIEWS, Document, Listed, pushes
from .fields import AnyKind, Boolean, Choice, Date, Done, Integer, Moment, Number, Ref, Tags, Text

Schema = dict[str, Any]
DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
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
    data, tag = _encoded(len(ROUTES), len(REGISTRY))
    if request.http.headers.get("If-None-Match") == tag:
        return Answer(status=304, data=b"", content_type="application/json", headers={"ETag": tag})
    return Answer(data, headers={"ETag": tag, "Cache-Control": "no-cache"}, content_type="application/json")


@lru_cache(maxsize=2)
def _encoded(_routes: int, _codes: int) -> tuple[bytes, str]:
    data = encode(describe())
    return data, f'"{hashlib.sha256(data).hexdigest()[:32]}"'


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
                "description": "Decimals are strings, dates 2026-11-22, moments UTC. Errors are lists of problems.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/"}],
            "security": [{"session": []}, {"credential": []}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(_schemas()),
                "responses": {str(status): _problem_response(text) for status, text in ERRORS.items()},
                "securitySchemes": {
                    "session": {"type": "apiKey", "in": "cookie", "name": "__Host-session"},
                    "credential": {"type": "http", "scheme": "bearer"},
                },
                "parameters": {
                    "idempotency": {
                        "name": "Idempotency-Key",
                        "in": "header",
                        "description": "One per act; a repetition gets the first answer, other content is refused.",
                        "schema": {"type": "string", "minLength": 8, "maxLength": 100},
                    }
                },
            },
        }


def _problem_response(text: str) -> Schema:
    return {"description": text, "content": {"application/json": {"schema": _to("Problems")}}}


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
_FOR_MASTERS = ("/api/{code}/lookup", "/api/{code}/resolve")


def _variants(each: Route, listed: Listed) -> list[dict[str, str]]:
    """Return the parameters that a code's declaration fixes; nothing when the route does not serve the code."""
    if not isinstance(listed, Document):
        serves = _FOR_VIEWS if each.method == "GET" else (EXPORT,)
        return [{}] if each.path in serves else []
    if each.path in _FOR_MASTERS and not listed.is_master:
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
    schema: Schema = each.schema.get("body", {"type": "object"})
    if each.path in (BATCH, EXPORT):
        names = ("filter", "search") if each.path == BATCH else ("filter", "search", "sort", "columns")
        schema = _object({name: {"type": "string"} for name in names})
    elif isinstance(listed, Document):
        if "step" in fixed:
            schema = _step_input(listed, fixed["step"])
        elif each.path in ("/api/{code}", "/api/{code}/{id}", "/api/{code}/preview"):
            schema = _to(f"{listed.code}.input")
        elif "{source}" in each.path:
            schema = _to("Pull")
        elif "{target}" in each.path:
            schema = _object({"save": {"type": "boolean"}})
        elif each.path == "/api/{code}/resolve":
            schema = _object({"values": {"type": "array", "items": {"type": "string"}}}, "values")
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _step_input(document: Document, name: str) -> Schema:
    _flow, step = document.steps[name]
    fields = {kind.name or "": input_schema(kind) for kind in step.input}
    required = [kind.name or "" for kind in step.input if kind.required]
    return _object({"version": {"type": ["integer", "null"]}} | fields, *required)


def _responses(each: Route, path: str, fixed: Mapping[str, str], listed: Listed | None) -> Schema:
    status, content = _answer(each, path, fixed, listed)
    found: Schema = {str(status): {"description": each.summary or "Done."} | content}
    if path.endswith("push/" + fixed.get("target", "-")):
        found["201"] = {"description": "Saved."} | _json(_to(fixed["target"]))
    if path == "/api/openapi.json":
        found["304"] = {"description": "Unchanged."}
    relevant = [422] if each.needs == "public" else [401, 403, 404, 422, 429]
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
    if each.takes == "xlsx" or each.path in (BATCH, EXPORT):
        return 202, _json(_object({"job": _to("Job")}))
    code = listed.code if listed is not None else ""
    of_document: dict[tuple[str, str], tuple[int, Schema]] = {
        ("GET", "/api/{code}"): (200, _to(f"{code}.page")),
        ("POST", "/api/{code}"): (201, _to(code)),
        ("GET", "/api/{code}/{id}"): (200, _to(code)),
        ("PUT", "/api/{code}/{id}"): (200, _to(code)),
        ("POST", "/api/{code}/{id}/{step}"): (200, _to(code)),
        ("POST", "/api/{code}/preview"): (200, _to(f"{code}.preview")),
        ("POST", "/api/{code}/pull/{source}"): (200, _to(f"{code}.input")),
        ("POST", "/api/{code}/{id}/push/{target}"): (200, _to(f"{fixed.get('target', code)}.input")),
        ("GET", "/api/jobs/{id}"): (200, _to("Job")),
        ("POST", "/api/jobs/{id}/cancel"): (200, _to("Job")),
    }
    fallback = (200, each.schema.get("answer", {"type": "object"}))
    known = of_document.get((each.method, each.path))
    status, schema = known if known is not None and (listed is not None or not code) else fallback
    return status, _json(schema)


def _object(properties: Mapping[str, Schema], *required: str, is_open: bool = False) -> Schema:
    found: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        found["required"] = list(required)
    if not is_open:
        found["additionalProperties"] = False
    return found


def _schemas() -> Iterable[tuple[str, Schema]]:
    text: Schema = {"type": "string"}
    yield (
        "Reference",
        _object({"id": text, "code": {"type": ["string", "null"]}, "name": {"type": ["string", "null"]}}),
    )
    problem: dict[str, Schema] = {
        "field": {"type": ["string", "null"]},
        "line": {"type": ["integer", "null"], "description": "1-based line of the submitted document."},
        "code": text,
        "message": text,
    }
    yield "Problem", _object(problem, "message", "code", is_open=True)
    problems = {"problems": {"type": "array", "items": _to("Problem")}}
    yield "Problems", _object(problems, "problems", is_open=True)
    yield (
        "Pull",
        _object(
            {
                "lines": {"type": "object", "additionalProperties": {"type": ["string", "null"]}},
                "docs": {"type": "array", "items": text},
            }
        ),
    )
    yield "Can", _object({"edit": {"type": "boolean"}, "delete": {"type": "boolean"}}, is_open=True)
    yield (
        "Job",
        _object(
            {
                "id": text,
                "kind": text,
                "code": text,
                "state": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
                "done": {"type": "integer"},
                "total": {"type": ["integer", "null"]},
                "result": {"type": ["object", "null"]},
                "error": {"type": ["string", "null"]},
                "created_at": {"type": "string", "format": "date-time"},
            }
        ),
    )
    for listed in _every_listed():
        yield from _document_schemas(listed)


_ECHO: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "version": {"type": "integer", "description": "Needed to rewrite."},
    "created_by": {"type": ["string", "null"]},
    "updated_by": {"type": ["string", "null"]},
}


def _document_schemas(listed: Listed) -> Iterable[tuple[str, Schema]]:
    rows = {name: output_schema(kind) for name, kind in listed.fields.items()}
    row = _object({"id": {"type": "string"}, "version": {"type": "integer"}} | rows)
    page: dict[str, Schema] = {"rows": {"type": "array", "items": row}, "next": {"type": ["string", "null"]}}
    yield f"{listed.code}.page", _object(page, "rows", "next")
    if not isinstance(listed, Document):
        return
    lines = {"id": {"type": "string"}, "no": {"type": "integer"}}
    sources = {
        "type": "array",
        "items": _object({"line": {"type": "string"}, "qty": {"type": ["string", "null"]}}, is_open=True),
    }
    shown = _ECHO | _fields(listed.fields, output_schema) | {"can": _to("Can")}
    taken = (
        _ECHO
        | _fields(listed.fields, input_schema)
        | {"can": {"readOnly": True}, "draft": {"type": "boolean"}}
    )
    if not listed.is_master:
        shown["code"] = taken["code"] = {"const": listed.code}
    if listed.lines is not None:
        line_out = lines | _fields(listed.line_fields, output_schema) | {"sources": sources}
        line_in = lines | _fields(listed.line_fields, input_schema) | {"sources": sources}
        shown["lines"] = {"type": "array", "items": _object(line_out)}
        taken["lines"] = {"type": "array", "maxItems": 1000, "items": _object(line_in)}
    yield listed.code, _object(shown, "id", "version") | {"title": str(listed.label)}
    yield f"{listed.code}.preview", _preview(listed)
    yield f"{listed.code}.input", _object(taken) | {"title": str(listed.label)}


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
    return _titled(
        kind, {"oneOf": [_to("Reference"), {"type": "null"}]} if isinstance(kind, Ref) else _value(kind)
    )


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
        return {"type": ["string", "null"], "pattern": DECIMAL}
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
