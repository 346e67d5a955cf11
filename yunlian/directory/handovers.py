"""What somebody who left still owns, given to a colleague at once: documents, contacts, and customers in WeCom."""

from typing import Any

from yunlian.kernel import ownership
from yunlian.kernel.document import REGISTRY, Missing, Problem, Refused
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.masters.models import PartnerContact
from yunlian.org import access
from yunlian.org.models import Employee

from . import passing
from .models import Handover


def belongings(ctx: Context, id_: Any) -> dict[str, Any]:
    """Return what somebody who left still owns: open documents by code, and how many contacts they look after.

    Contacts on their way to the colleague count no more. `customers` are those of the platform on their way to the colleague, as `passing.shown` gives them.
    """
    handover = find(id_)
    documents = ownership.owned(ctx, handover.employee_id)
    contacts = (
        PartnerContact.objects.filter(follower_id=handover.employee_id, is_active=True)
        .exclude(external_id__in=passing.under_way(handover))
        .count()
    )
    return {
        "documents": [
            {"code": code, "label": str(REGISTRY[code].label), "count": count}
            for code, count in documents.items()
        ],
        "contacts": contacts,
        "customers": passing.shown(handover),
    }


def find(id_: Any) -> Handover:
    """Return a hand-over; raises Missing."""
    found = Handover.objects.filter(id=uuid_or_none(id_)).select_related("employee").first()
    if found is None:
        raise Missing("directory.handover")
    handover: Handover = found
    return handover


def transfer(ctx: Context, id_: Any, to: Any) -> dict[str, Any]:
    """Give everything somebody who left still owns to a colleague, and close the hand-over.

    Their customers in WeCom go by a job, since the platform and each customer have a say; see passing. Raises Refused when it is done already, or when the colleague does not work here.
    """
    handover = find(id_)
    if handover.state != "open":
        raise Refused(Problem("state", _("This has been handed over already."), code="done"))
    taker = Employee.objects.filter(
        id=uuid_or_none(to), kind="person", job="employed", is_active=True
    ).first()
    if taker is None or taker.id == handover.employee_id:
        raise Refused(Problem("to", _("Choose a colleague who works here."), code="unknown"))
    names = {handover.employee_id: handover.employee.name, taker.id: taker.name}
    given: dict[str, Any] = ownership.give(ctx, handover.employee_id, taker.id, names)
    job = passing.begin(ctx, handover)
    contacts = execute(
        "UPDATE masters_partnercontact SET follower_id = %s, version = version + 1, updated_at = %s, updated_by = %s "
        "WHERE enterprise_id = %s AND follower_id = %s RETURNING 1",
        [taker.id, ctx.now, ctx.member_id, ctx.enterprise_id, handover.employee_id],
    )
    if contacts:
        given["masters.partner_contact"] = len(contacts)
    Handover.objects.filter(id=handover.id).update(state="done", to_id=taker.id, given=given, done_at=ctx.now)
    return {"given": given, "job": str(job.id) if job is not None else None}


def restore_rights(ctx: Context, id_: Any) -> dict[str, Any]:
    """Let somebody who has come back enter again, in the roles they had. Raises Refused while they do not work here.

    Coming back by a sync gives no access by itself: an administrator says so, here.
    """
    handover = find(id_)
    employee = handover.employee
    if employee.job != "employed" or not employee.is_active:
        raise Refused(Problem(None, _("They do not work here at present."), code="gone"))
    return access.set_access(ctx, employee.id, {"is_active": True})
