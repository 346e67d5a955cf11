"""Sessions of devices: opened, found, moved to another enterprise, ended.

A session is a random token that only the device has; we keep its SHA-256. It ends 8 hours after its last use, 7 days
after signing in, when its user is disabled, and, for other devices, when the password or a way in changes. Nothing here
is inside a tenant: users and sessions are global. Callers hand in `now`.
"""

import datetime as dt
import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from yunlian.kernel import retention
from yunlian.kernel.api import Identity
from yunlian.kernel.document import Invalid, Missing, Problem
from yunlian.kernel.fields import normal_code
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .attempts import Asked, printable
from .models import HalfSignIn, Membership, Session, User

IDLE = dt.timedelta(hours=8)
ABSOLUTE = dt.timedelta(days=7)
# A session's last use is written at most this often: a read should not cost a write.
TOUCH = dt.timedelta(minutes=1)
FIRST_PASSWORD = dt.timedelta(days=7)
LOGIN_MAX = 100


@dataclass(frozen=True)
class Signed(Identity):
    """A device that is signed in; its enterprise and employee are None until an enterprise is entered.

    `is_first_password`: signed in with one, so nothing may be done yet but choosing another. `proven_at` is when its
    owner last proved who they are.
    """

    user_id: int
    session_id: int = 0
    is_first_password: bool = False
    way: str = "password"
    proven_at: dt.datetime | None = None
    has_second_factor: bool = False


def normal_login(login: Any) -> str:
    """Return a login as it is stored and compared: NFKC, lower case, no blanks. Raises Invalid."""
    if not isinstance(login, str):
        raise Invalid(Problem("login", _("Must be text."), code="invalid"))
    text = unicodedata.normalize("NFKC", login).strip().casefold()
    is_plain = text.isprintable() and not any(c.isspace() for c in text)
    if not text or len(text) > LOGIN_MAX or not is_plain:
        message = _("Must have 1 to %(n)s characters, without blanks.") % {"n": LOGIN_MAX}
        raise Invalid(Problem("login", message, code="range"))
    return text


def digest(token: str) -> bytes:
    """Return what is stored of a random token."""
    return hashlib.sha256(token.encode()).digest()


def open_session(
    user_id: int,
    enterprise_id: int | None,
    asked: Asked,
    *,
    way: str,
    has_second_factor: bool = False,
    created_at: dt.datetime | None = None,
) -> str:
    """Open a session and return its new token; `created_at` when it goes on with an older one's age."""
    token = secrets.token_urlsafe(32)
    Session.objects.create(
        digest=digest(token), user_id=user_id, enterprise_id=enterprise_id, created_at=created_at or asked.now,
        used_at=asked.now, address=asked.address[:60], device=printable(asked.device)[:300], way=way,
        proven_at=asked.now, has_second_factor=has_second_factor,
    )  # fmt: skip
    return token


def find_signed(token: str, now: dt.datetime) -> Signed | None:
    """Return whose device carries this token, or None; one statement, and a write once a minute."""
    if not token or len(token) > 200:
        return None
    rows = run(
        "SELECT s.user_id, m.enterprise_id, m.employee_id, u.locale, s.id, "
        "s.way = 'password' AND u.password_expires_at IS NOT NULL, s.way, s.proven_at, s.has_second_factor, s.used_at "
        "FROM org_session s JOIN org_user u ON u.id = s.user_id AND u.is_active "
        "LEFT JOIN org_membership m ON m.user_id = s.user_id AND m.enterprise_id = s.enterprise_id AND m.is_active "
        "WHERE s.digest = %s AND s.created_at > %s AND s.used_at > %s",
        [digest(token), now - ABSOLUTE, now - IDLE],
    )
    if not rows:
        return None
    *values, used_at = rows[0]
    signed = Signed(*values)
    if now - used_at > TOUCH:
        Session.objects.filter(id=signed.session_id).update(used_at=now)
    return signed


def end(token: str) -> None:
    """End the session of a token, if there is one."""
    Session.objects.filter(digest=digest(token)).delete()


def end_all(user_id: int, *, but: int = 0) -> None:
    """End every session of a user, and every sign-in that is half done; `but` is a session that goes on."""
    Session.objects.filter(user_id=user_id).exclude(id=but).delete()
    HalfSignIn.objects.filter(user_id=user_id).delete()


def sign_out(signed: Signed, *, everywhere: bool = False) -> None:
    """End this device's session, or all of the user's."""
    if everywhere:
        end_all(signed.user_id)
    else:
        Session.objects.filter(id=signed.session_id).delete()


def devices(signed: Signed, now: dt.datetime) -> list[Session]:
    """The user's live sessions, last used first."""
    return list(
        Session.objects.filter(
            user_id=signed.user_id, created_at__gt=now - ABSOLUTE, used_at__gt=now - IDLE
        ).order_by("-used_at")
    )


def end_device(signed: Signed, session_id: int) -> None:
    """End one of the user's own sessions. Raises Missing when it is not theirs."""
    ended, _by_model = Session.objects.filter(id=session_id, user_id=signed.user_id).delete()
    if not ended:
        raise Missing("session")


def enter(signed: Signed, enterprise: str) -> int:
    """Enter an enterprise by id or code, and return its id. Raises Missing when it is not the user's."""
    membership = Membership.objects.filter(user_id=signed.user_id, is_active=True)
    by_id = (
        membership.filter(enterprise_id=int(enterprise))
        if enterprise.isdecimal() and len(enterprise) < 19
        else None
    )
    found = (by_id.first() if by_id is not None else None) or membership.filter(
        enterprise__code=normal_code(enterprise)
    ).first()
    if found is None:
        raise Missing("enterprise")
    with transaction.atomic():
        Session.objects.filter(id=signed.session_id).update(enterprise_id=found.enterprise_id)
        User.objects.filter(id=signed.user_id).update(last_enterprise_id=found.enterprise_id)
    entered: int = found.enterprise_id
    return entered


# What nobody can use any more goes.
retention.keep(retention.Kept("org_session", days=ABSOLUTE.days, by="created_at"))
