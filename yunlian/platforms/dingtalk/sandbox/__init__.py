"""DingTalk in the sandbox: its paths, its admin and developer consoles, somebody's phone."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from yunlian.platforms.sandbox.platform import Platform, Sandbox

from . import contacts, control, messages, phone, signin, stream, tokens, vendor
from .asking import route, throttled, unknown
from .world import DingTalk, follow_vendor

PATHS = (*tokens.PATHS, *contacts.PATHS, *signin.PATHS, *messages.PATHS, *vendor.PATHS, *stream.PATHS)


def routes(sandbox: Sandbox) -> Sequence[BaseRoute]:
    """Both generations of the API, the login page, the inside of the client, the Stream."""
    with sandbox.world.change():  # what was kept may be of a vendor at another address
        state = sandbox.world.part(DingTalk)
        for suite in [each for each in state.apps.values() if each.is_suite]:
            follow_vendor(suite)

    async def login_page(request: Request) -> Response:
        return await phone.login_page(sandbox, request)

    async def open_page(request: Request) -> Response:
        return await phone.open_page(sandbox, request)

    async def silent_code(request: Request) -> Response:
        return await phone.silent_code(sandbox, request)

    async def connect(websocket: WebSocket) -> None:
        await stream.connect(sandbox, websocket)

    return [
        *map(partial(route, sandbox), PATHS),
        Route("/oauth2/auth", login_page),
        Route("/phone/open", open_page),
        Route("/phone/code", silent_code),
        WebSocketRoute("/connect", connect),
        Route("/{path:path}", _unknown, methods=["GET", "POST", "PUT", "DELETE"]),
    ]


async def _unknown(request: Request) -> Response:
    return unknown(f"/{request.path_params['path']}")


PLATFORM = Platform("dingtalk", DingTalk, routes, control.routes, throttled, Path(__file__).with_name("page"))
