"""Saving: what somebody else saved meanwhile, what got no answer, what is refused, and where the cursor is afterwards."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk
from tests.browser.test_console import begun

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]

ORDERS = re.compile(r"/api/purchase\.order(\?.*)?$")


def saved(desk: Desk) -> str:
    """A purchase order of one line, saved; its id."""
    begun(desk)
    desk.save()
    return desk.page.url.rsplit("/", 1)[1]


def change_elsewhere(desk: Desk, id_: str, **changes: str) -> None:
    """Save the order from elsewhere, as this person."""
    order: dict[str, Any] = desk.ask(f"/api/purchase.order/{id_}")
    order["lines"][0].update(changes)
    answer = desk.page.request.put(f"/api/purchase.order/{id_}", data=order)
    assert answer.ok, answer.text()


def orders(desk: Desk) -> int:
    return int(desk.ask("/api/purchase.order/total")["count"])


# --- somebody else was quicker ---


def test_after_a_reload_what_a_colleague_changed_is_still_theirs(open_page: Opener, screen: Taken) -> None:
    desk, colleague = Desk(open_page("luzhou", width=1280, height=720)), Desk(open_page("fangning"))
    id_ = saved(desk)
    note = desk.field("note").locator("input, textarea").first
    note.fill("请在上午送货")
    desk.key("Tab")
    desk.page.wait_for_timeout(500)
    change_elsewhere(colleague, id_, qty="77")
    desk.page.reload()
    expect(desk.page.locator(".strip").filter(has_text="已恢复")).to_be_visible()
    expect(desk.page.locator(".strip.amber")).to_be_visible()
    expect(note).to_have_value("请在上午送货")
    expect(desk.cell(1, "数量")).to_have_text("1")
    screen(desk.page, "restored")
    desk.key("Control+s")
    dialog = desk.page.get_by_role("dialog")
    row = dialog.get_by_role("row").filter(has_text="数量")
    expect(row.get_by_role("radio").nth(1)).to_be_checked()
    mine = dialog.get_by_role("row").filter(has_text="备注")
    expect(mine.get_by_role("radio").nth(0)).to_be_checked()
    screen(desk.page, "dialog")
    dialog.get_by_role("button", name="按所选合并并保存").click()
    expect(desk.page.locator(".unsaved")).to_be_hidden()
    order = desk.ask(f"/api/purchase.order/{id_}")
    assert (order["note"], order["lines"][0]["qty"]) == ("请在上午送货", "77")


@pytest.mark.parametrize("is_other", [True, False], ids=["a-colleague", "oneself"])
def test_the_dialog_says_who_saved_and_when(open_page: Opener, screen: Taken, is_other: bool) -> None:
    desk = Desk(open_page("luzhou"))
    id_ = saved(desk)
    elsewhere = Desk(open_page("fangning" if is_other else "luzhou"))
    name = elsewhere.ask("/api/session")["member"]["name"]
    change_elsewhere(elsewhere, id_, qty="77")
    desk.field("note").locator("input, textarea").first.fill("请在上午送货")
    desk.key("Control+s")
    dialog = desk.page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{name} 刚刚修改了此单" if is_other else "您刚刚在另一个窗口修改了此单")
    if not is_other:
        expect(dialog).not_to_contain_text("他人")
    screen(desk.page, "dialog")


# --- nobody answers ---


def swallow(desk: Desk, method: str, path: re.Pattern[str]) -> list[str]:
    """The first of three tries reaches the server, and no answer comes back; the tries that were made."""
    tries: list[str] = []

    def swallowed(route: Route) -> None:
        if route.request.method != method or len(tries) >= 3:
            route.continue_()
            return
        tries.append(route.request.headers["idempotency-key"])
        if len(tries) == 1:
            route.fetch()
        route.abort()

    desk.page.route(path, swallowed)
    return tries


def unanswered(desk: Desk) -> None:
    expect(desk.page.locator(".el-message").filter(has_text="没有应答")).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("is_reloaded", [True, False], ids=["after-a-reload", "at-once"])
@pytest.mark.parametrize("is_changed", [True, False], ids=["changed", "as-it-was"])
def test_what_got_no_answer_is_saved_once(open_page: Opener, is_reloaded: bool, is_changed: bool) -> None:
    desk = Desk(open_page("luzhou"))
    desk.page.goto("/")
    before = orders(desk)
    begun(desk)
    swallow(desk, "POST", ORDERS)
    desk.key("Control+s")
    unanswered(desk)
    assert orders(desk) == before + 1
    if is_reloaded:
        desk.page.reload()
        expect(desk.page.locator(".strip").filter(has_text="已恢复")).to_be_visible()
        expect(desk.cell(1, "数量")).to_have_text("1")
    if is_changed:
        desk.cell(1, "数量").click()
        desk.words("3")
        desk.key("Enter")
        expect(desk.cell(1, "数量")).to_have_text("3")
    desk.save()
    desk.state("创建")
    assert orders(desk) == before + 1
    expect(desk.cell(1, "数量")).to_have_text("3" if is_changed else "1")
    order = desk.ask(f"/api/purchase.order/{desk.page.url.rsplit('/', 1)[1]}")
    assert [line["qty"] for line in order["lines"]] == ["3" if is_changed else "1"]


def test_a_change_that_got_no_answer_is_not_somebody_elses(open_page: Opener) -> None:
    """The first change is in; the second goes on top of it, and no dialog asks whose is whose."""
    desk = Desk(open_page("luzhou"))
    id_ = saved(desk)
    note = desk.field("note").locator("input, textarea").first
    note.fill("请在上午送货")
    swallow(desk, "PUT", re.compile(r"/api/purchase\.order/[0-9a-f-]{36}$"))
    desk.key("Control+s")
    unanswered(desk)
    note.fill("请在下午送货")
    desk.key("Control+s")
    expect(desk.page.locator(".unsaved")).to_be_hidden()
    assert desk.ask(f"/api/purchase.order/{id_}")["note"] == "请在下午送货"


# --- what is refused ---


def test_a_refusal_is_seen_where_one_is(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("guyan", width=1280, height=720))
    desk.page.goto("/sales.contract/new")
    desk.field("customer").locator("input").click()
    desk.page.get_by_role("option").first.click()
    desk.cell(1, "商品").click()
    desk.words("YT-YD-11")
    desk.key("Enter")
    expect(desk.cell(1, "商品")).to_contain_text("云朵 单人沙发")
    desk.cell(1, "数量").click()
    desk.words("2")
    desk.key("Enter")
    desk.cell(1, "单价").click()
    desk.words("-1")
    desk.key("Enter")
    desk.page.locator(".main").evaluate("main => main.scrollTo(0, main.scrollHeight)")
    desk.key("Control+s")
    problems = desk.page.locator(".problems")
    expect(problems).to_be_in_viewport(ratio=1)
    here = desk.page.locator(".grid .message")
    expect(here).to_be_in_viewport(ratio=1)
    expect(desk.page.locator(".cell-input")).to_be_focused()
    expect(desk.page.locator(".cell-input")).to_have_class(re.compile(r"\bwrong\b"))
    screen(desk.page, "cell")
    desk.words("1800")
    desk.key("Enter")
    expect(here).to_be_hidden()
    desk.save()
    expect(problems).to_be_hidden()


def test_all_that_is_wrong_is_said_at_once(open_page: Opener, screen: Taken) -> None:
    """What the console knows, a required field left blank, and what only the server does."""
    desk = Desk(open_page("luzhou", width=1280, height=720))
    desk.page.goto("/purchase.order/new")
    desk.field("date").wait_for()
    desk.key("Control+s")
    problems = desk.page.locator(".problems")
    expect(problems).to_contain_text("供应商")
    expect(problems).to_contain_text(re.compile(r"明细\s*至少需要一行明细"))
    screen(desk.page, "blank")
    desk.cell(1, "商品").click()
    desk.words("YT-FX-J1")
    desk.key("Enter", "Enter")
    desk.words("1.5")  # by the piece
    desk.key("Enter", "Control+s")
    expect(problems).to_contain_text("供应商")
    expect(problems).to_contain_text("第 1 行")


# --- the cursor ---


@pytest.mark.parametrize("is_new", [True, False], ids=["new", "changed"])
def test_saving_keeps_the_place_in_the_grid(open_page: Opener, is_new: bool) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    if not is_new:
        desk.save()
        desk.cell(1, "数量").click()
        desk.words("4")
        desk.key("Enter")
    desk.cell(1, "数量").click()
    desk.words("5")
    desk.save()
    expect(desk.page.locator(".cell-input")).to_be_focused()
    desk.words("6")
    desk.key("Enter")
    expect(desk.cell(1, "数量")).to_have_text("6")
    desk.save()
    desk.key("Control+s")  # there is nothing to save
    expect(desk.page.locator(".cell-input")).to_be_focused()
    note = desk.field("note").locator("input, textarea").first
    note.fill("请在上午送货")
    desk.key("Control+s")
    expect(desk.page.locator(".el-message").filter(has_text="已保存").last).to_be_visible()
    expect(note).to_be_focused()


def test_signing_in_again_keeps_the_place_in_the_grid(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    desk.cell(1, "数量").click()
    desk.words("5")
    desk.page.context.clear_cookies()
    desk.key("Control+s")
    again = desk.page.get_by_role("dialog")
    again.get_by_label("密码").fill("walnut-bridge-86")
    desk.key("Enter")
    expect(again).to_be_hidden()
    desk.state("创建")
    expect(desk.page.locator(".cell-input")).to_be_focused()
    desk.words("6")
    desk.key("Enter")
    expect(desk.cell(1, "数量")).to_have_text("6")


# --- codes while nobody answers ---


def test_a_code_nobody_was_asked_about_is_not_called_unknown(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    down = re.compile(r"/api/masters\.product/resolve")
    desk.page.route(down, lambda route: route.abort())
    desk.cell(2, "商品").click()
    desk.paste("YT-FX-J1\t1\nYT-YD-11\t2")
    unanswered(desk)
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    expect(desk.page.locator(".grid .wrong")).to_have_count(0)
    desk.page.unroute(down)
    desk.key("Control+v")
    expect(desk.cell(3, "商品")).to_contain_text("云朵 单人沙发")


def test_a_word_nobody_was_asked_about_is_asked_about_again(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    down = re.compile(r"/api/masters\.product/lookup")
    desk.page.route(down, lambda route: route.abort())
    desk.cell(2, "商品").click()
    desk.words("YT-YD-11")
    desk.key("Enter")
    expect(desk.cell(2, "商品")).to_have_attribute("title", re.compile("没有应答"), timeout=20_000)
    expect(desk.cell(2, "商品")).to_have_text("YT-YD-11")
    desk.page.unroute(down)
    desk.cell(2, "商品").click()
    desk.key("F2", "Enter")
    expect(desk.cell(2, "商品")).to_contain_text("云朵 单人沙发")
