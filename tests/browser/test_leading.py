"""Every figure leads to what it is made of, nobody is sent where there is nothing, and lists say what they must."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def test_the_keeper_sees_what_waits_to_leave(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("luocheng", width=1280, height=720))
    desk.open("/")
    expect(desk.page.get_by_text("从这里开始")).to_have_count(0)
    screen(desk.page, "keeper")
    waiting = desk.page.get_by_role("button", name=re.compile("待销售出库单"))
    number = waiting.locator("b").inner_text()
    waiting.click()
    desk.settle()
    expect(desk.page.get_by_text(re.compile(f"共 {number} 条"))).to_be_visible()


@pytest.mark.parametrize("done", [False, True])
def test_a_new_enterprise_is_told_how_to_begin(open_page: Opener, done: bool) -> None:
    page = open_page("zhouyan")

    def new(route: Route) -> None:
        body: dict[str, Any] = route.fetch().json()
        body["checklist"] = [{"code": "masters.warehouse", "label": "新增仓库", "done": done}]
        route.fulfill(json=body)

    page.route("**/api/home", new)
    page.goto("/")
    entry = page.get_by_role("link", name="新增仓库")
    expect(entry).to_contain_text("已完成" if done else "1")
    expect(page.get_by_text("待办", exact=True).first).to_be_visible()
    entry.click()
    page.wait_for_url("**/masters.warehouse")


def test_nobody_begins_what_they_may_not_save(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("luocheng", width=1280, height=720))
    desk.open("/org.employee/new")
    expect(desk.page.get_by_role("heading", name="无权限")).to_be_visible()
    expect(desk.page.locator(".form")).to_have_count(0)
    screen(desk.page, "denied")
    desk.page.locator("main").get_by_role("link", name="首页").click()
    expect(desk.page.locator(".home h1")).to_be_visible()
    expect(desk.page.get_by_role("tab")).to_have_count(1)
    can = Desk(open_page("zhouyan"))
    can.open("/org.employee/new")
    expect(can.field("name").locator("input")).to_be_visible()


def test_a_wrong_address_leaves_no_tab(open_page: Opener) -> None:
    page = open_page("zhouyan")
    page.goto("/no-such-page")
    expect(page.get_by_role("tab", name="未找到")).to_be_visible()
    page.goto("/chain.no_such")
    page.goto("/masters.warehouse")
    expect(page.get_by_role("button", name="新建仓库")).to_be_visible()
    expect(page.get_by_role("tab", name="未找到")).to_have_count(0)


def test_a_balance_leads_to_its_movements_and_they_to_their_document(
    open_page: Opener, screen: Taken
) -> None:
    desk = Desk(open_page("zhouyan", width=1280, height=720))
    desk.open("/stock.balance")
    row = desk.page.get_by_role("row").nth(1)
    name = row.get_by_role("link").first.inner_text()
    expect(row.get_by_role("gridcell").first).to_contain_text(re.compile(r"[A-Z]{2}-"))
    screen(desk.page, "balance")
    row.get_by_role("gridcell").nth(3).click()
    desk.key("Enter")
    desk.page.wait_for_url("**/stock.movement?*")
    desk.settle()
    screen(desk.page, "movements")
    expect(desk.page.locator(".chip.said").first).to_contain_text(name)
    desk.page.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(desk.title).to_be_visible()


def test_what_is_owed_leads_to_the_statement_and_its_contract(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("zhouyan", width=1280, height=720))
    desk.open("/finance.receivable")
    screen(desk.page, "receivable")
    row = desk.page.get_by_role("row").nth(1)
    expect(row.get_by_role("link", name=re.compile("^SC"))).to_be_visible()
    row.get_by_role("gridcell").nth(3).dblclick()
    desk.page.wait_for_url("**/finance.statement?*")
    expect(desk.page.locator(".statement tfoot")).to_be_visible()
    (linked,) = desk.ask('/api/masters.partner?limit=1&filter=[["chain_id","empty",false]]')["rows"]
    desk.open(f"/masters.partner/{linked['id']}")
    expect(desk.page.get_by_text(re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-"))).to_have_count(0)
    desk.page.get_by_role("link", name="往来对账单", exact=True).last.click()
    desk.page.wait_for_url("**/finance.statement?*")


def test_a_chart_leads_behind_its_numbers(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("zhouyan", width=1280, height=720))
    desk.open("/")
    chart = desk.page.locator(".charts .panel").filter(has_text="畅销")
    chart.get_by_role("button", name="查看明细").click()
    desk.page.wait_for_url("**/sales.contract?*")
    desk.open("/")
    bar = chart.locator("svg path[fill]:not([fill=none]):not([fill=transparent])").first
    bar.click()
    desk.page.wait_for_url("**/sales.contract?*")
    assert "lines.product" in desk.page.url
    desk.settle()
    screen(desk.page, "behind")
    expect(desk.page.get_by_role("row").nth(1)).to_be_visible()


def test_a_batch_offers_what_the_chosen_can_take(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    open_ones = json.dumps([["state", "=", "approved"], ["close", "=", "open"]])
    desk.open(f"/sales.contract?filter={open_ones}")
    expect(desk.page.get_by_role("row").nth(1)).not_to_contain_text("正常")
    desk.page.get_by_role("row").nth(1).get_by_role("checkbox").check()
    bar = desk.page.locator(".list > header")
    expect(bar.get_by_role("button", name="关闭", exact=True)).to_be_visible()
    expect(bar.get_by_role("button", name="反关闭", exact=True)).to_have_count(0)


def test_a_list_draws_what_came_in(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    desk.open('/sales.contract?filter=[["receipt","=","complete"]]')
    bar = desk.page.locator(".paid u").first
    expect(bar).to_have_attribute("style", re.compile("100%"))


def test_a_phone_shows_the_figures_looked_up(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("zhouyan", width=390, height=844))
    desk.open("/stock.balance")
    screen(desk.page, "balance")
    expect(desk.page.locator(".cards li").first).to_contain_text("可用量")
    desk.open("/masters.product")
    screen(desk.page, "product")
    expect(desk.page.locator(".cards li").first).to_contain_text("参考价")


def test_the_form_stays_while_the_panel_changes(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    (order,) = desk.ask('/api/purchase.order?limit=1&filter=[["collab","!=","none"]]')["rows"]
    desk.open(f"/purchase.order/{order['id']}")
    widths = set()
    for name in ("协同", "联查", "记录"):
        desk.panel(name)
        desk.settle()
        widths.add(desk.page.locator(".document .main").bounding_box()["width"])  # type: ignore[index]
    assert len(widths) == 1
