"""Approval from the phone: what waits is told to who may approve, pressed there, and every phone learns what became of it."""

import datetime as dt
import threading
import uuid
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from yunlian.directory import asking, connections, looks, notices, streaming
from yunlian.directory.models import Ask, Callback, CallbackAddress, Connection, Look, Notice
from yunlian.kernel import worker
from yunlian.kernel.document import find_document
from yunlian.kernel.load import load
from yunlian.kernel.models import Audit, Job, Outbox
from yunlian.kernel.relay import Relay
from yunlian.kernel.scope import tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import context, make
from yunlian.org.models import Employee, EmployeeRole, Role, User
from yunlian.platforms.dingtalk.sandbox.world import DingTalk
from yunlian.platforms.dingtalk.signatures import suite_signature
from yunlian.platforms.sandbox.testing import receiver
from yunlian.platforms.wecom.sandbox import state as wecom
from yunlian.platforms.wecom.sandbox.state import Receiver, Wecom

from .conftest import CORP, HOST, PASSWORD, Browser, Office, Phones, settled

CODE = "purchase.order"


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
        query = "&".join(f"{k}={_quoted(v)}" for k, v in received.query.items())
        answer = Client().generic("POST", f"{received.path}?{query}", received.body, "text/xml")
        assert answer.status_code == 200, answer.content


def _quoted(text: str) -> str:
    return quote(text, safe="")


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


def test_who_may_approve_is_told_with_what_they_may_see(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    (notice,) = desk.notices()
    assert (notice.state, notice.employee_id, notice.error) == ("sent", desk.office.founded.admin_id, "")
    (card,) = desk.phone()
    assert card["body"]["main_title"]["title"] == f"采购订单 {notice.number}"
    assert [each["text"] for each in card["body"]["button_list"]] == ["审核", "退回"]
    assert (
        card["body"]["card_action"]["url"]
        == f"{HOST}/e/ACME?to=%2Fdecide%2Fpurchase.order%2F{record}&inside=wecom"
    )
    assert len(card["body"]["horizontal_content_list"]) >= 3


def test_a_press_approves_as_that_person_and_the_card_says_so(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    (card,) = desk.phone()
    desk.press(card)
    desk.work()
    assert desk.state_of(record) == "approved"
    with tenant(desk.office.id):
        act = Audit.objects.filter(record=record, act="approve").get()
    assert (act.by, act.by_name) == (desk.office.founded.admin_id, "管理员")
    desk.work()
    (notice,) = desk.notices()
    assert notice.state == "settled"
    (card,) = desk.phone()
    assert card["settled"]
    assert "已审核 管理员" in str(card["body"])


def test_a_press_that_comes_twice_approves_once(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    (card,) = desk.phone()
    desk.press(card)
    desk.call_back(desk.got[-1])
    desk.work()
    desk.call_back(desk.got[-1])
    desk.work()
    with tenant(desk.office.id):
        assert Audit.objects.filter(record=record, act="approve").count() == 1
    assert desk.state_of(record) == "approved"


def test_the_same_event_twice_tells_once(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    with tenant(desk.office.id):
        row = Outbox.objects.filter(record=record, event="submit").get()
    notices.tell(desk.office.id, row)
    desk.work()
    assert len(desk.notices()) == 1
    assert len(desk.phone()) == 1


def test_a_decision_elsewhere_reaches_the_card(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    desk.step(record, "return", reason="价格不对")
    desk.work()
    (card,) = desk.phone()
    assert card["settled"]
    assert "文员" in str(card["body"])
    (notice,) = desk.notices()
    assert (notice.state, notice.outcome) == ("settled", "return 文员")


def test_what_was_taken_back_before_it_was_told_is_not_told(desk: Desk) -> None:
    record = desk.submit()
    desk.step(record, "withdraw")
    desk.work()
    assert desk.phone() == []
    assert [each.state for each in desk.notices()] in ([], ["dropped"])


def test_an_old_card_does_not_approve_what_was_submitted_anew(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    (old,) = desk.phone()
    desk.step(record, "withdraw")
    desk.step(record, "submit")
    desk.press(old)
    desk.work()
    assert desk.state_of(record) == "submitted"
    desk.work()
    new, old = desk.phone()
    assert old["settled"]
    assert not new["settled"]
    desk.press(new)
    desk.work()
    assert desk.state_of(record) == "approved"


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


def test_only_who_sees_the_document_is_told(desk: Desk, manager: Any) -> None:
    desk.submit()
    desk.work()
    assert len(desk.phone()) == 1
    assert desk.phone("lisi") == [], "it is of no department of theirs"
    desk.submit(department=str(desk.office.founded.department_id))
    desk.work()
    assert len(desk.phone("lisi")) == 1


@pytest.mark.parametrize("loss", ["left", "disabled", "role"])
def test_rights_taken_away_meanwhile_are_gone(desk: Desk, manager: Any, loss: str) -> None:
    record = desk.submit(department=str(desk.office.founded.department_id))
    desk.work()
    (card,) = desk.phone("lisi")
    with tenant(desk.office.id):
        if loss == "left":
            Employee.objects.filter(id=manager).update(job="left")
        elif loss == "role":
            EmployeeRole.objects.filter(employee_id=manager).delete()
    if loss == "disabled":
        User.objects.filter(login="mgr").update(is_active=False)
    desk.press(card, user="lisi")
    desk.work()
    assert desk.state_of(record) == "submitted"
    desk.press(desk.phone()[0])
    desk.work()
    assert desk.state_of(record) == "approved", "others still may"


def test_of_two_who_press_the_second_learns_of_the_first(desk: Desk, manager: Any) -> None:
    record = desk.submit(department=str(desk.office.founded.department_id))
    desk.work()
    (mine,), (theirs,) = desk.phone(), desk.phone("lisi")
    desk.press(mine)
    desk.press(theirs, user="lisi")
    desk.work()
    desk.work()
    with tenant(desk.office.id):
        (act,) = Audit.objects.filter(record=record, act="approve")
    assert act.by_name == "管理员"
    assert all(each[0]["settled"] for each in (desk.phone(), desk.phone("lisi")))


def test_whoever_owes_a_second_factor_approves_on_the_page(desk: Desk) -> None:
    with tenant(desk.office.id):
        Role.objects.filter(code="ADMIN").update(needs_second_factor=True)
    desk.submit()
    desk.work()
    (card,) = desk.phone()
    assert [(each["type"], each["text"]) for each in card["body"]["button_list"]] == [(1, "打开审核")]


def test_who_came_to_owe_it_after_the_card_was_sent_does_not_approve_by_it(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    with tenant(desk.office.id):
        Role.objects.filter(code="ADMIN").update(needs_second_factor=True)
    desk.press(desk.phone()[0])
    desk.work()
    assert desk.state_of(record) == "submitted"


def test_whoever_wants_none_gets_none(desk: Desk) -> None:
    boss = Browser()
    assert boss.post("/api/session", login="boss-acme", password="correct horse battery").status_code == 200
    assert boss.call("PUT", "/api/prefs/notices", {"muted": True}).status_code == 200
    desk.submit()
    desk.work()
    assert desk.phone() == []
    assert desk.notices() == []
    assert boss.call("PUT", "/api/prefs/notices", {}).status_code == 200
    desk.submit()
    desk.work()
    assert len(desk.phone()) == 1


def test_who_submits_is_not_told(desk: Desk) -> None:
    desk.submit(by=desk.office.founded.admin_id)
    desk.work()
    assert desk.notices() == []


def test_a_platform_that_is_down_is_asked_again(desk: Desk) -> None:
    desk.phones.sandbox.control(
        "/faults", platform="wecom", where="answer", path="*message/send", kind="down", times=1
    )
    desk.submit()
    desk.work()
    (notice,) = desk.notices()
    assert (notice.state, notice.tries) == ("waiting", 1)
    assert notice.error
    with tenant(desk.office.id):
        Notice.objects.update(due_at=desk.now)
    desk.work()
    (notice,) = desk.notices()
    assert (notice.state, notice.error) == ("sent", "")
    assert len(desk.phone()) == 1


def test_what_cannot_go_well_stands_with_the_administrator_who_tries_again(desk: Desk) -> None:
    world = desk.phones.sandbox.sandbox.world
    with world.change():
        corp = world.part(Wecom).corps[wecom.CORP]
        founder = corp.people.pop("founder")
    desk.submit()
    desk.work()
    (notice,) = desk.notices()
    assert (notice.state, notice.error) == ("failed", "81013")
    boss = Browser()
    boss.post("/api/session", login="boss-acme", password="correct horse battery")
    (row,) = boss.get("/api/directory.notice").json()["rows"]
    assert row["state"] == "failed"
    assert row["remedy"]
    with world.change():
        corp.people["founder"] = founder
    assert boss.post(f"/api/directory.notice/{notice.id}/retry").json() == {"state": "waiting"}
    desk.work()
    (notice,) = desk.notices()
    assert notice.state == "sent"
    assert boss.post(f"/api/directory.notice/{notice.id}/retry").status_code == 409


def test_what_still_waits_after_a_day_is_said_again_thrice(desk: Desk) -> None:
    record = desk.submit()
    desk.work()
    for n in range(5):
        with tenant(desk.office.id):
            Notice.objects.filter(due_at__isnull=False).update(due_at=desk.now)
        desk.work()
        assert len(desk.phone()) == min(n + 1, 3) + 1
    desk.step(record, "withdraw")
    desk.work()
    assert desk.phone()[-1]["settled"]


def test_a_card_of_somebody_else_is_pressed_for_nothing(desk: Desk) -> None:
    """The event says who pressed; a task of another person's card is not theirs."""
    record = desk.submit()
    desk.work()
    with tenant(desk.office.id):
        Notice.objects.update(theirs="somebody-else")
    desk.press(desk.phone()[0])
    desk.work()
    assert desk.state_of(record) == "submitted"


def test_dingtalk_shows_it_and_what_became_of_it(desk: Desk) -> None:
    desk.office.match(desk.office.dingtalk, desk.office.founded.admin_id, "u1001")
    record = desk.submit()
    desk.work()
    assert sorted(each.state for each in desk.notices()) == ["sent", "sent"]
    shown = [each for each in _dingtalk(desk) if "u1001" in each.users]
    assert len(shown) == 1
    form = shown[0].message["oa"]
    assert form["head"]["text"] == "等待您审核"
    assert form["message_url"] == f"{HOST}/e/ACME?to=%2Fdecide%2Fpurchase.order%2F{record}&inside=dingtalk"
    desk.step(record, "return", reason="价格不对")
    desk.work()
    (shown,) = [each for each in _dingtalk(desk) if "u1001" in each.users]
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


def _dingtalk(desk: Desk) -> list[Any]:
    return list(desk.phones.sandbox.sandbox.world.part(DingTalk).notices.values())


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


# --- asking for a mobile ---


def ask(desk: Desk, employee: Any) -> Ask:
    with tenant(desk.office.id):
        asking.ask(desk.office.ctx, employee)
    desk.work()
    with tenant(desk.office.id):
        return Ask.objects.get(employee_id=employee)


def test_who_is_asked_for_their_mobile_is_told_where_they_are_with_the_way_to_type_it(desk: Desk) -> None:
    hired = desk.office.hire("NEW", "buyer", login="newcomer")
    desk.office.match(desk.office.dingtalk, hired, "u1004")
    assert ask(desk, hired).told_on == "dingtalk"
    (told,) = [each for each in _dingtalk(desk) if "u1004" in each.users]
    card = told.message["action_card"]
    assert card["single_url"] == f"{HOST}/e/ACME?to=%2F&inside=dingtalk"
    assert "管理员" in card["markdown"]
    assert ask(desk, hired).told_on == "dingtalk", "asked once more"
    assert len([each for each in _dingtalk(desk) if "u1004" in each.users]) == 1
    browser = Browser()
    browser.post("/api/session", login="newcomer", password=PASSWORD)
    (row,) = browser.get("/api/directory/asked").json()["rows"]
    assert row["is_me"]
    given = browser.call("PUT", "/api/directory/asked", {"mobile": "13812345678"})
    assert (given.status_code, given.json()["rows"]) == (200, [])


def test_for_whom_is_on_no_platform_the_head_is_told(desk: Desk, manager: Any) -> None:
    hired = desk.office.hire("NEW", "buyer")
    assert ask(desk, hired).told_on == "wecom"
    (told,) = desk.phone("lisi")
    assert "员工NEW" in str(told["body"])


def test_who_can_be_told_nowhere_is_asked_when_they_come(desk: Desk) -> None:
    hired = desk.office.hire("NEW", "buyer")
    assert ask(desk, hired).told_on == ""
    assert _dingtalk(desk) == []


def test_a_platform_that_refuses_is_said_and_the_next_is_tried(desk: Desk) -> None:
    hired = desk.office.hire("NEW", "buyer")
    desk.office.match(desk.office.wecom, hired, "nobody-there")
    assert ask(desk, hired).told_on == ""
    with tenant(desk.office.id):
        job = Job.objects.get(kind="directory.asking")
    assert (job.state, "81013" in job.error) == ("failed", True)
    other = desk.office.hire("NEW2", "buyer")
    desk.office.match(desk.office.wecom, other, "nobody-either")
    desk.office.match(desk.office.dingtalk, other, "u1004")
    assert ask(desk, other).told_on == "dingtalk"


def test_an_enterprise_without_connections_tells_nobody(db, phones: Phones) -> None:
    other = Office("other")
    with tenant(other.id):
        make(CODE, context(other.id, other.founded.admin_id), upto="submitted", lines__price="12.5")
    desk = Desk(other, phones, [])
    desk.work()
    assert desk.notices() == []
    with tenant(other.id):
        assert not Job.objects.exists()
