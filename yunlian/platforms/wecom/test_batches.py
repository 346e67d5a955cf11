"""Imports in the background, tags and media."""

import time

import pytest

from ..sandbox.testing import receiver
from . import batches, departments, media, members, tags
from .batches import Kind, Receiver, Row
from .callback import received, verified
from .client import Client
from .conftest import Desk
from .crypto import Box, new_aes_key, new_token
from .departments import Department
from .events import BatchDone, TagChange
from .members import Member
from .sandbox import state as demo

BOX = Box(new_token(), new_aes_key(), demo.CORP)


def imported(
    client: Client, kind: Kind, content: bytes, receiver: Receiver | None = None
) -> batches.Progress:
    file = media.upload(client, "file", "import.csv", content)
    job = batches.start(client, kind, file, invite=False, receiver=receiver)
    for _ in range(200):
        found = batches.progress(client, job)
        if found.done:
            return found
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def people(count: int, first: int = 0) -> list[Member]:
    return [
        Member(f"user{each}", name=f"员工{each}", departments=(1,), mobile=f"1370000{each:04d}")
        for each in range(first, first + count)
    ]


def test_members_are_imported_and_updated(desk: Desk) -> None:
    ours = desk.contacts()
    departments.create(ours, Department(name="广州", parent=1))
    whole = Member(
        "zhangsan", name='张 "三"', departments=(1, 2), orders=(5, 6), leads=(False, True),
        mobile="13800000001", email="z@example.com", position="店长, 兼", gender="2", alias="三", address="广州\n天河",
        telephone="020-1234567", enabled=True,
    )  # fmt: skip
    found = imported(ours, Kind.SYNC_USERS, batches.member_file([whole]))
    assert found.rows == (Row("zhangsan", 0, "ok"),)
    again = members.get(ours, "zhangsan")
    for name in (
        "name",
        "departments",
        "orders",
        "leads",
        "mobile",
        "email",
        "position",
        "gender",
        "alias",
        "address",
    ):
        assert getattr(again, name) == getattr(whole, name)
    imported(ours, Kind.SYNC_USERS, batches.member_file([Member("zhangsan", position="主任")]))
    assert members.get(ours, "zhangsan").position == "主任"
    assert members.get(ours, "zhangsan").mobile == "13800000001"


def test_every_row_has_its_outcome(desk: Desk) -> None:
    rows = [*people(2), Member("bad user", name="x", departments=(1,), mobile="13700009999")]
    rows.append(Member("same", name="y", departments=(1,), mobile="13800000000"))
    rows.append(Member("far", name="z", departments=(99,), mobile="13700009998"))
    found = imported(desk.contacts(), Kind.SYNC_USERS, batches.member_file(rows))
    assert [(each.id, each.code) for each in found.rows] == [
        ("user0", 0), ("user1", 0), ("bad user", 40003), ("same", 60104), ("far", 0),
    ]  # fmt: skip
    (other,) = members.get(desk.contacts(), "far").departments or ()
    assert departments.get(desk.app(), other).name == "其他（待设置部门）"


def test_replacing_deletes_the_absent_within_the_guard(desk: Desk) -> None:
    ours = desk.contacts()
    imported(ours, Kind.SYNC_USERS, batches.member_file(people(300)))
    imported(ours, Kind.REPLACE_USERS, batches.member_file(people(250)))
    assert len(desk.corp.people) == 251
    with receiver(lambda _: (200, "")) as told:
        to = Receiver(told.url, BOX)
        imported(ours, Kind.REPLACE_USERS, batches.member_file(people(100)), to)
        desk.running.settle()
        event = received(BOX, told.got[0].query, told.got[0].body, time.time())
    assert isinstance(event, BatchDone)
    assert (event.kind, event.code) == ("replace_user", 45026)
    assert len(desk.corp.people) == 251


def test_the_small_guard(desk: Desk) -> None:
    ours = desk.contacts()
    imported(ours, Kind.SYNC_USERS, batches.member_file(people(30)))
    imported(ours, Kind.REPLACE_USERS, batches.member_file(people(1)))
    assert len(desk.corp.people) == 31
    imported(ours, Kind.REPLACE_USERS, batches.member_file(people(10)))
    assert len(desk.corp.people) == 11


def test_departments_are_replaced(desk: Desk) -> None:
    ours = desk.contacts()
    for name in ("空", "有人"):
        departments.create(ours, Department(name=name, parent=1))
    members.create(ours, Member("u", name="u", departments=(3,), mobile="13800000001"), invite=False)
    rows = [Department(30, "天河", 20, 7), Department(1, "云链家居", 0), Department(20, "广州", 1)]
    found = imported(ours, Kind.REPLACE_DEPARTMENTS, batches.department_file(rows))
    assert {(each.id, each.code, each.action) for each in found.rows} == {
        ("1", 0, 0),
        ("20", 0, 1),
        ("30", 0, 1),
    }
    assert {(each.id, each.parent) for each in departments.ids(ours)} == {(1, 0), (3, 1), (20, 1), (30, 20)}
    rows = [Department(1, "云链家居", 0), Department(20, "广州市", 1), Department(30, "天河", 1, 9)]
    found = imported(ours, Kind.REPLACE_DEPARTMENTS, batches.department_file(rows))
    assert {(each.id, each.action) for each in found.rows} == {("1", 0), ("20", 2), ("30", 4 + 8)}


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([Department(2, "a", 3), Department(3, "b", 2)], 302004),
        ([Department(2, "a", 9)], 302004),
        ([Department(2, "a", 1), Department(3, "a", 1)], 302007),
    ],
)
def test_departments_that_form_no_tree(desk: Desk, rows: list[Department], code: int) -> None:
    with receiver(lambda _: (200, "")) as told:
        found = imported(
            desk.contacts(), Kind.REPLACE_DEPARTMENTS, batches.department_file(rows), Receiver(told.url, BOX)
        )
        desk.running.settle()
        event = received(BOX, told.got[0].query, told.got[0].body, time.time())
    assert isinstance(event, BatchDone)
    assert (event.code, found.rows) == (code, ())
    assert list(desk.corp.departments) == [1]


def test_files_and_jobs_that_are_none(desk: Desk, refused) -> None:
    ours = desk.contacts()

    def start(content: bytes, kind: Kind = Kind.SYNC_USERS) -> str:
        return batches.start(ours, kind, media.upload(ours, "file", "a.csv", content), invite=False)

    assert refused(start, b"\xff\xfe\xff\xfe\xff\xfe") == "40092"
    assert refused(start, b"a,b,c\n1,2,3\n") == "40092"
    twice = batches.member_file([*people(1), *people(1)])
    assert refused(start, twice) == "302003"
    both = batches.department_file([Department(2, "a", 1), Department(2, "b", 1)])
    assert refused(start, both, Kind.REPLACE_DEPARTMENTS) == "302006"
    assert refused(batches.start, ours, Kind.SYNC_USERS, "nothing", invite=False) == "40007"
    assert refused(batches.progress, ours, "nothing") == "40088"
    strange = Receiver("http://192.0.2.1/x", BOX)
    file = media.upload(ours, "file", "a.csv", batches.member_file(people(1)))
    assert refused(batches.start, ours, Kind.SYNC_USERS, file, invite=False, receiver=strange) == "40057"
    assert refused(batches.start, desk.app(), Kind.SYNC_USERS, file, invite=False) == "48002"


def test_one_job_at_a_time_and_five_results(desk: Desk, refused) -> None:
    ours = desk.contacts()
    file = media.upload(ours, "file", "a.csv", batches.member_file(people(1)))
    first = batches.start(ours, Kind.SYNC_USERS, file, invite=False)
    assert refused(batches.start, ours, Kind.SYNC_USERS, file, invite=False) == "302008"
    assert not batches.progress(ours, first).done
    while not batches.progress(ours, first).done:
        time.sleep(0.05)
    for _ in range(6):
        imported(ours, Kind.SYNC_USERS, batches.member_file(people(1)))
    assert refused(batches.progress, ours, first) == "40089"


def test_media_are_checked_and_end_after_three_days(desk: Desk, refused) -> None:
    ours = desk.contacts()
    assert refused(media.upload, ours, "file", "a.csv", b"12345") == "40006"
    assert refused(media.upload, ours, "voice", "a.amr", b"x" * ((2 << 20) + 1)) == "45001"
    assert refused(media.upload, ours, "novel", "a", b"123456") == "40004"
    content = b"line one\r\nline two\r\n--x--\r\n"
    id = media.upload(ours, "file", "名.csv", content)
    url = f"{desk.running.base_url}/wecom/cgi-bin/media/get"
    asked = {"access_token": ours.token(), "media_id": id}
    assert desk.http.get(url, params=asked).content == content
    desk.running.control("/time", advance_s=3 * 86_400 + 1)
    asked["access_token"] = ours.token()
    assert desk.http.get(url, params=asked).json()["errcode"] == 40007


def test_tags(desk: Desk, refused) -> None:
    ours = desk.contacts()
    id = tags.create(ours, "店长")
    assert tags.create(ours, "导购", 9) == 9
    assert refused(tags.create, ours, "店长") == "40071"
    assert refused(tags.create, ours, "x" * 33) == "40071"
    assert tags.add(ours, id, ["Founder", "nobody"], [1, 7]) == (("nobody",), (7,))
    assert tags.get(ours, id) == tags.Tag(id, "店长", ("founder",), (1,))
    assert refused(tags.add, ours, id, ["nobody"], []) == "40070"
    assert refused(tags.rename, desk.app(), id, "x") == "81011"
    tags.rename(ours, id, "门店店长")
    assert {each.name for each in tags.every(desk.app())} == {"门店店长", "导购"}
    assert tags.remove(ours, id, ["founder"], []) == ((), ())
    tags.delete(ours, id)
    assert refused(tags.get, ours, id) == "40068"


def test_a_tag_of_an_app_is_called_back_to_contacts(desk: Desk) -> None:
    def answer(got):
        return 200, "" if got.method == "POST" else verified(BOX, got.query, time.time())

    with receiver(answer) as told:
        desk.control("/receivers/save", which="contacts", url=told.url, token=BOX.token, aes_key=BOX.aes_key)
        mine = tags.create(desk.app(), "导购")
        tags.add(desk.app(), mine, ["founder"], [])
        theirs = tags.create(desk.contacts(), "店长")
        tags.add(desk.contacts(), theirs, ["founder"], [])
        desk.running.settle()
        posts = [each for each in told.got if each.method == "POST"]
        (event,) = [received(BOX, each.query, each.body, time.time()) for each in posts]
    assert isinstance(event, TagChange)
    assert (event.tag, event.users_added) == (mine, ("founder",))
