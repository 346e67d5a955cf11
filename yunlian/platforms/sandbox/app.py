"""The ASGI application: the platforms on their real paths, the control, and the page."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.staticfiles import StaticFiles

from . import control
from .answers import Answers
from .callbacks import Courier
from .platform import Platform, Sandbox
from .world import World

PAGE = Path(__file__).with_name("page")
HOSTS = ["127.0.0.1", "localhost"]  # a page of a strange site that points its name at us is not heard


def open_sandbox(platforms: Sequence[Platform], folder: Path | None = None) -> Sandbox:
    """A world of these platforms, as the folder has kept it, and a courier for it."""
    world = World({each.name: each.state for each in platforms}, folder)
    return Sandbox(world, Courier(world))


def close_sandbox(sandbox: Sandbox) -> None:
    """Stop delivering and keep everything."""
    sandbox.courier.close()
    sandbox.world.close()


def application(sandbox: Sandbox, platforms: Sequence[Platform], hosts: Sequence[str] = HOSTS) -> Starlette:
    """The application over an opened sandbox, which is closed when the server shuts down."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        close_sandbox(sandbox)

    return Starlette(
        routes=_routes(sandbox, list(platforms)),
        exception_handlers={control.Wrong: control.wrong},
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)],
        lifespan=lifespan,
    )


def _routes(sandbox: Sandbox, platforms: list[Platform]) -> list[BaseRoute]:
    parts: list[BaseRoute] = []
    for each in platforms:
        router = Router(routes=list(each.routes(sandbox)))
        parts.append(Mount(f"/{each.name}", app=Answers(sandbox.world, each, router)))
    api: list[BaseRoute] = [*control.routes(sandbox, platforms)]
    api += [Mount(f"/{each.name}", routes=list(each.control(sandbox))) for each in platforms]
    pages = [Mount(f"/{each.name}", app=StaticFiles(directory=each.page)) for each in platforms]
    return [
        *parts,
        Mount("/sandbox/api", routes=api),
        Mount("/sandbox/page", routes=[*pages, Mount("/", app=StaticFiles(directory=PAGE))]),
        Route("/sandbox/", _index),
        Route("/sandbox", _to_index),
        Route("/", _to_index),
    ]


async def _index(_request: Request) -> Response:
    return FileResponse(PAGE / "index.html")


async def _to_index(_request: Request) -> Response:
    return RedirectResponse("/sandbox/")
