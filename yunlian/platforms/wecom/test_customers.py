"""Customer contact: reading in pages, remarks, tags, hand-over; and what is called back of it."""

import time
from collections.abc import Iterator

import pytest

from ..sandbox.testing import Receiver, receiver
from . import customers, members
from .callback import received, verified
from .client import Client
from .conftest import Desk
from .crypto import Box, new_aes_key, new_token
from .customers import CustomerTag, Handed, Outcome, Remark
from .events import CustomerChange
from .members import Member
from .sandbox import state as demo

BOX = Box(new_token(), new_aes_key(), demo.CORP)


@pytest.fixture
def told(desk: Desk) -> Iterator[Receiver]:
    def answer(got):
        return 200, "" if got.method == "POST" else verified(BOX, got.query, desk.state_world.now())

    with receiver(answer) as ours:
        where = {"url": ours.url, "token": BOX.token, "aes_key": BOX.aes_key}
        desk.control("/receivers/save", which="customers", **where)
        yield ours


def events(desk: Desk, told: Receiver) -> list[CustomerChange]:
    desk.running.settle()
    now = desk.state_world.now()
    found = [received(BOX, each.query, each.body, now) for each in told.got if each.method == "POST"]
    assert all(isinstance(each, CustomerChange) for each in found)
    return found  # type: ignore[return-value]


def member(desk: Desk, user: str) -> Client:
    mobile = f"1390000{sum(map(ord, user)):04d}"
    members.create(desk.contacts(), Member(user, name=user, departments=(1,), mobile=mobile), invite=False)
    return desk.customers()


def add(desk: Desk, user: str, **more: object) -> str:
    return desk.control("/customers/add", user=user, **more)["customer"]


def test_customers_are_read_in_pages(desk: Desk, refused) -> None:
    ours = member(desk, "lisi")
    assert customers.ids(ours, "lisi") == []
    made = [add(desk, "lisi", name=f"客户{number}", state="store-1") for number in range(5)]
    add(desk, "founder", customer=made[0])
    assert customers.ids(ours, "lisi") == made
    found = list(customers.of_users(ours, ["lisi", "founder"], page=1))
    assert [(each.id, each.follows[0].user) for each in found] == [(id, "lisi") for id in made] + [
        (made[0], "founder")
    ]
    both = customers.get(ours, made[0])
    assert {each.user for each in both.follows} == {"lisi", "founder"}
    assert (both.name, both.follows[0].state, both.kind) == ("客户0", "store-1", customers.Kind.WECHAT)
    assert customers.by_unionid(ours, both.unionid, "o1") == made[0]
    assert customers.by_unionid(ours, "nobody", "o1") is None
    assert refused(customers.get, ours, "wmnobody") == "40096"
    assert refused(customers.ids, ours, "nobody") == "60111"
    assert "lisi" in customers.followers(ours)


def test_a_customer_with_more_followers_than_a_page(desk: Desk) -> None:
    desk.control("/make", people=501)
    first = add(desk, "sim000001", name="众人的客户")
    for number in range(2, 502):
        desk.corp.follows.append(demo.Follow(f"sim{number:06d}", first, 0))
    assert len(customers.get(desk.customers(), first).follows) == 501


def test_a_customer_of_another_corp_has_no_unionid(desk: Desk) -> None:
    id = add(desk, "founder", name="同行", type=2, corp_name="同行公司")
    found = customers.get(desk.customers(), id)
    assert (found.kind, found.unionid, found.company) == (customers.Kind.WECOM, "", "同行公司")


def test_remarks_and_tags(desk: Desk, refused) -> None:
    ours = member(desk, "lisi")
    id = add(desk, "lisi", name="张小姐")
    customers.remark(ours, "lisi", id, Remark("张姐", "常客", "某公司", ("13800000009",)))
    group = customers.add_corp_tags(ours, "等级", ["金", "银"])
    gold, silver = (tag for tag, _ in group.tags)
    customers.mark(ours, "lisi", id, [gold], [])
    (follow,) = customers.get(ours, id).follows
    assert (follow.remark, follow.description, follow.company, follow.mobiles) == (
        "张姐",
        "常客",
        "某公司",
        ("13800000009",),
    )
    assert follow.tags == (CustomerTag(gold, "金", "等级"),)
    (listed,) = customers.of_users(ours, ["lisi"])
    assert listed.follows[0].tags == (CustomerTag(gold),)
    customers.mark(ours, "lisi", id, [silver], [gold])
    customers.remark(ours, "lisi", id, Remark(mobiles=()))
    (follow,) = customers.get(ours, id).follows
    assert ([each.name for each in follow.tags], follow.mobiles, follow.remark) == (["银"], (), "张姐")
    customers.rename_corp_tag(ours, silver, "白银")
    customers.delete_corp_tags(ours, [gold], [])
    assert customers.corp_tags(ours) == [customers.TagGroup(group.id, "等级", ((silver, "白银"),))]
    assert refused(customers.add_corp_tags, ours, "等级", ["白银"]) == "40071"
    assert refused(customers.mark, ours, "lisi", id, ["etnothing"], []) == "40068"
    assert refused(customers.mark, ours, "founder", id, [silver], []) == "84061"
    assert refused(customers.remark, ours, "lisi", id, Remark()) == "40058"
    assert refused(customers.remark, ours, "lisi", id, Remark("x" * 21)) == "40058"
    customers.delete_corp_tags(ours, [], [group.id])
    assert customers.corp_tags(ours) == []


def test_who_may_use_customer_contact(desk: Desk, refused) -> None:
    add(desk, "founder", name="客户")
    assert len(customers.ids(desk.app(), "founder")) == 1
    assert refused(customers.ids, desk.contacts(), "founder") == "48002"
    desk.control("/apps/save", agent=1000002, customers=False)
    assert refused(customers.ids, desk.app(), "founder") == "48002"
    desk.control("/apps/save", agent=1000002, customers=True, departments=[])
    assert refused(customers.ids, desk.app(), "founder") == "84074"


def test_the_way_and_the_welcome(desk: Desk, told: Receiver, refused) -> None:
    way = customers.add_contact_way(desk.customers(), ["founder"], "store-0042")
    assert way.id
    id = add(desk, "founder", name="新客", state="store-0042")
    (event,) = events(desk, told)
    assert (event.change, event.external_user, event.state) == ("add_external_contact", id, "store-0042")
    customers.welcome(desk.customers(), event.welcome_code or "", "欢迎")
    assert refused(customers.welcome, desk.customers(), event.welcome_code, "欢迎") == "41050"
    add(desk, "founder", name="晚客")
    late = events(desk, told)[-1].welcome_code
    desk.running.control("/time", advance_s=21)
    assert refused(customers.welcome, desk.customers(), late, "欢迎") == "41050"


def test_what_happens_in_wecom_is_told_and_what_we_do_is_not(desk: Desk, told: Receiver) -> None:
    first, second = add(desk, "founder", name="甲"), add(desk, "founder", name="乙", half=True)
    customers.remark(desk.customers(), "founder", first, Remark("甲客"))
    desk.control("/customers/edit", user="founder", customer=first, remark="老客")
    desk.control("/customers/drop", user="founder", customer=first)
    desk.control("/customers/drop", user="founder", customer=second, by_customer=True)
    assert [(each.change, each.external_user) for each in events(desk, told)] == [
        ("add_external_contact", first),
        ("add_half_external_contact", second),
        ("edit_external_contact", first),
        ("del_external_contact", first),
        ("del_follow_user", second),
    ]
    assert customers.ids(desk.customers(), "founder") == []


def test_hand_over_in_service(desk: Desk, told: Receiver) -> None:
    ours = member(desk, "lisi")
    yes, no, later = (add(desk, "founder", name=name) for name in "甲乙丙")
    outcome = customers.hand_over(
        ours, "founder", "lisi", [yes, no, later, "wmnobody"], left=False, message="请多关照"
    )
    assert outcome == [Outcome(yes, 0), Outcome(no, 0), Outcome(later, 0), Outcome("wmnobody", 40096)]
    desk.control("/customers/transfers/answer", customer=yes)
    desk.control("/customers/transfers/answer", customer=no, refuse=True)
    states = {
        each.customer: each.status for each in customers.handed_over(ours, "founder", "lisi", left=False)
    }
    assert states == {yes: 1, no: 3, later: 2}
    assert customers.ids(ours, "lisi") == [yes]
    told_of = [(each.change, each.user, each.source, each.fail_reason) for each in events(desk, told)[3:]]
    assert told_of == [
        ("del_external_contact", "founder", "DELETE_BY_TRANSFER", None),
        ("add_external_contact", "lisi", None, None),
        ("transfer_fail", "lisi", None, "customer_refused"),
    ]
    desk.running.control("/time", advance_s=86_401)
    states = {
        each.customer: each.status for each in customers.handed_over(ours, "founder", "lisi", left=False)
    }
    assert states[later] == 1
    assert set(customers.ids(ours, "lisi")) == {yes, later}


def test_hand_over_of_one_who_left(desk: Desk) -> None:
    ours = member(desk, "lisi")
    member(desk, "wangwu")
    id = add(desk, "lisi", name="甲")
    assert customers.hand_over(ours, "lisi", "wangwu", [id], left=True) == [Outcome(id, 40097)]
    members.delete(desk.contacts(), "lisi")
    (waiting,) = customers.unassigned(ours, page=1)
    assert (waiting.user, waiting.customer) == ("lisi", id)
    assert abs(waiting.at - time.time()) < 60
    assert customers.hand_over(ours, "lisi", "wangwu", [id], left=True) == [Outcome(id, 0)]
    assert list(customers.unassigned(ours)) == []
    assert list(customers.handed_over(ours, "lisi", "wangwu", left=True)) == [Handed(id, 2, 0)]
    desk.control("/customers/transfers/answer", customer=id)
    assert customers.ids(ours, "wangwu") == [id]
