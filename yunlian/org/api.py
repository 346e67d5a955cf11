"""The organisation over HTTP: sessions, entering an enterprise, logins, roles and grants.

Everything about one's own session stands outside any tenant, so those routes open their own transactions. The ways in
are in sign_in_api, one's own account in me_api.
"""

from typing import Any

from yunlian.kernel.api import Answer, Identity, Request, Unsigned, route
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.fields import moment_text
from yunlian.kernel.load import reference
from yunlian.kernel.scope import tenant
from yunlian.kernel.shapes import (
    ID,
    MOMENT,
    REFERENCE,
    TEXT,
    WHOLE,
    YES,
    describes,
    every,
    maybe,
    named,
    record,
    rows,
    table,
)
from yunlian.kernel.text import _

from . import access, by_password, grants, helping, sessions
from .gate import GATE, cookie_name
from .models import Employee, EmployeeRole, Enterprise, Membership, Role, User
from .requests import cookie, fields_of, signed_of, takes, whole
from .sessions import Signed

_ENTERPRISE = record(id=TEXT, code=TEXT, name=TEXT)
_MEMBER = record(
    id=ID, name=TEXT, department=maybe(record(id=ID, name=TEXT)), roles=every(record(code=TEXT, name=TEXT))
)
SESSION = named(
    "Session",
    record(
        {"to": TEXT | {"description": "Where to go on, when a platform sent the browser back."}},
        user=maybe(record(id=TEXT, login=TEXT, name=TEXT)), enterprise=maybe(_ENTERPRISE), member=maybe(_MEMBER),
        enterprises=every(_ENTERPRISE), locale=TEXT, first_password=YES, second_factor=YES,
    ),
)  # fmt: skip
_DEVICE = record(id=TEXT, device=TEXT, address=TEXT, created_at=MOMENT, used_at=MOMENT, current=YES)
_GRANTS = named(
    "Grants",
    record(
        version=WHOLE, everything=YES, scopes=table({"enum": ["own", "department", "tree", "all"]}),
        verbs=every(
            record(code=TEXT, label=TEXT, app=TEXT, verbs=every(record(verb=TEXT, label=TEXT, granted=YES, needed=YES)))
        ),
        guards=every(record(guard=TEXT, label=TEXT, read=YES, write=YES)),
    ),
)  # fmt: skip
_GRANTING = {
    "type": "object", "description": "Its page, changed: a part that is absent stays as it is.",
    "properties": {
        "version": WHOLE, "everything": YES, "scopes": table(TEXT), "verbs": every({"type": "object"}),
        "guards": every({"type": "object"}),
    },
}  # fmt: skip
_ACCESS = named("Access", record(login=maybe(TEXT), roles=every(REFERENCE), is_active=YES))
_SETTING = record({"roles": every({"type": ["string", "object"]}), "is_active": YES, "login": maybe(TEXT)})


@route("DELETE", "/api/session", needs="user")
def sign_out(request: Request) -> Answer:
    """Sign out this device, or with everywhere=1 all devices of the user."""
    sessions.sign_out(signed_of(request), everywhere=request.query.get("everywhere") == "1")
    return Answer(status=204, cookies=[cookie(request.http, "session", "", 0)])


def signed_in(request: Request, token: str) -> Answer:
    """Answer who is signed in now, with the session's cookie; what the browser held of the way here goes."""
    signed = sessions.find_signed(token, GATE.clock())
    if signed is None:
        raise Unsigned
    http = request.http
    cookies = [cookie(http, "session", token, int(sessions.ABSOLUTE.total_seconds()))]
    cookies += [
        cookie(http, name, "", 0) for name in ("flow", "half") if cookie_name(http, name) in http.COOKIES
    ]
    return Answer(session_of(signed), cookies=cookies)


@route("GET", "/api/session", needs="user", schema=describes(SESSION))
def session(request: Request) -> dict[str, Any]:
    """Who and where I am, and which enterprises I may enter; of a credential, whom it acts as."""
    identity = request.identity
    if identity is None or isinstance(identity, Signed):
        return session_of(signed_of(request))
    return _session_of_machine(identity)


@route("PUT", "/api/session/enterprise", needs="user", schema=takes("enterprise", answer=SESSION))
def enter(request: Request) -> dict[str, Any]:
    """Enter an enterprise by id or code."""
    (wanted,) = fields_of(request, "enterprise")
    if not isinstance(wanted, str) or not wanted:
        raise Invalid(Problem("enterprise", _("Must be an id or a code.")))
    sessions.enter(signed_of(request), wanted)
    signed = GATE.identify(request.http)
    if not isinstance(signed, Signed):
        raise Unsigned
    return session_of(signed)


@route("POST", "/api/session/password", needs="user", schema=takes("new", also=("old",), answer=SESSION))
def change_password(request: Request) -> Answer:
    """Change my password; other devices are signed out and this one goes on with a new session.

    Whoever has none sets one, and must have proved lately who they are.
    """
    signed, asked = signed_of(request), GATE.asked(request.http)
    if User.objects.get(id=signed.user_id).password:
        old, new = fields_of(request, "old", "new")
    else:
        (new,), old = fields_of(request, "new"), None
        GATE.require_recent(signed)
    return signed_in(request, by_password.change_password(signed, old, new, asked))


@route("GET", "/api/session/devices", needs="user", schema=describes(rows(_DEVICE)))
def devices(request: Request) -> dict[str, Any]:
    """Where I am signed in, last used first."""
    signed = signed_of(request)
    rows = [
        {
            "id": str(one.pk),
            "device": one.device,
            "address": one.address,
            "created_at": moment_text(one.created_at),
            "used_at": moment_text(one.used_at),
            "current": one.pk == signed.session_id,
        }
        for one in sessions.devices(signed, GATE.clock())
    ]
    return {"rows": rows}


@route("DELETE", "/api/session/devices/{id}", needs="user")
def end_device(request: Request, id: str) -> Answer:
    """Sign out one of my devices."""
    sessions.end_device(signed_of(request), whole(id))
    return Answer(status=204)


def session_of(signed: Signed) -> dict[str, Any]:
    """Return who is signed in, where, and where else they may go.

    `first_password`: another password must be chosen before anything else. `second_factor`: one must be set up first.
    """
    user = User.objects.get(id=signed.user_id)
    mine = Membership.objects.filter(user_id=user.pk, is_active=True)
    enterprises = {
        each.pk: _enterprise(each)
        for each in Enterprise.objects.filter(id__in=mine.values("enterprise_id")).order_by("code")
    }
    member, roles = _member(signed)
    return {
        "user": {"id": str(user.pk), "login": user.login, "name": user.name},
        "enterprise": enterprises.get(signed.enterprise_id or 0),
        "member": member,
        "enterprises": list(enterprises.values()),
        "locale": user.locale,
        "first_password": signed.is_first_password,
        "second_factor": not signed.has_second_factor and any(role.needs_second_factor for role in roles),
    }


def _session_of_machine(identity: Identity) -> dict[str, Any]:
    """Of a credential: no user, one enterprise, and the employee it acts as."""
    enterprise = _enterprise(Enterprise.objects.get(pk=identity.enterprise_id or 0))
    return {
        "user": None,
        "enterprise": enterprise,
        "member": _member(identity)[0],
        "enterprises": [enterprise],
        "locale": identity.locale,
        "first_password": False,
        "second_factor": False,
    }


def _enterprise(enterprise: Enterprise) -> dict[str, Any]:
    return {"id": str(enterprise.pk), "code": enterprise.code, "name": enterprise.name}


def _member(identity: Identity) -> tuple[dict[str, Any] | None, list[Role]]:
    """The employee as whom somebody acts, and their roles."""
    if identity.enterprise_id is None:
        return None, []
    with tenant(identity.enterprise_id):
        employee = Employee.objects.filter(id=identity.employee_id).select_related("department").first()
        if employee is None:
            return None, []
        held = EmployeeRole.objects.filter(employee_id=employee.id).values("role_id")
        roles = list(Role.objects.filter(id__in=held, is_active=True).order_by("code"))
        department = reference(employee.department)
        shown = {
            "id": str(employee.id),
            "name": employee.name,
            "department": department and {"id": department["id"], "name": department["name"]},
            "roles": [{"code": role.code, "name": role.name} for role in roles],
        }
        return shown, roles


@route("GET", "/api/org.role/{id}/grants", needs="org.role.view", schema=describes(_GRANTS))
def read_grants(request: Request, id: str) -> dict[str, Any]:
    """What a role grants: verbs of every code, row scopes and field guards."""
    return grants.grants_of(request.ctx, id)


@route(
    "PUT",
    "/api/org.role/{id}/grants",
    needs="org.role.edit",
    is_sensitive=True,
    schema=describes(_GRANTS, body=_GRANTING),
)
def write_grants(request: Request, id: str) -> dict[str, Any]:
    """Change what a role grants."""
    return grants.set_grants(request.ctx, id, request.body)


@route("GET", "/api/org.employee/{id}/access", needs="org.employee.view", schema=describes(_ACCESS))
def read_access(request: Request, id: str) -> dict[str, Any]:
    """An employee's login and roles."""
    return access.access_of(request.ctx, id)


@route(
    "PUT",
    "/api/org.employee/{id}/access",
    needs="org.employee.access",
    is_sensitive=True,
    schema=describes(_ACCESS, body=_SETTING),
)
def write_access(request: Request, id: str) -> dict[str, Any]:
    """Set an employee's roles, and whether the login may enter."""
    return access.set_access(request.ctx, id, request.body)


@route(
    "POST",
    "/api/org.employee/{id}/login",
    needs="org.employee.access",
    is_sensitive=True,
    schema=takes(
        also=("login",), answer=record(login=TEXT, password=maybe(TEXT), expires_at=MOMENT), status=201
    ),
)
def give_login(request: Request, id: str) -> Answer:
    """Give an employee a login, or a new first password, which is answered this once."""
    given = access.give_login(request.ctx, id, request.fields("login").get("login"))
    return Answer(given, status=201, secrets=("password",))


@route("GET", "/api/org.employee/{id}/ways", needs="org.employee.access")
def read_ways(request: Request, id: str) -> dict[str, Any]:
    """How an employee gets in: accounts that are bound, second factor, what happened to them."""
    return helping.ways_of_employee(request.ctx, id)


@route(
    "POST",
    "/api/org.employee/{id}/ways",
    needs="org.employee.access",
    is_sensitive=True,
    schema=takes("provider", "subject"),
)
def bind_way(request: Request, id: str) -> Answer:
    """Bind an account of WeCom or DingTalk to an employee, by its id there."""
    provider, subject = fields_of(request, "provider", "subject")
    found = helping.bind(request.ctx, id, provider, subject, GATE.asked(request.http))
    return Answer(found, status=201)


@route("DELETE", "/api/org.employee/{id}/ways/{way}", needs="org.employee.access", is_sensitive=True)
def unbind_way(request: Request, id: str, way: str) -> Answer:
    """Unbind an account of an employee; never the last way in."""
    helping.unbind(request.ctx, id, whole(way), GATE.asked(request.http))
    return Answer(status=204)


@route("DELETE", "/api/org.employee/{id}/second-factor", needs="org.employee.access", is_sensitive=True)
def reset_second_factor(request: Request, id: str) -> Answer:
    """Take off the second factor of an employee who has lost it; their sessions end."""
    helping.take_off_second_factor(request.ctx, id, GATE.asked(request.http))
    return Answer(status=204)
