"""Whose mobile is missing is asked for it where they are, or their head is."""

from typing import Any

from yunlian.directory import asking
from yunlian.directory.models import Ask
from yunlian.kernel.models import Job
from yunlian.kernel.scope import tenant

from .conftest import HOST, PASSWORD, Browser, Desk


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
    (told,) = [each for each in desk.on_dingtalk() if "u1004" in each.users]
    card = told.message["action_card"]
    assert card["single_url"] == f"{HOST}/e/ACME?to=%2F&inside=dingtalk"
    assert "管理员" in card["markdown"]
    assert ask(desk, hired).told_on == "dingtalk", "asked once more"
    assert len([each for each in desk.on_dingtalk() if "u1004" in each.users]) == 1
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
    assert desk.on_dingtalk() == []


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
