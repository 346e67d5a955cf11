"""From somebody proven to a session: the one door behind every way in, so that none is weaker than another.

Whoever proved to be a user by whatever way is asked the same here: is the login enabled, does the person still work
somewhere, is a second factor owed. Only then there is a session, with a token of its own.
"""

import datetime as dt
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F

from yunlian.kernel import retention
from yunlian.kernel.api import Unsigned
from yunlian.kernel.text import _

from . import account_log, second_factor, sessions
from .attempts import Asked, attempt
from .models import HalfSignIn, Membership, User

OWED = dt.timedelta(minutes=10)
TRIES = 5


@dataclass(frozen=True)
class Proof:
    """That somebody is a user, by a way; `enterprise_id` when the way belongs to one enterprise.

    `still_holds` is asked again while the user's row is locked: what proved them may have been taken away meanwhile.
    """

    user_id: int
    way: str
    enterprise_id: int | None = None
    still_holds: Callable[[User], bool] = lambda _user: True


@dataclass(frozen=True)
class Opened:
    """What the device gets: a session's token, or, while `owes_second_factor`, one that opens nothing but that."""

    token: str
    owes_second_factor: bool = False


def let_in(proof: Proof, asked: Asked) -> Opened:
    """Open a session for somebody proven, or ask for the second factor. Raises Unsigned when they may not enter."""
    with transaction.atomic():
        # Held until the session exists, so that a change of password or of ways meanwhile ends it too.
        user = User.objects.select_for_update().get(id=proof.user_id)
        if not proof.still_holds(user):
            raise Unsigned(_("What you signed in with has just been changed: try again."))
        entered = _enterprise(user, proof)
        if asked.replaced:
            sessions.end(asked.replaced)
        if second_factor.is_on(user.id):
            token = secrets.token_urlsafe(32)
            HalfSignIn.objects.create(
                digest=sessions.digest(token), user=user, way=proof.way, enterprise_id=proof.enterprise_id,
                created_at=asked.now,
            )  # fmt: skip
            return Opened(token, owes_second_factor=True)
        return Opened(sessions.open_session(user.id, entered, asked, way=proof.way))


def _enterprise(user: User, proof: Proof) -> int | None:
    """Return the enterprise to enter first, None when there are several. Raises Unsigned for who may enter none."""
    if not user.is_active:
        raise Unsigned(_("This login is disabled."))
    mine = list(Membership.objects.filter(user=user, is_active=True).values_list("enterprise_id", flat=True))
    if proof.enterprise_id is not None:
        if proof.enterprise_id not in mine:
            raise Unsigned(_("You no longer work in this enterprise."))
        return proof.enterprise_id
    if not mine:
        raise Unsigned(_("This login is disabled."))
    if user.last_enterprise_id in mine:
        return user.last_enterprise_id
    return mine[0] if len(mine) == 1 else None


def complete(token: str, code: object, asked: Asked) -> Opened:
    """Open the session that still owed its second factor.

    Raises Unsigned when nothing is owed (any more) or the code is wrong, TooMany when guessing is slowed.
    """
    half = _owing(token, asked.now)
    user = half.user
    with attempt("second_factor", user.login, asked, key=f"second_factor:{user.id}") as trying:
        trying.user_id = user.id
        # Counted by itself, before it is judged: a wrong code rolls nothing of it back.
        if not HalfSignIn.objects.filter(id=half.id, tries__lt=TRIES).update(tries=F("tries") + 1):
            raise Unsigned(_("Too many wrong codes: sign in again."))
        with transaction.atomic():
            user = User.objects.select_for_update().get(id=user.id)
            used = second_factor.take(user.id, code, asked.now)
            if used is None or not HalfSignIn.objects.filter(id=half.id).delete()[0]:
                raise Unsigned(_("This code is wrong or was used already."))
            if used == "recovery":
                account_log.note(user.id, "recovery_used", asked)
            entered = _enterprise(user, Proof(user.id, half.way, half.enterprise_id))
            token = sessions.open_session(user.id, entered, asked, way=half.way, has_second_factor=True)
            return Opened(token)


def _owing(token: str, now: dt.datetime) -> HalfSignIn:
    found = (
        HalfSignIn.objects.filter(digest=sessions.digest(token), created_at__gt=now - OWED)
        .select_related("user")
        .first()
    )
    if found is None:
        raise Unsigned(_("Sign in first."))
    return found


retention.keep(retention.Kept("org_halfsignin", days=1, by="created_at"))
