"""The way in by login and password, and how one's own password is changed."""

from typing import Any

from django.db import transaction

from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.text import _

from . import account_log, passwords, sessions
from .attempts import Asked, attempt
from .entrance import Opened, Proof, let_in
from .models import Session, User
from .sessions import Signed

WAY = "password"


def sign_in(login: Any, password: Any, asked: Asked) -> Opened:
    """Sign a device in.

    Raises Unsigned when login or password are wrong or the login is disabled, TooMany when guessing is slowed.
    """
    name = sessions.normal_login(login)
    word = passwords.normal_password(password)
    with attempt(WAY, name, asked, key=_key(name)) as trying:
        user = User.objects.filter(login=name).first()
        if not passwords.matches(word, user.password if user is not None else None) or user is None:
            raise Unsigned(_("Login or password is wrong."))
        trying.user_id, stored = user.id, user.password
        if user.is_active and user.password_expires_at is not None and user.password_expires_at <= asked.now:
            raise Unsigned(_("This first password has expired: ask an administrator for another."))
        return let_in(Proof(user.id, WAY, still_holds=lambda now: now.password == stored), asked)


def require_own(user: User, password: Any, asked: Asked, field: str) -> str:
    """Return the user's own password, normalised; a wrong one counts as a guess.

    Raises Invalid at `field` when it is wrong, TooMany when guessing is slowed.
    """
    try:
        word = passwords.normal_password(password)
        with attempt(WAY, user.login, asked, key=_key(user.login)) as trying:
            trying.user_id = user.id
            if not passwords.matches(word, user.password):
                raise Invalid(Problem(field, _("This is not your password."), code="wrong"))
    except Invalid as invalid:
        raise Invalid(*(Problem(field, p.message, code=p.code) for p in invalid.problems)) from None
    return word


def _key(login: str) -> str:
    return f"login:{login}"


def change_password(signed: Signed, old: Any, new: Any, asked: Asked) -> str:
    """Set the user's own password; other devices are signed out and this one gets a new token, which is returned.

    Whoever has none yet sets one without an old. Raises Invalid when the old one is wrong or the new one is not good,
    TooMany when guessing is slowed.
    """
    user = User.objects.get(id=signed.user_id)
    word = require_own(user, old, asked, "old") if user.password else None
    if user.password_expires_at is not None and user.password_expires_at <= asked.now:
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
        account_log.note(user.id, "password", asked)
        sessions.end_all(user.id)
        return sessions.open_session(
            user.id, own.enterprise_id, asked, way=own.way, has_second_factor=own.has_second_factor,
            created_at=own.created_at,
        )  # fmt: skip
