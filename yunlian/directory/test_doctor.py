"""The callback doctor names each thing that can be wrong, and says nothing when all is well."""

import datetime as dt
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import connections

from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import enqueue
from yunlian.kernel.models import Job
from yunlian.kernel.scope import tenant
from yunlian.platforms.sandbox.testing import free_port
from yunlian.platforms.wecom.crypto import Box

from . import doctor, health
from .models import Callback, CallbackAddress, Run
from .stores import TOKENS
from .test_receiving import CLIENT, DingTalkSender, WeComSender


class Proxy:
    """What stands between a platform and our server, and may spoil what passes; it sees only what is committed."""

    def __init__(self) -> None:
        self.spoil = ""
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.pass_on(self, b"")

            def do_POST(self) -> None:
                proxy.pass_on(self, self.rfile.read(int(self.headers["Content-Length"])))

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        path = request.path
        match self.spoil:
            case "path":
                return self._send(request, 404, b"nginx")
            case "bare":
                path = path.partition("?")[0]
            case "decoded":
                path = path.replace("%2B", "+")
            case "cut":
                body = body[: len(body) // 2]
            case "slow":
                time.sleep(1.2)
        try:
            answer = CLIENT.generic(
                request.command, path, body, request.headers.get("Content-Type", "text/plain")
            )
        finally:
            connections.close_all()
        return self._send(
            request, answer.status_code, answer.content + (b"\n" if self.spoil == "newline" else b"")
        )

    def _send(self, request: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
        request.send_response(status)
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture
def proxy(transactional_db, settings):
    made = Proxy()
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


@pytest.fixture
def unhurried(monkeypatch) -> None:
    """How long an answer takes says how busy the machine of the tests is, where it is not what is asked for."""
    monkeypatch.setattr(doctor, "ANSWER_MS", dict.fromkeys(doctor.ANSWER_MS, 60_000))


WELL = {"app": set(), "contacts": set(), "customers": set()}


def test_what_stands_before_wecom_is_named(proxy, push) -> None:
    assert examined(push) == WELL
    assert not CallbackAddress.objects.exclude(verified_at=None).exists()  # it was not WeCom that asked
    for spoil, what in (
        ("path", "url"), ("bare", "proxy"), ("decoded", "proxy"), ("newline", "format"), ("slow", "time"),
    ):  # fmt: skip
        proxy.spoil = spoil
        assert examined(push) == {name: {what} for name in WELL}, spoil
        proxy.spoil = ""
        assert examined(push) == WELL, spoil


def test_what_stands_before_dingtalk_is_named(proxy, pull) -> None:
    assert examined(pull) == {"app": set()}
    for spoil, what in (
        ("path", "url"),
        ("bare", "proxy"),
        ("cut", "proxy"),
        ("slow", "time"),
    ):
        proxy.spoil = spoil
        assert examined(pull) == {"app": {what}}, spoil
        proxy.spoil = ""
        assert examined(pull) == {"app": set()}, spoil


def test_what_is_wrong_in_dingtalks_console_is_told_from_what_came(proxy, pull, unhurried) -> None:
    for part, wrong, what in (
        ("token", "another", "token"),
        ("key", "B" * 43, "key"),
        ("owner", "dingother", "receive_id"),
    ):
        sender = DingTalkSender(pull)
        setattr(sender.address if part == "token" else sender, part, wrong)
        assert sender.report("user_modify_org", UserId=[part]).status_code == 403
        assert examined(pull) == {"app": {what}}
        # Put right, the next good message ends the complaint.
        assert DingTalkSender(pull).report("user_modify_org", UserId=[part]).status_code == 200
        assert examined(pull) == {"app": set()}


def test_an_address_nobody_answers_at_is_named(push, settings) -> None:
    settings.PUBLIC_URL = f"http://127.0.0.1:{free_port()}"
    assert examined(push) == {name: {"url"} for name in WELL}


def test_what_is_wrong_in_wecoms_console_is_told_from_what_came(proxy, push, unhurried) -> None:
    sender = WeComSender(push)
    text = sender.event("update_user", UserID="zhangsan")
    for what, wrong in (
        ("token", lambda: sender.send(text, msg_signature="0" * 40)),
        ("key", lambda: sender.send(text, box=Box(sender.box.token, "B" * 43, sender.corp))),
        ("receive_id", lambda: sender.send(text, box=Box(sender.box.token, sender.box.aes_key, "ww-other"))),
        ("clock", lambda: sender.send(text, at=int(time.time()) - 9000)),
        ("proxy", lambda: sender.send(text, nonce="")),
    ):
        assert wrong().status_code == 403
        assert examined(push) == WELL | {"contacts": {what}}
        # Put right, the next good message ends the complaint.
        assert sender.send(sender.event("update_user", UserID=what)).status_code == 200
        assert examined(push) == WELL


def test_an_answer_that_took_too_long_and_an_untrusted_address_are_told(proxy, push) -> None:
    sender = WeComSender(push)
    sender.send(sender.event("update_user", UserID="zhangsan"))
    with tenant(push.id):
        Callback.objects.update(took_ms=4_000)
        Run.objects.create(
            id=new_id(), connection_id=push.conn_id, direction="push", state="failed", member=push.founded.admin_id,
            at=dt.datetime.now(dt.UTC), error="Enter our server's address (60020: not allow to access)",
        )  # fmt: skip
    assert examined(push)["contacts"] == {"time", "trusted_ip"}
    # Entered there, the next sync goes through and ends the complaint.
    push.sync()
    assert examined(push)["contacts"] == {"time"}


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
