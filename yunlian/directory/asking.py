"""Asking people for their mobile: they get a message on the platform they are on, with a link to where they type it, and are
asked when they next sign in. Whoever cannot sign in is asked through the head of their department, who may answer for them.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import BadValue, Phone, uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org.models import Employee, EmployeeRole, Membership
from yunlian.platforms.errors import PlatformError

from . import cards, faces, ours
from .approvers import language_of
from .models import Ask, Connection, Match

HEADS = "STORE_MANAGER"  # the preset role of who heads a department
_phone = Phone()


def ask(ctx: Context, employee_id: uuid.UUID) -> None:
    """Ask somebody for their mobile; once is enough, however often it is pressed. Raises Missing."""
    if not Employee.objects.filter(id=employee_id, job="employed").exists():
        raise Missing("org.employee")
    made = execute(
        "INSERT INTO directory_ask (enterprise_id, id, employee_id, asked_by, asked_at, told_on) "
        "VALUES (%s, %s, %s, %s, %s, '') "
        "ON CONFLICT (enterprise_id, employee_id) WHERE answered_at IS NULL DO NOTHING RETURNING id",
        [ctx.enterprise_id, new_id(), employee_id, ctx.member_name, ctx.now],
    )
    if made:
        enqueue(ctx, "directory.asking", str(made[0][0]))


@dataclass(frozen=True)
class Reached:
    """Where somebody can be told: who they are on a connection."""

    employee_id: uuid.UUID
    connection: Connection
    theirs: str


@job("directory.asking")
def run_asking(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Send the message: to the one asked, else to the heads above them; on the first platform that takes it."""
    with tenant(ctx.enterprise_id):
        asked = Ask.objects.filter(id=uuid.UUID(made.subject), answered_at=None).select_related("employee")
        found = asked.first()
        if found is None or found.told_on:
            return {"told": 0}
        mine = _reached([found.employee_id])
        others = [] if mine else _reached(_heads(found.employee))
        languages = {
            each.employee_id: language_of(each.connection, each.employee_id) for each in [*mine, *others]
        }
    told: dict[uuid.UUID, str] = {}
    refused: PlatformError | None = None
    for each in [*mine, *others]:
        if each.employee_id not in told:
            try:
                with translation.override(languages[each.employee_id]):
                    _tell(each, found, is_own=bool(mine))
                told[each.employee_id] = each.connection.platform
            except PlatformError as error:
                refused = error
    if not told and refused is not None:
        raise Failed(f"{gettext(refused.remedy)} ({refused.code}: {refused.text})"[:500]) from refused
    if told:
        with tenant(ctx.enterprise_id):
            Ask.objects.filter(id=found.id).update(told_on=next(iter(told.values())))
    return {"told": len(told), "platforms": sorted(set(told.values()))}


def _tell(each: Reached, asked: Ask, *, is_own: bool) -> None:
    url = faces.page_url(asked.enterprise_id, "/", each.connection.platform)
    said = _MINE if is_own else _THEIRS
    words = str(said) % {"who": asked.asked_by, "name": asked.employee.name}
    cards.carrier_of(each.connection).link(each.theirs, gettext("A mobile is missing"), words, url)


_MINE = _("%(who)s asks you for your mobile, so that you can be synced. Open and enter it.")
_THEIRS = _("%(who)s asks for the mobile of %(name)s, who cannot sign in yet. Open and enter it.")


def _reached(employees: Sequence[uuid.UUID]) -> list[Reached]:
    """Return where these people can be told, on connections that are on and carry messages."""
    open_ = [
        each for each in Connection.objects.filter(state="on").order_by("platform") if cards.carries(each)
    ]
    mine = Match.objects.filter(kind="person", ended_at=None, employee_id__in=employees)
    theirs = {(each.connection_id, each.employee_id): each.theirs for each in mine}
    return [
        Reached(id_, each, theirs[each.id, id_])
        for id_ in employees
        for each in open_
        if (each.id, id_) in theirs
    ]


_HEADS_ABOVE = """
WITH RECURSIVE up AS (
  SELECT id, parent_id, 0 AS n FROM org_department WHERE enterprise_id = %s AND id = %s
  UNION SELECT d.id, d.parent_id, up.n + 1 FROM org_department d JOIN up ON up.parent_id = d.id
    WHERE d.enterprise_id = %s AND up.n < 100
), heads AS (
  SELECT e.id, up.n FROM up JOIN org_employee e ON e.enterprise_id = %s AND e.department_id = up.id
    AND e.job = 'employed' AND e.is_active AND e.id <> %s
  JOIN org_employeerole h ON h.enterprise_id = e.enterprise_id AND h.employee_id = e.id
  JOIN org_role r ON r.enterprise_id = h.enterprise_id AND r.id = h.role_id AND r.is_active AND r.code = %s
)
SELECT id FROM heads WHERE n = (SELECT min(n) FROM heads) ORDER BY id
"""


def _heads(employee: Employee) -> list[uuid.UUID]:
    """Return who heads the department of an employee, or the nearest above that has somebody."""
    enterprise = employee.enterprise_id
    values = [enterprise, employee.department_id, enterprise, enterprise, employee.id, HEADS]
    return [id_ for (id_,) in execute(_HEADS_ABOVE, values)]


def open_for(ctx: Context) -> list[dict[str, Any]]:
    """Return the questions the member can answer: their own, and as head those of people below who cannot sign in."""
    mine = Ask.objects.filter(answered_at=None).select_related("employee")
    found = list(mine.filter(employee_id=ctx.member_id))
    if _is_head(ctx):
        signs_in = Membership.objects.filter(enterprise_id=ctx.enterprise_id, is_active=True)
        below = Employee.objects.filter(department_id__in=ctx.tree, job="employed").exclude(id=ctx.member_id)
        without = below.exclude(id__in=signs_in.values("employee_id"))
        found += mine.filter(employee_id__in=without.values("id")).order_by("asked_at")
    return [
        {
            "employee": str(each.employee_id),
            "name": each.employee.name,
            "is_me": each.employee_id == ctx.member_id,
            "asked_by": each.asked_by,
            "what": "mobile",
        }
        for each in found
    ]


def _is_head(ctx: Context) -> bool:
    return EmployeeRole.objects.filter(
        employee_id=ctx.member_id, role__code=HEADS, role__is_active=True
    ).exists()


def answer(ctx: Context, mobile: Any, employee: Any = None) -> None:
    """Take a mobile: the member's own, or that of `employee`, for whom they were asked.

    Raises Refused when nobody asked them, Invalid when it is no number.
    """
    meant = ctx.member_id if employee is None else uuid_or_none(employee)
    if str(meant) not in {each["employee"] for each in open_for(ctx)} or meant is None:
        raise Refused(Problem(None, _("Nobody has asked you for it."), code="not_asked"))
    try:
        number = _phone.parse(mobile)
    except BadValue as bad:
        raise Invalid(Problem("mobile", bad.message, code=bad.code)) from None
    if not number:
        raise Invalid(Problem("mobile", _("Must be filled in."), code="required"))
    ours.set_mobile(ctx, meant, number)
    Ask.objects.filter(employee_id=meant, answered_at=None).update(answered_at=ctx.now)
