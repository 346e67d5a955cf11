"""The organisation over HTTP: signing in and out, entering an enterprise, logins, roles and grants.

Signing in and everything about one's own session stands outside any tenant, so those routes open their own transactions.
"""

from typing import Any

from django.http import HttpRequest

from yunlian.kernel.api import Answer, Request, Unsigned, route
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.fields import Moment
from yunlian.kernel.load import reference
from yunlian.kernel.scope import tenant
from yunlian.kernel.text import _

from . import access, grants, sessions
from .gate import GATE, cookie_name, device_of
from .models import Employee, EmployeeRole, Enterprise, Membership, Role, User
from .sessions import Signed


def _signed(request: Request) -> Signed:
    """The device that asks; a machine's credential has no session."""
    if not isinstance(request.identity, Signed):
        raise Unsigned
    return request.identity


def _fields(request: Request, *names: str) -> list[Any]:
    """The body's values by name; raises Invalid for a missing or surplus one."""
    problems = [
        Problem(name, _("Must be filled in."), code="required") for name in names if name not in request.body
    ] + [
        Problem(str(name)[:60], _("There is no such field."), code="surplus")
        for name in request.body
        if name not in names
    ]
    if problems:
        raise Invalid(*problems)
    return [request.body[name] for name in names]


def _with_cookie(http: HttpRequest, token: str, data: Any) -> Answer:
    options = {
        "max_age": int(sessions.ABSOLUTE.total_seconds()),
        "httponly": True,
        "samesite": "Lax",
        "secure": http.is_secure(),
        "path": "/",
    }
    return Answer(data, cookies=[(cookie_name(http), token, options)])


@route("POST", "/api/session", needs="public")
def sign_in(request: Request) -> Answer:
    """Sign in with login and password; the session comes as a cookie."""
    login, password = _fields(request, "login", "password")
    http, now = request.http, GATE.clock()
    token = sessions.sign_in(
        login, password, now, replaced=http.COOKIES.get(cookie_name(http)), **device_of(http)
    )
    signed = sessions.find_signed(token, now)
    if signed is None:
        raise Unsigned
    return _with_cookie(http, token, session_of(signed))


@route("DELETE", "/api/session", needs="user")
def sign_out(request: Request) -> Answer:
    """Sign out this device, or with everywhere=1 all devices of the user."""
    sessions.sign_out(_signed(request), everywhere=request.query.get("everywhere") == "1")
    answer = _with_cookie(request.http, "", None)
    answer.cookies[0][2]["max_age"] = 0
    answer.status = 204
    return answer


@route("GET", "/api/session", needs="user")
def session(request: Request) -> dict[str, Any]:
    """Who and where I am, and which enterprises I may enter."""
    return session_of(_signed(request))


@route("PUT", "/api/session/enterprise", needs="user")
def enter(request: Request) -> dict[str, Any]:
    """Enter an enterprise by id or code."""
    (wanted,) = _fields(request, "enterprise")
    if not isinstance(wanted, str) or not wanted:
        raise Invalid(Problem("enterprise", _("Must be an id or a code.")))
    sessions.enter(_signed(request), wanted)
    signed = GATE.identify(request.http)
    if not isinstance(signed, Signed):
        raise Unsigned
    return session_of(signed)


@route("POST", "/api/session/password", needs="user")
def change_password(request: Request) -> Answer:
    """Change my password; other devices are signed out and this one goes on with a new session."""
    old, new = _fields(request, "old", "new")
    http, now = request.http, GATE.clock()
    address = device_of(http)["address"]
    token = sessions.change_password(_signed(request), old, new, now, address=address)
    signed = sessions.find_signed(token, now)
    if signed is None:
        raise Unsigned
    return _with_cookie(http, token, session_of(signed))


@route("GET", "/api/session/devices", needs="user")
def devices(request: Request) -> dict[str, Any]:
    """Where I am signed in, last used first."""
    signed, moment = _signed(request), Moment()
    rows = [
        {
            "id": str(one.pk),
            "device": one.device,
            "address": one.address,
            "created_at": moment.show(one.created_at),
            "used_at": moment.show(one.used_at),
            "current": one.pk == signed.session_id,
        }
        for one in sessions.devices(signed, GATE.clock())
    ]
    return {"rows": rows}


@route("DELETE", "/api/session/devices/{id}", needs="user")
def end_device(request: Request, id: str) -> Answer:
    """Sign out one of my devices."""
    sessions.end_device(_signed(request), int(id) if id.isdecimal() and len(id) < 19 else 0)
    return Answer(status=204)


def session_of(signed: Signed) -> dict[str, Any]:
    """Return who is signed in, where, and where else they may go.

    `first_password`: another password must be chosen before anything else.
    """
    user = User.objects.get(id=signed.user_id)
    mine = Membership.objects.filter(user_id=user.pk, is_active=True)
    enterprises = {
        each.pk: {"id": str(each.pk), "code": each.code, "name": each.name}
        for each in Enterprise.objects.filter(id__in=mine.values("enterprise_id")).order_by("code")
    }
    return {
        "user": {"id": str(user.pk), "login": user.login, "name": user.name},
        "enterprise": enterprises.get(signed.enterprise_id or 0),
        "member": _member(signed),
        "enterprises": list(enterprises.values()),
        "locale": user.locale,
        "first_password": signed.is_first_password,
    }


def _member(signed: Signed) -> dict[str, Any] | None:
    if signed.enterprise_id is None:
        return None
    with tenant(signed.enterprise_id):
        employee = Employee.objects.filter(id=signed.employee_id).select_related("department").first()
        if employee is None:
            return None
        held = EmployeeRole.objects.filter(employee_id=employee.id).values("role_id")
        roles = Role.objects.filter(id__in=held, is_active=True).order_by("code")
        department = reference(employee.department)
        return {
            "id": str(employee.id),
            "name": employee.name,
            "department": department and {"id": department["id"], "name": department["name"]},
            "roles": [{"code": role.code, "name": role.name} for role in roles],
        }


@route("GET", "/api/org.role/{id}/grants", needs="org.role.view")
def read_grants(request: Request, id: str) -> dict[str, Any]:
    """What a role grants: verbs of every code, row scopes and field guards."""
    return grants.grants_of(request.ctx, id)


@route("PUT", "/api/org.role/{id}/grants", needs="org.role.edit")
def write_grants(request: Request, id: str) -> dict[str, Any]:
    """Change what a role grants."""
    return grants.set_grants(request.ctx, id, request.body)


@route("GET", "/api/org.employee/{id}/access", needs="org.employee.view")
def read_access(request: Request, id: str) -> dict[str, Any]:
    """An employee's login and roles."""
    return access.access_of(request.ctx, id)


@route("PUT", "/api/org.employee/{id}/access", needs="org.employee.access")
def write_access(request: Request, id: str) -> dict[str, Any]:
    """Set an employee's roles, and whether the login may enter."""
    return access.set_access(request.ctx, id, request.body)


@route("POST", "/api/org.employee/{id}/login", needs="org.employee.access")
def give_login(request: Request, id: str) -> Answer:
    """Give an employee a login, or a new first password, which is answered this once."""
    surplus = [
        Problem(str(name)[:60], _("There is no such field."), code="surplus")
        for name in request.body
        if name != "login"
    ]
    if surplus:
        raise Invalid(*surplus)
    given = access.give_login(request.ctx, id, request.body.get("login"))
    return Answer(given, status=201, secrets=("password",))
