"""An enterprise connected with WeCom and DingTalk as the sandbox plays them, over real HTTP, everybody's phone and desk."""

import datetime as dt
import json
import re
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from django.http import HttpResponse
from django.test import Client

from yunlian.directory import connections, looks, notices
from yunlian.directory.models import CallbackAddress, Connection, Match, Notice
from yunlian.kernel import worker
from yunlian.kernel.document import find_document
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import load
from yunlian.kernel.models import Outbox
from yunlian.kernel.relay import Relay
from yunlian.kernel.scope import tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import context, make
from yunlian.org import dingtalk_ways, people
from yunlian.org.context import context_for
from yunlian.org.models import Identity, User
from yunlian.platforms.dingtalk.sandbox import PLATFORM as DINGTALK
from yunlian.platforms.dingtalk.sandbox.world import DingTalk
from yunlian.platforms.sandbox.testing import Running, receiver, running
from yunlian.platforms.sms.sandbox import PLATFORM as SMS
from yunlian.platforms.sms.sandbox.world import Sms
from yunlian.platforms.wecom.sandbox import WECOM
from yunlian.platforms.wecom.sandbox import state as wecom
from yunlian.platforms.wecom.sandbox.state import Receiver, Wecom

PASSWORD = "correct horse battery"
HOST = "http://127.0.0.1:8000"
SESSION_COOKIE, FLOW_COOKIE = "session-8000", "flow-8000"  # over plain HTTP a cookie carries the port
CODE = "purchase.order"
CORP, APP, APP_SECRET, AGENT = "dingcorp0001", "dingappyunlian0001", "app-secret-0001", "16001"


class Browser:
    """One device that speaks to us; `agent` is what it says it is."""

    def __init__(self, agent: str = "Chrome", address: str = "192.0.2.1") -> None:
        self.client = Client(headers={"User-Agent": agent, "Accept-Language": "en"}, REMOTE_ADDR=address)
        self.client.defaults["HTTP_HOST"] = HOST.removeprefix("http://")

    def call(self, method: str, path: str, body: Any = None) -> HttpResponse:
        raw = b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, path, raw, "application/json")

    def get(self, path: str) -> HttpResponse:
        return self.call("GET", path)

    def post(self, path: str, **body: Any) -> HttpResponse:
        return self.call("POST", path, body)

    def delete(self, path: str) -> HttpResponse:
        return self.call("DELETE", path)

    def cookie(self, name: str) -> str:
        found = self.client.cookies.get(name)
        return "" if found is None else found.value


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Running]:
    with running([WECOM, DINGTALK, SMS]) as started:
        yield started


class Phones:
    """The other side of every way: what somebody does on WeCom's or DingTalk's pages, on a phone or in the browser."""

    def __init__(self, sandbox: Running) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(trust_env=False, timeout=20)

    def _come(self, address: str) -> tuple[str, str]:
        query = parse_qs(urlsplit(address).query)
        assert address.startswith(f"{HOST}/sign-in/back?"), address
        return query["state"][0], query.get("authCode", query.get("code", [""]))[0]

    def scan_wecom(self, address: str, user: str) -> tuple[str, str]:
        """Scan the QR code of WeCom's page with the phone of a member and confirm; state and code that come back."""
        page = self.http.get(address)
        assert page.status_code == 200, page.text
        key = re.search(r'key = "([0-9a-f]{16})"', page.text)
        assert key, page.text
        self.sandbox.control("/wecom/phone/scan", key=key[1], user=user)
        go = self.http.get(f"{self.sandbox.base_url}/wecom/wwlogin/sso/poll", params={"key": key[1]}).json()[
            "go"
        ]
        return self._come(go)

    def open_in_wecom(self, address: str, user: str) -> tuple[str, str]:
        """Open the page inside WeCom, on the phone of a member: straight through and back."""
        url = httpx.URL(address.partition("#")[0]).copy_merge_params({"sandbox_user": user})
        answer = self.http.get(url)
        assert answer.status_code == 307, answer.text
        return self._come(answer.headers["location"])

    def scan_dingtalk(self, address: str, user: str) -> tuple[str, str]:
        """Scan the QR code of DingTalk's page and confirm."""
        page = self.http.get(address)
        assert page.status_code == 307, page.text
        waiting = page.headers["location"].rpartition("=")[2]
        answer = self.sandbox.control("/dingtalk/logins", id=waiting, corp_id=CORP, userid=user)["answer"]
        return self._come(answer)

    def code_by_sms(self, mobile: str) -> str:
        """The code in the last message to a mobile, once it is there."""
        sent = self.sandbox.sandbox.world.part(Sms).sent
        found = settled(lambda: [each.text for each in sent if each.phone.endswith(mobile[-11:])])
        sent.clear()
        code = re.search(r"(?<!\d)(\d{6})(?!\d)", found[-1])
        assert code, found
        # The gateway takes one message a minute for a number; the sandbox's clock is ours to turn.
        self.sandbox.control("/time", advance_s=61)
        return code[1]

    def code_in_dingtalk(self, user: str, kind: str = "inside", corp: str = CORP, app: str = APP) -> str:
        """The code that DingTalk's client, or its admin console (`sso`), hands out."""
        asked = {"kind": kind, "app_key": app, "corp_id": corp, "userid": user}
        return str(self.sandbox.control("/dingtalk/codes", **asked)["code"])


@pytest.fixture
def phones(sandbox_server: Running, settings, monkeypatch) -> Phones:
    sandbox_server.control("/reset")
    settings.WECOM_URL = f"{sandbox_server.base_url}/wecom"
    settings.DINGTALK_URL = f"{sandbox_server.base_url}/dingtalk"
    settings.SMS_URL = f"{sandbox_server.base_url}/sms"
    settings.SMS_GATEWAY = {
        "provider": "aliyun", "key": "sandbox-access-key-id", "secret": "sandbox-access-key-secret", "signature": "云链",
        "template": "SMS_100000001",
    }  # fmt: skip
    monkeypatch.setattr(dingtalk_ways.Inside, "script", "")
    return Phones(sandbox_server)


class Office:
    """One enterprise, its administrator `boss`, and somebody, `ann`, who is `li` of WeCom and somebody of DingTalk."""

    def __init__(self, code: str) -> None:
        self.code, now = code, dt.datetime.now(dt.UTC)
        self.founded = people.found_enterprise(code, f"企业{code}", f"boss-{code}", PASSWORD, now=now)
        self.id = self.founded.enterprise_id
        with tenant(self.id):
            self.ctx = context_for(self.id, self.founded.admin_id, now)
        assert self.ctx is not None

    def connect(self, platform: str, **fields: str) -> Connection:
        with tenant(self.id):
            made = connections.create(self.ctx, {"platform": platform, **fields})
            return connections.switch(self.ctx, made.id, is_on=True)

    def hire(self, code: str, *roles: str, login: str | None = None, **more: Any) -> Any:
        with tenant(self.id):
            data = {"code": code, "name": f"员工{code}", "department": str(self.founded.department_id)} | more
            return people.hire(self.ctx, data, roles=roles, login=login, password=PASSWORD if login else None)

    def match(self, conn: Connection, employee: Any, theirs: str) -> None:
        with tenant(self.id):
            Match.objects.create(
                id=new_id(), connection_id=conn.id, kind="person", employee_id=employee, theirs=theirs,
                since=self.ctx.now,
            )  # fmt: skip

    def bind(self, login: str, provider: str, corp: str, subject: str) -> Identity:
        user = User.objects.get(login=login)
        return Identity.objects.create(
            provider=provider, corp=corp, subject=subject, user=user, is_own=True, created_at=self.ctx.now
        )


@pytest.fixture
def office(db, phones: Phones) -> Office:
    made = Office("acme")
    world = phones.sandbox.sandbox.world
    with world.change():
        world.part(DingTalk).corps[CORP].people["u1001"].may_manage_apps = True
    made.wecom = made.connect(
        "wecom", corp_id=wecom.CORP, contacts_secret=wecom.CONTACTS_SECRET, agent_id=str(wecom.AGENT),
        agent_secret=wecom.AGENT_SECRET,
    )  # fmt: skip
    made.dingtalk = made.connect(
        "dingtalk", corp_id=CORP, app_key=APP, app_secret=APP_SECRET, agent_id=AGENT,
        sso_secret=f"sso-secret-of-{CORP}",
    )  # fmt: skip
    return made


def settled(act: Any, limit_s: float = 10) -> Any:
    """What `act` returns once it returns something."""
    deadline = time.monotonic() + limit_s
    while not (found := act()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.02)
    return found


class Desk:
    """An office where documents are submitted; `work` does all that waits, as the worker would."""

    def __init__(self, office: Office, phones: Phones, got: list[Any]) -> None:
        self.office, self.phones, self.got = office, phones, got

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)

    def submit(self, by: Any = None, **more: Any) -> Any:
        with tenant(self.office.id):
            ctx = context(self.office.id, by or self.clerk)
            return make(CODE, ctx, upto="submitted", lines__price="12.5", **more).pk

    def step(self, record: Any, name: str, by: Any = None, **given: Any) -> None:
        with tenant(self.office.id):
            move(CODE, context(self.office.id, by or self.clerk, member_name="文员"), record, name, **given)

    def work(self, later: dt.timedelta = dt.timedelta()) -> None:
        now = self.now + later
        relay = Relay(uuid.uuid4(), threading.Event())
        while relay.deliver(self.office.id, now):
            if not self.waiting():
                break
        looks.handle(self.office.id, now)
        while relay.deliver(self.office.id, now) and self.waiting():
            pass
        notices.visit(now)
        while (held := worker.claim(0, uuid.uuid4(), self.now)) is not None:
            worker.perform(held)

    def waiting(self) -> bool:
        with tenant(self.office.id):
            return Outbox.objects.filter(delivered_at=None).exists()

    def notices(self, record: Any = None) -> list[Notice]:
        with tenant(self.office.id):
            rows = Notice.objects.order_by("id")
            return list(rows.filter(record=record) if record else rows)

    def on_dingtalk(self) -> list[Any]:
        """What DingTalk was asked to tell people."""
        return list(self.phones.sandbox.sandbox.world.part(DingTalk).notices.values())

    def state_of(self, record: Any) -> str:
        with tenant(self.office.id):
            return load(find_document(CODE), context(self.office.id), record).header.state

    def phone(self, user: str = "founder") -> list[dict[str, Any]]:
        """Cards on a WeCom phone, newest first."""
        answer = self.phones.http.get(
            f"{self.phones.sandbox.base_url}/sandbox/api/wecom/phone",
            params={"user": user, "corp": wecom.CORP},
        )
        return answer.json()["messages"]

    def press(self, message: dict[str, Any], key: str = "approve", user: str = "founder") -> None:
        """Press a button; the platform's callback reaches us, and comes again with `doubled`."""
        before = len(self.got)
        self.phones.sandbox.control(
            "/wecom/phone/press", corp=wecom.CORP, message=message["id"], user=user, key=key
        )
        settled(lambda: len(self.got) > before)
        for each in self.got[before:]:
            self.call_back(each)

    def call_back(self, received: Any) -> None:
        query = "&".join(f"{k}={quote(v, safe='')}" for k, v in received.query.items())
        answer = Client().generic("POST", f"{received.path}?{query}", received.body, "text/xml")
        assert answer.status_code == 200, answer.content


@pytest.fixture
def desk(office: Office, phones: Phones, settings, monkeypatch):
    """The boss is `founder` on WeCom; a clerk submits; what WeCom reports reaches us."""
    settings.PUBLIC_URL = HOST
    office.match(office.wecom, office.founded.admin_id, "founder")
    with receiver(lambda _received: (200, "")) as listening:
        with tenant(office.id):
            address = CallbackAddress.objects.get(connection_id=office.wecom.id, receiver="app")
            key = connections.aes_key(address)
        world = phones.sandbox.sandbox.world
        with world.change():
            app = world.part(Wecom).corps[wecom.CORP].apps[wecom.AGENT]
            url = listening.url.replace("/callback", f"/callback/{address.key}")
            app.receiver = Receiver(url, address.token, key, verified=True)
        made = Desk(office, phones, listening.got)
        made.clerk = office.hire("CLERK", "buyer")
        yield made


@pytest.fixture
def manager(desk: Desk) -> Any:
    """A store manager of the office's only department, `lisi` on WeCom."""
    hired = desk.office.hire("MGR", "store_manager", login="mgr")
    desk.office.match(desk.office.wecom, hired, "lisi")
    world = desk.phones.sandbox.sandbox.world
    with world.change():
        people = world.part(Wecom).corps[wecom.CORP].people
        people["lisi"] = replace(people["founder"], user="lisi")
    return hired
