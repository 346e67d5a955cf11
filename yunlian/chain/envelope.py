"""The envelope: a CloudEvents 1.0 message whose bytes are made once and never made again.

`write` makes the text that is stored, hashed, signed and sent; `read` checks foreign text against the same rules.
Nothing between the two parses and writes it anew. Extensions, beside CloudEvents' own attributes: `recipient`,
`lane`, `epoch`, `sequence` (20 digits as text: CloudEvents integers have 32 bits), `prevhash`, `partitionkey` (the
thread), `threadversion` (place in the thread, from 1), `subjectversion` (attempt of the document, from 1),
`correlationid`, `causationid`. Source: chain protocol A2.
"""

import datetime as dt
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, Unpack

from . import body
from .body import Malformed

PREFIX = "yunlian."
_INT32 = 2_147_483_647
_SUBJECT = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+/[0-9a-f-]{36}")
_TYPE = re.compile(r"yunlian\.([a-z]+(?:\.[a-z]+)+)\.v([1-9][0-9]{0,3})")
_SCHEMA = re.compile(r"urn:yunlian:schema:[a-z.]{3,60}:[1-9][0-9]{0,3}\.[0-9]{1,4}")
_HEX = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """One message as its text says. `kind` is the type without prefix and version: `order.placed`."""

    id: uuid.UUID
    source: uuid.UUID
    kind: str
    major: int
    subject: str
    time: dt.datetime
    dataschema: str
    recipient: uuid.UUID
    lane: uuid.UUID
    epoch: int
    sequence: int
    prevhash: str
    thread: uuid.UUID
    thread_version: int
    subject_version: int
    correlation: uuid.UUID | None
    causation: uuid.UUID | None
    data: Mapping[str, Any]
    text: str


class Attributes(TypedDict):
    """What a message is written from, named as in Envelope."""

    id: uuid.UUID
    source: uuid.UUID
    kind: str
    major: NotRequired[int]
    minor: NotRequired[int]
    subject: str
    time: dt.datetime
    recipient: uuid.UUID
    lane: uuid.UUID
    epoch: int
    sequence: int
    prevhash: str
    thread: uuid.UUID
    thread_version: int
    subject_version: NotRequired[int]
    correlation: NotRequired[uuid.UUID | None]
    causation: NotRequired[uuid.UUID | None]
    data: Mapping[str, Any]


def write(**given: Unpack[Attributes]) -> str:
    """Return the one text of a message, at most 256 KiB. Raises Malformed when a rule is broken."""
    body.check(given["data"])
    text = compose(**given)
    read(text)
    return text


def compose(**given: Unpack[Attributes]) -> str:
    """Return the text of a message whose body was tried on when it was queued: nothing is checked again."""
    kind, major = given["kind"], given.get("major", 1)
    attributes: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(given["id"]),
        "source": f"urn:uuid:{given['source']}",
        "type": f"{PREFIX}{kind}.v{major}",
        "subject": given["subject"],
        "time": given["time"].astimezone(dt.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "dataschema": f"urn:yunlian:schema:{kind}:{major}.{given.get('minor', 0)}",
        "recipient": f"urn:uuid:{given['recipient']}",
        "lane": str(given["lane"]),
        "epoch": given["epoch"],
        "sequence": f"{given['sequence']:020}",
        "prevhash": given["prevhash"],
        "partitionkey": str(given["thread"]),
        "threadversion": given["thread_version"],
        "subjectversion": given.get("subject_version", 1),
    }
    for name, key in (("correlationid", "correlation"), ("causationid", "causation")):
        if given.get(key) is not None:
            attributes[name] = str(given.get(key))
    return json.dumps(attributes | {"data": given["data"]}, ensure_ascii=False, separators=(",", ":"))


def read(text: str) -> Envelope:
    """Return the message a text is. Raises Malformed, in time linear in the length of the text."""
    attributes = body.parse(text)
    if attributes.get("specversion") != "1.0" or attributes.get("datacontenttype") != "application/json":
        raise Malformed("version", "CloudEvents 1.0 with JSON data is wanted.")
    kind, major = _type(attributes.get("type"))
    data = attributes.get("data")
    if not isinstance(data, dict):
        raise Malformed("data", "data: an object is wanted.")
    body.check(data)
    schema = _match(_SCHEMA, "dataschema", attributes)
    if not schema.startswith(f"urn:yunlian:schema:{kind}:{major}."):
        raise Malformed("dataschema", "dataschema: does not belong to the type.")
    return Envelope(
        id=_uuid("id", attributes),
        source=_urn("source", attributes),
        kind=kind,
        major=major,
        subject=_match(_SUBJECT, "subject", attributes),
        time=_moment(attributes),
        dataschema=schema,
        recipient=_urn("recipient", attributes),
        lane=_uuid("lane", attributes),
        epoch=_positive("epoch", attributes),
        sequence=_sequence(attributes),
        prevhash=_match(_HEX, "prevhash", attributes),
        thread=_uuid("partitionkey", attributes),
        thread_version=_positive("threadversion", attributes),
        subject_version=_positive("subjectversion", attributes),
        correlation=_optional(_uuid, "correlationid", attributes),
        causation=_optional(_uuid, "causationid", attributes),
        data=data,
        text=text,
    )


def _type(value: Any) -> tuple[str, int]:
    found = _TYPE.fullmatch(value) if isinstance(value, str) and len(value) <= 100 else None
    if found is None:
        raise Malformed("type", "type: a message type such as yunlian.order.placed.v1 is wanted.")
    return found[1], int(found[2])


def _match(pattern: re.Pattern[str], name: str, attributes: Mapping[str, Any]) -> str:
    value = attributes.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed(name, f"{name}: not what it must look like.")
    return value


def _uuid(name: str, attributes: Mapping[str, Any], prefix: str = "") -> uuid.UUID:
    value = attributes.get(name)
    if isinstance(value, str) and len(value) == len(prefix) + 36 and value.startswith(prefix):
        try:
            made = uuid.UUID(value[len(prefix) :])
        except ValueError:
            made = None
        if made is not None and value == f"{prefix}{made}":
            return made
    raise Malformed(name, f"{name}: a UUID in its usual spelling is wanted.")


def _urn(name: str, attributes: Mapping[str, Any]) -> uuid.UUID:
    return _uuid(name, attributes, "urn:uuid:")


def _optional(
    reader: Callable[[str, Mapping[str, Any]], uuid.UUID], name: str, attributes: Mapping[str, Any]
) -> uuid.UUID | None:
    return reader(name, attributes) if name in attributes else None


def _positive(name: str, attributes: Mapping[str, Any]) -> int:
    value = attributes.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _INT32:
        raise Malformed(name, f"{name}: a whole number from 1 is wanted.")
    return value


def _sequence(attributes: Mapping[str, Any]) -> int:
    value = attributes.get("sequence")
    if not isinstance(value, str) or not re.fullmatch(r"0[0-9]{19}", value) or int(value) < 1:
        raise Malformed("sequence", "sequence: 20 digits are wanted.")
    return int(value)


def _moment(attributes: Mapping[str, Any]) -> dt.datetime:
    text = _match(_MOMENT, "time", attributes)
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("time", "time: a moment in UTC is wanted.") from None
