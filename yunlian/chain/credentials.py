"""Access credentials: an opaque token shown once, kept as its SHA-256, bound to the communication user.

A credential is a row of the enterprise; its `Pass` is what the installation looks at when somebody knocks. Both change
in one transaction. Source: chain protocol A8, flows.md F18.
"""

import datetime as dt
import hashlib
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from yunlian.kernel.document import Problem
from yunlian.kernel.listing import Query
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import _
from yunlian.org.models import Enterprise

from .models import Credential, Pass

PREFIX = "ylc_"
_SHOWN = 8  # characters of the token that may be shown again
# Long enough that two yearly renewals overlap; a token nobody remembers still ends by itself.
LONGEST = dt.timedelta(days=2 * 366)


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def fill(header: Credential, lines: list[Any], ctx: Context) -> Iterable[Problem]:
    """Give a new credential its token, code and user. The token is on `header.token`, this once.

    Yields why it would open nothing, or for too long.
    """
    yield from _check_validity(header)
    user = Enterprise.objects.values_list("communication_id", flat=True).get(pk=ctx.enterprise_id)
    if header.state == "valid" and header.employee_id not in (None, user):
        message = _("A credential opens nothing for anybody but the communication user: leave it blank.")
        yield Problem("employee", message, code="wrong_user")
    if not header.digest:
        header.token = PREFIX + secrets.token_urlsafe(32)
        header.prefix = header.token[: len(PREFIX) + _SHOWN]
        header.digest = digest(header.token)
    if not header.code:
        header.code = header.prefix.upper()


def _check_validity(header: Credential) -> Iterable[Problem]:
    if header.valid_from is None or header.valid_until is None:
        return
    if header.valid_until <= header.valid_from:
        yield Problem("valid_until", _("Must be after the beginning of its validity."))
    elif header.valid_until - header.valid_from > LONGEST:
        message = _("A credential is valid for two years at most; make or prolong it again before it ends.")
        yield Problem("valid_until", message, code="range")


def publish(ctx: Context, loaded: Loaded) -> None:
    """Let the installation know the credential as it is now."""
    header = loaded.header
    enterprise = Enterprise.objects.get(pk=ctx.enterprise_id)
    Pass.objects.update_or_create(
        digest=bytes(header.digest),
        defaults={
            "enterprise_id": ctx.enterprise_id,
            "credential_id": header.id,
            "employee_id": header.employee_id,
            "chain_id": enterprise.chain_id,
            "valid_from": header.valid_from,
            "valid_until": header.valid_until,
        },
    )


def withdraw(ctx: Context, loaded: Loaded) -> None:
    """Revoke: from the commit on, nothing is accepted with it."""
    Pass.objects.filter(digest=bytes(loaded.header.digest)).update(revoked_at=ctx.now)


@dataclass(frozen=True)
class Verdict:
    """Whether a pass opens now; `code` says why not."""

    code: str
    found: Pass | None = None

    @property
    def is_good(self) -> bool:
        """Whether the pass opens."""
        return self.code == "ok"


def judge(token: bytes) -> Verdict:
    """Judge a pass by the database's clock and keep it as it is until this transaction ends."""
    found = Pass.objects.raw(
        "SELECT *, clock_timestamp() AS now FROM chain_pass WHERE digest = %s FOR SHARE", [token]
    )
    row = next(iter(found), None)
    return Verdict("credential_unknown") if row is None else Verdict(_code(row), row)


def _code(row: Any) -> str:
    if row.revoked_at is not None:
        return "credential_revoked"
    if row.now < row.valid_from:
        return "credential_not_yet_valid"
    if row.now >= row.valid_until:
        return "credential_expired"
    if row.member_until is None:
        return "not_a_member"
    return "membership_expired" if row.now >= row.member_until else "ok"


# What time makes of a valid one is read, never stored: nothing has to run for a credential to end.
_NOW = """
SELECT id, CASE WHEN state <> 'valid' THEN state WHEN clock_timestamp() < valid_from THEN 'early'
  WHEN clock_timestamp() >= valid_until THEN 'expired' ELSE 'valid' END,
  floor(extract(epoch FROM valid_until - clock_timestamp()) / 86400)::int
FROM chain_credential WHERE enterprise_id = %s
"""


def as_of_now(ctx: Context) -> dict[uuid.UUID, dict[str, Any]]:
    """Return state and whole days left of every credential, by the database's clock."""
    return {
        id_: {"state": state, "days_left": days if state in ("valid", "early") else None}
        for id_, state, days in run(_NOW, [ctx.enterprise_id])
    }


def as_asked(ctx: Context, query: Query) -> Query:
    """Return a query in which a filter by state means the state as of now; one that cannot be read is left as it is."""
    try:
        asked = msgspec.json.decode(query.filter or "[]")
    except (msgspec.DecodeError, RecursionError):
        return query
    now = as_of_now(ctx)
    return replace(query, filter=msgspec.json.encode(_of_ids(asked, now)).decode()) if asked else query


def _of_ids(asked: Any, now: dict[uuid.UUID, dict[str, Any]]) -> Any:
    match asked:
        case {"and": list(items)}:
            return {"and": [_of_ids(item, now) for item in items]}
        case {"or": list(items)}:
            return {"or": [_of_ids(item, now) for item in items]}
        case ["state", "in", list(states)]:
            return ["id", "in", [id_ for id_, known in now.items() if known["state"] in states]]
        case ["state", "=", str(state)]:
            return _of_ids(["state", "in", [state]], now)
        case ["state", "!=", str(state)]:
            return ["id", "in", [id_ for id_, known in now.items() if known["state"] != state]]
        case [[*_first], *_rest]:
            return [_of_ids(item, now) for item in asked]
    return asked
