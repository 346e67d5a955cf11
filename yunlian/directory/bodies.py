"""What the routes of directory sync take and answer: checked here, described for OpenAPI from the same words."""

import datetime as dt
from typing import Any

from yunlian.kernel.fields import moment_text

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
ID: Schema = {"type": "string", "format": "uuid"}
MOMENT: Schema = {"type": ["string", "null"], "format": "date-time"}
WORDS: Schema = {"type": "array", "items": TEXT}
JOB: Schema = {"type": "object", "properties": {"job": {"$ref": "#/components/schemas/Job"}}}
RUN: Schema = {
    "type": "object",
    "properties": {
        "id": ID, "connection": ID, "direction": {"enum": ["push", "pull"]}, "trigger": TEXT, "state": TEXT,
        "state_label": TEXT, "is_whole": {"type": "boolean"},
        "department": {"oneOf": [{"$ref": "#/components/schemas/Reference"}, {"type": "null"}]},
        "tally": {"type": "object", "description": "acts: changes by kind and act; read: what the platform showed."},
        "guards": {
            "type": "array",
            "items": {"type": "object", "properties": {"code": TEXT, "message": TEXT, "can_release": {"type": "boolean"}}},
        },
        "error": {"type": ["string", "null"]}, "override": {"type": ["object", "null"]}, "job": {"type": ["string", "null"]},
        "by": TEXT, "at": MOMENT, "applied_at": MOMENT, "undone_at": MOMENT,
    },
}  # fmt: skip
CONNECTION: Schema = {
    "type": "object",
    "properties": {
        "id": ID, "platform": {"enum": ["wecom", "dingtalk"]}, "direction": {"enum": ["push", "pull"]},
        "origin": {"enum": ["own", "market"]}, "state": {"enum": ["off", "on", "stopped", "removed", "left"]},
        "state_label": TEXT, "corp_id": TEXT, "corp_name": TEXT, "root": TEXT,
        "department": {"oneOf": [{"$ref": "#/components/schemas/Reference"}, {"type": "null"}]},
        "settings": {"type": "object", "description": "Fields of the guide that are no secrets."},
        "secrets": {"type": "object", "description": "Secrets by name: whether there is one.", "additionalProperties": {"type": "boolean"}},
        "contacts_policy": {"enum": ["list", "partner"]}, "lacking": WORDS, "vanish_share": TEXT,
        "vanish_min": {"type": "integer"}, "nightly_at": {"type": ["integer", "null"]}, "bound_at": MOMENT,
        "stopped_at": MOMENT, "synced_at": MOMENT, "version": {"type": "integer"},
    },
}  # fmt: skip
RECEIVER: Schema = {
    "type": "object",
    "properties": {"receiver": TEXT, "url": TEXT, "token": TEXT, "aes_key": TEXT, "verified_at": MOMENT},
}


def rows(each: Schema) -> Schema:
    """Return the schema of a list of them."""
    return {"type": "object", "properties": {"rows": {"type": "array", "items": each}}}


def answering(answer: Schema) -> dict[str, Schema]:
    """Describe a route that takes nothing."""
    return {"answer": answer}


def taking(*required: str, answer: Schema | None = None, **properties: Any) -> dict[str, Schema]:
    """Describe a route by the fields of its body, and by its answer where that is more than an object."""
    body = {
        "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
    }  # fmt: skip
    return {"body": body} | ({} if answer is None else {"answer": answer})


def shown_moment(value: dt.datetime | None) -> str | None:
    """Return a moment as the API answers it."""
    return None if value is None else moment_text(value)
