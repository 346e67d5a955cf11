"""Directory sync against WeCom's sandbox, and callbacks against a bare endpoint that only stores bytes."""

import concurrent.futures
import contextlib
import datetime as dt
import http.client
import multiprocessing
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import psycopg

from bench import syncing
from bench.ground import Ground
from bench.measure import Result
from bench.syncing import Worked
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.org.context import context_for
from yunlian.org.people import found_enterprise

MOBILES = "139{:08}"


@dataclass
class Firm:
    """An enterprise with people, connected with a sandbox of its own."""

    id: int
    admin: uuid.UUID
    conn: uuid.UUID
    url: str

    def ctx(self) -> Context:
        found = context_for(self.id, self.admin, dt.datetime.now(dt.UTC))
        assert found is not None
        return found


def directory(people: int, callbacks: int, where: Ground) -> Iterator[Result]:
    """Measure `sync_apply`, `sync_plan` and `callback_accept`."""
    small = people // 10
    with _sandbox() as first, _sandbox() as second:
        tenth, whole = _firm("BENCH-S", small, first), _firm("BENCH-L", people, second)
        applied_small, applied = _apply(tenth), _apply(whole)
        yield _sync_apply(people, small, applied, applied_small)
        yield _sync_plan(people, whole, tenth)
        yield from _callbacks(whole, callbacks, where)


@contextlib.contextmanager
def _sandbox() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.sandbox"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(20)


def _firm(code: str, people: int, url: str) -> Firm:
    """Found an enterprise with so many people in a department for each 25; the sandbox's corp is empty but for its root."""
    from yunlian.directory import connections
    from yunlian.platforms.wecom.sandbox import state as demo

    now = dt.datetime.now(dt.UTC)
    made = found_enterprise(
        code, code, f"admin-{code}", "a long enough word 1", now=now, admin_name="测速管理员"
    )
    firm = Firm(made.enterprise_id, made.admin_id, made.admin_id, f"{url}/wecom")
    httpx.post(f"{url}/sandbox/api/reset", json={}, trust_env=False)
    with tenant(firm.id):
        _people(firm, people, made.department_id, now)
        conn = connections.create(
            firm.ctx(),
            {"platform": "wecom", "corp_id": demo.CORP, "contacts_secret": demo.CONTACTS_SECRET, "nightly_at": None,
             "root": "1"},
        )  # fmt: skip
        firm.conn = conn.id
    with tenant(firm.id):
        execute("UPDATE directory_connection SET state = 'on' WHERE enterprise_id = %s", [firm.id])
    return firm


def _people(firm: Firm, count: int, top: uuid.UUID, now: dt.datetime) -> None:
    common = "version, created_at, created_by, updated_at, updated_by, ext, initials, is_active, note"
    values = "1, %(now)s, %(admin)s, %(now)s, %(admin)s, '{}', '', true, ''"
    given: dict[str, Any] = {"now": now, "admin": firm.admin, "ent": firm.id, "top": top}
    groups = [new_id() for _n in range(max(count // 25, 1))]
    execute(
        f"INSERT INTO org_department (enterprise_id, id, code, name, parent_id, kind, address, {common}) "
        f"SELECT %(ent)s, v.id, 'D' || v.n, '部门' || v.n, %(top)s, 'office', '', {values} "
        "FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS v(id, n)",
        given | {"ids": groups},  # type: ignore[arg-type]
    )
    execute(
        f"INSERT INTO org_employee (enterprise_id, id, code, name, mobile, department_id, kind, job, login, {common}) "
        "SELECT %(ent)s, v.id, 'P' || v.n, '员工' || v.n, '139' || lpad(v.n::text, 8, '0'), "
        f"(%(groups)s::uuid[])[1 + v.n %% cardinality(%(groups)s::uuid[])], 'person', 'employed', '', {values} "
        "FROM unnest(%(ids)s::uuid[]) WITH ORDINALITY AS v(id, n)",
        given | {"ids": [new_id() for _n in range(count)], "groups": groups},  # type: ignore[arg-type]
    )
    execute(
        "UPDATE org_employee SET mobile = '13700001234' WHERE enterprise_id = %s AND id = %s",
        [firm.id, firm.admin],
    )


def _in_process(firm: Firm, act: Any) -> Worked:
    """Run `act` in a fresh process, so that its memory is its own."""
    os.environ["YUNLIAN_WECOM_URL"] = firm.url
    pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with pool:
        found: Worked = pool.submit(act, firm.id, firm.conn).result()
    return found


def _apply(firm: Firm) -> Worked:
    """Plan and apply everybody as new."""
    from yunlian.directory import runs
    from yunlian.directory.models import Connection

    with tenant(firm.id):
        run = runs.begin(firm.ctx(), Connection.objects.get(id=firm.conn))
    planned = _in_process(firm, syncing.work)
    with tenant(firm.id):
        runs.apply(firm.ctx(), run.id)
    applied = _in_process(firm, syncing.work)
    applied.seconds += planned.seconds
    applied.peak_mib = max(applied.peak_mib, planned.peak_mib)
    return applied


def _sync_apply(people: int, small: int, whole: Worked, tenth: Worked) -> Result:
    waited = float(whole.result["waited_s"])
    note = (
        f"plan and apply of {people:,} new people; waiting for limits {waited:.1f} s, our own {whole.seconds - waited:.1f} s; "
        f"peak memory {whole.peak_mib:.0f} MiB, with {small:,} people {tenth.peak_mib:.0f} MiB"
    )
    return Result("sync_apply", whole.seconds, "s", None, None, note)


def _sync_plan(people: int, whole: Firm, tenth: Firm) -> Result:
    ours = [_plan(whole) for _round in range(3)]
    floor = [_in_process(whole, syncing.read) for _round in range(3)]
    small = _plan(tenth)
    mine, theirs = (statistics.median(each.seconds for each in found) for found in (ours, floor))
    assert ours[0].result["tally"]["acts"] == {}, ours[0].result
    note = (
        f"{people:,} people, nothing changed; floor: both sides read, nothing written; "
        f"peak memory {max(each.peak_mib for each in ours):.0f} MiB, with a tenth of the people {small.peak_mib:.0f} MiB"
    )
    return Result("sync_plan", mine, "s", theirs, mine / theirs, note)


def _plan(firm: Firm) -> Worked:
    from yunlian.directory import runs
    from yunlian.directory.models import Connection

    with tenant(firm.id):
        runs.begin(firm.ctx(), Connection.objects.get(id=firm.conn))
    return _in_process(firm, syncing.work)


# --- callbacks


def _callbacks(firm: Firm, count: int, where: Ground) -> Iterator[Result]:
    with psycopg.connect(where.access.owner, autocommit=True) as owner:
        owner.execute("CREATE TABLE bench_bytes (id bigserial PRIMARY KEY, key text, body bytea)")
    requests = _requests(firm, count * 2 + 2_000)
    with (
        _server("yunlian.edge.wsgi:application", where) as (ours, pid),
        _server("bench.bare:application", where) as (bare, _pid),
    ):
        taken: list[list[float]] = [[], []]
        for n in range(count):
            for index, port in enumerate((ours, bare) if n % 2 else (bare, ours)):
                which = index if n % 2 else 1 - index
                taken[which].append(_post(port, requests[n]))
        lost, answered = _killed(ours, pid, firm, requests[count:])
    mine, theirs = (statistics.median(each) * 1000 for each in taken)
    p99 = statistics.quantiles(taken[0], n=100)[98] * 1000
    note = f"p99 {p99:.1f} ms of 5,000 allowed; kill -9: {answered} answered, {lost} of them lost; floor: bytes stored, answered"
    assert lost == 0, f"{lost} answered callbacks were lost"
    yield Result("callback_accept", mine, "ms", theirs, mine / theirs, note)


def _requests(firm: Firm, count: int) -> list[tuple[str, bytes]]:
    """Return paths and bodies of different events, encrypted beforehand."""
    from yunlian.directory import connections
    from yunlian.directory.models import CallbackAddress
    from yunlian.platforms.wecom.crypto import Box

    address = CallbackAddress.objects.get(enterprise_id=firm.id, receiver="contacts")
    box = Box(address.token, connections.aes_key(address), address.receive_id)
    found = []
    for n in range(count):
        text = (
            f"<xml><ToUserName>{address.receive_id}</ToUserName><FromUserName>sys</FromUserName><CreateTime>{n}</CreateTime>"
            "<MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>"
            f"<UserID><![CDATA[nobody{n}]]></UserID></xml>"
        )
        sealed = box.seal(text, str(int(time.time())), secrets.token_hex(5))
        query = urlencode(
            {"msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce}
        )
        body = f"<xml><Encrypt><![CDATA[{sealed.encrypted}]]></Encrypt></xml>".encode()
        found.append((f"/callback/{address.key}?{query}", body))
    return found


@contextlib.contextmanager
def _server(target: str, where: Ground) -> Iterator[tuple[int, int]]:
    """Serve an application as `yunlian web` does, with one worker, so that both are alike."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = where.environment() | {"YUNLIAN_ROLE": "web"}
    process = subprocess.Popen(
        [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
         "--blocking-threads", "4", "--no-ws", target],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            time.sleep(0.1)
        _post(port, ("/callback/warm", b"x"))
        yield port, process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(20)


_connections: dict[int, http.client.HTTPConnection] = {}


def _post(port: int, request: tuple[str, bytes]) -> float:
    connection = _connections.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=10))
    started = time.perf_counter()
    connection.request("POST", request[0], request[1], {"Content-Type": "text/xml"})
    answer = connection.getresponse()
    answer.read()
    return time.perf_counter() - started


def _killed(port: int, pid: int, firm: Firm, requests: list[tuple[str, bytes]]) -> tuple[int, int]:
    """Send from four hands, kill every process of the server in the middle, and count what was answered and is not there."""
    with tenant(firm.id):
        ((before,),) = execute("SELECT count(*) FROM directory_callback WHERE enterprise_id = %s", [firm.id])
    answered = [0] * 4

    def send(hand: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        for path, body in requests[hand::4]:
            try:
                connection.request("POST", path, body, {"Content-Type": "text/xml"})
                status = connection.getresponse()
                status.read()
            except (OSError, http.client.HTTPException):
                return
            answered[hand] += status.status == 200

    hands = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for hand in hands:
        hand.start()
    while sum(answered) < 200:
        time.sleep(0.005)
    os.killpg(pid, signal.SIGKILL)
    for hand in hands:
        hand.join()
    with tenant(firm.id):
        ((after,),) = execute("SELECT count(*) FROM directory_callback WHERE enterprise_id = %s", [firm.id])
    return max(0, sum(answered) - (after - before)), sum(answered)
