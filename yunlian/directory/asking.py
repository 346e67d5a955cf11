"""Asking people for their mobile: they answer themselves, when they next sign in, or their administrator passes the question on."""

import uuid
from typing import Any

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import BadValue, Phone
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org.models import Employee

from . import ours
from .models import Ask

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


def mine(ctx: Context) -> dict[str, Any] | None:
    """Return the open question to the member, or None."""
    found = Ask.objects.filter(employee_id=ctx.member_id, answered_at=None).first()
    return None if found is None else {"asked_by": found.asked_by, "what": "mobile"}


def answer(ctx: Context, mobile: Any) -> None:
    """Take the member's own mobile, when they were asked. Raises Refused when nobody asked, Invalid when it is none."""
    if not Ask.objects.filter(employee_id=ctx.member_id, answered_at=None).exists():
        raise Refused(Problem(None, _("Nobody has asked you for it."), code="not_asked"))
    try:
        number = _phone.parse(mobile)
    except BadValue as bad:
        raise Invalid(Problem("mobile", bad.message, code=bad.code)) from None
    if not number:
        raise Invalid(Problem("mobile", _("Must be filled in."), code="required"))
    ours.set_mobile(ctx, ctx.member_id, number)
    Ask.objects.filter(employee_id=ctx.member_id, answered_at=None).update(answered_at=ctx.now)
