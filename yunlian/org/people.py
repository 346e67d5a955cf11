"""Founding an enterprise: its first administrator, its roles, and the account that acts for the chain.

Internal commands: over HTTP only an administrator who installed our app from a marketplace comes here (directory.arriving),
and no enterprise or login exists that nobody founded.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import DataError, transaction
from django.db.models import F

from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.fields import normal_code
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants, tenant
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from . import access, passwords, sessions
from .models import Employee, Enterprise, Role
from .presets import sync_presets

COMMUNICATION = ("YUNLIAN", "云链通信账号")
ROOT_DEPARTMENT = "00"
FIRST_EMPLOYEE = "0001"
EVERYTHING = Grants(frozenset("*"), {"*": "all"}, frozenset("*"), frozenset("*"))


@dataclass(frozen=True)
class Founded:
    """A new enterprise and what it starts with."""

    enterprise_id: int
    chain_id: uuid.UUID
    admin_id: uuid.UUID
    communication_id: uuid.UUID
    department_id: uuid.UUID


def found_enterprise(
    code: str,
    name: str,
    admin_login: str,
    admin_password: str | None,
    *,
    now: dt.datetime,
    admin_name: str = "管理员",
    time_zone: str = "Asia/Shanghai",
    is_demonstration: bool = False,
) -> Founded:
    """Make an enterprise with its root department, preset roles, first administrator and communication user.

    Without a password `admin_login` is a login that exists and enters this enterprise too. Raises Invalid or Refused when
    the code or login is taken, the password is not good or the time zone is unknown. Call it outside any tenant.
    """
    login = sessions.normal_login(admin_login)
    word = None if admin_password is None else passwords.require_good(admin_password, login, "admin_password")
    _require_zone(time_zone)
    with transaction.atomic():
        if not (code := normal_code(code)) or Enterprise.objects.filter(code=code).exists():
            raise Invalid(Problem("code", _("This code is taken."), code="taken"))
        enterprise = Enterprise.objects.create(
            code=code, name=name, chain_id=uuid.uuid4(), time_zone=time_zone, is_demonstration=is_demonstration,
            created_at=now,
        )  # fmt: skip
        with tenant(enterprise.id):
            return _furnish(enterprise, login, word, admin_name, now)


def _require_zone(name: str) -> None:
    """Raise Invalid unless Python and PostgreSQL, who both reckon in it, know a time zone."""
    try:
        ZoneInfo(name)
        with transaction.atomic():
            run("SELECT now() AT TIME ZONE %s", [name])
    except (ValueError, OSError, ZoneInfoNotFoundError, DataError):
        raise Invalid(Problem("time_zone", _("There is no such time zone."), code="unknown")) from None


def _furnish(
    enterprise: Enterprise, login: str, word: str | None, admin_name: str, now: dt.datetime
) -> Founded:
    ctx = system_context(enterprise.id, now)
    department = save("org.department", ctx, {"code": ROOT_DEPARTMENT, "name": enterprise.name})
    here = {"department": str(department.pk)}
    admin = save("org.employee", ctx, here | {"code": FIRST_EMPLOYEE, "name": admin_name})
    # From here on the administrator is who does it; their own row names themselves.
    Employee.objects.filter(id=admin.pk).update(created_by=F("id"), updated_by=F("id"))
    ctx = replace(ctx, member_id=admin.pk, member_name=admin_name, department_id=department.pk)
    sync_presets(ctx)
    code, name = COMMUNICATION
    chain = save("org.employee", ctx, here | {"code": code, "name": name, "kind": "service"})
    enterprise.communication_id = chain.pk
    enterprise.save(update_fields=["communication_id"])
    hold(ctx, chain.pk, ["collaboration"])
    hold(ctx, admin.pk, ["admin"])
    access.admit(ctx, admin.header, login, word)
    access.require_administrator(enterprise.id)
    return Founded(enterprise.id, enterprise.chain_id, admin.pk, chain.pk, department.pk)


def hire(
    ctx: Context,
    data: dict[str, Any],
    *,
    roles: Iterable[str] = (),
    login: str | None = None,
    password: str | None = None,
) -> uuid.UUID:
    """Save an employee with roles, and a login whose password holds; inside `tenant()`.

    For internal commands and tests; people get a first password that expires (`access.give_login`). Without a
    password the login must exist: it enters here too.
    """
    made = save("org.employee", ctx, data)
    hold(ctx, made.pk, roles)
    if login is not None:
        name = sessions.normal_login(login)
        word = None if password is None else passwords.require_good(password, name, "password")
        access.admit(ctx, made.header, name, word)
    return made.pk


def hold(ctx: Context, employee_id: uuid.UUID, roles: Iterable[str]) -> None:
    """Add roles, by code, to an employee."""
    codes = [normal_code(role) for role in roles]
    found = list(Role.objects.filter(code__in=codes).values_list("id", flat=True))
    if len(found) != len(set(codes)):
        raise Invalid(
            Problem("roles", _("%(code)s is not known here.") % {"code": ", ".join(codes)}, code="unknown")
        )
    access.hold(ctx.enterprise_id, employee_id, found)


def system_context(enterprise_id: int, now: dt.datetime) -> Context:
    """Return a context that may do everything, for founding and upgrades; its member is the communication user, if any."""
    ((communication_id, today),) = run(
        "SELECT communication_id, (%s::timestamptz AT TIME ZONE time_zone)::date FROM org_enterprise WHERE id = %s",
        [now, enterprise_id],
    )
    return Context(
        enterprise_id=enterprise_id, member_id=communication_id or uuid.UUID(int=0), member_name=COMMUNICATION[1],
        department_id=None, tree=(), grants=EVERYTHING, now=now, today=today,
    )  # fmt: skip


def sync_all_presets(now: dt.datetime) -> list[str]:
    """Bring the preset roles of every enterprise up to what is declared now; for the start after an upgrade."""
    added = []
    for enterprise_id, code in Enterprise.objects.order_by("id").values_list("id", "code"):
        with tenant(enterprise_id):
            added += [f"{code} {each}" for each in sync_presets(system_context(enterprise_id, now))]
    return added
