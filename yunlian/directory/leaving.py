"""From the integrated mode to the public one, in the steps of manual 003: complete the account, stop on the platform, unbind.

What will happen is shown first; nobody is locked out; history stays. Matches end and are kept, so that binding again
restores them, which the manual's product could not do.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org import access, identities
from yunlian.org.models import Employee, Enterprise, Membership, User

from . import connections, runs
from .models import Connection, Look, Match, Run

LISTED = 200

# Who of the people a connection brought (or, once it is unbound, has brought) works here, and whether they could sign in
# without it: by a password or a verified mobile.
_PEOPLE = """
SELECT DISTINCT e.id, e.code, e.name, e.mobile, coalesce(u.login, ''),
  m.id IS NOT NULL AND m.is_active AND u.is_active AND (
    u.password <> '' AND (u.password_expires_at IS NULL OR u.password_expires_at > %(now)s)
    OR EXISTS (SELECT 1 FROM org_identity i WHERE i.user_id = u.id AND i.provider = %(mobile)s)
  ) AS has_way
FROM directory_match t
JOIN org_employee e ON e.enterprise_id = t.enterprise_id AND e.id = t.employee_id AND e.is_active AND e.job = 'employed'
LEFT JOIN org_membership m ON m.enterprise_id = e.enterprise_id AND m.employee_id = e.id
LEFT JOIN org_user u ON u.id = m.user_id
WHERE t.enterprise_id = %(enterprise)s AND t.connection_id = %(connection)s
  AND (t.ended_at IS NULL OR t.ended_at = %(stopped)s)
ORDER BY e.code
"""


def preview(ctx: Context, conn: Connection) -> dict[str, Any]:
    """Return what unbinding would do: the steps and which are done, who has no way in yet, what stays."""
    people = _people(ctx, conn)
    without = [each for each in people if not each["has_way"]]
    return {
        "steps": [
            {"name": "account", "done": _has_password(ctx), "label": str(_("Complete your own account: login and password"))},
            {"name": "stop", "done": _is_stopped(conn), "label": str(_("Stop the app on the platform")), "path": STOP_PATHS[conn.platform]},
            {"name": "unbind", "done": conn.state == "left", "label": str(_("Unbind"))},
        ],
        "people": len(people),
        "without_way_in": [{k: each[k] for k in ("id", "code", "name", "mobile")} for each in without[:LISTED]],
        "without_count": len(without),
        "matches": Match.objects.filter(connection_id=conn.id, ended_at=None).count(),
        "kept_matches": Match.objects.filter(connection_id=conn.id, ended_at=conn.stopped_at).count() if conn.stopped_at else 0,
        "kept": str(_("Employees, departments, documents and logs stay as they are. Binding again restores the matches.")),
    }  # fmt: skip


STOP_PATHS: Mapping[str, str] = {
    "wecom": "企业微信后台 › 应用管理 › 自建 › 应用 › 停用; 管理工具 › 通讯录同步 › 关闭",
    "dingtalk": "钉钉管理后台 › 工作台 › 应用 › 停用",
}


def _people(ctx: Context, conn: Connection) -> list[dict[str, Any]]:
    values = {
        "enterprise": ctx.enterprise_id, "connection": conn.id, "now": ctx.now, "mobile": identities.MOBILE,
        "stopped": conn.stopped_at if conn.state == "left" else None,
    }  # fmt: skip
    rows = execute(_PEOPLE, values)  # type: ignore[arg-type]  # named, where the signature knows lists only
    names = ("id", "code", "name", "mobile", "login", "has_way")
    return [dict(zip(names, row, strict=True)) | {"id": str(row[0])} for row in rows]


def _has_password(ctx: Context) -> bool:
    return User.objects.filter(id=ctx.user_id or 0, password_expires_at=None).exclude(password="").exists()


def _is_stopped(conn: Connection) -> bool:
    """An app of the marketplace tells us; of an own app we only know what is switched off here."""
    return conn.state in ("stopped", "removed", "left") or (conn.origin == "own" and conn.state == "off")


def leave(ctx: Context, id_: Any, *, first_passwords: bool) -> dict[str, Any]:
    """Unbind. With `first_passwords`, whoever has no way in gets a login and a password to be changed at once.

    The answer shows those passwords this once. Raises Refused naming every step that is not done, or who would be
    locked out.
    """
    conn = connections.find(id_, lock=True)
    _require_ready(ctx, conn)
    without = [each for each in _people(ctx, conn) if not each["has_way"]]
    if without and not first_passwords:
        names = "、".join(each["name"] for each in without[:10])
        message = _("%(n)s people would have no way to sign in: %(names)s") % {
            "n": len(without),
            "names": names,
        }
        raise Refused(Problem("first_passwords", message, code="locked_out"))
    given = [_first_password(ctx, each) for each in without]
    _end(ctx, conn)
    access.require_administrator(ctx.enterprise_id)
    return {"state": conn.state, "passwords": given}


def _require_ready(ctx: Context, conn: Connection) -> None:
    problems = []
    if conn.state == "left":
        raise Refused(Problem("state", _("It is unbound already."), code="left"))
    if not _has_password(ctx):
        problems.append(Problem("account", _("Give your own login a password first."), code="account"))
    if not _is_stopped(conn):
        problems.append(Problem("stop", _("Stop the app on the platform first."), code="stop"))
    runs.settle(ctx, conn.id)
    if Run.objects.filter(connection_id=conn.id, state__in=runs.AT_WORK).exists():
        problems.append(Problem(None, _("A sync is at work: wait for it, or cancel it."), code="at_work"))
    if problems:
        raise Refused(*problems)


def _end(ctx: Context, conn: Connection) -> None:
    """End the matches at the moment the connection ends: by it they are found again."""
    connections.set_state(ctx, conn, "left")
    execute(
        "UPDATE directory_match SET ended_at = %s WHERE enterprise_id = %s AND connection_id = %s AND ended_at IS NULL",
        [conn.stopped_at, ctx.enterprise_id, conn.id],
    )
    Look.objects.filter(connection_id=conn.id).delete()


def expire(ctx: Context, conn: Connection) -> bool:
    """Unbind because the trial is over: by the same path, unless no administrator has another way in. Returns whether.

    Who else has no way in is listed as before and can still be given a first password.
    """
    ways = execute(
        "SELECT 1 FROM org_membership m JOIN org_user u ON u.id = m.user_id AND u.is_active AND u.password <> '' "
        "AND u.password_expires_at IS NULL "
        "JOIN org_employee e ON e.enterprise_id = m.enterprise_id AND e.id = m.employee_id AND e.is_active AND e.job = 'employed' "
        "JOIN org_employeerole h ON h.enterprise_id = e.enterprise_id AND h.employee_id = e.id "
        "JOIN org_roleverb v ON v.enterprise_id = h.enterprise_id AND v.role_id = h.role_id AND v.code = '*' AND v.verb = '*' "
        "WHERE m.enterprise_id = %s AND m.is_active LIMIT 1",
        [ctx.enterprise_id],
    )
    if not ways:
        if conn.state != "stopped":
            connections.set_state(ctx, conn, "stopped")
        return False
    _end(ctx, conn)
    return True


def give_first_passwords(ctx: Context, id_: Any) -> list[dict[str, Any]]:
    """Give everybody who was brought here and has no way in a first password; the answer shows them this once."""
    conn = connections.find(id_)
    return [_first_password(ctx, each) for each in _people(ctx, conn) if not each["has_way"]]


def _first_password(ctx: Context, each: Mapping[str, Any]) -> dict[str, Any]:
    employee_id = uuid.UUID(each["id"])
    membership = Membership.objects.filter(enterprise_id=ctx.enterprise_id, employee_id=employee_id).first()
    if membership is not None and not membership.is_active:
        access.set_access(ctx, employee_id, {"is_active": True})
    login = None if membership is not None else _free_login(ctx, employee_id, each)
    given = access.give_login(ctx, employee_id, login)
    return {
        "code": each["code"],
        "name": each["name"],
        "login": given["login"],
        "password": given["password"],
    }


def _free_login(ctx: Context, employee_id: uuid.UUID, each: Mapping[str, Any]) -> str:
    """Return a login nobody has: the mobile, else the enterprise's and the employee's code."""
    mobile = "".join(c for c in each["mobile"] or "" if c.isdigit())
    if mobile and not User.objects.filter(login=mobile).exists():
        return mobile
    enterprise = Enterprise.objects.values_list("code", flat=True).get(pk=ctx.enterprise_id)
    code = Employee.objects.values_list("code", flat=True).get(id=employee_id)
    login = f"{enterprise}.{code}".casefold().replace(" ", "")
    return login if not User.objects.filter(login=login).exists() else f"{login}.{str(employee_id)[-6:]}"
