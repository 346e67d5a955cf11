"""Setting up a connection over HTTP: what it is told, addresses and keys to copy, trying it, its doctor and its health.

Whatever talks to a platform is a job: `job` in the answer is polled at /api/jobs.
"""

from typing import Any

from django.conf import settings

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.jobs import enqueue, show_job
from yunlian.kernel.load import reference
from yunlian.kernel.text import _

from . import connections, health, setup
from .bodies import CONNECTION, JOB, RECEIVER, answering, rows, shown_moment, taking
from .models import CallbackAddress, Connection


def _base(request: Request) -> str:
    """Under which address platforms reach us."""
    return settings.PUBLIC_URL or f"{request.http.scheme}://{request.http.get_host()}"


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


@route(
    "GET", "/api/directory/connections", needs="directory.connection.view", schema=answering(rows(CONNECTION))
)
def list_connections(request: Request) -> Any:
    """Every connection of the enterprise, with its fields; secrets are never shown."""
    rows = Connection.objects.select_related("department").order_by("platform")
    return {"rows": [_shown(request, each) for each in rows]}


@route(
    "POST", "/api/directory/connections", needs="directory.connection.edit",
    schema={"body": {"type": "object", "properties": {"platform": {"enum": ["wecom", "dingtalk"]}}, "required": ["platform"]}, "answer": CONNECTION},
)  # fmt: skip
def create_connection(request: Request) -> Any:
    """Begin a connection, still off; its addresses, tokens and AES keys are made."""
    return Answer(_shown(request, connections.create(request.ctx, request.body)), 201)


@route(
    "GET", "/api/directory/connections/{id}", needs="directory.connection.view", schema=answering(CONNECTION)
)
def read_connection(request: Request, id: str) -> Any:
    """One connection."""
    return _shown(request, connections.find(id))


@route(
    "PUT",
    "/api/directory/connections/{id}",
    needs="directory.connection.edit",
    is_sensitive=True,
    schema=answering(CONNECTION),
)
def change_connection(request: Request, id: str) -> Any:
    """Change its fields; a blank secret keeps the one there is."""
    return _shown(request, connections.change(request.ctx, id, request.body))


@route(
    "POST", "/api/directory/connections/{id}/switch", needs="directory.connection.edit",
    schema=taking("on", on={"type": "boolean"}, answer=CONNECTION),
)  # fmt: skip
def switch_connection(request: Request, id: str) -> Any:
    """Switch it on or off; on restores what was matched when it was unbound."""
    connections.find(id)
    is_on = request.fields("on").get("on")
    if not isinstance(is_on, bool):
        raise Invalid(Problem("on", _("Must be yes or no.")))
    return _shown(request, connections.switch(request.ctx, id, is_on=is_on))


@route(
    "GET",
    "/api/directory/connections/{id}/receivers",
    needs="directory.connection.edit",
    schema=answering(rows(RECEIVER)),
)
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
    schema=answering(RECEIVER),
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


@route(
    "POST", "/api/directory/connections/{id}/try", needs="directory.connection.edit", schema=answering(JOB)
)
def try_connection(request: Request, id: str) -> Any:
    """Try every secret with one harmless call; the job's result says what came of each."""
    return _queued(request, "directory.try", connections.find(id))


@route(
    "POST", "/api/directory/connections/{id}/doctor", needs="directory.connection.edit", schema=answering(JOB)
)
def ask_doctor(request: Request, id: str) -> Any:
    """Find out what is wrong with the callbacks; the job's result names it, with what to do."""
    return _queued(request, "directory.doctor", connections.find(id), _base(request).encode())


@route("POST", "/api/directory/connections/{id}/invite", needs="directory.run.apply", schema=answering(JOB))
def invite_members(request: Request, id: str) -> Any:
    """Invite everybody who was pushed to WeCom; the job's result has the QR code by which people join."""
    return _queued(request, "directory.invite", connections.find(id))


@route("GET", "/api/directory/connections/{id}/health", needs="directory.connection.view")
def read_health(request: Request, id: str) -> Any:
    """Last callbacks, last sync, tokens, and how much of the limits is left."""
    return health.health(connections.find(id), request.ctx.now)


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
