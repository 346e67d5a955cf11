"""Proving again who one is, before what would outlive a borrowed session: ways in, second factor, credentials, grants.

Good for ten minutes (ASVS 7.5.1). Whoever has a second factor proves it; others their password, a code by SMS, or an
account they have bound.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from yunlian.kernel.document import Invalid, Problem, Refused
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.text import _

from . import account_log, by_password, by_text, identities, second_factor
from .attempts import Asked, attempt
from .identities import MOBILE, Account
from .models import Identity, Session, User
from .sessions import Signed

RECENT = dt.timedelta(minutes=10)


class ProveAgain(Refused):
    """Signed in too long ago for this: prove again who you are. HTTP 403."""

    status = 403


def require_recent(signed: object, now: dt.datetime) -> None:
    """Raise ProveAgain unless a person proved lately who they are, Forbidden for a machine, which cannot."""
    if not isinstance(signed, Signed):
        raise Forbidden("for people only")
    if signed.proven_at is None or not now - RECENT < signed.proven_at <= now + RECENT:
        raise ProveAgain(
            Problem(None, _("Prove first that it is you: you signed in a while ago."), code="prove_again")
        )


def ways_to_prove(user: User) -> list[str]:
    """Return how this user can prove who they are: `second_factor` alone, or `password`, `mobile` and providers."""
    if second_factor.is_on(user.id):
        return ["second_factor"]
    bound = Identity.objects.filter(user=user).order_by("provider").values_list("provider", flat=True)
    return [*(["password"] if user.password else []), *dict.fromkeys(bound)]


def prove(signed: Signed, given: Mapping[str, Any], asked: Asked) -> None:
    """Prove by `{"code": …}` of the second factor, `{"password": …}` or `{"mobile_code": …}`.

    Raises Invalid when it is wrong or not a way of theirs, TooMany when guessing is slowed.
    """
    user = User.objects.get(id=signed.user_id)
    ways = ways_to_prove(user)
    if "code" in given and "second_factor" in ways:
        with attempt("second_factor", user.login, asked, key=f"second_factor:{user.id}") as trying:
            trying.user_id = user.id
            used = second_factor.take(user.id, given["code"], asked.now)
            if used is None:
                raise Invalid(Problem("code", _("This code is wrong or was used already."), code="wrong"))
            if used == "recovery":
                account_log.note(user.id, "recovery_used", asked)
    elif "password" in given and "password" in ways:
        by_password.require_own(user, given["password"], asked, "password")
    elif "mobile_code" in given and MOBILE in ways:
        by_text.require_code(user, own_mobile(user), "prove", given["mobile_code"], asked)
    else:
        raise Invalid(Problem(None, _("You cannot prove it this way."), code="way"))
    proven(signed, asked)


def prove_by_account(signed: Signed, account: Account, asked: Asked) -> None:
    """Prove by an account of a platform that came back from there. Raises Invalid when it is not theirs."""
    user = User.objects.get(id=signed.user_id)
    identity = identities.find(account)
    is_own = identity is not None and identity.user_id == user.id
    if not is_own or account.provider not in ways_to_prove(user):
        raise Invalid(Problem(None, _("You cannot prove it this way."), code="way"))
    proven(signed, asked)


def own_mobile(user: User) -> str:
    """Return the mobile a user has verified. Raises Refused when there is none."""
    found = Identity.objects.filter(user=user, provider=MOBILE).first()
    if found is None:
        raise Refused(Problem("mobile", _("You have bound no mobile."), code="none"))
    return found.subject


def proven(signed: Signed, asked: Asked) -> None:
    """Note on the session that its owner has just proved who they are."""
    Session.objects.filter(id=signed.session_id).update(proven_at=asked.now)
