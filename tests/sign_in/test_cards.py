"""Approval from the phone: what waits is told to who may approve, pressed there, and every phone learns what became of it."""

from typing import Any

import pytest

from yunlian.directory import notices
from yunlian.directory.models import Notice
from yunlian.kernel.models import Audit, Job, Outbox
from yunlian.kernel.scope import tenant
from yunlian.kernel.testing import context, make
from yunlian.org.models import Employee, EmployeeRole, Role, User
from yunlian.platforms.wecom.sandbox import state as wecom
from yunlian.platforms.wecom.sandbox.state import Wecom

from .conftest import CODE, HOST, Browser, Desk, Office, Phones


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


def test_an_enterprise_without_connections_tells_nobody(db, phones: Phones) -> None:
    other = Office("other")
    with tenant(other.id):
        make(CODE, context(other.id, other.founded.admin_id), upto="submitted", lines__price="12.5")
    desk = Desk(other, phones, [])
    desk.work()
    assert desk.notices() == []
    with tenant(other.id):
        assert not Job.objects.exists()
