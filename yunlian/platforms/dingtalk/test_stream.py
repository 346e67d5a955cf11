"""Stream against the sandbox's gateway: what happens is heard, answered, and comes again until it is."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from yunlian.platforms.dingtalk import cards, events
from yunlian.platforms.dingtalk.api import Api, Bases, Owner
from yunlian.platforms.dingtalk.client import Client, InternalApp, SuiteApp
from yunlian.platforms.dingtalk.events import CardPressed, Event
from yunlian.platforms.dingtalk.sandbox import PLATFORM
from yunlian.platforms.dingtalk.sandbox.world import SUITE, DingTalk
from yunlian.platforms.dingtalk.stream import Ears, Stream
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.sandbox.testing import Running, running
from yunlian.platforms.tokens import MemoryTokens, Tokens

CORP = "dingcorp0001"
OTHER = "dingcorp0002"
APP = InternalApp("dingappyunlian0001", "app-secret-0001")
VENDOR_APP = SuiteApp(SUITE, "suite-secret-of-the-sandbox", lambda: "ticket-0001")


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running([PLATFORM]) as started:
        yield started


@pytest.fixture
def sandbox(server: Running) -> Running:
    server.control("/reset")
    server.control("/dingtalk/switches", stream_again_s=0.3, stream_ping_s=0.2, stream_close_s=0.2)
    for key in (APP.key, SUITE):
        server.control("/dingtalk/apps/receiver", app_key=key, mode="stream")
    return server


@pytest.fixture
def api(sandbox: Running) -> Api:
    return Api(Bases.at(f"{sandbox.base_url}/dingtalk"), http=httpx.Client(timeout=5, trust_env=False))


def act(sandbox: Running, path: str, **asked: Any) -> Any:
    return sandbox.control(f"/dingtalk{path}", **asked)


def world(sandbox: Running) -> DingTalk:
    return sandbox.sandbox.world.part(DingTalk)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@contextmanager
def hearing(api: Api, app: Any, ears: Ears) -> Iterator[threading.Thread]:
    stop = threading.Event()
    thread = threading.Thread(target=Stream(api, app, ears).run, args=(stop,))
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(timeout=5)
        assert not thread.is_alive()


def test_one_connection_hears_of_all_corps(sandbox: Running, api: Api) -> None:
    heard: list[Event] = []
    with hearing(api, VENDOR_APP, Ears(heard.append)):
        agent = act(sandbox, "/apps/install", app_key=SUITE, corp_id=CORP, departments=[1001])["agent_id"]
        act(sandbox, "/apps/install", app_key=SUITE, corp_id=OTHER)
        act(sandbox, "/people/leave", corp_id=OTHER, userid="u1004")
        until(lambda: len(heard) == 7)
    installs = [each for each in heard if isinstance(each.what, events.Authorised)]
    assert [each.corp_id for each in installs] == [CORP, OTHER]
    assert installs[0].what == events.Authorised(
        "示例家居有限公司", "u1001", ((agent, 1234, ("u1001", "u1002")),), (1001,), ()
    )
    assert (heard[-1].corp_id, heard[-1].what) == (OTHER, events.UsersLeft(("u1004",)))
    assert world(sandbox).frames == {}


def test_what_happened_while_nobody_listened_comes_later(sandbox: Running, api: Api) -> None:
    act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
    heard: list[Event] = []
    with hearing(api, APP, Ears(heard.append)):
        until(lambda: len(heard) == 1)
    assert heard[0].what == events.UsersLeft(("u1004",))


def test_an_event_that_could_not_be_kept_comes_again(sandbox: Running, api: Api) -> None:
    heard: list[Event] = []

    def keep(event: Event) -> None:
        heard.append(event)
        if len(heard) == 1:
            raise OSError("the disk is full")

    with hearing(api, APP, Ears(keep)):
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        until(lambda: len(heard) == 2)
        until(lambda: world(sandbox).frames == {})
    assert heard[0] == heard[1]


def test_a_lost_event_comes_again_and_a_doubled_one_has_one_id(sandbox: Running, api: Api) -> None:
    heard: list[Event] = []
    with hearing(api, APP, Ears(heard.append)):
        fault = {"platform": "dingtalk", "where": "callback", "path": APP.key, "times": 1}
        sandbox.control("/faults", kind="lost", **fault)
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        until(lambda: len(heard) == 1)
        sandbox.control("/faults", kind="doubled", **fault)
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1006")
        until(lambda: len(heard) == 3)
    assert heard[1] == heard[2]
    assert heard[0].id != heard[1].id


def test_told_to_disconnect_it_connects_again(sandbox: Running, api: Api) -> None:
    heard: list[Event] = []
    with hearing(api, APP, Ears(heard.append)):
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        until(lambda: len(heard) == 1)
        act(sandbox, "/stream/disconnect", app_key=APP.key)
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1006")
        until(lambda: len(heard) == 2)


def test_pings_are_answered_and_the_connection_stays(sandbox: Running, api: Api) -> None:
    heard: list[Event] = []
    with hearing(api, APP, Ears(heard.append)):
        until(lambda: opened(sandbox) == 1)
        time.sleep(0.7)  # three pings
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        until(lambda: len(heard) == 1)
    assert opened(sandbox) == 1


def opened(sandbox: Running) -> int:
    return sum(each.what.endswith("/connections/open") for each in list(sandbox.sandbox.world.journal))


def test_an_outage_is_waited_for_and_a_wrong_secret_is_not(sandbox: Running, api: Api) -> None:
    sandbox.control(
        "/faults", platform="dingtalk", where="answer", kind="down", path="*/connections/open", times=1
    )
    heard: list[Event] = []
    with hearing(api, APP, Ears(heard.append)):
        act(sandbox, "/people/leave", corp_id=CORP, userid="u1004")
        until(lambda: len(heard) == 1)
    wrong = Stream(api, InternalApp(APP.key, "wrong"), Ears(heard.append))
    with pytest.raises(PlatformError) as caught:
        wrong.run(threading.Event())
    assert caught.value.code == "authFailed"


def test_a_ticket_opens_one_connection(sandbox: Running, api: Api) -> None:
    body = {
        "clientId": APP.key,
        "clientSecret": APP.secret,
        "subscriptions": [{"type": "EVENT", "topic": "*"}],
    }
    found = api.new(Owner(APP.key), "POST", "/v1.0/gateway/connections/open", body=body)
    address = f"{found['endpoint']}?ticket={found['ticket']}"
    with connect(address, proxy=None) as first:
        first.recv(5)  # a ping
    with pytest.raises(InvalidStatus, match="403"), connect(address, proxy=None):
        pass


def delivered(api: Api) -> Client:
    client = Client(api, APP, CORP, Tokens(MemoryTokens()))
    card = cards.Card("approval", "po-1", {"title": "采购订单 PO-1", "status": ""})
    cards.deliver(client, card, "u1001", APP.key)
    return client


def test_a_press_on_a_card_is_heard_and_changes_the_card(sandbox: Running, api: Api) -> None:
    delivered(api)
    presses: list[CardPressed] = []

    def pressed(press: CardPressed) -> dict[str, str]:
        presses.append(press)
        return {"status": "已同意"}

    with hearing(api, APP, Ears(lambda _: None, pressed)):
        act(sandbox, "/phone/press", track_id="po-1", action="approve", params={"version": "3"})
        until(lambda: world(sandbox).cards["po-1"].data["status"] == "已同意")
    assert presses == [CardPressed(CORP, "po-1", "u1001", ("approve",), {"version": "3"})]
    assert world(sandbox).cards["po-1"].data["title"] == "采购订单 PO-1"


def test_a_press_that_cannot_be_taken_changes_nothing(sandbox: Running, api: Api) -> None:
    delivered(api)
    presses: list[CardPressed] = []

    def pressed(press: CardPressed) -> dict[str, str]:
        presses.append(press)
        raise ValueError("no such document")

    with hearing(api, APP, Ears(lambda _: None, pressed)):
        act(sandbox, "/phone/press", track_id="po-1", action="approve")
        until(lambda: len(presses) == 1)
        until(lambda: world(sandbox).frames == {})
    assert world(sandbox).cards["po-1"].data["status"] == ""
