"""The control of the sandbox, as JSON under `/sandbox/api/`: state, time, faults, journal. Scriptable from tests."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import faults
from .faults import Fault
from .platform import Platform, Sandbox


class Wrong(Exception):
    """What was asked of the control cannot be done; the text says why. Becomes 422."""


async def wrong(_request: Request, error: Exception) -> Response:
    """Tell what was wrong."""
    return JSONResponse({"error": str(error)}, status_code=422)


async def body(request: Request) -> dict[str, Any]:
    """The JSON object of a request. Raises Wrong for anything else: a form of a strange site is never one."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise Wrong("send application/json")
    try:
        found = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise Wrong(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Wrong("send an object")
    return found


def posted(path: str, act: Callable[[dict[str, Any]], Any]) -> Route:
    """A route that takes a JSON object, with the parameters of its path, and gives what `act` returns as JSON.

    `act` raises Wrong, and runs in a thread: it may wait, and may change the world.
    """

    async def endpoint(request: Request) -> Response:
        asked = {**await body(request), **request.path_params}
        return _json(await run_in_threadpool(act, asked))

    return Route(path, endpoint, methods=["POST"])


def read(path: str, find: Callable[[dict[str, str]], Any]) -> Route:
    """A route that gives as JSON what `find` returns for path and query parameters."""

    async def endpoint(request: Request) -> Response:
        asked = {**request.query_params, **request.path_params}
        return _json(await run_in_threadpool(find, asked))

    return Route(path, endpoint, methods=["GET"])


def _json(found: Any) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")


def routes(sandbox: Sandbox, platforms: list[Platform]) -> list[Route]:
    """What every sandbox has; the platforms bring their own beside it."""
    world = sandbox.world

    def reset(_asked: dict[str, Any]) -> dict[str, Any]:
        world.reset()
        return {}

    def travel(asked: dict[str, Any]) -> dict[str, Any]:
        with world.change():
            world.shared.ahead_s += float(asked["advance_s"])
        return {"now": world.now()}

    def switch_on(asked: dict[str, Any]) -> dict[str, Any]:
        try:
            # What was left out stays an attribute of the class otherwise, and is not written.
            fault = replace(msgspec.convert({**asked, "id": 0}, Fault))
        except msgspec.ValidationError as error:
            raise Wrong(str(error)) from error
        return {"id": faults.switch_on(world, fault)}

    def switch_off(asked: dict[str, Any]) -> dict[str, Any]:
        ids = asked.get("ids")
        faults.switch_off(world, [each.id for each in world.shared.faults] if ids is None else ids)
        return {}

    def journal(asked: dict[str, str]) -> list[dict[str, Any]]:
        with world.lock:
            return [asdict(each) for each in reversed(world.journal)][: int(asked.get("limit", 100))]

    def state(_asked: dict[str, str]) -> dict[str, Any]:
        with world.lock:
            return {each.name: msgspec.to_builtins(world.part(each.state)) for each in platforms}

    def settle(asked: dict[str, str]) -> dict[str, bool]:
        return {"settled": sandbox.courier.settle(min(60.0, float(asked.get("limit_s", 10))))}

    return [
        read("/platforms", lambda _: [each.name for each in platforms]),
        read("/version", lambda _: {"version": world.version, "now": world.now()}),
        read("/state", state),
        read("/journal", journal),
        read("/faults", lambda _: world.shared.faults),
        posted("/faults", switch_on),
        posted("/faults/off", switch_off),
        posted("/time", travel),
        posted("/reset", reset),
        read("/callbacks/settle", settle),
    ]
