"""The callback doctor names each thing that can be wrong, and says nothing when all is well."""

import datetime as dt
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import pytest

from yunlian.kernel.jobs import enqueue
from yunlian.kernel.models import Job
from yunlian.kernel.scope import tenant
from yunlian.platforms.sandbox.testing import free_port
from yunlian.platforms.wecom import callback as wecom
from yunlian.platforms.wecom.crypto import Box, CallbackRefused

from . import connections, health
from .models import Callback, CallbackAddress, Run
from .stores import TOKENS
from .test_receiving import WeComSender


class Proxy:
    """Our server behind a proxy that may spoil what passes through; answers as ours would."""

    def __init__(self, boxes: dict[str, Box]) -> None:
        self.boxes, self.spoil = boxes, ""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.answer(self)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        split = urlsplit(request.path)
        query = dict(parse_qsl(split.query))
        if self.spoil == "path":
            return self._send(request, 404, b"nginx")
        if self.spoil == "slow":
            time.sleep(1.2)
        try:
            text = wecom.verified(self.boxes[split.path.rpartition("/")[2]], query, time.time()).encode()
        except CallbackRefused:
            return self._send(request, 403, b"")
        return self._send(request, 200, text + (b"\n" if self.spoil == "newline" else b""))

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def proxy(push, settings):
    boxes = {
        each.key: Box(each.token, connections.aes_key(each), each.receive_id)
        for each in CallbackAddress.objects.filter(enterprise_id=push.id)
    }
    made = Proxy(boxes)
    settings.PUBLIC_URL = made.base
    yield made
    made.server.shutdown()
    made.server.server_close()


def examined(stage) -> dict[str, set[str]]:
    """What is wrong, by receiver."""
    with stage.enter() as ctx:
        made = enqueue(ctx, "directory.doctor", str(stage.conn_id), b"")
    stage.work()
    with tenant(stage.id):
        job = Job.objects.get(id=made.id)
    assert (job.state, job.error) == ("done", "")
    found = {}
    for each in job.result["receivers"]:
        wrong = [finding for finding in each["findings"] if not finding["ok"]]
        assert all(finding["remedy"] and finding["evidence"] for finding in wrong)
        found[each["receiver"]] = {finding["what"] for finding in wrong}
    assert job.result["ok"] == (not any(found.values()))
    return found


WELL = {"app": set(), "contacts": set(), "customers": set()}


def test_nothing_is_wrong_when_all_is_well(push, proxy) -> None:
    assert examined(push) == WELL


@pytest.mark.parametrize(("spoil", "what"), [("path", "url"), ("newline", "format"), ("slow", "time")])
def test_what_stands_between_is_named(push, proxy, spoil: str, what: str) -> None:
    proxy.spoil = spoil
    assert examined(push) == {name: {what} for name in WELL}


def test_an_address_nobody_answers_at_is_named(push, settings) -> None:
    settings.PUBLIC_URL = f"http://127.0.0.1:{free_port()}"
    assert examined(push) == {name: {"url"} for name in WELL}


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        (lambda s, t: s.send(t, msg_signature="0" * 40), "token"),
        (lambda s, t: s.send(t, box=Box(s.box.token, "B" * 43, s.corp)), "key"),
        (lambda s, t: s.send(t, box=Box(s.box.token, s.box.aes_key, "ww-other")), "receive_id"),
        (lambda s, t: s.send(t, at=int(time.time()) - 9000), "clock"),
        (lambda s, t: s.send(t, nonce=""), "proxy"),
    ],
)
def test_what_is_wrong_in_the_console_is_told_from_what_came(push, proxy, wrong, what: str) -> None:
    sender = WeComSender(push)
    text = sender.event("update_user", UserID="zhangsan")
    assert wrong(sender, text).status_code == 403
    assert examined(push) == WELL | {"contacts": {what}}
    # Put right, the next good message ends the complaint.
    assert sender.send(sender.event("update_user", UserID="lisi")).status_code == 200
    assert examined(push) == WELL


def test_an_answer_that_took_too_long_and_an_untrusted_address_are_told(push, proxy) -> None:
    sender = WeComSender(push)
    sender.send(sender.event("update_user", UserID="zhangsan"))
    with tenant(push.id):
        Callback.objects.update(took_ms=4_000)
        Run.objects.create(
            id=push.founded.chain_id, connection_id=push.conn_id, direction="push", state="failed", member=push.founded.admin_id,
            at=dt.datetime.now(dt.UTC), error="Enter our server's address (60020: not allow to access)",
        )  # fmt: skip
    found = examined(push)
    assert found["contacts"] == {"time", "trusted_ip"}


def test_health_says_what_came_last_and_shows_no_secret(push) -> None:
    sender = WeComSender(push)
    sender.verify("hello")
    sender.send(sender.event("update_user", UserID="zhangsan"))
    sender.send("<xml/>", nonce="")
    push.sync()
    with tenant(push.id):
        shown = health.health(push.conn, dt.datetime.now(dt.UTC))
    by_name = {each["receiver"]: each for each in shown["receivers"]}
    assert by_name["contacts"]["verified_at"]
    assert by_name["contacts"]["last_at"]
    assert by_name["contacts"]["last_fault"]["check"] == "query"
    assert by_name["app"]["last_at"] is None
    assert shown["last_run"]["state"] == "applied"
    assert shown["waiting"] == {"callbacks": 1, "looks": 0}
    assert TOKENS is not None
    assert "s3cret" not in str(shown)
