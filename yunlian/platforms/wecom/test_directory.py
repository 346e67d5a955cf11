"""Departments and members, through the client, with the platform's refusals."""

import time

import pytest

from . import departments, members
from .conftest import Desk
from .departments import Department
from .members import Attribute, Member, Placed, Status

ZHANG = Member("zhangsan", name="张三", departments=(1,), mobile="13800000001")


def changed(member: Member, **fields: object) -> Member:
    return Member(**{**vars(member), **fields})  # type: ignore[arg-type]


def test_departments_are_made_moved_and_deleted(desk: Desk, refused) -> None:
    ours = desk.contacts()
    south = departments.create(ours, Department(name="华南", parent=1, order=10, name_en="South"))
    city = departments.create(ours, Department(id=77, name="广州", parent=south))
    assert (south, city) == (2, 77)
    departments.update(ours, Department(id=77, name="广州市", parent=1))
    assert departments.get(desk.app(), 77) == Department(77, "广州市", 1, 0)
    assert {each.id for each in departments.tree(desk.app())} == {1, 2, 77}
    assert {(each.id, each.parent) for each in departments.ids(ours)} == {(1, 0), (2, 1), (77, 1)}
    departments.delete(ours, 77)
    assert refused(departments.get, desk.app(), 77) == "60003"


@pytest.mark.parametrize(
    ("department", "code"),
    [
        (Department(name="", parent=1), "60001"),
        (Department(name="x" * 65, parent=1), "60001"),
        (Department(name="a:b", parent=1), "60009"),
        (Department(name="华南", parent=1), "60008"),
        (Department(id=2, name="新", parent=1), "60008"),
        (Department(id=1, name="新", parent=1), "60123"),
        (Department(name="新", parent=99), "60004"),
        (Department(name="新"), "60124"),
        (Department(name="新", parent=1, order=2**32), "40058"),
    ],
)
def test_a_department_that_cannot_be(desk: Desk, refused, department: Department, code: str) -> None:
    departments.create(desk.contacts(), Department(name="华南", parent=1))
    assert refused(departments.create, desk.contacts(), department) == code
    assert len(desk.corp.departments) == 2


def test_departments_form_a_tree_of_fifteen_levels(desk: Desk, refused) -> None:
    ours, at = desk.contacts(), 1
    first = departments.create(ours, Department(name="2", parent=1))
    at = first
    for level in range(3, 16):
        at = departments.create(ours, Department(name=str(level), parent=at))
    assert refused(departments.create, ours, Department(name="16", parent=at)) == "81002"
    assert refused(departments.update, ours, Department(id=first, parent=at)) == "60010"
    assert refused(departments.update, ours, Department(id=1, parent=at)) == "60007"
    assert refused(departments.delete, ours, first) == "60006"
    assert refused(departments.delete, ours, 1) == "60007"
    departments.delete(ours, at)


def test_a_member_comes_back_as_sent(desk: Desk) -> None:
    ours = desk.contacts()
    desk.corp.attributes = ["工号"]
    departments.create(ours, Department(name="广州", parent=1))
    whole = Member(
        "zhangsan", name="张三", departments=(1, 2), orders=(5, 6), main_department=2, leads=(False, True),
        direct_leaders=("founder",), alias="三", mobile="+86 13800000001", email="z@example.com", position="店长",
        gender="1", telephone="020-1234567", address="广州", enabled=True,
        attributes=(Attribute("工号", "A1"), Attribute("没有", "x")),
    )  # fmt: skip
    members.create(ours, whole, invite=False)
    found = members.get(ours, "ZHANGSAN")
    assert found.attributes == (Attribute("工号", "A1"),)
    assert (found.status, found.departments, found.leads) == (Status.INVITED, (1, 2), (False, True))
    assert changed(found, status=None, attributes=None, biz_mail=None, avatar=None) == changed(
        whole, attributes=None
    )
    assert departments.get(desk.app(), 2).leaders == ("zhangsan",)
    assert members.by_mobile(ours, "13800000001") == "zhangsan"
    assert members.by_email(ours, "Z@example.com") == "zhangsan"
    assert members.by_openid(ours, members.openid(ours, "zhangsan")) == "zhangsan"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"user": "张三"}, "40003"),
        ({"user": "a" * 65}, "40003"),
        ({"user": "Founder"}, "60102"),
        ({"name": ""}, "60112"),
        ({"name": None}, "60112"),
        ({"departments": None}, "60127"),
        ({"departments": (1, 99)}, "60003"),
        ({"departments": ("x",)}, "60123"),
        ({"departments": tuple(range(101))}, "60110"),
        ({"mobile": None}, "60129"),
        ({"mobile": "13800000000"}, "60104"),
        ({"mobile": "+86 138-0000-0000"}, "60104"),
        ({"mobile": "call me"}, "60103"),
        ({"email": "nobody"}, "60105"),
        ({"leads": (True, False)}, "60132"),
        ({"main_department": 2}, "60123"),
        ({"position": "x" * 129}, "301012"),
        ({"telephone": "bell"}, "301013"),
        ({"direct_leaders": tuple("abcdef")}, "60257"),
        ({"direct_leaders": ("nobody",)}, "60111"),
    ],
)
def test_a_member_who_cannot_be(desk: Desk, refused, fields: dict[str, object], code: str) -> None:
    assert refused(members.create, desk.contacts(), changed(ZHANG, **fields), invite=False) == code
    assert list(desk.corp.people) == ["founder"]
    members.create(desk.contacts(), ZHANG, invite=False)


def test_seats_are_counted(desk: Desk, refused) -> None:
    desk.control("/settings", seats=1)
    assert refused(members.create, desk.contacts(), ZHANG, invite=False) == "45024"
    desk.control("/settings", seats=2)
    members.create(desk.contacts(), ZHANG, invite=False)


def test_what_is_left_out_of_an_update_stays(desk: Desk, refused) -> None:
    ours = desk.contacts()
    members.create(ours, ZHANG, invite=False)
    members.update(ours, Member("zhangsan", position="店长"))
    assert (members.get(ours, "zhangsan").position, members.get(ours, "zhangsan").mobile) == (
        "店长",
        "13800000001",
    )
    members.update(ours, Member("zhangsan", mobile="13800000002"))
    assert members.by_mobile(ours, "13800000002") == "zhangsan"
    assert refused(members.by_mobile, ours, "13800000001") == "46004"
    desk.control("/people/status", user="zhangsan", status=1)
    members.update(ours, Member("zhangsan", mobile="13800000003"))
    assert members.get(ours, "zhangsan").mobile == "13800000002"
    assert refused(members.update, ours, Member("nobody", name="x")) == "60111"
    assert refused(members.update, ours, Member("zhangsan", departments=(9,))) == "60003"


def test_an_account_changes_once_and_only_if_wecom_made_it(desk: Desk, refused) -> None:
    ours = desk.contacts()
    members.create(ours, ZHANG, invite=False)
    assert refused(members.update, ours, Member("zhangsan"), "zhang3") == "301036"
    person = {"userid": "Auto1", "name": "李四", "department": [1], "mobile": "13800000009"}
    desk.control("/people/save", person=person, create=True, made_by_wecom=True)
    assert refused(members.update, ours, Member("Auto1"), "zhangsan") == "60102"
    members.update(ours, Member("Auto1"), "lisi")
    assert members.by_mobile(ours, "13800000009") == "lisi"
    assert refused(members.update, ours, Member("lisi"), "lisi2") == "301036"


def test_deleting(desk: Desk, refused) -> None:
    ours = desk.contacts()
    for number in range(3):
        members.create(ours, changed(ZHANG, user=f"u{number}", mobile=f"1380000001{number}"), invite=False)
    members.delete(ours, "u0")
    assert refused(members.delete, ours, "u0") == "60111"
    assert refused(members.delete, ours, "founder") == "301005"
    assert refused(members.delete_many, ours, ["u1", "u0"]) == "40031"
    assert refused(members.delete_many, ours, [f"x{number}" for number in range(201)]) == "40032"
    members.delete_many(ours, ["u1", "U2"])
    assert list(desk.corp.people) == ["founder"]
    members.create(ours, changed(ZHANG, mobile="13800000010"), invite=False)


def test_writing_wants_the_contacts_secret_and_its_switch(desk: Desk, refused) -> None:
    for other in (desk.app(), desk.customers()):
        assert refused(members.create, other, ZHANG, invite=False) == "48002"
        assert refused(departments.create, other, Department(name="x", parent=1)) == "48002"
    desk.control("/settings", api_edit=False)
    assert refused(members.create, desk.contacts(), ZHANG, invite=False) == "48002"
    desk.control("/options", writes_before_edit=60011)
    assert refused(members.create, desk.contacts(), ZHANG, invite=False) == "60011"
    desk.control("/settings", api_edit=True)
    members.create(desk.contacts(), ZHANG, invite=False)


def test_an_app_sees_its_visible_range_only(desk: Desk, refused) -> None:
    ours = desk.contacts()
    south = departments.create(ours, Department(name="华南", parent=1))
    city = departments.create(ours, Department(name="广州", parent=south))
    members.create(ours, changed(ZHANG, departments=(city,)), invite=False)
    desk.control("/apps/save", agent=1000002, departments=[south])
    assert {each.id for each in departments.tree(desk.app())} == {south, city}
    assert refused(departments.get, desk.app(), 1) == "60011"
    assert refused(members.of_department, desk.app(), 1) == "60011"
    assert refused(members.get, desk.app(), "founder") == "60011"
    assert members.get(desk.app(), "zhangsan").name == "张三"
    desk.control("/apps/save", agent=1000002, departments=[], users=["founder"])
    assert departments.tree(desk.app()) == []
    assert members.get(desk.app(), "founder").name == "王创"
    assert refused(members.get, desk.app(), "zhangsan") == "60011"


def test_what_a_caller_is_told_depends_on_who_it_is(desk: Desk, refused) -> None:
    ours = desk.contacts()
    members.create(ours, changed(ZHANG, email="z@example.com", position="店长"), invite=False)
    new = members.get(desk.app(), "zhangsan")
    assert (new.name, new.position, new.mobile, new.email, new.gender) == ("张三", "店长", None, None, None)
    desk.control("/apps/save", agent=1000002, before_2022=True)
    old = members.get(desk.app(), "zhangsan")
    assert (old.mobile, old.email, old.gender) == ("13800000001", "z@example.com", "0")
    desk.control("/settings", new_contacts_ip=True)
    assert refused(members.of_department, ours, 1) == "48009"
    assert refused(departments.tree, ours) == "48009"
    assert set(members.ids(ours)) == {Placed("founder", 1), Placed("zhangsan", 1)}
    assert [each.user for each in members.names(ours, 1)] == ["founder", "zhangsan"]
    desk.control("/options", simplelist_blocked_too=True)
    assert refused(members.names, ours, 1) == "48009"


def test_pages_of_ids_join_to_the_whole(desk: Desk, refused) -> None:
    desk.control("/make", people=25, departments=3)
    assert len(set(members.ids(desk.contacts(), page=1))) == 26
    assert list(members.ids(desk.contacts(), page=7)) == list(members.ids(desk.contacts()))
    assert refused(lambda: list(members.ids(desk.app()))) == "48002"
    assert refused(desk.contacts().post, "user/list_id", {"cursor": "x", "limit": 5}) == "50100"


def test_inviting_in_part(desk: Desk) -> None:
    found = members.invite(desk.contacts(), ["founder", "nobody"], [1, 9], [5])
    assert found == (("nobody",), (9,), (5,))
    assert desk.corp.people["founder"].invited


def test_trusted_addresses_and_disabled_apps(desk: Desk, refused) -> None:
    desk.control("/apps/save", agent=1000002, ips=["203.0.113.5"])
    assert refused(departments.tree, desk.app()) == "60020"
    desk.control("/apps/save", agent=1000002, ips=["203.0.113.5", "127.0.0.1"])
    assert len(departments.tree(desk.app())) == 1
    desk.control("/apps/save", agent=1000002, enabled=False)
    assert refused(departments.tree, desk.app()) == "50003"


def test_bad_requests_are_refused_as_the_platform_does(desk: Desk, refused) -> None:
    ours = desk.contacts()
    assert refused(ours.get, "user/create") == "40058"
    assert refused(ours.post, "department/list", {}) == "40058"
    token = ours.token()
    url = f"{desk.running.base_url}/wecom/cgi-bin/user/create?access_token={token}"
    assert desk.http.post(url, content=b"{").json()["errcode"] == 40035
    assert desk.http.post(url, content=b"[1]").json()["errcode"] == 40035
    bare = desk.http.get(f"{desk.running.base_url}/wecom/cgi-bin/user/get").json()
    assert bare["errcode"] == 41001
    assert "from ip: 127.0.0.1" in bare["errmsg"]


def test_a_large_directory_is_made_and_read(desk: Desk) -> None:
    began = time.monotonic()
    made = desk.control("/make", people=20_000, departments=800)
    made_s = time.monotonic() - began
    assert made == {"people": 20_001, "departments": 801}
    began = time.monotonic()
    assert len(list(members.ids(desk.contacts()))) == 20_001
    assert len(departments.tree(desk.app())) == 801
    print(f"made in {made_s:.2f} s, listed in {time.monotonic() - began:.2f} s")  # noqa: T201 (a figure, no limit)
