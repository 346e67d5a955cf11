"""The same in DingTalk: what is told there, cards that are pressed there, and Stream where it cannot reach us."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.test import Client

from yunlian.directory import connections, streaming
from yunlian.directory.models import Callback, CallbackAddress, Connection, Look, Notice
from yunlian.kernel.models import Audit
from yunlian.kernel.scope import tenant
from yunlian.org.models import Role
from yunlian.platforms.dingtalk.sandbox.world import DingTalk
from yunlian.platforms.dingtalk.signatures import suite_signature
from yunlian.platforms.sandbox.testing import receiver

from .conftest import CORP, HOST, Desk, settled


def test_dingtalk_shows_it_and_what_became_of_it(desk: Desk) -> None:
    desk.office.match(desk.office.dingtalk, desk.office.founded.admin_id, "u1001")
    record = desk.submit()
    desk.work()
    assert sorted(each.state for each in desk.notices()) == ["sent", "sent"]
    shown = [each for each in desk.on_dingtalk() if "u1001" in each.users]
    assert len(shown) == 1
    form = shown[0].message["oa"]
    assert form["head"]["text"] == "等待您审核"
    assert form["message_url"] == f"{HOST}/e/ACME?to=%2Fdecide%2Fpurchase.order%2F{record}&inside=dingtalk"
    desk.step(record, "return", reason="价格不对")
    desk.work()
    (shown,) = [each for each in desk.on_dingtalk() if "u1001" in each.users]
    assert "文员" in str(shown.status)


class Cards:
    """Interactive cards on DingTalk: the boss is `u1001`; what DingTalk posts about a press reaches us afterwards."""

    def __init__(self, desk: Desk, listening: Any) -> None:
        self.desk, self.listening = desk, listening
        self.world = desk.phones.sandbox.sandbox.world
        self.state = self.world.part(DingTalk)

    def shown(self, user: str = "u1001") -> list[dict[str, str]]:
        return [each.data for each in self.state.cards.values() if each.userid == user]

    def press(self, n: int = 0, action: str = "approve") -> Any:
        """Press the n-th card; returns what DingTalk sent us."""
        card = list(self.state.cards.values())[n]
        with self.world.change():
            app = self.state.apps[card.app_key]
            self.path = app.card_routes[card.route].removeprefix(HOST)
            app.card_routes[card.route] = self.listening.url
        self.desk.phones.sandbox.control("/dingtalk/phone/press", track_id=card.track_id, action=action)
        with self.world.change():
            app.card_routes[card.route] = HOST + self.path
        return self.listening.got[-1]

    def post(self, received: Any, **headers: str) -> Any:
        kept = {name: value for name, value in received.headers.items() if name.startswith("x-ddpaas")}
        return Client().generic("POST", self.path, received.body, "application/json", headers=kept | headers)

    def answer(self, n: int = 0, action: str = "approve") -> dict[str, str]:
        """Press, and what our answer puts on the card."""
        answer = self.post(self.press(n, action))
        assert answer.status_code == 200, answer.content
        return dict(answer.json().get("cardData", {}).get("cardParamMap", {}))


@pytest.fixture
def ding(desk: Desk):
    office = desk.office
    office.match(office.dingtalk, office.founded.admin_id, "u1001")
    with tenant(office.id):
        connections.change(office.ctx, office.dingtalk.id, {"card_template": "approval.schema"})
    with receiver(lambda _received: (200, "{}")) as listening:
        yield Cards(desk, listening)


def test_dingtalks_card_approves_and_says_so_at_once(desk: Desk, ding: Cards) -> None:
    record = desk.submit()
    desk.work()
    (shown,) = ding.shown()
    notice = desk.notices()[0]
    assert (shown["title"], shown["says"]) == (f"采购订单 {notice.number}", "等待您审核")
    assert (shown["status"], shown["can_approve"]) == ("", "true")
    assert shown["url"] == f"{HOST}/e/ACME?to=%2Fdecide%2Fpurchase.order%2F{record}&inside=dingtalk"
    assert len(shown["facts"].splitlines()) >= 3
    assert ding.answer() == {"status": "已审核 管理员", "can_approve": "false"}
    assert desk.state_of(record) == "approved"
    with tenant(desk.office.id):
        act = Audit.objects.filter(record=record, act="approve").get()
    assert act.by == desk.office.founded.admin_id
    desk.work()
    assert ding.shown()[0]["status"] == "已审核 管理员", "also should our answer have been lost"
    assert {each.state for each in desk.notices()} == {"settled"}


def test_a_second_press_is_answered_with_what_was_done(desk: Desk, ding: Cards) -> None:
    record = desk.submit()
    desk.work()
    first = ding.answer()
    assert ding.answer() == first
    with tenant(desk.office.id):
        assert Audit.objects.filter(record=record, act="approve").count() == 1


@pytest.mark.parametrize("is_told", [False, True])
def test_a_press_after_a_decision_elsewhere_is_answered_with_it(
    desk: Desk, ding: Cards, is_told: bool
) -> None:
    """Whether or not the decision has reached the card before."""
    record = desk.submit()
    desk.work()
    desk.step(record, "return", reason="价格不对")
    if is_told:
        desk.work()
        assert "文员" in ding.shown()[0]["status"]
    assert "文员" in ding.answer()["status"]
    assert desk.state_of(record) == "rereview"


def test_a_press_that_nobody_signed_or_of_yesterday_is_no_press(desk: Desk, ding: Cards) -> None:
    record = desk.submit()
    desk.work()
    received = ding.press()
    old = str(int((desk.now - dt.timedelta(days=1)).timestamp() * 1000))
    with tenant(desk.office.id):
        address = CallbackAddress.objects.get(platform="dingtalk card")
        forged = suite_signature(connections.aes_key(address), old)
    for wrong in (
        {"x-ddpaas-signature": ""}, {"x-ddpaas-signature": "bad"}, {"x-ddpaas-signature-timestamp": old},
        {"x-ddpaas-signature-timestamp": old, "x-ddpaas-signature": forged},
    ):  # fmt: skip
        assert ding.post(received, **wrong).status_code == 403, wrong
    assert desk.state_of(record) == "submitted"
    ding.path = "/callback/nobody/card"
    assert ding.post(received).status_code == 404
    with tenant(desk.office.id):
        other = CallbackAddress.objects.filter(platform="dingtalk").first()
    ding.path = f"/callback/{other.key}/card"
    assert ding.post(received).status_code == 404
    ding.path = f"/callback/{address.key}/card"
    assert ding.post(received).status_code == 200
    assert desk.state_of(record) == "approved"


def test_the_card_of_somebody_else_is_pressed_for_nothing_in_dingtalk(desk: Desk, ding: Cards) -> None:
    record = desk.submit()
    desk.work()
    with tenant(desk.office.id):
        Notice.objects.update(theirs="somebody-else")
    assert ding.answer() == {}
    assert desk.state_of(record) == "submitted"


def test_a_button_that_does_not_approve_does_nothing(desk: Desk, ding: Cards) -> None:
    record = desk.submit()
    desk.work()
    assert ding.answer(action="reject") == {}
    assert desk.state_of(record) == "submitted"


def test_whoever_owes_a_second_factor_gets_a_dingtalk_card_that_opens_the_page(
    desk: Desk, ding: Cards
) -> None:
    with tenant(desk.office.id):
        Role.objects.filter(code="ADMIN").update(needs_second_factor=True)
    record = desk.submit()
    desk.work()
    assert (ding.shown()[0]["says"], ding.shown()[0]["can_approve"]) == ("打开审核", "false")
    assert ding.answer()["status"] == "打开审核", "pressed all the same"
    assert desk.state_of(record) == "submitted"


def test_a_card_whose_answer_was_lost_is_sent_once(desk: Desk, ding: Cards) -> None:
    desk.phones.sandbox.control(
        "/faults", platform="dingtalk", where="answer", path="*createAndDeliver", kind="lost", times=1
    )
    desk.submit()
    desk.work()
    with tenant(desk.office.id):
        Notice.objects.update(due_at=desk.now)
    desk.work()
    assert len(ding.shown()) == 1
    assert {each.state for each in desk.notices()} == {"sent"}


# --- over Stream, where DingTalk cannot reach us ---


def listen_while(desk: Desk, act: Any) -> None:
    """Listen as the worker does, in this thread, which has the test's transaction, until `act` has seen what it waits for."""
    with tenant(desk.office.id):
        heard = streaming.heard(Connection.objects.get(id=desk.office.dingtalk.id))
    stop, failed = threading.Event(), []

    def acting() -> None:
        try:
            act()
        except BaseException as error:
            failed.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=acting)
    thread.start()
    streaming.listen(heard, stop)
    thread.join()
    assert failed == []


def test_where_dingtalk_cannot_reach_us_the_press_comes_over_stream(
    desk: Desk, ding: Cards, settings: Any
) -> None:
    settings.PUBLIC_URL = "http://10.0.0.5:8000"
    record = desk.submit()
    desk.work()
    (card,) = ding.state.cards.values()
    assert (card.callback, card.route) == ("STREAM", "")

    def act() -> None:
        desk.phones.sandbox.control("/dingtalk/phone/press", track_id=card.track_id, action="approve")
        settled(lambda: card.data["status"])

    listen_while(desk, act)
    assert card.data["status"] == "已审核 管理员"
    assert desk.state_of(record) == "approved"


def test_what_happens_is_heard_over_stream_once(desk: Desk, ding: Cards) -> None:
    key = desk.office.dingtalk.settings["app_key"]
    desk.phones.sandbox.control("/dingtalk/apps/receiver", app_key=key, mode="stream")
    desk.phones.sandbox.control(
        "/faults", platform="dingtalk", where="callback", path=key, kind="doubled", times=1
    )

    def act() -> None:
        desk.phones.sandbox.control("/dingtalk/people/leave", corp_id=CORP, userid="u1005")
        settled(lambda: not ding.state.frames)

    listen_while(desk, act)
    with tenant(desk.office.id):
        assert list(Look.objects.values_list("kind", "key")) == [("person", "u1005")]
        (kept,) = Callback.objects.filter(address="Stream")
    assert kept.event == "user_leave_org"


def test_nobody_listens_where_dingtalk_reaches_us_and_everybody_where_not(
    desk: Desk, settings: Any, monkeypatch: Any
) -> None:
    begun: list[Any] = []
    monkeypatch.setattr(streaming, "listen", lambda heard, stop: (begun.append(heard), stop.wait(5)))
    streaming.visit(desk.now)
    assert begun == []
    settings.PUBLIC_URL = "http://10.0.0.5:8000"
    streaming.visit(desk.now)
    streaming.visit(desk.now)
    assert [each.connection_id for each in begun] == [desk.office.dingtalk.id]
    settings.PUBLIC_URL = "https://erp.example.com"
    (running,) = streaming._running.values()
    streaming.visit(desk.now)
    assert running.stop.is_set()
    assert streaming._running == {}
