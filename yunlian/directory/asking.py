"""Asking people for their mobile: they answer when they next sign in. Whoever cannot sign in is asked through the head of
their department, who may answer for them.
"""

import uuid
from typing import Any

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import BadValue, Phone, uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org.models import Employee, EmployeeRole, Membership

from . import ours
from .models import Ask

HEADS = "STORE_MANAGER"  # the preset role of who heads a department
_phone = Phone()


def ask(ctx: Context, employee_id: uuid.UUID) -> None:
    """Ask somebody for their mobile; once is enough, however often it is pressed. Raises Missing."""
    if not Employee.objects.filter(id=employee_id, job="employed").exists():
        raise Missing("org.employee")
    execute(
        "INSERT INTO directory_ask (enterprise_id, id, employee_id, asked_by, asked_at) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (enterprise_id, employee_id) WHERE answered_at IS NULL DO NOTHING",
        [ctx.enterprise_id, new_id(), employee_id, ctx.member_name, ctx.now],
    )


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
