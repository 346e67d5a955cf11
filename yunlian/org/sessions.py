"""Signing in and out: sessions of devices, slowed guessing, change of password.

A session is a random token that only the device has; we keep its SHA-256. It ends 8 hours after its last use, 7 days
after signing in, when its user is disabled, and, for other devices, when the password changes. Nothing here is inside
a tenant: users and sessions are global. Callers hand in `now`.
"""

import datetime as dt
import hashlib
import logging
import math
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from yunlian.kernel import retention
from yunlian.kernel.api import Identity, TooMany, Unsigned
from yunlian.kernel.document import Invalid, Missing, Problem
from yunlian.kernel.fields import normal_code
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from . import passwords
from .models import Attempt, Membership, Session, Throttle, User

log = logging.getLogger("yunlian.org")

IDLE = dt.timedelta(hours=8)
ABSOLUTE = dt.timedelta(days=7)
# A session's last use is written at most this often: a read should not cost a write.
TOUCH = dt.timedelta(minutes=1)
FIRST_PASSWORD = dt.timedelta(days=7)

# Failures before guessing is slowed; after them the wait doubles with each, up to DELAY_MAX_S.
FREE_BY_LOGIN, FREE_BY_ADDRESS = 5, 20
DELAY_MAX_S = 900
FORGET = dt.timedelta(days=1)
LOGIN_MAX = 100


@dataclass(frozen=True)
class Signed(Identity):
    """A device that is signed in; its enterprise and employee are None until an enterprise is entered.

    `is_first_password`: nothing may be done yet but choosing another password.
    """

    user_id: int
    session_id: int = 0
    is_first_password: bool = False


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
    """Return what is stored of a session's token."""
    return hashlib.sha256(token.encode()).digest()


def sign_in(
    login: Any,
    password: Any,
    now: dt.datetime,
    *,
    address: str = "",
    device: str = "",
    replaced: str | None = None,
) -> str:
    """Sign a device in and return its new token; `replaced` is the token it came with, which ends.

    Raises Unsigned when login or password are wrong or the login is disabled, TooMany when guessing is slowed.
    """
    name = normal_login(login)
    word = passwords.normal_password(password)
    with _attempt(name, address, now):
        user = User.objects.filter(login=name).first()
        if not passwords.matches(word, user.password if user is not None else None) or user is None:
            raise Unsigned(_("Login or password is wrong."))
        if not user.is_active:
            raise Unsigned(_("This login is disabled."))
        if user.password_expires_at is not None and user.password_expires_at <= now:
            raise Unsigned(_("This first password has expired: ask an administrator for another."))
        memberships = list(
            Membership.objects.filter(user=user, is_active=True).values_list("enterprise_id", flat=True)
        )
        if not memberships:
            raise Unsigned(_("This login is disabled."))
        with transaction.atomic():
            # Held until the session exists, so that a change of password meanwhile ends it too.
            if User.objects.select_for_update().get(id=user.id).password != user.password:
                raise Unsigned(_("Login or password is wrong."))
            if replaced:
                Session.objects.filter(digest=digest(replaced)).delete()
            entered = user.last_enterprise_id if user.last_enterprise_id in memberships else None
            if entered is None and len(memberships) == 1:
                entered = memberships[0]
            return _open(user.id, entered, now, now, address, device)


def _open(
    user_id: int,
    enterprise_id: int | None,
    created_at: dt.datetime,
    now: dt.datetime,
    address: str,
    device: str,
) -> str:
    token = secrets.token_urlsafe(32)
    Session.objects.create(
        digest=digest(token), user_id=user_id, enterprise_id=enterprise_id, created_at=created_at, used_at=now,
        address=address[:60], device=_printable(device)[:300],
    )  # fmt: skip
    return token


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


@contextmanager
def _attempt(login: str, address: str, now: dt.datetime) -> Iterator[None]:
    """Count a try before it is judged, and take it back when it succeeds; raises TooMany instead of judging it.

    Tries that are free set the next moment to the past: two devices that sign in at once, whose clocks were read in
    either order, do not slow each other.
    """
    keys = [(f"login:{login}", FREE_BY_LOGIN)] + (
        [(f"address:{address}", FREE_BY_ADDRESS)] if address else []
    )
    with transaction.atomic():
        for key, free in sorted(keys):
            _count(key, free, now)
    succeeded = False
    try:
        yield
        succeeded = True
    finally:
        if succeeded:
            Throttle.objects.filter(key=f"login:{login}").delete()
            run(
                "UPDATE org_throttle SET failures = greatest(failures - 1, 0), next_at = %s WHERE key = %s",
                [now - FORGET, f"address:{address}"],
            )
        Attempt.objects.create(at=now, login=login, address=address[:60], succeeded=succeeded)
        log.info("sign-in of %r from %s: %s", login, address, "done" if succeeded else "refused")


def _count(key: str, free: int, now: dt.datetime) -> None:
    failures = "CASE WHEN t.at < %(forget)s THEN 1 ELSE t.failures + 1 END"
    counted = run(
        "INSERT INTO org_throttle AS t (key, failures, at, next_at) VALUES (%(key)s, 1, %(now)s, %(forget)s) "
        f"ON CONFLICT (key) DO UPDATE SET failures = {failures}, at = %(now)s, next_at = "
        f"CASE WHEN {failures} <= %(free)s THEN %(forget)s ELSE %(now)s + "
        f"make_interval(secs => least(power(2, least({failures} - %(free)s, 20)), %(most)s)) END "
        "WHERE t.next_at <= %(now)s RETURNING 1",
        {"key": key, "free": free, "now": now, "forget": now - FORGET, "most": DELAY_MAX_S},  # type: ignore[arg-type]
    )
    if not counted:
        next_at = Throttle.objects.values_list("next_at", flat=True).get(key=key)
        seconds = max(1, math.ceil((next_at - now).total_seconds()))
        raise TooMany(_("Too many tries: wait %(n)s seconds.") % {"n": seconds}, seconds)


def find_signed(token: str, now: dt.datetime) -> Signed | None:
    """Return whose device carries this token, or None; one statement, and a write once a minute."""
    if not token or len(token) > 200:
        return None
    rows = run(
        "SELECT s.user_id, m.enterprise_id, m.employee_id, u.locale, s.id, u.password_expires_at IS NOT NULL, s.used_at "
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


def sign_out(signed: Signed, *, everywhere: bool = False) -> None:
    """End this device's session, or all of the user's."""
    if everywhere:
        Session.objects.filter(user_id=signed.user_id).delete()
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


def change_password(signed: Signed, old: Any, new: Any, now: dt.datetime, *, address: str = "") -> str:
    """Set the user's own password; other devices are signed out and this one gets a new token, which is returned.

    Raises Invalid when the old one is wrong or the new one is not good, TooMany when guessing is slowed.
    """
    user = User.objects.get(id=signed.user_id)
    word = passwords.normal_password(old)
    try:
        with _attempt(user.login, address, now):
            if not passwords.matches(word, user.password):
                raise Invalid(Problem("old", _("This is not your password."), code="wrong"))
    except Invalid as invalid:
        raise Invalid(*(Problem("old", p.message, code=p.code) for p in invalid.problems)) from None
    if user.password_expires_at is not None and user.password_expires_at <= now:
        raise Unsigned(_("This first password has expired: ask an administrator for another."))
    good = passwords.require_good(new, user.login)
    if good == word:
        raise Invalid(Problem("new", _("Must differ from the old one."), code="same"))
    stored = passwords.digest_of(good)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(id=user.id)
        own = Session.objects.filter(id=signed.session_id).first()
        if locked.password != user.password or own is None:
            raise Unsigned(_("Sign in first."))
        locked.password, locked.password_expires_at = stored, None
        locked.save(update_fields=["password", "password_expires_at"])
        Session.objects.filter(user_id=user.id).delete()
        return _open(user.id, own.enterprise_id, own.created_at, now, own.address, own.device)


# What nobody can use any more goes: ended sessions, forgotten failures, old tries.
retention.keep(retention.Kept("org_session", days=ABSOLUTE.days, by="created_at"))
retention.keep(retention.Kept("org_throttle", days=FORGET.days, by="at"))
retention.keep(retention.Kept("org_attempt", days=30, by="at"))
