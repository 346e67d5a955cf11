"""Installed in DingTalk's marketplace: the corp's administrator comes from its console and binds an enterprise, nobody else."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client

from yunlian.directory import suites
from yunlian.directory.models import Arrival, Connection, Installed, Territory
from yunlian.kernel.scope import tenant
from yunlian.org.models import Enterprise, User
from yunlian.platforms.dingtalk.sandbox.world import (
    SUITE,
    SUITE_SECRET,
    VENDOR,
    DingTalk,
    Mode,
    Receiver,
    sso_secret_of,
)  # fmt: skip
from yunlian.platforms.sandbox.testing import receiver

from .conftest import CORP, PASSWORD, Browser, Office, Phones, settled

AES = "ZmFrZS10ZXN0LWtleS0wMTIzNDU2Nzg5LWFiY2RlZmc"
NEW = {"name": "示例家居", "code": "SLJJ", "login": "zhouming", "password": "a quiet green lamp"}


class Market:
    """DingTalk's marketplace: a corp installs our app, DingTalk tells us, somebody presses 进入."""

    def __init__(self, phones: Phones, got: list[Any]) -> None:
        self.phones, self.got = phones, got

    def install(self, corp: str = CORP, **more: Any) -> None:
        before = len(self.got)
        self.phones.sandbox.control("/dingtalk/apps/install", app_key=SUITE, corp_id=corp, **more)
        settled(lambda: len(self.got) >= before + 3)
        self.hear(before)

    def hear(self, since: int) -> None:
        for each in self.got[since:]:
            query = "&".join(f"{k}={v}" for k, v in each.query.items())
            answer = Client().generic("POST", f"/callback/market?{query}", each.body, "application/json")
            assert answer.status_code == 200, answer.content

    def code(self, user: str = "u1001", corp: str = CORP) -> str:
        return self.phones.code_in_dingtalk(user, "sso", corp, SUITE)


@pytest.fixture
def market(db, phones: Phones, settings):
    settings.DINGTALK_SUITE = {
        "key": SUITE, "secret": SUITE_SECRET, "token": "tok123", "aes_key": AES, "path": "market", "vendor": VENDOR,
        "sso_secret": sso_secret_of(VENDOR),
    }  # fmt: skip
    suites.follow_settings(dt.datetime.now(dt.UTC))
    with receiver(lambda _received: (200, "")) as listening:
        world = phones.sandbox.sandbox.world
        with world.change():
            state = world.part(DingTalk)
            state.switches.retry_s = 600.0
            state.apps[SUITE].receiver = Receiver(Mode.SYNC, listening.url, "tok123", AES)
        yield Market(phones, listening.got)


@pytest.fixture
def acme(market: Market) -> Office:
    return Office("acme")


def boss_of(office: Office) -> Browser:
    browser = Browser()
    answer = browser.post("/api/session", login=f"boss-{office.code}", password=PASSWORD)
    assert answer.status_code == 200, answer.content
    return browser


def arrive(browser: Browser, code: str, corp: str = CORP) -> Any:
    return browser.post("/api/dingtalk/arrival", code=code, corp=corp)


def connection_of(enterprise_id: int) -> Connection | None:
    with tenant(enterprise_id):
        return Connection.objects.filter(platform="dingtalk").first()


def test_who_installed_it_binds_the_enterprise_they_have(market: Market, acme: Office) -> None:
    market.install()
    boss = boss_of(acme)
    came = arrive(boss, market.code())
    assert came.status_code == 201, came.content
    shown = came.json()
    assert (shown["corp_name"], shown["name"], shown["is_trial"]) == ("示例家居有限公司", "周明", True)
    assert shown["bound"] is None
    assert boss.get("/api/dingtalk/arrival").json() == shown
    done = boss.post("/api/directory/bind")
    assert done.status_code == 200, done.content
    conn = connection_of(acme.id)
    assert conn is not None
    assert (conn.origin, conn.state, conn.corp_id) == ("market", "on", CORP)
    assert boss.get("/api/dingtalk/arrival").status_code == 404, "it was good once"


@pytest.mark.parametrize("departments", [[1], [1004]])
def test_who_has_none_founds_one_on_trial_and_is_its_administrator(
    market: Market, departments: list[int]
) -> None:
    """Whether the visible range has them or, as creators may be, does not."""
    market.install(departments=departments)
    browser = Browser()
    assert arrive(browser, market.code()).json()["suggested"] == "SLJJYXGS"
    made = browser.post("/api/dingtalk/enterprise", **NEW)
    assert made.status_code == 200, made.content
    enterprise = Enterprise.objects.get(code="SLJJ")
    assert made.json()["enterprise"]["name"] == "示例家居"
    (shown,) = browser.get("/api/directory/connections").json()["rows"]
    assert (shown["origin"], shown["state"]) == ("market", "on")
    conn = connection_of(enterprise.id)
    assert conn is not None
    assert conn.corp_id == CORP
    again = Browser()
    assert again.post("/api/session", login="zhouming", password=NEW["password"]).status_code == 200
    # And by the console too: it is known who they are there.
    console = {"way": "dingtalk_console", "enterprise": "SLJJ", "code": market.code()}
    assert Browser().post("/api/sign-in/console", **console).status_code == 200


def test_a_founding_that_is_refused_leaves_nothing_and_may_be_tried_again(
    market: Market, acme: Office
) -> None:
    market.install()
    browser = Browser()
    arrive(browser, market.code())
    enterprises = Enterprise.objects.count()
    for wrong in (
        {"code": acme.code},
        {"login": "boss-acme"},
        {"password": "short"},
        {"code": "a b"},
        {"name": " "},
    ):
        refused = browser.post("/api/dingtalk/enterprise", **NEW | wrong)
        assert refused.status_code in (409, 422), (wrong, refused.content)
    assert Enterprise.objects.count() == enterprises
    assert not User.objects.filter(login="zhouming").exists()
    assert browser.post("/api/dingtalk/enterprise", **NEW).status_code == 200


@pytest.mark.parametrize("code", ["forged", "", "x" * 600])
def test_a_forged_link_opens_nothing(market: Market, acme: Office, code: str) -> None:
    market.install()
    boss = boss_of(acme)
    assert arrive(boss, code).status_code == 401
    assert boss.get("/api/dingtalk/arrival").status_code == 404
    assert boss.post("/api/directory/bind").status_code == 404
    assert connection_of(acme.id) is None


def test_a_link_that_was_used_opens_nothing(market: Market, acme: Office) -> None:
    market.install()
    code = market.code()
    assert arrive(Browser(), code).status_code == 201
    thief = boss_of(acme)
    assert arrive(thief, code).status_code == 401
    assert thief.post("/api/directory/bind").status_code == 404


def test_what_a_browser_got_is_of_no_use_twice_or_too_late(market: Market, acme: Office) -> None:
    market.install()
    boss = boss_of(acme)
    arrive(boss, market.code())
    token = boss.cookie("arrival-8000")
    assert token
    assert boss.post("/api/directory/bind").status_code == 200
    other = Office("other")
    thief = boss_of(other)
    thief.client.cookies["arrival-8000"] = token
    assert thief.post("/api/directory/bind").status_code == 404
    arrive(thief, market.code())
    Arrival.objects.update(created_at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=2))
    assert thief.post("/api/directory/bind").status_code == 404
    assert connection_of(other.id) is None


def test_a_second_enterprise_does_not_bind_the_same_corp(market: Market, acme: Office) -> None:
    market.install()
    boss = boss_of(acme)
    arrive(boss, market.code())
    assert boss.post("/api/directory/bind").status_code == 200
    other = Office("other")
    second = boss_of(other)
    assert arrive(second, market.code()).json()["bound"] == {"code": "ACME", "name": acme_name()}
    assert second.post("/api/directory/bind").status_code == 409
    assert second.post("/api/dingtalk/enterprise", **NEW).status_code == 409
    assert connection_of(other.id) is None
    assert not Enterprise.objects.filter(code="SLJJ").exists()
    assert [each.enterprise_id for each in Territory.objects.filter(is_live=True)] == [acme.id]


def acme_name() -> str:
    return Enterprise.objects.get(code="ACME").name


@pytest.mark.parametrize("user", ["u1004", "u1002"])
def test_somebody_who_may_not_manage_the_app_does_not_come_in(
    market: Market, acme: Office, user: str
) -> None:
    """A guide, and a sub-administrator whose right to the app was taken away; with it, the same person comes in."""
    world = market.phones.sandbox.sandbox.world
    with world.change():
        person = world.part(DingTalk).corps[CORP].people[user]
        person.may_manage_apps = False
    market.install()
    boss = boss_of(acme)
    assert arrive(boss, market.code(user)).status_code == 401
    assert boss.post("/api/directory/bind").status_code == 404
    with world.change():
        person.level, person.may_manage_apps = 2, True
    assert arrive(boss, market.code(user)).status_code == 201


def test_a_member_who_may_not_set_up_platforms_does_not_bind(market: Market, acme: Office) -> None:
    market.install()
    acme.hire("CLERK", "buyer", login="clerk")
    clerk = Browser()
    assert clerk.post("/api/session", login="clerk", password=PASSWORD).status_code == 200
    assert arrive(clerk, market.code()).status_code == 201
    assert clerk.post("/api/directory/bind").status_code == 403
    assert connection_of(acme.id) is None
    assert clerk.get("/api/dingtalk/arrival").status_code == 200, "an administrator may still use it"


def test_the_code_is_kept_for_later_while_dingtalk_has_not_told_of_the_install(
    market: Market, acme: Office
) -> None:
    market.install()
    installed = Installed.objects.get(corp_id=CORP)
    Installed.objects.filter(id=installed.id).delete()
    boss, code = boss_of(acme), market.code()
    waits = arrive(boss, code)
    assert (waits.status_code, waits.json()["problems"][0]["code"]) == (409, "not_installed")
    installed.save(force_insert=True)
    assert arrive(boss, code).status_code == 201


def test_an_administrator_of_another_corp_binds_their_own_and_not_this_one(
    market: Market, acme: Office
) -> None:
    market.install()
    market.install("dingcorp0002")
    boss = boss_of(acme)
    came = arrive(boss, market.code(corp="dingcorp0002"), CORP).json()
    assert came["corp_id"] == "dingcorp0002", "the address says nothing, the code does"
    assert boss.post("/api/directory/bind").json()["corp_id"] == "dingcorp0002"
