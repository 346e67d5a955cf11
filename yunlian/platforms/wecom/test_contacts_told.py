"""Changes in the admin console: what contacts-sync is told, in which form; and how a receiver is configured."""

import time
from collections.abc import Iterator

import httpx
import pytest

from ..sandbox.faults import Fault, Kind, Where, switch_on
from ..sandbox.testing import Receiver, receiver
from . import members
from .callback import received, verified
from .conftest import Desk
from .crypto import Box, new_aes_key, new_token
from .events import DepartmentChange, MemberChange
from .members import Member
from .sandbox import state as demo
from .sandbox.console import Console

BOX = Box(new_token(), new_aes_key(), demo.CORP)
PERSON = {
    "userid": "zhangsan",
    "name": "张三",
    "department": [1],
    "mobile": "13800000001",
    "position": "店长",
}


def answer(got):
    return 200, "" if got.method == "POST" else verified(BOX, got.query, time.time())


def save(desk: Desk, url: str, **more: object) -> object:
    given = {"which": "contacts", "url": url, "token": BOX.token, "aes_key": BOX.aes_key, **more}
    return desk.control("/receivers/save", **given)


@pytest.fixture
def told(desk: Desk) -> Iterator[Receiver]:
    with receiver(answer) as ours:
        save(desk, ours.url)
        yield ours


def events(desk: Desk, told: Receiver) -> list[object]:
    desk.running.settle()
    posts = [each for each in told.got if each.method == "POST"]
    return [received(BOX, each.query, each.body, time.time()) for each in posts]


def why(act, *given: object, **named: object) -> str:
    with pytest.raises(httpx.HTTPStatusError) as error:
        act(*given, **named)
    assert error.value.response.status_code == 422
    return error.value.response.json()["error"]


def test_a_receiver_is_asked_before_it_is_saved(desk: Desk) -> None:
    with receiver(answer) as ours:
        assert save(desk, ours.url) == {"verified": True}
        assert ours.got[0].method == "GET"
        assert desk.corp.contacts_receiver.verified


@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        (lambda got: (500, ""), "answered 500"),
        (lambda got: (200, f'"{verified(BOX, got.query, time.time())}"'), "instead of the bare text"),
        (lambda got: (200, verified(BOX, got.query, time.time()) + "\n"), "instead of the bare text"),
        (lambda got: (200, (time.sleep(1.3), "late")[1]), "ReadTimeout"),
    ],
    ids=["fails", "quotes", "newline", "slow"],
)
def test_a_receiver_that_answers_wrongly_is_not_saved(desk: Desk, says, complaint: str) -> None:
    with receiver(says) as ours:
        assert complaint in why(save, desk, ours.url)
    assert desk.corp.contacts_receiver.url == ""


def test_settings_of_a_receiver_that_cannot_be(desk: Desk) -> None:
    assert "only this machine" in why(save, desk, "http://192.0.2.7/x")
    assert "EncodingAESKey" in why(save, desk, "http://127.0.0.1:9/", aes_key="short")
    assert "Token" in why(save, desk, "http://127.0.0.1:9/", token="with space")
    assert "ConnectError" in why(save, desk, "http://127.0.0.1:9/")


def test_an_address_may_have_a_query_of_its_own(desk: Desk) -> None:
    with receiver(answer) as ours:
        save(desk, f"{ours.url}?tenant=a%2Bb")
        assert ours.got[0].query["tenant"] == "a+b"


def test_new_receivers_are_told_ids_only(desk: Desk, told: Receiver) -> None:
    desk.control("/people/save", person=PERSON, create=True)
    desk.control("/people/save", person={"userid": "zhangsan", "position": "主任"})
    desk.control("/people/delete", user="zhangsan")
    made, changed, gone = events(desk, told)
    for each in (made, changed):
        assert isinstance(each, MemberChange)
        assert (each.user, each.departments, each.name, each.mobile) == ("zhangsan", (1,), None, None)
    assert (gone.change, gone.departments) == ("delete_user", None)


def test_old_receivers_are_told_what_was_changed(desk: Desk) -> None:
    with receiver(answer) as ours:
        save(desk, ours.url, reduced=False)
        desk.control("/people/save", person=PERSON, create=True)
        desk.control("/people/save", person={"userid": "zhangsan", "position": "主任"})
        made, changed = events(desk, ours)
    assert (made.name, made.mobile, made.position) == ("张三", "13800000001", "店长")
    assert (changed.position, changed.name, changed.departments) == ("主任", None, None)


def test_departments_are_told_when_they_move(desk: Desk, told: Receiver) -> None:
    south = desk.control("/departments/save", department={"name": "华南", "parentid": 1}, create=True)["id"]
    city = desk.control("/departments/save", department={"name": "广州", "parentid": 1}, create=True)["id"]
    desk.control("/departments/save", department={"id": city, "name": "广州市"})
    desk.control("/departments/save", department={"id": city, "parentid": south})
    desk.control("/departments/delete", id=city)
    found = events(desk, told)
    assert all(isinstance(each, DepartmentChange) for each in found)
    assert [(each.change, each.id, each.parent, each.name) for each in found] == [
        ("create_party", south, 1, None),
        ("create_party", city, 1, None),
        ("update_party", city, south, None),
        ("delete_party", city, None, None),
    ]


def test_our_own_writes_are_not_called_back(desk: Desk, told: Receiver) -> None:
    members.create(
        desk.contacts(), Member("lisi", name="李四", departments=(1,), mobile="13800000002"), invite=False
    )
    members.delete(desk.contacts(), "lisi")
    assert events(desk, told) == []
    desk.control("/people/save", person=PERSON, create=True)
    assert len(events(desk, told)) == 1


def test_without_manual_editing_the_console_changes_nobody(desk: Desk, told: Receiver) -> None:
    """The question at the end of the manual: people can be neither added nor changed."""
    desk.control("/settings", manual_edit=False)
    assert "手动编辑" in why(desk.control, "/people/save", person=PERSON, create=True)
    assert "手动编辑" in why(
        desk.control, "/departments/save", department={"name": "x", "parentid": 1}, create=True
    )
    assert events(desk, told) == []
    desk.control("/settings", manual_edit=True)
    desk.control("/people/save", person=PERSON, create=True)
    assert list(desk.corp.people) == ["founder", "zhangsan"]


def test_the_console_keeps_the_rules_of_the_api(desk: Desk, told: Receiver) -> None:
    assert why(
        desk.control, "/people/save", person={**PERSON, "mobile": "13800000000"}, create=True
    ).startswith("60104")
    assert why(desk.control, "/people/delete", user="founder").startswith("301005")
    assert events(desk, told) == []


def test_apps_are_told_of_members_when_that_is_chosen(desk: Desk) -> None:
    with receiver(answer) as ours:
        where = {"url": ours.url, "token": BOX.token, "aes_key": BOX.aes_key}
        desk.control("/receivers/save", which="app", agent=1000002, **where)
        desk.control("/people/save", person=PERSON, create=True)
        assert events(desk, ours) == []
        desk.control("/options", apps_get_member_events=True)
        desk.control("/people/save", person={"userid": "zhangsan", "name": "张三丰"})
        assert [each.user for each in events(desk, ours)] == ["zhangsan"]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.LOST, ["b"]),
        (Kind.DOUBLED, ["a", "a", "b"]),
        (Kind.REORDERED, ["b", "a"]),
        (Kind.LATE, ["b", "a"]),
    ],
)
def test_callbacks_are_lost_doubled_reordered_and_late(
    desk: Desk, told: Receiver, kind: Kind, expected: list[str]
) -> None:
    switch_on(desk.state_world, Fault("wecom", Where.CALLBACK, kind, "contacts", times=1, seconds=0.5))
    console = Console(desk.running.sandbox)  # not over HTTP: the two must come within the half second
    for number, user in enumerate("ab"):
        person = {**PERSON, "userid": user, "mobile": f"1380000001{number}"}
        console.save_person({"corp": demo.CORP, "person": person, "create": True})
    found = events(desk, told)
    assert [each.user for each in found] == expected
    if kind is Kind.DOUBLED:
        assert found[0].header.key == found[1].header.key


def test_three_attempts_and_no_more(desk: Desk, told: Receiver) -> None:
    desk.control("/options", retry_pause_s=0.01)
    told.answer = lambda got: (503, "")
    desk.control("/people/save", person=PERSON, create=True)
    assert len(events(desk, told)) == 3


def test_two_changes_of_one_second_have_two_keys(desk: Desk, told: Receiver) -> None:
    desk.control("/people/save", person=PERSON, create=True)
    desk.control("/people/save", person={"userid": "zhangsan", "name": "张"})
    first, second = events(desk, told)
    assert first.header.key != second.header.key


def test_a_reset_secret_ends_its_tokens(desk: Desk, refused) -> None:
    ours = desk.contacts()
    list(members.ids(ours))
    desk.control("/secrets/reset", which="contacts")
    assert refused(lambda: list(members.ids(ours))) == "40001"
    assert members.get(desk.app(), "founder").name == "王创"
