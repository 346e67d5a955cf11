"""The enterprises, founded by an internal command, and their people, let in by each administrator over HTTP."""

import datetime as dt
from typing import Any

import httpx

from yunlian.org.models import Enterprise
from yunlian.org.people import found_enterprise

from .desk import Desk
from .people import COMPANIES, PEOPLE, Person


def found() -> list[dict[str, str]]:
    """Make the enterprises that are missing; returns all of them by code, id and name."""
    now = dt.datetime.now(dt.UTC)
    for company in COMPANIES:
        admin = next(person for person in PEOPLE if person.company == company.code)
        if not Enterprise.objects.filter(code=company.code).exists():
            found_enterprise(
                company.code, company.name, admin.login, admin.password, now=now, admin_name=admin.name,
                is_demonstration=True,
            )  # fmt: skip
    rows = Enterprise.objects.filter(code__in=[company.code for company in COMPANIES]).order_by("id")
    return [{"code": row.code, "id": str(row.pk), "name": row.name} for row in rows]


def first_day() -> dt.date:
    """The day the story ends: that of the founding, also when a load goes on a day later."""
    row = Enterprise.objects.get(code=COMPANIES[0].code)
    return (row.created_at + dt.timedelta(hours=8)).date()


def first_chain_id() -> str:
    """Which demonstration this is: another database has another."""
    return str(Enterprise.objects.get(code=COMPANIES[0].code).chain_id)


def let_in(desk: Desk, person: Person) -> None:
    """Give a person roles and a login; they choose their password at the first sign-in."""
    (employee,) = desk.rows("org.employee", filter=f'[["code","=","{person.employee}"]]', columns="code,name")
    path = f"/api/org.employee/{employee['id']}"
    access: dict[str, Any] = desk.get(f"{path}/access")
    held = {role["code"] for role in access["roles"]}
    wanted = {role.upper() for role in person.roles}
    if not wanted <= held:
        desk.call("PUT", f"{path}/access", {"roles": sorted(held | wanted)})
    if person.login == desk.person.login or (access["login"] and _signs_in(desk, person)):
        return
    given = desk.call("POST", f"{path}/login", {"login": person.login})
    with httpx.Client(base_url=desk.http.base_url, timeout=30, trust_env=False) as http:
        answer = http.post("/api/session", json={"login": person.login, "password": given["password"]})
        answer.raise_for_status()
        change = {"old": given["password"], "new": person.password}
        http.post("/api/session/password", json=change).raise_for_status()


def _signs_in(desk: Desk, person: Person) -> bool:
    answer = httpx.post(
        desk.http.base_url.join("/api/session"),
        json={"login": person.login, "password": person.password},
        trust_env=False,
    )
    return answer.is_success
