"""media/*: files for three days."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ...sandbox.platform import Sandbox
from .calls import Call, Refused, api, fresh, refusal
from .state import Media, Wecom

DAYS_3_S = 3 * 86_400
SMALLEST = 5
LARGEST = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "file": 20 << 20}
KEPT = 20  # files; older ones go first


@api("POST", "media/upload")
def _upload(call: Call) -> dict[str, Any]:
    kind = call.query.get("type", "")
    if kind not in LARGEST:
        raise Refused(40004, "invalid media type")
    if call.file is None:
        raise Refused(40005, "no part named media with a filename")
    name, content = call.file
    if len(content) <= SMALLEST:
        raise Refused(40006, "file too small")
    if len(content) > LARGEST[kind]:
        raise Refused(45001, "file too large")
    media = call.state.media
    while len(media) >= KEPT:
        del media[next(iter(media))]
    id = fresh("media")
    media[id] = Media(call.corp.id, name, kind, content, call.now + DAYS_3_S)
    return {"errmsg": "", "type": kind, "media_id": id, "created_at": str(int(call.now))}


def kept(call: Call, id: str) -> Media:
    """A file of this corp that is still there."""
    media = call.state.media.get(id)
    if media is None or media.corp != call.corp.id or media.ends <= call.now:
        raise Refused(40007, "invalid media_id")
    return media


def routes(sandbox: Sandbox) -> list[Route]:
    """The one call that answers with bytes."""

    async def get(request: Request) -> Response:
        with sandbox.world.lock:
            state, now = sandbox.world.part(Wecom), sandbox.world.now()
            token = state.tokens.get(request.query_params.get("access_token", ""))
            media = state.media.get(request.query_params.get("media_id", ""))
        if token is None or token.ends <= now:
            return refusal(Refused(40014, "invalid access_token"), "127.0.0.1")
        if media is None or media.corp != token.corp or media.ends <= now:
            return refusal(Refused(40007, "invalid media_id"), "127.0.0.1")
        headers = {"content-disposition": f'attachment; filename="{fresh()}"'}
        return Response(media.content, media_type="application/octet-stream", headers=headers)

    return [Route("/cgi-bin/media/get", get, methods=["GET"])]
