"""What each member arranged for themselves: columns, widths, filters, panels; kept as the console sent it."""

import re
from typing import Any

from .api import Answer, Request, route
from .document import Invalid, Problem
from .identity import new_id
from .shapes import Schema, describes
from .sql import run
from .text import _

MAX_BYTES = 32 * 1024
MAX_KEYS = 500
_KEY = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_ANY_OBJECT: Schema = {"type": "object", "description": "Whatever was kept under the key."}


@route("GET", "/api/prefs/{key}", needs="signed", schema=describes(_ANY_OBJECT))
def get_preference(request: Request, key: str) -> Any:
    """What I keep under a key; an empty object when nothing."""
    sql = "SELECT value::text FROM kernel_preference WHERE enterprise_id = %s AND member = %s AND key = %s"
    rows = run(sql, [request.ctx.enterprise_id, request.ctx.member_id, _checked(key)])
    return Answer(rows[0][0].encode() if rows else b"{}", content_type="application/json")


@route("PUT", "/api/prefs/{key}", needs="signed", schema=describes(_ANY_OBJECT, body=_ANY_OBJECT))
def put_preference(request: Request, key: str) -> Any:
    """Keep one JSON object under a key; an empty one forgets the key."""
    ctx, value = request.ctx, request.body
    text = request.http.body
    if len(text) > MAX_BYTES:
        raise Invalid(Problem(None, _("At most %(n)s bytes.") % {"n": MAX_BYTES}, code="too_long"))
    mine = [ctx.enterprise_id, ctx.member_id]
    if not value:
        run(
            "DELETE FROM kernel_preference WHERE enterprise_id = %s AND member = %s AND key = %s",
            [*mine, _checked(key)],
        )
        return {}
    ((count,),) = run(
        "SELECT count(*) FROM kernel_preference WHERE enterprise_id = %s AND member = %s AND key <> %s",
        [*mine, _checked(key)],
    )
    if count >= MAX_KEYS:
        raise Invalid(Problem("key", _("At most %(n)s keys.") % {"n": MAX_KEYS}, code="too_many"))
    run(
        "INSERT INTO kernel_preference (enterprise_id, id, member, key, value) VALUES (%s, %s, %s, %s, %s::jsonb) "
        "ON CONFLICT (enterprise_id, member, key) DO UPDATE SET value = excluded.value",
        [ctx.enterprise_id, new_id(), ctx.member_id, key, text.decode()],
    )
    return Answer(text, content_type="application/json")


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Invalid(Problem("key", _("Must be letters, digits, dots and hyphens, at most 100.")))
    return key
