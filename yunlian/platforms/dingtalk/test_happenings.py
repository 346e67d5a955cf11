"""What the sandbox tells, over real sockets, is what the client's receiver opens; and an answer that will not do is told again."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import httpx
import pytest

from yunlian.platforms.dingtalk import events, subscription
from yunlian.platforms.dingtalk.api import Api, Bases
from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.callback import Receiver as Address
from yunlian.platforms.dingtalk.client import Client, InternalApp, SuiteApp
from yunlian.platforms.dingtalk.events import Event, from_push
from yunlian.platforms.dingtalk.sandbox import PLATFORM
from yunlian.platforms.dingtalk.sandbox.world import SUITE, VENDOR, DingTalk
from yunlian.platforms.dingtalk.suite import Suite
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.sandbox.testing import Received, Receiver, Running, receiver, running
from yunlian.platforms.tokens import MemoryTokens, Tokens

CORP = "dingcorp0001"
APP = "dingappyunlian0001"
TOKEN = "token2026"
KEY = "ZmFrZS10ZXN0LWtleS0wMTIzNDU2Nzg5LWFiY2RlZmc"


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running([PLATFORM]) as started:
        yield started


@pytest.fixture
def sandbox(server: Running) -> Running:
    server.control("/reset")
    server.control("/dingtalk/switches", retry_s=0.05)
    return server


def act(sandbox: Running, path: str, **asked: Any) -> Any:
    return sandbox.control(f"/dingtalk{path}", **asked)


def accepting(address: Address) -> Callable[[Received], tuple[int, str]]:
    return lambda _: (200, json.dumps(address.answer(int(time.time() * 1000))))


def opened(address: Address, got: list[Received]) -> list[Event]:
    return [event for each in got for event in from_push(address.opened(each.query, each.body))]


def what(found: list[Event]) -> list[events.What]:
    return [each.what for each in found]


@contextmanager
def listening(sandbox: Running, app_key: str, mode: str) -> Iterator[tuple[Address, Receiver]]:
    """An address of ours that the app's events go to, which has answered the first check already."""
    address = Address(TOKEN, KEY, app_key)
    with receiver(accepting(address)) as ours:
        act(
            sandbox,
            "/apps/receiver",
            app_key=app_key,
            mode=mode,
            url=ours.url + "?way=1",
            token=TOKEN,
            aes_key=KEY,
        )
        [check] = opened(address, ours.got)
        assert check.what == events.UrlCheck()
        ours.got.clear()
        yield address, ours


Listening = Callable[[str, str], AbstractContextManager[tuple[Address, Receiver]]]


@pytest.fixture
def listen(sandbox: Running) -> Listening:
    return lambda app_key, mode: listening(sandbox, app_key, mode)


def test_a_marketplace_app_lives_through_its_states(sandbox: Running, listen: Listening) -> None:
    place = {"app_key": SUITE, "corp_id": CORP}
    with listen(SUITE, "sync") as (address, ours):
        ticket = act(sandbox, "/apps/ticket", app_key=SUITE)["ticket"]
        agent = act(sandbox, "/apps/install", **place, departments=[1001], users=["u1009"])["agent_id"]
        act(sandbox, "/apps/range", **place, departments=[1])
        act(sandbox, "/apps/stop", **place)
        act(sandbox, "/apps/restore", **place)
        act(sandbox, "/apps/remove", **place)
        order = act(sandbox, "/apps/buy", **place, kind="RENEW", people_max=80)["order_id"]
        act(sandbox, "/apps/refund", order_id=order)
        act(sandbox, "/apps/relieve", **place)
        sandbox.settle()
        found = opened(address, ours.got)
        first = events.Authorised(
            "示例家居有限公司", "u1001", ((agent, 1234, ("u1001", "u1002")),), (1001,), ("u1009",)
        )
        again = found.pop(1)  # with the install, so that nobody waits five hours for it
        assert again.what == events.SuiteTicket(ticket)
        names = [each.name for each in found]
        assert names == [
            "suite_ticket", "market_order", "org_suite_auth", "org_micro_app_scope_update", "org_suite_change",
            "org_micro_app_stop", "org_micro_app_restore", "org_micro_app_remove", "market_order",
            "market_service_close", "org_suite_relieve",
        ]  # fmt: skip
        assert found[0].what == events.SuiteTicket(ticket)
        assert found[2].what == first
        assert found[4].what == events.Authorised(first.corp_name, "u1001", first.agents, (1,), ())
        assert what(found)[5:8] == [
            events.AppStopped(agent),
            events.AppRestored(agent),
            events.AppRemoved(agent),
        ]
        bought = found[8].what
        assert isinstance(bought, events.Order)
        assert (bought.order_id, bought.kind, bought.people_max) == (order, "RENEW", 80)
        assert what(found)[9:] == [events.ServiceClosed(order), events.Relieved()]
        assert {each.corp_id for each in found} == {"", CORP}
        assert all(each.path == "/callback" and each.query["way"] == "1" for each in ours.got)


def test_people_and_departments_are_told_of(sandbox: Running, listen: Listening) -> None:
    with listen(APP, "push") as (address, ours):
        made = act(sandbox, "/departments", corp_id=CORP, name="新部门", parent_id=1001)["id"]
        new = act(sandbox, "/people", corp_id=CORP, name="新人", mobile="13700000001", departments=[made])[
            "userid"
        ]
        act(sandbox, "/people", corp_id=CORP, userid=new, departments=[1002])
        act(sandbox, "/people", corp_id=CORP, userid=new, roles=[3])
        act(sandbox, "/people/leave", corp_id=CORP, userid=new)
        act(sandbox, "/departments/remove", corp_id=CORP, id=made)
        sandbox.settle()
        found = opened(address, ours.got)
        assert what(found) == [
            events.DepartmentsChanged((made,)), events.UsersChanged((new,)), events.UsersChanged((new,)),
            events.RolesChanged(()), events.UsersLeft((new,)), events.DepartmentsChanged((made,)),
        ]  # fmt: skip
        assert len({each.id for each in found}) == 6


def test_a_suite_hears_only_of_those_it_sees(sandbox: Running, listen: Listening) -> None:
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP, departments=[1001])
    with listen(SUITE, "sync") as (address, ours):
        act(sandbox, "/people", corp_id=CORP, userid="u1007", title="采购主管")  # 采购部
        act(sandbox, "/people", corp_id=CORP, userid="u1004", title="店长")  # below 销售部
        sandbox.settle()
        assert what(opened(address, ours.got)) == [events.UsersChanged(("u1004",))]


@pytest.mark.parametrize("tells", [True, False])
def test_whether_moving_out_of_range_is_told_is_a_switch(
    sandbox: Running, listen: Listening, tells: bool
) -> None:
    act(sandbox, "/switches", leaving_range_tells=tells)
    act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP, departments=[1001])
    with listen(SUITE, "sync") as (address, ours):
        act(sandbox, "/people", corp_id=CORP, userid="u1004", departments=[1002])
        sandbox.settle()
        assert what(opened(address, ours.got)) == ([events.UsersLeft(("u1004",))] if tells else [])


def test_an_old_suite_installs_the_legacy_way(sandbox: Running, listen: Listening) -> None:
    with listen(SUITE, "legacy") as (address, ours):
        act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP)
        sandbox.settle()
        found = {each.name: each for each in opened(address, ours.got)}
        assert set(found) == {"suite_ticket", "market_buy", "tmp_auth_code"}
        given = found["tmp_auth_code"].what
        assert isinstance(given, events.TemporaryCode)
        ticket = sandbox.sandbox.world.part(DingTalk).apps[SUITE].ticket
        api = Api(Bases.at(f"{sandbox.base_url}/dingtalk"))
        vendor = Suite(api, SuiteApp(SUITE, "suite-secret-of-the-sandbox", lambda: ticket))
        code, corp_id, name = vendor.permanent_code(given.code)
        assert (corp_id, name) == (CORP, "示例家居有限公司")
        vendor.activate(CORP, code)
        with pytest.raises(PlatformError, match="41031"):
            vendor.activate(CORP, "another")
        with pytest.raises(PlatformError, match="40078"):
            vendor.permanent_code(given.code)
        ours.got.clear()
        vendor.authorise_again(1234, [CORP])
        act(sandbox, "/apps/relieve", app_key=SUITE, corp_id=CORP)
        sandbox.settle()
        assert what(opened(address, ours.got)) == [events.AuthorisationChanged(), events.Relieved()]


# Answers and retries


def hire(sandbox: Running) -> None:
    act(sandbox, "/people", corp_id=CORP, userid="u1001", title=f"总经理{time.monotonic()}")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((500, ""), "HTTP 500"),
        ((200, "success"), "the answer is not the JSON"),
        ((200, json.dumps(Address("other", KEY, APP).answer(1))), "the signature of the answer does not fit"),
        ((200, json.dumps(Address(TOKEN, "A" * 43, APP).answer(1))), "the answer does not decrypt"),
        ((200, json.dumps(Address(TOKEN, KEY, "suiteother").answer(1))), "the answer is for suiteother"),
    ],
)
def test_a_wrong_answer_brings_the_event_thrice_and_onto_the_failed_list(
    sandbox: Running, listen: Listening, answer: tuple[int, str], said: str
) -> None:
    with listen(APP, "push") as (address, ours):
        ours.answer = lambda _: answer
        hire(sandbox)
        sandbox.settle()
        found = opened(address, ours.got)
        assert [each.what for each in found] == [events.UsersChanged(("u1001",))] * 3
        assert len({each.id for each in found}) == 1
        tries = [each for each in sandbox.sandbox.world.journal if each.kind == "callback"]
        assert len(tries) == 3
        assert all(each.said.startswith(said) for each in tries)
    api = Api(Bases.at(f"{sandbox.base_url}/dingtalk"))
    client = Client(api, InternalApp(APP, "app-secret-0001"), CORP, Tokens(MemoryTokens()))
    [lost] = subscription.undelivered(client)
    assert (lost.tag, lost.body) == ("user_modify_org", {"corpid": CORP, "userid": ["u1001"]})


def test_an_answer_after_the_deadline_is_none(sandbox: Running, listen: Listening) -> None:
    act(sandbox, "/switches", deadline_s=0.2)
    with listen(APP, "push") as (address, ours):
        good = ours.answer
        slow = [True]

        def late(received: Received) -> tuple[int, str]:
            if slow.pop() if slow else False:
                time.sleep(0.5)
            return good(received)

        ours.answer = late
        hire(sandbox)
        sandbox.settle()
        assert len(opened(address, ours.got)) == 2


@pytest.mark.parametrize("removes", [True, False])
def test_whether_reading_the_failed_list_empties_it_is_a_switch(
    sandbox: Running, listen: Listening, removes: bool
) -> None:
    act(sandbox, "/switches", reading_removes_failed=removes)
    with listen(APP, "push") as (_, ours):
        ours.answer = lambda _: (500, "")
        hire(sandbox)
        sandbox.settle()
    api = Api(Bases.at(f"{sandbox.base_url}/dingtalk"))
    client = Client(api, InternalApp(APP, "app-secret-0001"), CORP, Tokens(MemoryTokens()))
    assert len(list(subscription.undelivered(client))) == 1
    assert len(list(subscription.undelivered(client))) == (0 if removes else 1)


def strike(sandbox: Running, kind: str, **more: Any) -> None:
    sandbox.control("/faults", platform="dingtalk", where="callback", kind=kind, path=APP, times=1, **more)


@pytest.mark.parametrize(
    ("kind", "check"), [("wrong-signature", "signature"), ("wrong-receive-id", "receive-id")]
)
def test_a_forged_callback_is_refused_by_its_check(
    sandbox: Running, listen: Listening, kind: str, check: str
) -> None:
    with listen(APP, "push") as (address, ours):
        strike(sandbox, kind)
        hire(sandbox)
        sandbox.settle()
        with pytest.raises(CallbackRefused) as caught:
            opened(address, ours.got[:1])
        assert caught.value.check == check


def test_a_doubled_event_has_one_id_and_a_lost_one_never_comes(sandbox: Running, listen: Listening) -> None:
    with listen(APP, "push") as (address, ours):
        strike(sandbox, "doubled")
        hire(sandbox)
        sandbox.settle()
        first, second = opened(address, ours.got)
        assert first == second
        strike(sandbox, "lost")
        hire(sandbox)
        hire(sandbox)
        sandbox.settle()
        assert len(ours.got) == 3


def test_reordered_events_carry_the_time_to_put_them_right(sandbox: Running, listen: Listening) -> None:
    with listen(APP, "push") as (address, ours):
        strike(sandbox, "reordered")
        act(sandbox, "/people", corp_id=CORP, userid="u1001", title="甲")
        time.sleep(0.01)
        act(sandbox, "/people", corp_id=CORP, userid="u1002", title="乙")
        sandbox.settle()
        late, early = opened(address, ours.got)
        assert (late.what, early.what) == (events.UsersChanged(("u1002",)), events.UsersChanged(("u1001",)))
        assert late.at_ms > early.at_ms


# Registration


def test_an_address_is_kept_only_when_it_answers_the_check(sandbox: Running) -> None:
    def keep(url: str, token: str = TOKEN) -> None:
        act(sandbox, "/apps/receiver", app_key=APP, mode="push", url=url, token=token, aes_key=KEY)

    with receiver(lambda _: (200, "success")) as wrong:
        for url in (wrong.url, "http://127.0.0.1:1/", "http://example.com/", "nonsense"):
            with pytest.raises(httpx.HTTPStatusError, match="422"):
                keep(url)
    with receiver(accepting(Address(TOKEN, KEY, APP))) as good:
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            keep(good.url, token="another")
        keep(good.url)
    assert sandbox.sandbox.world.part(DingTalk).apps[APP].receiver.url == good.url


def test_an_internal_app_subscribes_through_the_api(sandbox: Running) -> None:
    api = Api(Bases.at(f"{sandbox.base_url}/dingtalk"))
    client = Client(api, InternalApp(APP, "app-secret-0001"), CORP, Tokens(MemoryTokens()))
    address = Address("token2026", KEY, CORP)  # by API the owner key is the corp
    with pytest.raises(PlatformError, match="71007"):
        subscription.current(client)
    with receiver(accepting(address)) as ours:
        wanted = subscription.Subscription(ours.url, "token2026", KEY, ("user_leave_org",))
        subscription.register(client, wanted)
        assert subscription.current(client) == wanted
        with pytest.raises(PlatformError, match="71006"):
            subscription.register(client, wanted)
        ours.got.clear()
        hire(sandbox)  # not subscribed
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        sandbox.settle()
        assert what(opened(address, ours.got)) == [events.UsersLeft(("u1004",))]
        subscription.update(
            client, subscription.Subscription(ours.url, "token2026", KEY, ("user_modify_org",))
        )
        subscription.delete(client)
    with pytest.raises(PlatformError, match="71007"):
        subscription.delete(client)
    with pytest.raises(PlatformError, match="71012"):
        subscription.register(client, wanted)


def test_the_vendors_corp_is_no_customer(sandbox: Running) -> None:
    assert sandbox.sandbox.world.part(DingTalk).corps[VENDOR].installs == {}
