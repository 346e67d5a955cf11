"""Idempotency: a repeated key returns the first answer; with other content it is refused."""

import hashlib
import json
import uuid
from typing import Any

from django.http import HttpRequest

from .document import Invalid, Problem
from .identity import new_id
from .permission import sight
from .scope import Context
from .sql import run
from .text import _


class Replayed(Exception):
    """This key was answered before; carries the first answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__()
        self.status, self.body = status, body


def open_answer(ctx: Context, key: str, http: HttpRequest) -> uuid.UUID:
    """Claim the key for this act; waits for a running act of the same key.

    Raises Replayed with the first answer, or with ids alone where the member may see less, or other things, than
    then; or Invalid when the key came with other content. A refused act claims
    nothing, because its transaction is rolled back: a retry then runs again.
    """
    if not 8 <= len(key) <= 100:
        raise Invalid(Problem("Idempotency-Key", _("Must have 8 to 100 characters."), code="range"))
    content = f"{http.method} {http.get_full_path()}\n".encode() + http.body
    fingerprint = hashlib.sha256(content).digest()
    id_ = new_id()
    claimed = run(
        "INSERT INTO kernel_answer (enterprise_id, id, actor, key, fingerprint, at) VALUES (%s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (enterprise_id, actor, key) DO NOTHING RETURNING id",
        [ctx.enterprise_id, id_, ctx.member_id, key, fingerprint, ctx.now],
    )
    if claimed:
        return id_
    stored: Any
    status: Any
    body: Any
    seen: Any
    ((stored, status, body, seen),) = run(
        "SELECT fingerprint, status, body, sight FROM kernel_answer WHERE enterprise_id = %s AND actor = %s AND key = %s",
        [ctx.enterprise_id, ctx.member_id, key],
    )
    if bytes(stored) != fingerprint:
        raise Invalid(
            Problem("Idempotency-Key", _("This key was used for something else."), code="key_reused")
        )
    raise Replayed(status, bytes(body) if seen is None or bytes(seen) == sight(ctx) else _ids_of(bytes(body)))


def _ids_of(body: bytes) -> bytes:
    return json.dumps(_ids(json.loads(body or b"{}"))).encode()


def _ids(answer: Any) -> dict[str, Any]:
    """Return what an answer is about: its id, or those of what it holds by name (a job)."""
    if not isinstance(answer, dict):
        return {}
    if "id" in answer:
        return {"id": answer["id"]}
    return {name: _ids(value) for name, value in answer.items() if isinstance(value, dict) and "id" in value}


def keep_answer(ctx: Context, id_: uuid.UUID, status: int, body: bytes) -> None:
    """Store the answer beside the key, in the act's own transaction."""
    run(
        "UPDATE kernel_answer SET status = %s, body = %s, sight = %s WHERE enterprise_id = %s AND id = %s",
        [status, body, sight(ctx), ctx.enterprise_id, id_],
    )
