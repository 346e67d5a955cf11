"""Answers as a platform gives them: kept in the journal, and spoilt by the faults that are on."""

import asyncio
import time

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import Fault, Kind, Where, struck
from .platform import Platform
from .world import Entry, World

SAID = 300  # characters of an answer the journal keeps


class Answers:
    """ASGI around a platform's routes. Answers are buffered: the sandbox has no large ones."""

    def __init__(self, world: World, platform: Platform, app: ASGIApp) -> None:
        self._world = world
        self._platform = platform
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        path = _path(scope)
        hit = struck(self._world, self._platform.name, Where.ANSWER, path)
        answer = await self._spoilt(hit, scope, await _whole(receive))
        took_ms = int((time.monotonic() - began) * 1000)
        self._world.note(
            _entry(self._world, self._platform.name, f"{scope['method']} {path}", answer, took_ms)
        )
        await answer(scope, receive, send)

    async def _spoilt(self, hit: dict[Kind, Fault], scope: Scope, body: bytes) -> Response:
        if Kind.DOWN in hit:
            return PlainTextResponse("Bad Gateway", status_code=502)
        if Kind.THROTTLED in hit:
            return self._platform.throttled(hit[Kind.THROTTLED], _path(scope))
        if Kind.SLOW in hit:
            await asyncio.sleep(hit[Kind.SLOW].seconds)
        if Kind.DOUBLED in hit:
            await self._acted(scope, body)
        answer = await self._acted(scope, body)
        if Kind.LOST in hit:
            await asyncio.sleep(hit[Kind.LOST].seconds)
            return Response(status_code=504)
        return answer

    async def _acted(self, scope: Scope, body: bytes) -> Response:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        await self._app(dict(scope), receive, send)
        content = b"".join(each.get("body", b"") for each in sent if each["type"] == "http.response.body")
        answer = Response(content, status_code=sent[0]["status"])
        answer.raw_headers = list(sent[0].get("headers", []))
        return answer


def _path(scope: Scope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


async def _whole(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


def _entry(world: World, platform: str, what: str, answer: Response, took_ms: int) -> Entry:
    said = bytes(answer.body)[:SAID].decode(errors="replace")
    if not answer.headers.get("content-type", "").startswith("application/json"):
        said = answer.headers.get("content-type", "")
    return Entry(world.now(), platform, "request", what, answer.status_code, said, took_ms)
