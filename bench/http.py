"""The same order through HTTP, with one client and with four: documents a second, CPU a document, peak memory."""

import concurrent.futures
import contextlib
import datetime as dt
import http.client
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ground import Ground
from bench.measure import Result
from bench.post import LINES
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import context, data
from yunlian.org.people import found_enterprise

LOGIN, PASSWORD = "bench-clerk", "measured-word-2026"


def http_orders(ground: Ground, documents: int, floor_ms: float) -> list[Result]:
    """Measure `http_order_1` and `http_order_4`. `floor_ms`: the rows of one order by prepared statements."""
    founded = found_enterprise("BENCH", "测速企业", LOGIN, PASSWORD, now=dt.datetime.now(dt.UTC))
    with tenant(founded.enterprise_id):
        ctx = context(founded.enterprise_id, founded.admin_id)
        body = data("purchase.order", ctx, lines=LINES, lines__price="12.50")
    with _web(ground) as (port, pid):
        _Client(port).order(body)
        return [_measure(port, pid, body, clients, documents, floor_ms) for clients in (1, 4)]


def _measure(
    port: int, pid: int, body: dict[str, Any], clients: int, documents: int, floor_ms: float
) -> Result:
    """Let each client enter its share; documents a second over the whole, CPU of every process of the web role."""
    each = max(documents // clients, 1)
    started, cpu = time.perf_counter(), _cpu_s(pid)
    with concurrent.futures.ProcessPoolExecutor(clients) as pool:
        list(pool.map(_enter, [port] * clients, [json.dumps(body)] * clients, [each] * clients))
    seconds, used = time.perf_counter() - started, _cpu_s(pid) - cpu
    rate = clients * each / seconds
    note = (
        f"save + approve; CPU {used / clients / each * 1000:.1f} ms a document, peak memory {_peak_mib(pid):.0f} MiB "
        "in all web processes; floor: the same rows, prepared, one client"
    )
    return Result(f"http_order_{clients}", rate, "documents/s", 1000 / floor_ms, 1000 / rate / floor_ms, note)


def _enter(port: int, body: str, count: int) -> None:
    client = _Client(port)
    for _ in range(count):
        client.order(json.loads(body))


class _Client:
    """One clerk: a session and a kept connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.cookie = ""
        response, _body = self.ask("POST", "/api/session", {"login": LOGIN, "password": PASSWORD})
        self.cookie = (response.getheader("Set-Cookie") or "").split(";")[0]

    def ask(self, method: str, path: str, body: Any) -> tuple[http.client.HTTPResponse, Any]:
        headers = {
            "Content-Type": "application/json",
            "Cookie": self.cookie,
            "Idempotency-Key": str(uuid.uuid4()),
        }
        self.connection.request(method, path, json.dumps(body), headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read() or b"null")
        if response.status >= 300:
            raise RuntimeError(f"{method} {path}: {response.status} {answer}")
        return response, answer

    def order(self, body: dict[str, Any]) -> None:
        _response, made = self.ask("POST", "/api/purchase.order", body)
        self.ask("POST", f"/api/purchase.order/{made['id']}/approve", {"version": made["version"]})


@contextlib.contextmanager
def _web(ground: Ground) -> Iterator[tuple[int, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = ground.environment() | {"PORT": str(port)}
    web = subprocess.Popen(
        [sys.executable, "-m", "yunlian", "web"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(300):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.1)
        yield port, web.pid
    finally:
        web.terminate()
        web.wait(20)


def _family(pid: int) -> list[int]:
    """The process and all below it."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) in found and int(path.parent.name) not in found:
                found.append(int(path.parent.name))
    return found


def _cpu_s(pid: int) -> float:
    ticks = 0
    for each in _family(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _peak_mib(pid: int) -> float:
    total = 0
    for each in _family(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{each}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1])
    return total / 1024
