"""Runs, their changes and their conflicts over HTTP.

Lists (runs, changes, decisions, matches, callbacks, hand-overs, guests) are the generic ones, `/api/directory.change` and
so on, with filter, search and export.
"""

from typing import Any

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Missing
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.load import reference
from yunlian.org.models import Department

from . import changes, conflicts, connections, guards, parts, runs
from .bodies import ID, RUN, TEXT, answering, shown_moment, taking
from .models import Change, Run


@route(
    "POST", "/api/directory/runs", needs="directory.run.plan",
    schema=taking("connection", connection=ID, department=ID, answer=RUN),
)  # fmt: skip
def plan(request: Request) -> Any:
    """Begin a sync with its plan, over everything or over one department of ours; nothing is changed anywhere."""
    body = request.fields("connection", "department")
    conn = connections.find(body.get("connection"))
    if (department := body.get("department")) is None:
        return Answer(_run(runs.begin(request.ctx, conn)), 201)
    return Answer(_run(runs.begin_below(request.ctx, conn, department)), 201)


@route("GET", "/api/directory/runs/{id}", needs="directory.run.view", schema=answering(RUN))
def read_run(request: Request, id: str) -> Any:
    """One sync: its state, counts, and why it is held."""
    return _run(runs.find(request.ctx, id))


@route("POST", "/api/directory/runs/{id}/apply", needs="directory.run.apply", schema=answering(RUN))
def apply(request: Request, id: str) -> Any:
    """Apply a plan, or go on with a sync that stopped half-way."""
    return _run(runs.apply(request.ctx, id))


@route(
    "POST", "/api/directory/runs/{id}/override", needs="directory.run.override",
    schema=taking("reason", reason={"type": "string", "minLength": 4, "maxLength": 500}, answer=RUN),
)  # fmt: skip
def override(request: Request, id: str) -> Any:
    """Release a held sync with a reason."""
    runs.find(request.ctx, id)
    return _run(runs.override(request.ctx, id, request.fields("reason").get("reason")))


@route("POST", "/api/directory/runs/{id}/undo", needs="directory.run.undo", schema=answering(RUN))
def undo(request: Request, id: str) -> Any:
    """Take a sync back, the newest first."""
    return _run(runs.undo(request.ctx, id))


@route("POST", "/api/directory/runs/{id}/drop", needs="directory.run.plan", schema=answering(RUN))
def drop(request: Request, id: str) -> Any:
    """Put a plan aside for good."""
    return _run(runs.drop(request.ctx, id))


@route(
    "POST", "/api/directory/runs/{id}/leave-out", needs="directory.run.plan",
    schema=taking("changes", changes={"type": "array", "items": ID}, out={"type": "boolean"}),
)  # fmt: skip
def leave_out(request: Request, id: str) -> Any:
    """Leave changes of a plan out, or with out=false take them in again."""
    runs.find(request.ctx, id)
    body = request.fields("changes", "out")
    count = runs.leave_out(request.ctx, id, body.get("changes"), is_out=body.get("out", True) is not False)
    return {"count": count}


def _run(run: Run) -> dict[str, Any]:
    options = dict(Run._meta.get_field("state").options)
    triggers = dict(Run._meta.get_field("trigger").options)
    return {
        "id": str(run.id), "connection": str(run.connection_id), "direction": run.direction, "trigger": run.trigger,
        "trigger_label": str(triggers[run.trigger]), "platform": run.connection.platform, "states": changes.states(run),
        "state": run.state, "state_label": str(options[run.state]), "is_whole": not run.part, "department": _department(run),
        "tally": run.tally, "guards": guards.worded(run.guards), "error": run.error or None,
        "override": {"reason": run.override_reason, "by": run.override_name} if run.override_reason else None,
        "job": str(run.job) if run.job else None, "by": run.member_name, "at": shown_moment(run.at),
        "applied_at": shown_moment(run.applied_at), "undone_at": shown_moment(run.undone_at),
    }  # fmt: skip


def _department(run: Run) -> Any:
    id_ = parts.department_of(run)
    found = None if id_ is None else Department.objects.filter(id=id_).first()
    return None if found is None else reference(found)


@route("GET", "/api/directory/changes/{id}", needs="directory.change.view")
def read_change(request: Request, id: str) -> Any:
    """One change whole: every field before and after, what was refused and why, and for a conflict the ways out."""
    found = Change.objects.filter(id=uuid_or_none(id)).first()
    if found is None:
        raise Missing("directory.change")
    shown = {
        "id": str(found.id), "run": str(found.run_id), "kind": found.kind, "act": found.act, "state": found.state,
        "name": found.name, "place": found.place, "reason": found.reason, "fields": found.fields,
        "error": found.error or None, "error_text": found.error_text or None, "remedy": found.remedy or None,
    }  # fmt: skip
    return shown | ({"conflict": conflicts.shown(found)} if found.act == "conflict" else {})


@route(
    "POST", "/api/directory/conflicts/decide", needs="directory.change.decide",
    schema=taking(
        "run", "what", run=ID, changes={"type": "array", "items": ID}, reason=TEXT,
        what={"enum": sorted(conflicts.WORDS)}, value=TEXT,
    ),
)  # fmt: skip
def decide(request: Request) -> Any:
    """Decide conflicts, some or all of one reason; the next plan counts on it."""
    return conflicts.decide(request.ctx, request.fields("run", "changes", "reason", "what", "value"))


@route("DELETE", "/api/directory/decisions/{id}", needs="directory.change.decide")
def forget(request: Request, id: str) -> Answer:
    """Forget a decision: the next plan asks again."""
    conflicts.forget(id)
    return Answer(status=204)
