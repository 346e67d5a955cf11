"""What an administrator does about another person's ways in: look, bind, unbind, and take off a lost second factor.

Within the administrator's own rights only (`access.require_within`), recorded in the employee's log and in the account's.
A login that also enters other enterprises is its owner's: here only accounts of this enterprise's corps are touched.
"""

from typing import Any

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from . import access, account_log, identities, second_factor, sessions
from .attempts import Asked
from .connections import CONNECTIONS
from .context import grants_of_employees
from .identities import MOBILE, Account
from .models import Identity, Membership, User


def ways_of_employee(ctx: Context, employee_id: Any) -> dict[str, Any]:
    """Return how an employee gets in. Raises Missing."""
    employee = access.find_employee(ctx, employee_id)
    membership = access.membership_of(ctx, employee)
    connected = CONNECTIONS.of_enterprise(ctx.enterprise_id)
    offered = [{"provider": each.provider, "corp": each.corp, "name": each.name} for each in connected]
    if membership is None:
        return {"login": None, "ways": [], "offered": offered}
    user = User.objects.get(id=membership.user_id)
    return {
        "login": user.login,
        "has_password": bool(user.password),
        "is_shared": _is_shared(ctx, user),
        "ways": identities.ways_of(user),
        "second_factor": second_factor.is_on(user.id),
        "events": account_log.latest(user.id),
        "offered": offered,
    }


def bind(ctx: Context, employee_id: Any, provider: Any, subject: Any, asked: Asked) -> dict[str, Any]:
    """Bind an account of a connected corp, by its id there, to an employee's login.

    Raises Refused when it is another person's or the employee has no login, Invalid for what is no account.
    """
    loaded, user = _whose(ctx, employee_id)
    connected = CONNECTIONS.find(ctx.enterprise_id, provider) if isinstance(provider, str) else None
    if connected is None:
        raise Invalid(Problem("provider", _("Is not connected here."), code="unknown"))
    if not isinstance(subject, str) or not 0 < len(subject.strip()) <= 64:
        raise Invalid(Problem("subject", _("Must be the account's id on the platform."), code="invalid"))
    account = Account(provider, connected.corp, identities.normal_subject(provider, subject))
    made = identities.bind(user.id, account, asked, by=ctx.user_id or 0)
    access.record(ctx, loaded, "bind", [_change(None, identities.shown(made))])
    return ways_of_employee(ctx, employee_id)


def unbind(ctx: Context, employee_id: Any, identity_id: int, asked: Asked) -> None:
    """Take an account from an employee's login. Raises Missing, Refused when it is the last way in or not ours to take."""
    loaded, user = _whose(ctx, employee_id)
    identity = Identity.objects.filter(id=identity_id, user=user).first()
    if identity is None:
        raise Missing("identity")
    of_corp = CONNECTIONS.enterprises_of(identity.provider, identity.corp)
    is_ours = identity.provider != MOBILE and ctx.enterprise_id in of_corp
    if not is_ours:
        _require_ours(ctx, user)
    identities.unbind(user.id, identity.id, asked, by=ctx.user_id or 0)
    access.record(ctx, loaded, "unbind", [_change(identities.shown(identity), None)])


def take_off_second_factor(ctx: Context, employee_id: Any, asked: Asked) -> None:
    """Forget the second factor of somebody who lost it; every session of theirs ends.

    Raises Refused when there is none, or the login enters other enterprises too.
    """
    loaded, user = _whose(ctx, employee_id)
    _require_ours(ctx, user)
    if not second_factor.is_on(user.id):
        raise Refused(Problem(None, _("There is no second factor."), code="none"))
    second_factor.turn_off(user.id)
    sessions.end_all(user.id)
    account_log.note(user.id, "second_factor_reset", asked, by=ctx.user_id)
    access.record(
        ctx, loaded, "second_factor", [{"field": "second_factor", "line": None, "old": True, "new": False}]
    )


def _whose(ctx: Context, employee_id: Any) -> tuple[Any, User]:
    loaded = access.locked_employee(ctx, employee_id)
    access.require_within(ctx, grants_of_employees(ctx.enterprise_id, [loaded.pk]))
    membership = access.membership_of(ctx, loaded.header)
    if membership is None:
        raise Refused(Problem("login", _("Give a login first."), code="no_login"))
    return loaded, User.objects.select_for_update().get(id=membership.user_id)


def _is_shared(ctx: Context, user: User) -> bool:
    return Membership.objects.filter(user=user).exclude(enterprise_id=ctx.enterprise_id).exists()


def _require_ours(ctx: Context, user: User) -> None:
    if _is_shared(ctx, user):
        message = _("This login also enters other enterprises: only its owner changes this.")
        raise Refused(Problem(None, message, code="shared"))


def _change(old: str | None, new: str | None) -> dict[str, Any]:
    return {"field": "login", "line": None, "old": old, "new": new}
