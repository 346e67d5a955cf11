"""Messages and cards: who gets them, what is pressed, and how the card answers."""

import time
from collections.abc import Iterator

import pytest

from ..sandbox.faults import Fault, Kind, Where, switch_on
from ..sandbox.testing import Receiver, receiver
from . import members, messages
from .callback import received, replaced_button, reply, verified
from .conftest import Desk
from .crypto import Box, CallbackRefused, Check, new_aes_key, new_token
from .events import AppEvent, CardAnswered
from .members import Member
from .messages import Button, Card, To
from .sandbox import state as demo

BOX = Box(new_token(), new_aes_key(), demo.CORP)
LISI = To(users=("lisi",))
CARD = Card(
    "approval-1", "采购订单 PO-1", "广州分公司", "http://127.0.0.1/h5/1", (("金额", "12,345.00"),),
    (Button("同意", "approve:1"), Button("驳回", "reject:1", 3)), "云链",
)  # fmt: skip


class Ours:
    """The app's receiver; `says` is what it answers an event with."""

    def __init__(self) -> None:
        self.says = lambda event: ""
        self.receiver: Receiver

    def answer(self, got):
        if got.method == "GET":
            return 200, verified(BOX, got.query, time.time())
        return 200, self.says(received(BOX, got.query, got.body, time.time()))

    def events(self) -> list[object]:
        posts = [each for each in self.receiver.got if each.method == "POST"]
        return [received(BOX, each.query, each.body, time.time()) for each in posts]


@pytest.fixture
def ours(desk: Desk) -> Iterator[Ours]:
    found = Ours()
    for user, mobile in (("lisi", "13800000001"), ("wangwu", "13800000002")):
        whole = Member(user, name=user, departments=(1,), mobile=mobile)
        members.create(desk.contacts(), whole, invite=False)
    with receiver(found.answer) as listening:
        found.receiver = listening
        where = {"url": listening.url, "token": BOX.token, "aes_key": BOX.aes_key}
        desk.control("/receivers/save", which="app", agent=1000002, **where)
        yield found


def on_phone(desk: Desk, user: str = "lisi") -> list[dict[str, object]]:
    url = f"{desk.running.base_url}/sandbox/api/wecom/phone"
    return desk.http.get(url, params={"corp": demo.CORP, "user": user}).json()["messages"]


def press(desk: Desk, key: str, **more: object) -> None:
    message = on_phone(desk)[0]["id"]
    desk.control("/phone/press", message=message, user="lisi", key=key, **more)
    desk.running.settle()


def test_a_message_reaches_whom_it_can(desk: Desk, ours: Ours, refused) -> None:
    sent = messages.text(desk.app(), To(users=("LiSi", "Nobody"), tags=(9,)), "你好")
    assert (sent.unreached_users, sent.unreached_tags, sent.response_code) == (("nobody",), ("9",), None)
    assert on_phone(desk)[0]["body"] == {"content": "你好"}
    assert on_phone(desk, "wangwu") == []
    messages.text(desk.app(), To(departments=(1,)), "全体")
    messages.text(desk.app(), To(everybody=True), "所有人")
    assert len(on_phone(desk, "wangwu")) == 2
    assert refused(messages.text, desk.app(), To(users=("nobody",)), "x") == "81013"
    assert refused(messages.text, desk.app(), To(), "x") == "82001"
    assert refused(messages.text, desk.app(), LISI, "长" * 1000) == "45002"
    assert (
        refused(desk.app().post, "message/send", {"touser": "lisi", "agentid": 5, "msgtype": "text"})
        == "301002"
    )
    assert refused(desk.contacts().post, "message/send", {}) == "48002"


def test_nobody_outside_the_visible_range_is_reached(desk: Desk, ours: Ours, refused) -> None:
    desk.control("/apps/save", agent=1000002, departments=[], users=["wangwu"])
    assert refused(messages.text, desk.app(), LISI, "x") == "81013"
    messages.text(desk.app(), To(users=("wangwu",)), "x")
    assert len(on_phone(desk, "wangwu")) == 1


def test_a_text_card_is_cut_not_refused(desk: Desk, ours: Ours) -> None:
    messages.link(desk.app(), LISI, "题" * 100, "文" * 300, "http://127.0.0.1/1")
    body = on_phone(desk)[0]["body"]
    assert (len(body["title"]), len(body["description"]), body["btntxt"]) == (42, 170, "详情")


def test_a_card_is_pressed_and_settled_once(desk: Desk, ours: Ours, refused) -> None:
    sent = messages.card(desk.app(), LISI, CARD)
    assert sent.response_code
    press(desk, "approve:1")
    (event,) = ours.events()
    assert isinstance(event, CardAnswered)
    assert (event.user, event.event_key, event.task, event.header.agent) == (
        "lisi",
        "approve:1",
        "approval-1",
        1000002,
    )
    assert messages.settle(desk.app(), ["lisi", "nobody"], event.response_code, "已同意") == ["nobody"]
    shown = on_phone(desk)[0]
    assert (shown["settled"], shown["body"]["replaced"], shown["pressed"]) == (True, "已同意", "approve:1")
    assert refused(messages.settle, desk.app(), ["lisi"], event.response_code, "x") == "60140"
    with pytest.raises(Exception, match="422"):
        press(desk, "reject:1")
    messages.settle(desk.app(), ["lisi"], sent.response_code, "已由他人处理")
    assert on_phone(desk)[0]["body"]["replaced"] == "已由他人处理"


def test_the_answer_of_the_callback_may_settle_the_card(desk: Desk, ours: Ours) -> None:
    def says(event: object) -> str:
        assert isinstance(event, CardAnswered)
        now = int(time.time())
        return reply(BOX, replaced_button(demo.CORP, event.user, now, "已驳回"), str(now), "9")

    ours.says = says
    messages.card(desk.app(), LISI, CARD)
    press(desk, "reject:1")
    assert on_phone(desk)[0]["body"]["replaced"] == "已驳回"
    assert desk.state_world.journal[-1].said == "accepted"


def test_an_answer_that_is_neither_is_told(desk: Desk, ours: Ours) -> None:
    desk.control("/options", retry_pause_s=0.01)
    ours.says = lambda event: "success"
    messages.card(desk.app(), LISI, CARD)
    press(desk, "approve:1")
    assert "encrypted reply" in desk.state_world.journal[-1].said
    assert len(ours.events()) == 3


@pytest.mark.parametrize("hours", [24, 72])
def test_a_response_code_ends(desk: Desk, ours: Ours, refused, hours: int) -> None:
    desk.control("/options", card_answer_hours=hours)
    messages.card(desk.app(), LISI, CARD)
    press(desk, "approve:1")
    (event,) = ours.events()
    desk.running.control("/time", advance_s=hours * 3600 - 60)
    desk.running.control("/time", advance_s=120)
    assert refused(messages.settle, desk.app(), ["lisi"], event.response_code, "x") == "60140"


def test_questions_of_a_card_in_either_spelling(desk: Desk, ours: Ours) -> None:
    for task, spelled in (("vote-1", False), ("vote-2", True)):
        desk.control("/options", spelled_opiton=spelled)
        options = [{"id": "o1", "text": "甲"}, {"id": "o2", "text": "乙"}]
        content = {
            "card_type": "vote_interaction", "task_id": task, "main_title": {"title": "选"},
            "checkbox": {"question_key": "q1", "mode": 1, "option_list": options},
            "submit_button": {"text": "提交", "key": "go"},
        }  # fmt: skip
        messages.send(desk.app(), LISI, "template_card", content)
        press(desk, "go", selected={"q1": ["o1", "o2"]})
    assert [each.selected for each in ours.events()] == [{"q1": ("o1", "o2")}] * 2


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"card_type": "postcard"}, "42031"),
        ({"task_id": "a b"}, "42030"),
        ({"main_title": {}}, "42033"),
        ({"horizontal_content_list": [{"keyname": "a", "value": "b"}] * 7}, "42035"),
        ({"jump_list": [{"type": 0, "title": "a"}] * 4}, "42042"),
        ({"button_list": []}, "42038"),
        ({"button_list": [{"text": "a", "key": ""}]}, "42039"),
        ({"button_list": [{"text": "", "key": "a"}]}, "42038"),
        ({"card_type": "text_notice", "card_action": {}}, "42045"),
    ],
)
def test_a_card_that_cannot_be(desk: Desk, ours: Ours, refused, change: dict[str, object], code: str) -> None:
    content = {**messages.template(CARD), **change}
    assert refused(messages.send, desk.app(), LISI, "template_card", content) == code
    messages.card(desk.app(), LISI, CARD)


def test_a_task_is_used_once(desk: Desk, ours: Ours, refused) -> None:
    messages.card(desk.app(), LISI, CARD)
    assert refused(messages.card, desk.app(), LISI, CARD) == "42014"


def test_the_same_message_once(desk: Desk, ours: Ours) -> None:
    first = messages.send(desk.app(), LISI, "text", {"content": "一次"}, once=True)
    assert messages.send(desk.app(), LISI, "text", {"content": "一次"}, once=True).id == first.id
    messages.send(desk.app(), LISI, "text", {"content": "两次"}, once=True)
    desk.running.control("/time", advance_s=1801)
    messages.send(desk.app(), LISI, "text", {"content": "一次"}, once=True)
    assert [each["body"]["content"] for each in on_phone(desk)] == ["一次", "两次", "一次"]


def test_a_message_is_recalled_within_a_day(desk: Desk, ours: Ours, refused) -> None:
    first, second = (messages.text(desk.app(), LISI, text) for text in ("甲", "乙"))
    messages.recall(desk.app(), first.id)
    desk.running.control("/time", advance_s=86_401)
    assert refused(messages.recall, desk.app(), second.id) == "42052"
    assert [each["recalled"] for each in on_phone(desk)] == [False, True]


def test_we_wait_rather_than_have_messages_dropped(desk: Desk, ours: Ours) -> None:
    for number in range(4):
        messages.text(desk.app(), To(users=("wangwu",)), str(number))
    assert desk.slept, "the fourth message to one person within a moment waits"
    impatient = desk.app().post
    for number in range(40):
        body = {"touser": "lisi", "agentid": 1000002, "msgtype": "text", "text": {"content": str(number)}}
        assert impatient("message/send", body)["msgid"]
    assert len(on_phone(desk)) == 30


def test_what_a_member_does_is_told(desk: Desk, ours: Ours) -> None:
    desk.control("/phone/enter", agent=1000002, user="lisi")
    desk.running.settle()
    (event,) = ours.events()
    assert isinstance(event, AppEvent)
    assert (event.header.name, event.header.sender) == ("enter_agent", "lisi")


@pytest.mark.parametrize(
    ("kind", "check"), [(Kind.WRONG_SIGNATURE, Check.SIGNATURE), (Kind.WRONG_RECEIVE_ID, Check.RECEIVE_ID)]
)
def test_spoilt_callbacks_fail_the_right_check(desk: Desk, ours: Ours, kind: Kind, check: Check) -> None:
    switch_on(desk.state_world, Fault("wecom", Where.CALLBACK, kind, "app/1000002", times=1))
    checks: list[Check] = []

    def answer(got):
        try:
            received(BOX, got.query, got.body, time.time())
        except CallbackRefused as refused:
            checks.append(refused.check)
        return 200, ""

    ours.receiver.answer = answer
    for _ in range(2):
        desk.control("/phone/enter", agent=1000002, user="lisi")
    desk.running.settle()
    assert checks == [check]
    assert len(ours.receiver.got) == 3
