"""For tests: a sandbox in a thread of its own, on a real socket, and a receiver of callbacks."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server
from typing_extensions import override

from .app import application, close_sandbox, open_sandbox
from .platform import Platform, Sandbox

_CONTROL = httpx.Client(timeout=60, trust_env=False)  # one: making a client costs more than asking


@dataclass(frozen=True)
class Running:
    """A sandbox that answers at `base_url`; its world is at hand, its control as over HTTP."""

    base_url: str
    sandbox: Sandbox

    def control(self, path: str, /, **asked: Any) -> Any:
        """Ask the control: `control("/faults", platform="wecom", ...)`."""
        answer = _CONTROL.post(f"{self.base_url}/sandbox/api{path}", json=asked)
        answer.raise_for_status()
        return answer.json()

    def settle(self) -> None:
        """Wait until all callbacks have gone."""
        assert self.sandbox.courier.settle(20), "callbacks are still under way"


@contextmanager
def running(platforms: Sequence[Platform], folder: Path | None = None) -> Iterator[Running]:
    """Start a sandbox and stop it again."""
    sandbox = open_sandbox(platforms, folder)
    port = free_port()
    servers: list[Server] = []

    async def main() -> None:
        app = application(sandbox, platforms)
        servers.append(Server(app, port=port, interface=Interfaces.ASGINL, log_enabled=False))
        await servers[0].serve()

    served = asyncio.run_coroutine_threadsafe(main(), _loop())
    base_url = f"http://127.0.0.1:{port}"
    _answering(base_url)
    try:
        yield Running(base_url, sandbox)
    finally:
        _loop().call_soon_threadsafe(servers[0].stop)
        served.result(timeout=10)
        close_sandbox(sandbox)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all servers, never closed: the server's own threads may still speak to it after a stop."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="sandbox-servers", daemon=True).start()
    return loop


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _answering(base_url: str) -> None:
    for _ in range(100):
        try:
            httpx.get(f"{base_url}/sandbox/api/version", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sandbox did not start")


@dataclass(frozen=True)
class Received:
    """A request a receiver got."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]  # names in lower case


@dataclass
class Receiver:
    """A receiver of callbacks: answers with what `answer` gives for each request, after keeping it."""

    url: str
    answer: Callable[[Received], tuple[int, str]]
    got: list[Received] = field(default_factory=list)


@contextmanager
def receiver(answer: Callable[[Received], tuple[int, str]]) -> Iterator[Receiver]:
    """Listen on a port of this machine."""
    kept: list[Receiver] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = httpx.URL(f"http://x{self.path}")
            size = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            received = Received(self.command, url.path, dict(url.params), self.rfile.read(size), headers)
            kept[0].got.append(received)
            status, text = kept[0].answer(received)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_POST = do_GET  # noqa: N815 (the name http.server looks for)

        @override
        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.append(Receiver(f"http://127.0.0.1:{server.server_address[1]}/callback", answer))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield kept[0]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
