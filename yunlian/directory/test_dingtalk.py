"""DingTalk's adapter against its sandbox over real HTTP: the visible range is who is here."""

import datetime as dt
import json
from urllib.parse import urlencode

import pytest
from django.test import Client

from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.org.context import context_for
from yunlian.org.models import User
from yunlian.platforms.dingtalk.crypto import encrypt, signature
from yunlian.platforms.dingtalk.sandbox import PLATFORM
from yunlian.platforms.dingtalk.sandbox.world import Department, DingTalk, Install, Person, State
from yunlian.platforms.sandbox.testing import running

from . import connections, lifecycle, looks, runs, suites
from .conftest import Stage
from .models import Arrival, Connection, Installed, Match, Territory

CORP, KEY, SECRET = "dingcorp0001", "dingappyunlian0001", "app-secret-0001"


@pytest.fixture
def corp(settings):
    """The sandbox's corp with two departments below its root and three people in them."""
    with running([PLATFORM]) as started:
        settings.DINGTALK_URL = f"{started.base_url}/dingtalk"
        world = started.sandbox.world.part(DingTalk)
        found = world.corps[CORP]
        with started.sandbox.world.change():
            found.departments = {
                1: found.departments[1], 10: Department(10, "销售", 1), 11: Department(11, "设计", 10),
            }  # fmt: skip
            found.people = {
                key: Person(key, f"union-{key}", name, f"1380000000{n}", places)
                for n, (key, name, places) in enumerate(
                    (("u1", "张三", [10]), ("u2", "李四", [11]), ("u3", "王五", [11, 10])), 1
                )
            }
            found.installs[KEY].departments, found.installs[KEY].users = [10], []
        found.world, found.change, found.started = world, started.sandbox.world.change, started
        yield found


@pytest.fixture
def stage(acme, corp) -> Stage:
    return Stage(acme, corp, "dingtalk", corp_id=CORP, app_key=KEY, app_secret=SECRET)


def names(stage) -> dict[str, str]:
    return {e.name: e.department.name for e in stage.employees().values() if e.code != "0001"}


def test_the_visible_range_is_who_is_here(stage, corp) -> None:
    run = stage.begin()
    assert run.error == ""
    assert [(a, n) for a, n, _r in stage.acts(run)] == [
        ("add", "销售"), ("add", "设计"), ("add", "张三"), ("add", "李四"), ("conflict", "王五"),
    ]  # fmt: skip
    stage.apply(run)
    assert names(stage) == {"张三": "销售", "李四": "设计"}
    assert run.seen["tops"] == ["10"]


def test_a_range_made_smaller_is_held_and_one_made_larger_is_not(stage, corp) -> None:
    stage.sync()
    with corp.change():
        corp.installs[KEY].departments = [11]
    held = stage.begin()
    assert (held.state, "range_shrank" in [g["code"] for g in held.guards]) == ("held", True)
    with corp.change():
        corp.installs[KEY].departments = [1]
    assert stage.begin().state == "planned"


def test_a_person_out_of_the_range_is_looked_at_and_disabled(stage, corp) -> None:
    stage.sync()
    with corp.change():
        corp.people["u1"].departments = [1]
    with stage.enter() as ctx:
        looks.ask(stage.id, stage.conn_id, [("person", "u1")], ctx.now)
    looks.begin_due(stage.id, dt.datetime.now(dt.UTC))
    stage.work()
    assert stage.employees()["U1"].job == "left"
    assert stage.employees()["U2"].job == "employed"


def test_a_secret_that_is_wrong_is_said_so(stage, corp) -> None:
    with stage.enter() as ctx:
        connections.change(ctx, stage.conn_id, {"app_secret": "wrong"})
    run = stage.begin()
    assert run.state == "failed"
    assert "invalidClientIdOrSecret" in run.error


def test_a_token_taken_back_in_the_middle_is_fetched_once_more(stage, corp) -> None:
    assert stage.begin().state == "planned"
    with corp.change():
        corp.world.tokens.clear()
    assert stage.begin().state == "planned"


SUITE_PATH, AES = "suite-path", "ZmFrZS10ZXN0LWtleS0wMTIzNDU2Nzg5LWFiY2RlZmc"


@pytest.fixture
def market(acme, corp, settings):
    """Our suite, installed by the corp; acme is not bound to it yet."""
    suite = next(app for app in corp.world.apps.values() if app.is_suite)
    now = dt.datetime.now(dt.UTC)
    suites.keep("dingtalk", suite.key, suite.secret, token="tok123", aes_key=AES, path=SUITE_PATH, now=now)
    suites.keep_ticket(suite.key, suite.ticket, now)
    with corp.change():
        corp.installs[suite.key] = Install(suite.key, 16099, State.ACTIVE, [10], [], installed_by="u1")

    def send(**row):
        biz = [{"id": 1, "subscribe_id": "1_0", "corp_id": CORP, "biz_type": 4, "biz_id": "1",
                "gmt_modified": int(dt.datetime.now(dt.UTC).timestamp() * 1000), "biz_data": json.dumps(row)}]  # fmt: skip
        sealed = encrypt(AES, json.dumps({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": biz}), suite.key)
        query = {
            "signature": signature("tok123", "1700000000000", "n", sealed),
            "timestamp": "1700000000000",
            "nonce": "n",
        }
        body = json.dumps({"encrypt": sealed})
        return Client().generic(
            "POST", f"/callback/{SUITE_PATH}?{urlencode(query)}", body, "application/json"
        )

    send(syncAction="org_suite_auth", auth_corp_info={"corpid": CORP, "corp_name": "示例企业"},
         auth_info={"agent": [{"agentid": 16099, "appid": 1}]})  # fmt: skip
    send.suite = suite
    return send


@pytest.fixture
def bound(acme, corp, market) -> Stage:
    class Bound(Stage):
        def __init__(self) -> None:
            self.founded, self.platform, self.id = acme, corp, acme.enterprise_id
            with self.enter() as ctx:
                self.conn_id = lifecycle.bind(ctx, Arrival(corp_id=CORP, theirs="u9")).id

    return Bound()


def settle(stage) -> None:
    now = dt.datetime.now(dt.UTC)
    looks.handle(stage.id, now)
    looks.begin_due(stage.id, now + dt.timedelta(minutes=1))
    stage.work()
    looks.begin_due(stage.id, now + dt.timedelta(minutes=2))
    stage.work()


def test_nobody_binds_a_corp_that_has_not_installed_the_app_or_whose_time_is_over(acme, market) -> None:
    now = dt.datetime.now(dt.UTC)
    with tenant(acme.enterprise_id):
        ctx = context_for(acme.enterprise_id, acme.admin_id, now)
        with pytest.raises(Refused) as refused:
            lifecycle.bind(ctx, Arrival(corp_id="dingelse", theirs="u1"))
        assert [p.code for p in refused.value.problems] == ["not_installed"]
        Installed.objects.update(ends_at=now)
        with pytest.raises(Refused) as refused:
            lifecycle.bind(ctx, Arrival(corp_id=CORP, theirs="u1"))
        assert [p.code for p in refused.value.problems] == ["over"]
        assert not Connection.objects.exists()
    assert not Territory.objects.filter(is_live=True).exists()


@pytest.mark.parametrize("is_seen", [True, False])
def test_whoever_binds_is_matched_with_who_they_are_there_if_the_range_has_them(
    acme, market, is_seen: bool
) -> None:
    with tenant(acme.enterprise_id):
        ctx = context_for(acme.enterprise_id, acme.admin_id, dt.datetime.now(dt.UTC))
        lifecycle.bind(ctx, Arrival(corp_id=CORP, theirs="u1", is_seen=is_seen))
        found = list(Match.objects.values_list("theirs", "employee_id"))
    assert found == ([("u1", acme.admin_id)] if is_seen else [])


def test_installed_from_the_marketplace_people_come_by_themselves(bound) -> None:
    settle(bound)
    assert names(bound) == {"张三": "销售", "李四": "设计"}
    # A third-party app is never told mobiles: ours stay what they are.
    assert {e.mobile for e in bound.employees().values()} == {""}


def test_stopped_restored_and_removed_on_the_platform_is_seen_here(bound, corp, market) -> None:
    settle(bound)

    def become(state: State, event: str) -> str:
        with corp.change():
            corp.installs[market.suite.key].state = state
        market(syncAction=event, agentId=16099)
        settle(bound)
        return bound.conn.state

    assert become(State.STOPPED, "org_micro_app_stop") == "stopped"
    with bound.enter() as ctx, pytest.raises(Refused):
        runs.begin(ctx, bound.conn)
    assert become(State.ACTIVE, "org_micro_app_restore") == "on"
    assert become(State.RELIEVED, "org_suite_relieve") == "removed"
    assert len(bound.employees()) == 3


def test_a_stop_that_did_not_happen_changes_nothing(bound, corp, market) -> None:
    settle(bound)
    market(syncAction="org_micro_app_stop", agentId=16099)
    settle(bound)
    assert bound.conn.state == "on"


def test_a_trial_that_is_over_unbinds_by_the_same_path(bound) -> None:
    settle(bound)
    now = dt.datetime.now(dt.UTC)
    lifecycle.visit(now)
    assert bound.conn.state == "on"
    Installed.objects.update(ends_at=now - dt.timedelta(days=1))
    lifecycle.visit(now)
    assert bound.conn.state == "left"
    assert {e.job for e in bound.employees().values()} == {"employed"}


def test_nobody_binds_again_after_the_trial_but_who_has_paid_does(bound) -> None:
    settle(bound)
    now = dt.datetime.now(dt.UTC)
    Installed.objects.update(ends_at=now - dt.timedelta(days=3650))
    lifecycle.visit(now)
    with bound.enter() as ctx, pytest.raises(Refused) as refused:
        connections.switch(ctx, bound.conn_id, is_on=True)
    assert [p.code for p in refused.value.problems] == ["over"]
    Installed.objects.update(ends_at=now + dt.timedelta(days=365))
    with bound.enter() as ctx:
        connections.switch(ctx, bound.conn_id, is_on=True)
    assert bound.conn.state == "on"


def test_a_trial_that_is_over_locks_nobody_out_and_says_so_once(bound, acme) -> None:
    settle(bound)
    User.objects.update(password="")
    now = dt.datetime.now(dt.UTC)
    Installed.objects.update(ends_at=now - dt.timedelta(days=1))
    lifecycle.visit(now)
    version = bound.conn.version
    lifecycle.visit(now)
    assert (bound.conn.state, bound.conn.version) == ("stopped", version)


def asked(corp, stage, name: str) -> list[str]:
    """What planning one department asks of DingTalk."""
    journal = corp.started.sandbox.world.journal
    journal.clear()
    with stage.enter() as ctx:
        run = runs.begin_below(ctx, stage.conn, str(stage.departments()[name].id))
    stage.work()
    assert stage.run(run).state == "planned", stage.errors()
    return sorted(each.what for each in journal)


def test_one_department_costs_the_same_calls_however_large_the_corp_is(stage, corp) -> None:
    run = stage.begin()
    stage.apply(run)
    few = asked(corp, stage, "设计")
    with corp.change():
        corp.departments |= {n: Department(n, f"部{n}", 1) for n in range(100, 130)}
        corp.people |= {
            f"m{n}": Person(f"m{n}", f"union-m{n}", f"人{n}", f"139{n:08}", [n]) for n in range(100, 130)
        }
        corp.installs[KEY].departments = [1]
    assert asked(corp, stage, "设计") == few
    assert [each.rpartition("department/")[2] for each in few] == [
        "get", "get", "get", "get", "listsub", "POST /topapi/v2/user/list",
    ]  # fmt: skip
