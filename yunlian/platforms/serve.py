"""Serves the sandbox of all platforms. It stands outside the sandbox's folder because it knows every platform."""

from functools import partial
from pathlib import Path

from granian.constants import Interfaces
from granian.server import Server
from starlette.applications import Starlette

from .dingtalk.sandbox import PLATFORM as DINGTALK
from .sandbox.app import HOSTS, application, open_sandbox
from .sandbox.platform import Platform
from .sms.sandbox import PLATFORM as SMS
from .wecom.sandbox import WECOM

PLATFORMS: list[Platform] = [WECOM, DINGTALK, SMS]


def serve(host: str, port: int, folder: Path) -> None:
    """Serve on host and port until told to stop; the state is kept in `folder` and found there again.

    One worker: the state lives in its memory.
    """
    server = Server(
        "sandbox",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        workers=1,
        respawn_failed_workers=True,
        log_access=False,
    )
    server.serve(target_loader=partial(_load, host, folder), wrap_loader=False)


def _load(host: str, folder: Path) -> Starlette:
    hosts = ["*"] if host in ("0.0.0.0", "::") else [*HOSTS, host]
    return application(open_sandbox(PLATFORMS, folder), PLATFORMS, hosts)
