"""Changes as people read them: what becomes of which field and why, page by page and as a workbook; conflicts still open."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Count, Q

from yunlian.kernel import sheets
from yunlian.kernel.api import Request, route
from yunlian.kernel.document import Missing
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.jobs import download
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import Label, _

from . import conflicts, runs
from .bodies import shown_moment
from .models import ACTS, CHANGE_STATES, Callback, Change, Run

PAGE = 100
# Why something is done to somebody, where it is not a conflict.
REASONS: Mapping[str, Label] = {
    "left": _("They have left on the other side."),
    "vanished": _("They no longer stand on the other side, or can no longer be seen there."),
    "back": _("They have come back."),
    "linked": _("The same person on both sides, linked from now on."),
    "gone_there": _("They were there and have been removed there."),
}
FIELDS: Mapping[str, Label] = {
    "name": _("Name"), "account": _("Account"), "mobile": _("Mobile"), "department": _("Department"),
    "parent": _("Parent"), "position": _("Position"),
}  # fmt: skip


def shown(change: Change, subject: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a change in words; of a conflict also the ways out and, as far as known, who it is about."""
    conflict = conflicts.shown(change) if change.act == "conflict" else None
    return {
        "id": str(change.id), "run": str(change.run_id), "kind": change.kind, "act": change.act,
        "act_label": str(dict(ACTS)[change.act]), "state": change.state,
        "state_label": str(dict(CHANGE_STATES)[change.state]), "name": change.name, "place": change.place,
        "reason": change.reason, "fields": change.fields, "error": change.error or None,
        "message": conflict["message"] if conflict else str(REASONS.get(change.reason, "")),
        "error_text": change.error_text or None, "remedy": change.remedy or None,
        "conflict": conflict and conflict | {"subject": dict(subject or {})},
    }  # fmt: skip


def found(run: Run, query: Mapping[str, str]) -> Any:
    """Return the changes of a run, in the order they are made, narrowed by act, state, reason and words."""
    rows = Change.objects.filter(run_id=run.id)
    for name in ("act", "state", "kind", "reason"):
        if query.get(name):
            rows = rows.filter(**{name: query[name]})
    if words := query.get("search", "").strip():
        rows = rows.filter(Q(name__icontains=words) | Q(place__icontains=words))
    return rows.order_by("no")


def states(run: Run) -> dict[str, int]:
    """Return how many changes of a run are in which state; conflicts do not count, they are never applied."""
    rows = (
        Change.objects.filter(run_id=run.id).exclude(act="conflict").values("state").annotate(n=Count("id"))
    )
    return {each["state"]: each["n"] for each in rows.order_by("state")}


def workbook(run: Run, query: Mapping[str, str]) -> bytes:
    """Return a run's changes as a workbook: one row per field that changes."""
    heads = (
        _("Kind"),
        _("What"),
        _("Name"),
        _("Department"),
        _("Field"),
        _("Before"),
        _("After"),
        _("Why"),
        _("State"),
        _("Error"),
    )
    return sheets.write([str(each) for each in heads], _lines(run, query), title=str(_("Changes")))


def _lines(run: Run, query: Mapping[str, str]) -> Iterator[list[str]]:
    kinds = dict(Change._meta.get_field("kind").options)
    for change in found(run, query).iterator(chunk_size=1_000):
        one = shown(change)
        head = [str(kinds[change.kind]), one["act_label"], change.name, change.place]
        tail = [
            one["message"],
            one["state_label"],
            " ".join(filter(None, (change.error_text, change.remedy))),
        ]
        for name, (before, after) in (change.fields or {"": ["", ""]}).items():
            yield [*head, str(FIELDS.get(name, name)), before, after, *tail]


def open_conflicts(ctx: Context, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the conflicts nobody has decided: of the last whole run of each connection and what came after it.

    Somebody is listed once, as last seen. `query` may name a `run`, a `reason` and a `cursor`.
    """
    ids = [
        id_
        for (id_,) in execute(
            "SELECT DISTINCT ON (r.connection_id, c.kind, c.source) c.id FROM directory_change c "
            "JOIN directory_run r ON r.enterprise_id = c.enterprise_id AND r.id = c.run_id "
            "WHERE c.enterprise_id = %s AND c.act = 'conflict' AND r.id >= coalesce((SELECT max(w.id::text)::uuid FROM directory_run w "
            "  WHERE w.enterprise_id = r.enterprise_id AND w.connection_id = r.connection_id AND w.part = '[]'::jsonb "
            "  AND w.state NOT IN ('planning', 'failed')), r.id) "
            "ORDER BY r.connection_id, c.kind, c.source, r.id DESC",
            [ctx.enterprise_id],
        )
    ]
    rows = Change.objects.filter(id__in=ids, state="planned")
    if run := uuid_or_none(query.get("run")):
        rows = rows.filter(run_id=run)
    counted = rows.values("reason").annotate(n=Count("id")).order_by("reason")
    reasons = [
        {
            "reason": each["reason"],
            "label": str(conflicts.REASONS.get(each["reason"], each["reason"])),
            "count": each["n"],
        }
        for each in counted
    ]
    if query.get("reason"):
        rows = rows.filter(reason=query["reason"])
    if after := uuid_or_none(query.get("cursor")):
        rows = rows.filter(id__gt=after)
    page = list(rows.order_by("id").select_related("run", "run__connection")[: PAGE + 1])
    subjects = _subjects(ctx, page)
    return {
        "rows": [
            shown(each, subjects.get(each.source))
            | {"platform": each.run.connection.platform, "direction": each.run.direction}
            for each in page[:PAGE]
        ],
        "reasons": reasons,
        "next": str(page[PAGE - 1].id) if len(page) > PAGE else None,
    }


def _subjects(ctx: Context, page: list[Change]) -> dict[str, dict[str, Any]]:
    """Return what we know of the people conflicts are about: our employees as they stand, and since when they are asked."""
    ids = [id_ for each in page if each.run.direction == "push" and (id_ := uuid_or_none(each.source))]
    rows = execute(
        "SELECT e.id::text, e.login, e.code, e.mobile, a.asked_at, a.told_on FROM org_employee e "
        "LEFT JOIN directory_ask a ON a.enterprise_id = e.enterprise_id AND a.employee_id = e.id AND a.answered_at IS NULL "
        "WHERE e.enterprise_id = %s AND e.id = ANY(%s)",
        [ctx.enterprise_id, ids],
    )
    return {
        key: {
            "account": login or code,
            "mobile": mobile or "",
            "asked_at": shown_moment(asked_at),
            "told_on": told_on or "",
        }
        for key, login, code, mobile, asked_at, told_on in rows
    }


@route("GET", "/api/directory/runs/{id}/changes", needs="directory.change.view")
def list_changes(request: Request, id: str) -> Any:
    """One page of a run's changes with every field before and after, narrowed by act, state, kind, reason, search."""
    run = runs.find(request.ctx, id)
    rows = found(run, request.query)
    after = request.query.get("cursor", "")
    if after.isdecimal() and len(after) < 10:
        rows = rows.filter(no__gt=int(after))
    page = list(rows[: PAGE + 1])
    return {
        "rows": [shown(each) for each in page[:PAGE]],
        "next": str(page[PAGE - 1].no) if len(page) > PAGE else None,
    }


@route("GET", "/api/directory/runs/{id}/changes.xlsx", needs="directory.change.export")
def export_changes(request: Request, id: str) -> Any:
    """A run's changes as a workbook, one row per field, narrowed like the list."""
    return download(workbook(runs.find(request.ctx, id), request.query), "changes.xlsx")


@route("GET", "/api/directory/conflicts", needs="directory.change.view")
def list_conflicts(request: Request) -> Any:
    """Conflicts nobody has decided yet, each with both sides and the ways out; counts by reason."""
    return open_conflicts(request.ctx, request.query)


@route("GET", "/api/directory/callbacks/{id}", needs="directory.callback.view")
def read_callback(request: Request, id: str) -> Any:
    """One message of a platform, word for word, and which check refused it."""
    row = Callback.objects.filter(id=uuid_or_none(id)).first()
    if row is None:
        raise Missing("directory.callback")
    return {
        "id": str(row.id), "receiver": row.receiver, "at": shown_moment(row.at), "fault": row.fault, "event": row.event,
        "query": row.query, "body": row.body, "text": row.text, "address": row.address, "took_ms": row.took_ms,
        "handled_at": shown_moment(row.handled_at),
    }  # fmt: skip
