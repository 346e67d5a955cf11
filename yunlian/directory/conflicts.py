"""The conflict desk: what can be decided, deciding it for one or many, remembering and forgetting.

A decision is a row of its own, so that every later plan counts on it. The one that changes *our* side, a login that takes
the name of the platform's account (second way out of manual 001), is done at once.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import Label, _
from yunlian.org import access
from yunlian.org.models import Employee, Membership

from . import asking, planning
from .models import Change, Decision, Run

# Each reason in a sentence; values are the conflict's parameters.
REASONS: Mapping[str, Label] = {
    "same_account": _("This account exists on the other side under another name."),
    "account_taken": _("This account belongs to somebody else of ours on the other side."),
    "same_mobile": _("Somebody on the other side has the same mobile."),
    "mobile_taken": _("Somebody else of ours has this mobile on the other side."),
    "same_name": _("Somebody on the other side has the same name."),
    "two_enterprises": _("They also stand in the part of another enterprise."),
    "account_differs": _("The login here and the account there differ."),
    "two_departments": _("They are in several departments; here a person is in one."),
    "missing_mobile": _("The mobile is missing."),
    "bad_mobile": _("The mobile is not a telephone number."),
    "mobile_twice": _("Several of our people have this mobile."),
    "bad_account": _("The platform does not take this account: letters, digits, and . _ - @ only."),
    "bad_name": _("The name is empty or too long for the other side."),
    "department_loop": _("These departments lie in a ring."),
    "bad_department_name": _("The platform does not take this department's name."),
    "department_waits": _("Their department has a conflict itself."),
}
WORDS: Mapping[str, Label] = {
    "link": _("It is the same person: link them"),
    "new": _("It is somebody else: add them"),
    "skip": _("Leave out of every sync"),
    "share": _("Belongs to both: take them too"),
    "rename_theirs": _("The platform's account takes the name of our login"),
    "rename_ours": _("Our login takes the name of the platform's account"),
    "keep": _("Leave both as they are"),
    "department": _("Choose the main department"),
    "ask": _("Ask them for it"),
}
MOST = 20_000


def decide(ctx: Context, data: Mapping[str, Any]) -> dict[str, int]:
    """Decide conflicts of a run: those in `changes` (ids), or all of one `reason`. `what` is a word, `value` its object.

    Without a value, `link` means the only rival there is. Returns how many were decided and how many need a value of
    their own. Raises Invalid for a word that does not answer the conflict.
    """
    what, value = str(data.get("what", "")), data.get("value") or ""
    if what not in WORDS or not isinstance(value, str) or len(value) > 100:
        raise Invalid(
            Problem("what", _("Must be one of: %(known)s.") % {"known": ", ".join(WORDS)}, code="unknown")
        )
    found = _conflicts(data)
    wrong = sorted({c.reason for c in found if what not in planning.WAYS.get(c.reason, ())})
    if wrong:
        message = _("This does not answer the conflict: %(reason)s") % {"reason": REASONS[wrong[0]]}
        raise Invalid(Problem("what", message, code="invalid"))
    decided = 0
    for change in found:
        decided += _decided(ctx, change, what, value)
    return {"decided": decided, "open": len(found) - decided}


def _conflicts(data: Mapping[str, Any]) -> list[Change]:
    run = Run.objects.filter(id=uuid_or_none(data.get("run"))).first()
    if run is None:
        raise Missing("directory.run")
    rows = Change.objects.filter(run_id=run.id, act="conflict", state="planned")
    chosen, reason = data.get("changes"), data.get("reason")
    if isinstance(chosen, list) and 0 < len(chosen) <= MOST:
        rows = rows.filter(id__in=[id_ for each in chosen if (id_ := uuid_or_none(each))])
    elif isinstance(reason, str) and reason:
        rows = rows.filter(reason=reason)
    else:
        raise Invalid(Problem("changes", _("Choose at least one conflict."), code="required"))
    return list(rows.order_by("no")[:MOST])


def _decided(ctx: Context, change: Change, what: str, value: str) -> int:
    if what == "ask":
        asking.ask(ctx, uuid.UUID(change.source))
        return 1
    meant = _meant(change, what, value)
    if meant is None:
        return 0
    run = Run.objects.get(id=change.run_id)
    if what == "rename_ours":
        rename_ours(ctx, uuid.UUID(change.source), meant)
    else:
        remember(ctx, run.connection_id, change, what, meant)
    Change.objects.filter(id=change.id).update(state="left_out")
    return 1


def _meant(change: Change, what: str, value: str) -> str | None:
    """Return whom or what a decision means, None when that must be said."""
    rivals = [each["key"] for each in change.params.get("rivals", ())]
    options = [each["key"] for each in change.params.get("options", ())]
    if what == "link":
        return value if value in rivals else rivals[0] if not value and len(rivals) == 1 else None
    if what == "share":
        return value or (rivals[0] if rivals else "")
    if what == "department":
        return value if value in options else options[0] if value == "first" and options else None
    if what == "rename_ours":
        return value or change.params.get("theirs")
    return value


def remember(ctx: Context, connection_id: uuid.UUID, change: Change, what: str, value: str) -> None:
    """Keep a decision; a newer one about the same question takes its place."""
    execute(
        "INSERT INTO directory_decision (enterprise_id, id, connection_id, kind, key, topic, name, what, value, by_name, at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
        "ON CONFLICT (enterprise_id, connection_id, kind, key, topic) DO UPDATE SET "
        "what = excluded.what, value = excluded.value, by_name = excluded.by_name, at = excluded.at",
        [
            ctx.enterprise_id, new_id(), connection_id, change.kind, change.source, planning.topic(change.reason),
            change.name, what, value, ctx.member_name, ctx.now,
        ],
    )  # fmt: skip


def forget(id_: Any) -> None:
    """Forget a decision: the next plan asks again. Raises Missing."""
    gone, _rows = Decision.objects.filter(id=uuid_or_none(id_)).delete()
    if not gone:
        raise Missing("directory.decision")


def rename_ours(ctx: Context, employee_id: uuid.UUID, account: str) -> None:
    """Let our login, or the employee's code where there is no login, take the platform's account. Raises Refused."""
    if Membership.objects.filter(enterprise_id=ctx.enterprise_id, employee_id=employee_id).exists():
        access.rename_login(ctx, employee_id, account)
        return
    employee = Employee.objects.filter(id=employee_id).first()
    if employee is None:
        raise Refused(Problem(None, _("It no longer exists here."), code="gone"))
    body = {
        "version": employee.version, "code": account, "name": employee.name, "mobile": employee.mobile,
        "department": employee.department_id and str(employee.department_id), "kind": employee.kind,
        "position": employee.position_id and str(employee.position_id), "job": employee.job,
        "hired_on": employee.hired_on, "is_active": employee.is_active, "note": employee.note,
    }  # fmt: skip
    save("org.employee", ctx, body, employee_id)


def shown(change: Change) -> dict[str, Any]:
    """Return a conflict's sentence and the ways out, for the desk."""
    ways: Sequence[str] = planning.WAYS.get(change.reason, ())
    return {
        "message": str(REASONS.get(change.reason, change.reason)),
        "ways": [{"what": what, "label": str(WORDS[what])} for what in ways],
        "rivals": change.params.get("rivals", []),
        "options": change.params.get("options", []),
        "params": {k: v for k, v in change.params.items() if k not in ("rivals", "options")},
    }
