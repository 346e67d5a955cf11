"""A role for somebody of another branch of the same corp: the same login enters here too; visible, and revocable.

Two enterprises are read, one after the other, never together: where they come from tells who the account is, and only when
both are bound to the same corp, whose administrators see all of its people anyway.
"""

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import normal_code, uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.models import Job
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import _
from yunlian.org import access
from yunlian.org.models import Employee, Enterprise, Membership, User

from . import applying, connections
from .models import Connection, Guest, Match, Territory


def invite(ctx: Context, data: Mapping[str, Any]) -> Job:
    """Ask for a role for `account` of the corp, in `roles`, in `department`. Raises Invalid."""
    account, roles = data.get("account"), data.get("roles")
    if not isinstance(account, str) or not 0 < len(account) <= 100:
        raise Invalid(Problem("account", _("Must be filled in."), code="required"))
    if not isinstance(roles, list) or not roles:
        raise Invalid(Problem("roles", _("Choose at least one role."), code="required"))
    conn = connections.find(data.get("connection"))
    connections.require_on(conn)
    body = {"account": account, "roles": roles, "department": data.get("department")}
    return enqueue(ctx, "directory.guest", str(conn.id), msgspec.json.encode(body))


@job("directory.guest")
def run_guest(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Find who the account is at the other branch, then let them in here."""
    body = msgspec.json.decode(bytes(made.content or b"{}"))
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
    found = _found_elsewhere(conn, body["account"])
    if found is None:
        raise Failed(_("No other branch of this corp has somebody with this account and a login."))
    home, user_id, name = found
    with tenant(ctx.enterprise_id):
        return _let_in(ctx, conn, body, home, user_id, name)


def _found_elsewhere(conn: Connection, account: str) -> tuple[int, int, str] | None:
    """Return the enterprise, the login and the name of somebody of another part of the corp."""
    others = Territory.objects.filter(platform=conn.platform, corp_id=conn.corp_id, is_live=True).exclude(
        enterprise_id=conn.enterprise_id
    )
    for enterprise_id in others.order_by("id").values_list("enterprise_id", flat=True):
        with tenant(enterprise_id):
            match = Match.objects.filter(
                theirs__iexact=account, kind="person", ended_at=None, connection__platform=conn.platform
            ).first()
            if match is None:
                continue
            employee = Employee.objects.filter(id=match.employee_id, job="employed", is_active=True).first()
            membership = Membership.objects.filter(
                enterprise_id=enterprise_id, employee_id=match.employee_id, is_active=True
            ).first()
            if employee is not None and membership is not None:
                return enterprise_id, membership.user_id, employee.name
    return None


def _let_in(
    ctx: Context, conn: Connection, body: Mapping[str, Any], home: int, user_id: int, name: str
) -> dict[str, Any]:
    if Membership.objects.filter(enterprise_id=ctx.enterprise_id, user_id=user_id, is_active=True).exists():
        raise Failed(_("%(name)s enters here already.") % {"name": name})
    guest = Guest.objects.filter(user_id=user_id).order_by("-given_at").first()
    if guest is None:
        employee_id = _new_employee(ctx, body, name, user_id)
    else:
        employee_id = guest.employee_id
        Employee.objects.filter(id=employee_id).update(job="employed")
        access.set_access(ctx, employee_id, {"is_active": True})
    access.set_access(ctx, employee_id, {"roles": body["roles"]})
    home_name = Enterprise.objects.values_list("name", flat=True).get(pk=home)
    made = Guest.objects.create(
        id=new_id(), employee_id=employee_id, connection_id=conn.id, user_id=user_id, home_id=home,
        home_name=home_name, given_by=ctx.member_name, given_at=ctx.now,
    )  # fmt: skip
    return {"guest": str(made.id), "employee": str(employee_id), "name": name, "home": home_name}


def _new_employee(ctx: Context, body: Mapping[str, Any], name: str, user_id: int) -> uuid.UUID:
    code, n = normal_code(f"G-{body['account']}")[:50], 1
    while Employee.objects.filter(code=code if n == 1 else f"{code}-{n}").exists():
        n += 1
    data: dict[str, Any] = {"code": code if n == 1 else f"{code}-{n}", "name": name}
    department = body.get("department")
    if uuid_or_none(department) is not None:
        data["department"] = department
    made = save("org.employee", applying.for_the_enterprise(ctx), data)
    login = User.objects.values_list("login", flat=True).get(id=user_id)
    access.admit(ctx, made.header, login, None)
    return made.pk


def revoke(ctx: Context, id_: Any) -> Guest:
    """Take the role away again: they no longer enter here, at once; what they did stays. Raises Missing or Refused."""
    guest = Guest.objects.filter(id=uuid_or_none(id_)).first()
    if guest is None:
        raise Missing("directory.guest")
    if guest.ended_at is not None:
        raise Refused(Problem(None, _("This was taken away already."), code="ended"))
    access.set_access(ctx, guest.employee_id, {"is_active": False})
    Employee.objects.filter(id=guest.employee_id).update(job="left")  # no sync is to wonder about them
    Guest.objects.filter(id=guest.id).update(ended_at=ctx.now)
    guest.refresh_from_db()
    found: Guest = guest
    return found
