"""Unbinding a platform over HTTP: what would happen, doing it, and first passwords for who has no other way in."""

from typing import Any

from yunlian.kernel.api import Answer, Request, route

from . import connections, leaving
from .bodies import taking


@route("GET", "/api/directory/connections/{id}/leaving", needs="directory.connection.edit")
def preview_leaving(request: Request, id: str) -> Any:
    """What unbinding would do: the steps, who has no way to sign in, what stays."""
    return leaving.preview(request.ctx, connections.find(id))


@route(
    "POST", "/api/directory/connections/{id}/leave", needs="directory.connection.edit",
    schema=taking(first_passwords={"type": "boolean"}),
)  # fmt: skip
def leave(request: Request, id: str) -> Any:
    """Unbind; with first_passwords whoever has no way in gets one, shown this once."""
    connections.find(id)
    wanted = request.fields("first_passwords").get("first_passwords") is True
    return Answer(leaving.leave(request.ctx, id, first_passwords=wanted), secrets=("passwords",))


@route(
    "POST", "/api/directory/connections/{id}/passwords", needs="directory.connection.edit", is_sensitive=True
)
def first_passwords(request: Request, id: str) -> Any:
    """First passwords for everybody brought here who has no way in, shown this once."""
    given = leaving.give_first_passwords(request.ctx, id)
    return Answer({"passwords": given}, secrets=("passwords",))
