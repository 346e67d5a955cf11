"""Words to say what a route takes and answers, for the description of the API: JSON Schema as OpenAPI 3.1 has it.

A route gives `schema=describes(...)`. What several routes answer has a name of its own, and is referred to by it.
"""

from collections.abc import Callable, Mapping
from typing import Any

Schema = dict[str, Any]
NAMED: dict[str, Schema] = {}

TEXT: Schema = {"type": "string"}
ID: Schema = {"type": "string", "format": "uuid"}
WHOLE: Schema = {"type": "integer"}
YES: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
DECIMAL: Schema = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
ANY: Schema = {}
REFERENCE: Schema = {"$ref": "#/components/schemas/Reference"}


def maybe(schema: Schema) -> Schema:
    """Or null."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return schema | {"type": [schema["type"], "null"]}
    return {"oneOf": [schema, {"type": "null"}]}


def record(_may: Mapping[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """Return an object of these fields; those of the mapping may be absent, and none but these are there."""
    found: Schema = {
        "type": "object",
        "properties": {**fields, **(_may or {})},
        "additionalProperties": False,
    }
    return found | ({"required": list(fields)} if fields else {})


def table(of: Schema) -> Schema:
    """Return an object whose fields have names of their own and one shape."""
    return {"type": "object", "additionalProperties": of}


def every(of: Schema) -> Schema:
    """Return a list."""
    return {"type": "array", "items": of}


def rows(of: Schema) -> Schema:
    """Return what lists answer that come whole."""
    return record(rows=every(of))


def pages(of: Schema) -> Schema:
    """Return what lists answer that come page by page; `next` is the cursor of the next one."""
    return record(rows=every(of), next=maybe(TEXT))


def named(name: str, schema: Schema) -> Schema:
    """Give a schema a name of its own in the description; returns the reference to it."""
    NAMED[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


def describes(
    answer: Schema | Callable[[], Schema] | None = None,
    *,
    status: int = 200,
    others: Mapping[int, Schema] | None = None,
    body: Schema | None = None,
    query: Mapping[str, Schema] | None = None,
    wanted: tuple[str, ...] = (),
) -> Mapping[str, Any]:
    """Return the description of a route: what it answers and how, or with another status also; what it takes; its
    parameters, some of them wanted. An answer made of a declaration is a function: not all are declared yet.
    """
    found: dict[str, Any] = {"status": status, "others": others or {}, "query": query or {}, "wanted": wanted}
    if answer is not None:
        found["answer"] = answer
    if body is not None:
        found["body"] = body
    return found
