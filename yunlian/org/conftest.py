"""Two enterprises with people, for the tests of the organisation."""

import datetime as dt
import json
import queue
from collections.abc import Iterator

import pyotp
import pytest
from django.test import Client

from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import by_password, people
from .attempts import Asked
from .connections import CONNECTIONS, Connected
from .context import context_for
from .gate import GATE
from .identities import MOBILE, Account
from .models import Identity, Membership, User
from .texting import TEXTING
from .ways import WAYS, Leaving

PASSWORD = "correct horse battery"


def sign_in(login: str = "boss", password: str = PASSWORD, now: dt.datetime = NOW, **more: str) -> str:
    """Sign in with a password and nothing else; the session's token."""
    opened = by_password.sign_in(login, password, Asked(now, **more))
    assert not opened.owes_second_factor
    return opened.token


@pytest.fixture
def acme(db: None) -> people.Founded:
    return people.found_enterprise("acme", "云上家居", "boss", PASSWORD, now=NOW)


@pytest.fixture
def other(db: None) -> people.Founded:
    return people.found_enterprise("other", "远山家具", "rival", PASSWORD, now=NOW)


@pytest.fixture
def hire(acme):
    """Hire somebody with a login at acme: `hire("guide", login="ann") -> employee id`."""

    def act(*roles: str, login: str | None = None, code: str | None = None, **more):
        with tenant(acme.enterprise_id):
            ctx = context_for(acme.enterprise_id, acme.admin_id, NOW)
            data = {
                "code": code or f"E-{login}",
                "name": f"员工{login}",
                "department": str(acme.department_id),
            } | more
            return people.hire(ctx, data, roles=roles, login=login, password=PASSWORD if login else None)

    return act


@pytest.fixture
def context(acme):
    """The context of an employee of acme as a request would read it now."""

    def read(employee_id=None, now: dt.datetime = NOW):
        with tenant(acme.enterprise_id):
            return context_for(acme.enterprise_id, employee_id or acme.admin_id, now)

    return read


@pytest.fixture
def clock(monkeypatch):
    """What the gate takes for now; set `clock.now`."""

    class Clock:
        now = NOW

    monkeypatch.setattr(GATE, "clock", lambda: Clock.now)
    yield Clock
    Clock.now = NOW


class Browser:
    """One device that speaks to the API; remembers its cookies."""

    def __init__(self, login=None, password=PASSWORD, **headers):
        self.client = Client(headers=headers)
        if login is not None:
            assert self.post("/api/session", login=login, password=password).status_code == 200

    def call(self, method, path, body=None, **more):
        return self.client.generic(
            method, path, b"" if body is None else json.dumps(body), "application/json", **more
        )

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, **body):
        return self.call("POST", path, body)

    def put(self, path, **body):
        return self.call("PUT", path, body)

    def delete(self, path):
        return self.call("DELETE", path)

    @property
    def token(self):
        found = self.client.cookies.get("session")
        return found.value if found is not None else ""


def codes(response):
    return [problem["code"] for problem in response.json()["problems"]]


class Inbox:
    """A gateway whose messages end in the test's hands."""

    def __init__(self) -> None:
        self.sent: queue.Queue[tuple[str, str]] = queue.Queue()

    def send(self, mobile: str, code: str, minutes: int) -> None:
        self.sent.put((mobile, code))

    def code(self, mobile: str) -> str:
        to, code = self.sent.get(timeout=10)
        assert to == mobile
        return code


@pytest.fixture
def inbox(monkeypatch) -> Inbox:
    """What was sent by SMS."""
    box = Inbox()
    monkeypatch.setattr(TEXTING, "_find", lambda _enterprise_id: box)
    return box


class Paper:
    """A platform on paper: who keeps the connections, and a way whose codes are `<subject>` of a corp, good once."""

    name, provider, place, label, script = "paper", "wecom", "browser", "Paper", ""

    def __init__(self) -> None:
        self.connected: list[Connected] = []
        self.matched: dict[tuple[int, str], object] = {}
        self.used: set[str] = set()

    def connect(self, enterprise_id: int, corp: str) -> Connected:
        made = Connected(enterprise_id, "wecom", corp, corp, None)
        self.connected.append(made)
        return made

    def of_enterprise(self, enterprise_id):
        return [each for each in self.connected if each.enterprise_id == enterprise_id]

    def enterprises_of(self, provider, corp):
        return [e.enterprise_id for e in self.connected if (e.provider, e.corp) == (provider, corp)]

    def employee_of(self, connected, subject):
        return self.matched.get((connected.enterprise_id, subject))

    def leave(self, connected, state, back):
        return Leaving(state, f"https://paper.example/?state={state}&back={back}", connected.corp)

    def account(self, connected, code):
        corp, _slash, subject = code.partition("/")
        return Account("wecom", corp, subject.partition("#")[0])


@pytest.fixture
def paper(monkeypatch) -> Iterator[Paper]:
    """A connected platform that needs no network, and the only one there is."""
    made, kept = Paper(), dict(WAYS)
    monkeypatch.setattr(CONNECTIONS, "_keeper", made)
    WAYS.clear()
    WAYS["paper"] = made
    yield made
    WAYS.clear()
    WAYS.update(kept)


@pytest.fixture
def bound():
    """Bind an account or a mobile to a login without ceremony."""

    def act(
        login: str, subject: str, *, provider: str = MOBILE, corp: str = "", is_own: bool = True
    ) -> Identity:
        user = User.objects.get(login=login)
        return Identity.objects.create(
            provider=provider, corp=corp, subject=subject, user=user, is_own=is_own, created_at=NOW
        )

    return act


def user_of(employee_id: object) -> User:
    return User.objects.get(memberships=Membership.objects.get(employee_id=employee_id))


def totp(secret: str, now: dt.datetime = NOW) -> str:
    return pyotp.TOTP(secret).at(now)
