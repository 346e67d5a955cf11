"""Who may enter an enterprise, and in which roles: logins, first passwords, disabling, and that an administrator remains.

Nobody gives more than they have: roles and logins of somebody who may do more can only be changed by a member who may do as
much. A login that also enters other enterprises keeps its password: one enterprise cannot take it over.
"""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Q

from yunlian.kernel import audit
from yunlian.kernel.document import REGISTRY, Invalid, Missing, Problem, Refused, surplus
from yunlian.kernel.fields import moment_text, normal_code, uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded, load, reference
from yunlian.kernel.permission import Forbidden, require
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.sql import Writing, run
from yunlian.kernel.text import _

from . import passwords, sessions
from .context import covers, grants_of_employees, grants_of_roles
from .models import Employee, EmployeeRole, Enterprise, Membership, Role, Session, User

_STAYS = _("The chain acts as this account: it cannot go.")

ROLES_MAX = 50


def access_of(ctx: Context, employee_id: Any) -> dict[str, Any]:
    """Return an employee's login, roles and whether they may enter. Raises Missing."""
    employee = find_employee(ctx, employee_id)
    membership = membership_of(ctx, employee)
    roles = Role.objects.filter(
        id__in=EmployeeRole.objects.filter(employee_id=employee.id).values("role_id")
    ).order_by("code")
    return {
        "login": employee.login or None,
        "roles": [reference(role) for role in roles],
        "is_active": membership is not None and membership.is_active,
    }


def set_access(ctx: Context, employee_id: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    """Set an employee's `roles` and `is_active` (whether the login may enter); what is not named stays.

    Raises Invalid for unknown roles, Refused when no administrator would remain, Forbidden when the employee's roles, or
    the new ones, go beyond the caller's.
    """
    if problems := surplus(data, ("roles", "is_active", "login")):
        raise Invalid(*problems)
    loaded = locked_employee(ctx, employee_id)
    employee = loaded.header
    require_within(ctx, grants_of_employees(ctx.enterprise_id, [employee.id]))
    made: list[dict[str, Any]] = []
    if "roles" in data:
        made += _set_roles(ctx, employee, data["roles"])
    if "is_active" in data:
        made += _set_active(ctx, employee, data["is_active"])
    if made:
        require_administrator(ctx.enterprise_id)
        record(ctx, loaded, "access", made)
    return access_of(ctx, employee.id)


def _set_roles(ctx: Context, employee: Any, given: Any) -> list[dict[str, Any]]:
    wanted = {role.id: role for role in _roles(given)}
    held = {
        row.role_id: row
        for row in EmployeeRole.objects.filter(employee_id=employee.id).select_related("role")
    }
    require_within(ctx, grants_of_roles(ctx.enterprise_id, wanted))
    hold(ctx.enterprise_id, employee.id, [id_ for id_ in wanted if id_ not in held])
    writing = Writing(ctx.enterprise_id)
    writing.delete(EmployeeRole, [row.id for id_, row in held.items() if id_ not in wanted])
    writing.run()
    old = sorted(row.role.code for row in held.values())
    new = sorted(role.code for role in wanted.values())
    return (
        [] if old == new else [{"field": "roles", "line": None, "old": ", ".join(old), "new": ", ".join(new)}]
    )


def hold(enterprise_id: int, employee_id: uuid.UUID, roles: Iterable[uuid.UUID]) -> None:
    """Let an employee hold further roles, by id; those held already must not be named."""
    writing = Writing(enterprise_id)
    writing.insert(
        [
            EmployeeRole(enterprise_id=enterprise_id, id=new_id(), employee_id=employee_id, role_id=role)
            for role in roles
        ]
    )
    writing.run()


def _roles(given: Any) -> list[Role]:
    """Find roles by id or code, as text or `{id}` or `{code}`; raises Invalid naming those unknown."""
    if not isinstance(given, list) or len(given) > ROLES_MAX:
        message = _("Must be a list of at most %(n)s roles.") % {"n": ROLES_MAX}
        raise Invalid(Problem("roles", message))
    typed = [(one.get("id") or one.get("code")) if isinstance(one, Mapping) else one for one in given]
    if not all(isinstance(one, str) and len(one) <= 60 for one in typed):
        raise Invalid(Problem("roles", _("Must be an id or a code.")))
    names = [str(one) for one in typed]
    ids = {one: uuid_or_none(one) for one in names}
    codes = {one: normal_code(one) for one in names if ids[one] is None}
    by_id = {role.id: role for role in Role.objects.filter(id__in=[id_ for id_ in ids.values() if id_])}
    by_code = {role.code: role for role in Role.objects.filter(code__in=codes.values())}
    found = {one: by_code.get(codes[one]) if one in codes else by_id.get(ids[one]) for one in names}
    unknown = [
        Problem("roles", _("%(code)s is not known here.") % {"code": one}, no, "unknown")
        for no, one in enumerate(names, 1)
        if found[one] is None
    ]
    if unknown:
        raise Invalid(*unknown)
    return [role for role in found.values() if role is not None]


def _set_active(ctx: Context, employee: Any, is_active: Any) -> list[dict[str, Any]]:
    if not isinstance(is_active, bool):
        raise Invalid(Problem("is_active", _("Must be yes or no.")))
    membership = membership_of(ctx, employee)
    if membership is None:
        if is_active:
            raise Refused(Problem("login", _("Give a login first."), code="no_login"))
        return []
    if membership.is_active == is_active:
        return []
    if is_active and not (employee.is_active and employee.job == "employed"):
        raise Refused(Problem("is_active", _("This employee is no longer active."), code="inactive"))
    Membership.objects.filter(id=membership.id).update(is_active=is_active)
    if not is_active:
        end_sessions(ctx.enterprise_id, [membership.user_id])
    return [{"field": "login", "line": None, "old": not is_active, "new": is_active}]


def give_login(ctx: Context, employee_id: Any, login: Any) -> dict[str, Any]:
    """Give an employee a login, or the one they have a new first password; the answer shows it once.

    The password expires after 7 days and is good for choosing another only. Raises Refused when the login is taken, or
    enters other enterprises too.
    """
    loaded = locked_employee(ctx, employee_id)
    employee = loaded.header
    require_within(ctx, grants_of_employees(ctx.enterprise_id, [employee.id]))
    membership = membership_of(ctx, employee)
    word, until = passwords.first_password(), ctx.now + sessions.FIRST_PASSWORD
    if membership is None:
        name = admit(ctx, employee, sessions.normal_login(login), word, expires_at=until)
    else:
        name = _renew(membership, employee, login, word, until)
    record(ctx, loaded, "login", [{"field": "login", "line": None, "old": loaded.header.login, "new": name}])
    return {"login": name, "password": word, "expires_at": moment_text(until)}


def _renew(membership: Membership, employee: Any, login: Any, word: str, until: dt.datetime) -> str:
    user = User.objects.select_for_update().get(id=membership.user_id)
    if login is not None and sessions.normal_login(login) != user.login:
        raise Refused(
            Problem(
                "login", _("This employee has the login %(login)s.") % {"login": user.login}, code="has_login"
            )
        )
    if not membership.is_active:
        raise Refused(Problem("login", _("This login is disabled: enable it first."), code="inactive"))
    if user.memberships.count() > 1:
        message = _("This login also enters other enterprises: only its owner changes the password.")
        raise Refused(Problem("login", message, code="shared"))
    user.password, user.password_expires_at = passwords.digest_of(word), until
    user.save(update_fields=["password", "password_expires_at"])
    sessions.end_all(user.id)
    return user.login


def admit_matched(ctx: Context, employee_id: uuid.UUID) -> int:
    """Return the user of an employee whom the directory has matched; who has no login gets one without a password.

    Inside `tenant()`. Raises Missing, or Refused when the employee is a service account or gone.
    """
    employee = find_employee(ctx, employee_id)
    membership = membership_of(ctx, employee)
    if membership is None:
        code = Enterprise.objects.values_list("code", flat=True).get(id=ctx.enterprise_id)
        _require_works(employee)
        login = _free_login(f"{employee.code}@{code}")
        _join(ctx, employee, User.objects.create(login=login, name=employee.name, created_at=ctx.now))
        membership = membership_of(ctx, employee)
    assert membership is not None
    return membership.user_id


def _free_login(wanted: str) -> str:
    """Return a login nobody has: the wanted one, or with a number behind it."""
    name = sessions.normal_login(wanted.replace(" ", ""))[:90]
    taken = set(User.objects.filter(login__startswith=name).values_list("login", flat=True))
    return next(each for n in itertools.count(1) if (each := name if n == 1 else f"{name}.{n}") not in taken)


def rename_login(ctx: Context, employee_id: Any, login: Any) -> str:
    """Give the login of an employee another name; password and sessions stay. Returns the new name.

    Raises Refused when it is taken, when there is no login, or when it also enters other enterprises.
    """
    loaded = locked_employee(ctx, employee_id)
    employee, name = loaded.header, sessions.normal_login(login)
    require_within(ctx, grants_of_employees(ctx.enterprise_id, [employee.id]))
    membership = membership_of(ctx, employee)
    if membership is None:
        raise Refused(Problem("login", _("Give a login first."), code="no_login"))
    user = User.objects.select_for_update().get(id=membership.user_id)
    if user.memberships.count() > 1:
        message = _("This login also enters other enterprises: only its owner changes it.")
        raise Refused(Problem("login", message, code="shared"))
    if User.objects.filter(login=name).exclude(id=user.id).exists():
        raise Refused(Problem("login", _("This login is taken."), code="taken"))
    before, user.login = user.login, name
    user.save(update_fields=["login"])
    Employee.objects.filter(id=employee.id).update(login=name)
    record(ctx, loaded, "login", [{"field": "login", "line": None, "old": before, "new": name}])
    return name


def admit(
    ctx: Context, employee: Any, login: str, word: str | None, *, expires_at: dt.datetime | None = None
) -> str:
    """Let a person enter as this employee, with a new login and password, or with a login that exists (no password).

    Raises Refused when the login is taken, is unknown, already enters, or the employee is a service account or gone.
    """
    _require_works(employee)
    user = User.objects.filter(login=login).first()
    if word is None and user is None:
        raise Refused(Problem("login", _("There is no such login."), code="unknown"))
    if word is not None and user is not None:
        raise Refused(Problem("login", _("This login is taken."), code="taken"))
    if user is None:
        user = User(login=login, name=employee.name, created_at=ctx.now)
        user.password, user.password_expires_at = passwords.digest_of(word or ""), expires_at
        user.save()
    _join(ctx, employee, user)
    return user.login


def _require_works(employee: Any) -> None:
    if employee.kind != "person" or not (employee.is_active and employee.job == "employed"):
        raise Refused(Problem("login", _("Only people who work here can have a login."), code="kind"))


def _join(ctx: Context, employee: Any, user: User) -> None:
    if Membership.objects.filter(user=user, enterprise_id=ctx.enterprise_id).exists():
        raise Refused(Problem("login", _("This login already enters here."), code="taken"))
    Membership.objects.create(user=user, enterprise_id=ctx.enterprise_id, employee_id=employee.id)
    Employee.objects.filter(id=employee.id).update(login=user.login)


def end_sessions(enterprise_id: int, users: Iterable[int]) -> None:
    """End every session of users that is in this enterprise, or in none; those in others go on."""
    here = Q(enterprise_id=enterprise_id) | Q(enterprise_id__isnull=True)
    Session.objects.filter(here, user_id__in=list(users)).delete()


def disable_user(user_id: int) -> None:
    """Disable a login everywhere; for the installation's operator. Its sessions end at once."""
    with transaction.atomic():
        User.objects.filter(id=user_id).update(is_active=False)
        sessions.end_all(user_id)


def require_administrator(enterprise_id: int) -> None:
    """Raise Refused unless somebody remains who may enter and do everything.

    Called after the change. The enterprise's row is locked first, so that of two administrators who disable one another
    the second learns of the first.
    """
    run("SELECT 1 FROM org_enterprise WHERE id = %s FOR NO KEY UPDATE", [enterprise_id])
    remaining = run(
        "SELECT 1 FROM org_membership m JOIN org_user u ON u.id = m.user_id AND u.is_active "
        "JOIN org_employee e ON e.enterprise_id = m.enterprise_id AND e.id = m.employee_id AND e.is_active "
        "AND e.job = 'employed' "
        "JOIN org_employeerole h ON h.enterprise_id = e.enterprise_id AND h.employee_id = e.id "
        "JOIN org_role r ON r.enterprise_id = h.enterprise_id AND r.id = h.role_id AND r.is_active "
        "JOIN org_roleverb v ON v.enterprise_id = r.enterprise_id AND v.role_id = r.id AND v.code = '*' AND v.verb = '*' "
        "WHERE m.enterprise_id = %s AND m.is_active LIMIT 1",
        [enterprise_id],
    )
    if not remaining:
        message = _("Nobody would be left who may do everything: make another administrator first.")
        raise Refused(Problem(None, message, code="last_administrator"))


def follow_employees(ctx: Context, found: Sequence[Loaded]) -> None:
    """After employees were saved: who no longer works here no longer enters; the chain's account stays what it is."""
    known = [each.header for each in found if each.header.version > 1]
    if not known:
        return
    logins = {
        one.employee_id: one
        for one in Membership.objects.filter(
            enterprise_id=ctx.enterprise_id, employee_id__in=[each.id for each in known]
        )
    }
    communication = (
        Enterprise.objects.filter(id=ctx.enterprise_id).values_list("communication_id", flat=True).first()
    )
    ended: list[Membership] = []
    for employee in known:
        works = employee.is_active and employee.job == "employed"
        if employee.id == communication:
            if not works or employee.kind != "service":
                raise Refused(Problem(None, _STAYS, code="communication"))
        elif employee.id in logins and employee.kind != "person":
            raise Refused(Problem("kind", _("Somebody signs in as this employee."), code="has_login"))
        elif employee.id in logins and not works:
            ended.append(logins[employee.id])
    if ended:
        require_within(ctx, grants_of_employees(ctx.enterprise_id, [one.employee_id for one in ended]))
        Membership.objects.filter(id__in=[one.id for one in ended]).update(is_active=False)
        end_sessions(ctx.enterprise_id, [one.user_id for one in ended])
        require_administrator(ctx.enterprise_id)


def follow_employee_deleted(ctx: Context, loaded: Loaded) -> None:
    """After an employee was deleted: those with a login and the chain's account are kept."""
    if Enterprise.objects.filter(id=ctx.enterprise_id, communication_id=loaded.pk).exists():
        raise Refused(Problem(None, _STAYS, code="communication"))
    if membership_of(ctx, loaded.header) is not None:
        raise Refused(Problem(None, _("It has a login: make it inactive instead."), code="has_login"))


def follow_role(ctx: Context, loaded: Loaded) -> None:
    """After a role was saved: an administrator remains, and nobody switches on what goes beyond them."""
    require_within(ctx, grants_of_roles(ctx.enterprise_id, [loaded.pk]))
    if not loaded.header.is_active:
        require_administrator(ctx.enterprise_id)


def follow_role_deleted(ctx: Context, loaded: Loaded) -> None:
    """After a role was deleted: presets stay, and an administrator remains."""
    if loaded.header.is_preset:
        message = _("A preset role can be changed or made inactive, but not deleted.")
        raise Refused(Problem(None, message, code="preset"))
    require_administrator(ctx.enterprise_id)


def require_within(ctx: Context, grants: Grants) -> None:
    """Raise Forbidden when these grants go beyond the member's own."""
    if not covers(ctx.grants, grants):
        raise Forbidden("beyond your own roles")


def find_employee(ctx: Context, employee_id: Any) -> Any:
    """Return an employee by id. Raises Missing."""
    id_ = uuid_or_none(employee_id)
    found = Employee.objects.filter(id=id_).first() if id_ is not None else None
    if found is None:
        raise Missing("org.employee")
    return found


def locked_employee(ctx: Context, employee_id: Any) -> Loaded:
    """Return an employee, locked, for whoever may change access. Raises Forbidden, Missing."""
    require(ctx, REGISTRY["org.employee"], "access")
    id_ = uuid_or_none(employee_id)
    if id_ is None:
        raise Missing("org.employee")
    return load(REGISTRY["org.employee"], ctx, id_, lock=True)


def membership_of(ctx: Context, employee: Any) -> Membership | None:
    """Return through which login an employee enters, if any."""
    return Membership.objects.filter(enterprise_id=ctx.enterprise_id, employee_id=employee.id).first()


def record(ctx: Context, loaded: Loaded, act: str, made: list[dict[str, Any]]) -> None:
    """Write who changed the access in the employee's log, as a version of its own."""
    header = loaded.header
    header.version += 1
    header.updated_at, header.updated_by = ctx.now, ctx.member_id
    writing = Writing(ctx.enterprise_id)
    writing.update([header], ["version", "updated_at", "updated_by"])
    audit.record(writing, ctx, loaded, act, made)
    writing.run()
