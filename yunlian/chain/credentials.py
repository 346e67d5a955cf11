"""Access credentials: an opaque token shown once, kept as its SHA-256, bound to the communication user.

A credential is a row of the enterprise; its `Pass` is what the installation looks at when somebody knocks. Both change
in one transaction. Source: chain protocol A8, flows.md F18.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.org.models import Enterprise

from .models import Credential, Pass

PREFIX = "ylc_"
_SHOWN = 8  # characters of the token that may be shown again


def digest(token: str) -> bytes:
    """Return what is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def fill(header: Credential, lines: list[Any], ctx: Context) -> Iterable[Problem]:
    """Give a new credential its token, code and user. The token is on `header.token`, this once."""
    begins, ends = header.valid_from, header.valid_until
    if begins is not None and ends is not None and ends <= begins:
        yield Problem("valid_until", _("Must be after the beginning of its validity."))
    if not header.digest:
        header.token = PREFIX + secrets.token_urlsafe(32)
        header.prefix = header.token[: len(PREFIX) + _SHOWN]
        header.digest = digest(header.token)
    if not header.code:
        header.code = header.prefix.upper()


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
