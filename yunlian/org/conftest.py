"""Two enterprises with people, for the tests of the organisation."""

import datetime as dt

import pytest

from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import NOW

from . import people
from .context import context_for
from .gate import GATE

PASSWORD = "correct horse battery"


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
