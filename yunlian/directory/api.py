"""Directory sync over HTTP: set-up, runs, conflicts, leavers, branches, leaving, health.

Lists (runs, changes, decisions, matches, callbacks, hand-overs, guests) are the generic ones, `/api/directory.change` and
so on, with filter, search and export. Whatever talks to a platform is a job: `job` in the answer is polled at /api/jobs.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Invalid, Missing, Problem
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.jobs import download, enqueue, show_job
from yunlian.kernel.load import reference
from yunlian.kernel.text import _

from . import (
    asking,
    branches,
    changes,
    conflicts,
    connections,
    contacts,
    guards,
    guests,
    health,
    leavers,
    leaving,
    looks,
    runs,
    setup,
)
from .models import CallbackAddress, Change, Connection, Run, shown_moment

_TEXT = {"type": "string"}
_ID = {"type": "string", "format": "uuid"}


def _body(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "body": {
            "type": "object", "properties": properties, "required": list(required), "additionalProperties": False,
        }
    }  # fmt: skip


def _known(request: Request, *names: str) -> Mapping[str, Any]:
    """Return the body; raises Invalid for a surplus field."""
    surplus = [
        Problem(str(name)[:60], _("There is no such field."), code="surplus")
        for name in request.body
        if name not in names
    ]
    if surplus:
        raise Invalid(*surplus)
    body: Mapping[str, Any] = request.body
    return body


def _base(request: Request) -> str:
    """Under which address platforms reach us."""
    return settings.PUBLIC_URL or f"{request.http.scheme}://{request.http.get_host()}"


# --- set-up


@route("GET", "/api/directory/guides", needs="directory.connection.view")
def list_guides(request: Request) -> Any:
    """What a connection with each platform is told, field by field, and where in its console that is found."""
    return {"rows": [_guide(platform, guide) for platform, guide in setup.GUIDES.items()]}


def _guide(platform: str, guide: setup.Guide) -> dict[str, Any]:
    return {
        "platform": platform,
        "label": str(dict(Connection._meta.get_field("platform").options)[platform]),
        "direction": guide.direction,
        "fields": [
            {
                "name": each.name, "label": str(each.label), "path": each.path, "hint": str(each.hint),
                "is_secret": each.is_secret, "is_required": each.is_required, "max_length": each.max_length,
            }
            for each in guide.fields
        ],
        "receivers": [
            {"name": each.name, "label": str(each.label), "path": each.path, "hint": str(each.hint)}
            for each in guide.receivers
        ],
        "notes": [str(each) for each in guide.notes],
    }  # fmt: skip


@route("GET", "/api/directory/connections", needs="directory.connection.view")
def list_connections(request: Request) -> Any:
    """Every connection of the enterprise, with its fields; secrets are never shown."""
    rows = Connection.objects.select_related("department").order_by("platform")
    return {"rows": [_shown(request, each) for each in rows]}


@route(
    "POST", "/api/directory/connections", needs="directory.connection.edit",
    schema={"body": {"type": "object", "properties": {"platform": {"enum": ["wecom", "dingtalk"]}}, "required": ["platform"]}},
)  # fmt: skip
def create_connection(request: Request) -> Any:
    """Begin a connection, still off; its addresses, tokens and AES keys are made."""
    return Answer(_shown(request, connections.create(request.ctx, request.body)), 201)


@route("GET", "/api/directory/connections/{id}", needs="directory.connection.view")
def read_connection(request: Request, id: str) -> Any:
    """One connection."""
    return _shown(request, connections.find(id))


@route("PUT", "/api/directory/connections/{id}", needs="directory.connection.edit", is_sensitive=True)
def change_connection(request: Request, id: str) -> Any:
    """Change its fields; a blank secret keeps the one there is."""
    return _shown(request, connections.change(request.ctx, id, request.body))


@route(
    "POST", "/api/directory/connections/{id}/switch", needs="directory.connection.edit",
    schema=_body("on", on={"type": "boolean"}),
)  # fmt: skip
def switch_connection(request: Request, id: str) -> Any:
    """Switch it on or off; on restores what was matched when it was unbound."""
    connections.find(id)
    is_on = _known(request, "on").get("on")
    if not isinstance(is_on, bool):
        raise Invalid(Problem("on", _("Must be yes or no.")))
    return _shown(request, connections.switch(request.ctx, id, is_on=is_on))


@route("GET", "/api/directory/connections/{id}/receivers", needs="directory.connection.edit")
def list_receivers(request: Request, id: str) -> Any:
    """Address, Token and EncodingAESKey of every receiver, to be copied into the platform's console."""
    conn = connections.find(id)
    rows = CallbackAddress.objects.filter(enterprise_id=conn.enterprise_id, platform=conn.platform)
    return {"rows": [_receiver(request, each) for each in rows.order_by("receiver")]}


@route(
    "POST",
    "/api/directory/connections/{id}/receivers/{receiver}/renew",
    needs="directory.connection.edit",
    is_sensitive=True,
)
def renew_receiver(request: Request, id: str, receiver: str) -> Any:
    """Make a new address and new keys; the old ones stop at once."""
    made = _receiver(request, connections.renew_address(request.ctx, id, receiver))
    return Answer(made, secrets=("token", "aes_key"))


def _receiver(request: Request, address: CallbackAddress) -> dict[str, Any]:
    return {
        "receiver": address.receiver,
        "url": f"{_base(request)}/callback/{address.key}",
        "token": address.token,
        "aes_key": connections.aes_key(address),
        "verified_at": shown_moment(address.verified_at),
    }


@route("POST", "/api/directory/connections/{id}/try", needs="directory.connection.edit")
def try_connection(request: Request, id: str) -> Any:
    """Try every secret with one harmless call; the job's result says what came of each."""
    return _queued(request, "directory.try", connections.find(id))


@route("POST", "/api/directory/connections/{id}/doctor", needs="directory.connection.edit")
def ask_doctor(request: Request, id: str) -> Any:
    """Find out what is wrong with the callbacks; the job's result names it, with what to do."""
    return _queued(request, "directory.doctor", connections.find(id), _base(request).encode())


@route("GET", "/api/directory/connections/{id}/health", needs="directory.connection.view")
def read_health(request: Request, id: str) -> Any:
    """Last callbacks, last sync, tokens, and how much of the limits is left."""
    return health.health(connections.find(id))


def _queued(request: Request, kind: str, conn: Connection, content: bytes | None = None) -> Answer:
    return Answer({"job": show_job(enqueue(request.ctx, kind, str(conn.id), content))}, 202)


def _shown(request: Request, conn: Connection) -> dict[str, Any]:
    guide, kept = setup.GUIDES[conn.platform], connections.secrets_of(conn)
    options = dict(Connection._meta.get_field("state").options)
    department = conn.department if conn.department_id else None
    return {
        "id": str(conn.id), "platform": conn.platform, "direction": conn.direction, "origin": conn.origin,
        "state": conn.state, "state_label": str(options[conn.state]), "corp_id": conn.corp_id,
        "corp_name": conn.corp_name, "root": conn.root, "department": reference(department),
        "settings": {each.name: conn.settings.get(each.name, "") for each in guide.fields if not each.is_secret and each.name != "corp_id"},
        "secrets": {each.name: each.name in kept for each in guide.fields if each.is_secret},
        "contacts_policy": conn.settings.get("contacts_policy", "list"),
        "lacking": setup.lacking(conn, kept), "vanish_share": format(conn.vanish_share, "f"),
        "vanish_min": conn.vanish_min, "nightly_at": conn.nightly_at, "bound_at": shown_moment(conn.bound_at),
        "stopped_at": shown_moment(conn.stopped_at), "synced_at": shown_moment(conn.synced_at),
        "version": conn.version,
    }  # fmt: skip


# --- runs


@route(
    "POST", "/api/directory/runs", needs="directory.run.plan",
    schema=_body("connection", connection=_ID),
)  # fmt: skip
def plan(request: Request) -> Any:
    """Begin a sync with its plan; nothing is changed anywhere."""
    conn = connections.find(_known(request, "connection").get("connection"))
    return Answer(_run(runs.begin(request.ctx, conn)), 201)


@route("GET", "/api/directory/runs/{id}", needs="directory.run.view")
def read_run(request: Request, id: str) -> Any:
    """One sync: its state, counts, and why it is held."""
    return _run(runs.find(request.ctx, id))


@route("POST", "/api/directory/runs/{id}/apply", needs="directory.run.apply")
def apply(request: Request, id: str) -> Any:
    """Apply a plan, or go on with a sync that stopped half-way."""
    return _run(runs.apply(request.ctx, id))


@route(
    "POST", "/api/directory/runs/{id}/override", needs="directory.run.override",
    schema=_body("reason", reason={"type": "string", "minLength": 4, "maxLength": 500}),
)  # fmt: skip
def override(request: Request, id: str) -> Any:
    """Release a held sync with a reason."""
    runs.find(request.ctx, id)
    return _run(runs.override(request.ctx, id, _known(request, "reason").get("reason")))


@route("POST", "/api/directory/runs/{id}/undo", needs="directory.run.undo")
def undo(request: Request, id: str) -> Any:
    """Take a sync back, the newest first."""
    return _run(runs.undo(request.ctx, id))


@route("POST", "/api/directory/runs/{id}/drop", needs="directory.run.plan")
def drop(request: Request, id: str) -> Any:
    """Put a plan aside for good."""
    return _run(runs.drop(request.ctx, id))


@route(
    "POST", "/api/directory/runs/{id}/leave-out", needs="directory.run.plan",
    schema=_body("changes", changes={"type": "array", "items": _ID}, out={"type": "boolean"}),
)  # fmt: skip
def leave_out(request: Request, id: str) -> Any:
    """Leave changes of a plan out, or with out=false take them in again."""
    runs.find(request.ctx, id)
    body = _known(request, "changes", "out")
    count = runs.leave_out(request.ctx, id, body.get("changes"), is_out=body.get("out", True) is not False)
    return {"count": count}


def _run(run: Run) -> dict[str, Any]:
    options = dict(Run._meta.get_field("state").options)
    triggers = dict(Run._meta.get_field("trigger").options)
    return {
        "id": str(run.id), "connection": str(run.connection_id), "direction": run.direction, "trigger": run.trigger,
        "trigger_label": str(triggers[run.trigger]), "platform": run.connection.platform, "states": changes.states(run),
        "state": run.state, "state_label": str(options[run.state]), "is_whole": not run.part,
        "tally": run.tally, "guards": guards.worded(run.guards), "error": run.error or None,
        "override": {"reason": run.override_reason, "by": run.override_name} if run.override_reason else None,
        "job": str(run.job) if run.job else None, "by": run.member_name, "at": shown_moment(run.at),
        "applied_at": shown_moment(run.applied_at), "undone_at": shown_moment(run.undone_at),
    }  # fmt: skip


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


# --- conflicts


@route(
    "POST", "/api/directory/conflicts/decide", needs="directory.change.decide",
    schema=_body(
        "run", "what", run=_ID, changes={"type": "array", "items": _ID}, reason=_TEXT,
        what={"enum": sorted(conflicts.WORDS)}, value=_TEXT,
    ),
)  # fmt: skip
def decide(request: Request) -> Any:
    """Decide conflicts, some or all of one reason; the next plan counts on it."""
    return conflicts.decide(request.ctx, _known(request, "run", "changes", "reason", "what", "value"))


@route("DELETE", "/api/directory/decisions/{id}", needs="directory.change.decide")
def forget(request: Request, id: str) -> Answer:
    """Forget a decision: the next plan asks again."""
    conflicts.forget(id)
    return Answer(status=204)


@route("GET", "/api/directory/asked", needs="signed")
def asked(request: Request) -> Any:
    """Whether somebody has asked me for my mobile."""
    return {"asked": asking.mine(request.ctx)}


@route("PUT", "/api/directory/asked", needs="signed", schema=_body("mobile", mobile=_TEXT))
def answer_asked(request: Request) -> Any:
    """Give my mobile, when I was asked for it."""
    asking.answer(request.ctx, _known(request, "mobile").get("mobile"))
    return {"asked": None}


# --- people who left, guests, branches


@route("GET", "/api/directory/handovers/{id}", needs="directory.handover.view")
def read_handover(request: Request, id: str) -> Any:
    """What somebody who left still owns."""
    return leavers.belongings(request.ctx, id)


@route(
    "POST", "/api/directory/handovers/{id}/transfer", needs="directory.handover.transfer",
    schema=_body("to", to=_ID),
)  # fmt: skip
def transfer(request: Request, id: str) -> Any:
    """Give everything they own to a colleague."""
    leavers.find(id)
    return leavers.transfer(request.ctx, id, _known(request, "to").get("to"))


@route("POST", "/api/directory/handovers/{id}/restore", needs="directory.handover.restore")
def restore(request: Request, id: str) -> Any:
    """Let somebody who has come back enter again, in the roles they had."""
    return leavers.restore_rights(request.ctx, id)


@route(
    "POST", "/api/directory/guests", needs="directory.guest.edit",
    schema=_body("connection", "account", "roles", connection=_ID, account=_TEXT, roles={"type": "array", "items": _TEXT}, department=_ID),
)  # fmt: skip
def invite(request: Request) -> Any:
    """Give somebody of another branch of the corp a role here."""
    made = guests.invite(request.ctx, _known(request, "connection", "account", "roles", "department"))
    return Answer({"job": show_job(made)}, 202)


@route("POST", "/api/directory/guests/{id}/revoke", needs="directory.guest.edit")
def revoke(request: Request, id: str) -> Any:
    """Take the role away again, at once."""
    return {"id": id, "ended_at": shown_moment(guests.revoke(request.ctx, id).ended_at)}


@route("GET", "/api/directory/branch/template.xlsx", needs="directory.run.plan")
def branch_template(request: Request) -> Any:
    """The workbook for people of a branch, with notes on how to fill it in."""
    return download(branches.blank_workbook(), "branch-people.xlsx")


@route("POST", "/api/directory/branch", needs="directory.run.plan", takes="xlsx")
def upload_branch(request: Request) -> Any:
    """Take the workbook filled in; all rows enter or none, and a plan of the sync follows."""
    data = request.http.body
    if not data.startswith(b"PK\x03\x04"):
        raise Invalid(Problem(None, _("Send an xlsx workbook."), code="not_xlsx"))
    return Answer({"job": show_job(enqueue(request.ctx, "directory.branch", "branch", data))}, 202)


@route("POST", "/api/directory/connections/{id}/contacts", needs="directory.run.apply")
def sync_contacts(request: Request, id: str) -> Any:
    """Read all customers of customer contact anew."""
    return Answer({"job": show_job(contacts.begin(request.ctx, connections.find(id)))}, 202)


# --- leaving


@route("GET", "/api/directory/connections/{id}/leaving", needs="directory.connection.edit")
def preview_leaving(request: Request, id: str) -> Any:
    """What unbinding would do: the steps, who has no way to sign in, what stays."""
    return leaving.preview(request.ctx, connections.find(id))


@route(
    "POST", "/api/directory/connections/{id}/leave", needs="directory.connection.edit",
    schema=_body(first_passwords={"type": "boolean"}),
)  # fmt: skip
def leave(request: Request, id: str) -> Any:
    """Unbind; with first_passwords whoever has no way in gets one, shown this once."""
    connections.find(id)
    wanted = _known(request, "first_passwords").get("first_passwords") is True
    return Answer(leaving.leave(request.ctx, id, first_passwords=wanted), secrets=("passwords",))


@route(
    "POST", "/api/directory/connections/{id}/passwords", needs="directory.connection.edit", is_sensitive=True
)
def first_passwords(request: Request, id: str) -> Any:
    """First passwords for everybody brought here who has no way in, shown this once."""
    given = leaving.give_first_passwords(request.ctx, id)
    return Answer({"passwords": given}, secrets=("passwords",))


@route(
    "POST", "/api/directory/connections/{id}/look", needs="directory.run.plan", schema=_body("key", key=_TEXT)
)
def look_again(request: Request, id: str) -> Any:
    """Look at one person of the platform again, as a callback would ask."""
    conn, key = connections.find(id), _known(request, "key").get("key")
    if not isinstance(key, str) or not 0 < len(key) <= 100:
        raise Invalid(Problem("key", _("Must be filled in."), code="required"))
    looks.ask(request.ctx.enterprise_id, conn.id, [("person", key)], request.ctx.now)
    return Answer({"key": key}, 202)
