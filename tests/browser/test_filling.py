"""A product brings its unit and price at once, says why, and whatever somebody typed stays."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def begun(desk: Desk) -> None:
    """A sales intention with a product that costs 2,006 a piece, and 1,918 from three on."""
    desk.page.goto("/sales.intention/new")
    desk.field("customer").locator("input").click()
    desk.page.get_by_role("option").first.click()
    desk.cell(1, "商品").click()
    desk.words("YT-YD-11")
    desk.key("Enter")


def quantity(desk: Desk, qty: str) -> None:
    """Into the first line, by its place under the heading: while a word is looked up, the line's element moves on."""
    head = desk.page.locator(".grid .head .cell").filter(has_text="数量").first.bounding_box()
    assert head
    desk.page.mouse.click(head["x"] + head["width"] / 2, head["y"] + head["height"] * 1.5)
    desk.words(qty)
    desk.key("Enter")


def test_a_product_brings_unit_and_price_and_a_tier_renews_it(open_page: Opener, picture: Taken) -> None:
    desk = Desk(open_page("fangning", width=1280, height=720))
    begun(desk)
    price = desk.cell(1, "单价")
    expect(price).to_contain_text("2,006.00")  # nothing is saved, and there is no quantity yet
    expect(desk.cell(1, "单位")).not_to_have_text("")
    expect(price).to_have_attribute("title", "默认价目表 QY")
    quantity(desk, "3")
    expect(price).to_contain_text("1,918.00")
    expect(price).to_have_attribute("title", "默认价目表 QY ≥3")
    expect(desk.cell(1, "金额")).to_have_text("5,754.00")
    expect(desk.field("contact").locator("input")).not_to_have_value("")
    picture(desk.page, "price-reason")
    desk.save()
    expect(price).to_contain_text("1,918.00")
    expect(price).to_have_attribute("title", "默认价目表 QY ≥3")
    quantity(desk, "2")
    expect(price).to_contain_text("2,006.00")
    desk.save()
    expect(price).to_have_attribute("title", "默认价目表 QY")


def test_a_typed_price_stays_whatever_the_list_says(open_page: Opener) -> None:
    desk = Desk(open_page("fangning"))
    begun(desk)
    price = desk.cell(1, "单价")
    expect(price).to_contain_text("2,006.00")
    price.click()
    desk.words("1999")
    desk.key("Enter")
    quantity(desk, "3")
    expect(price).to_have_attribute("title", "手工定价")
    expect(price).to_have_text("1,999.00")
    desk.save()
    expect(price).to_have_text("1,999.00")
    price.click()
    desk.key("Delete")  # whoever takes it back gets the list's again
    expect(price).to_contain_text("1,918.00")


def slow(desk: Desk, path: str, ms: int) -> None:
    """The server answers later than a quick hand works."""

    def later(route: Route) -> None:
        desk.page.wait_for_timeout(ms)
        route.continue_()

    desk.page.route(re.compile(path), later)


@pytest.mark.parametrize("lookup_ms", [0, 600])
def test_saving_at_once_waits_for_the_price(open_page: Opener, lookup_ms: int) -> None:
    """Ctrl+S while answers are on their way: what the typed word means, and the required price nobody has typed."""
    desk = Desk(open_page("fangning"))
    slow(desk, "/sales.contract/preview", 400)
    slow(desk, "/masters.product/lookup", lookup_ms)
    desk.page.goto("/sales.contract/new")
    desk.field("customer").locator("input").click()
    desk.page.get_by_role("option").first.click()
    desk.cell(1, "商品").click()
    desk.words("YT-YD-11")
    desk.key("Enter")
    quantity(desk, "3")
    desk.key("Control+s")
    desk.state("创建")
    expect(desk.cell(1, "数量")).to_have_text("3")
    expect(desk.cell(1, "单价")).to_have_text(re.compile(r"1,918\.00"))


def test_saving_counts_the_cell_and_the_field_that_are_still_being_typed(open_page: Opener) -> None:
    """Nothing typed is lost: neither a figure not yet left, nor a name the server is still asked about."""
    desk = Desk(open_page("fangning"))
    begun(desk)
    quantity(desk, "3")
    desk.save()
    desk.cell(1, "数量").click()
    desk.words("5")
    desk.key("Control+s")  # nothing had been changed before
    expect(desk.page.locator(".unsaved")).to_be_hidden()
    expect(desk.cell(1, "数量")).to_have_text("5")
    desk.page.reload()
    expect(desk.cell(1, "数量")).to_have_text("5")
    slow(desk, "/masters.partner/lookup", 600)
    box = desk.field("customer").locator("input")
    former = box.input_value()
    found = desk.ask("/api/masters.partner/lookup?for=sales.intention.customer")["rows"]
    other = next(row for row in found if row["name"] != former)
    box.fill(other["code"])
    desk.key("Control+s")
    expect(box).to_have_value(other["name"])
    desk.page.reload()
    expect(box).to_have_value(other["name"])


def test_a_word_that_means_nothing_stays_and_is_marked(open_page: Opener) -> None:
    desk = Desk(open_page("fangning"))
    begun(desk)
    quantity(desk, "3")
    desk.save()
    field = desk.field("customer")
    box = field.locator("input")
    former = box.input_value()
    box.fill("没有这一家")
    desk.cell(1, "数量").click()
    expect(box).to_have_value("没有这一家")
    expect(field.get_by_role("alert")).to_have_text("没有找到“没有这一家”。")
    desk.key("Control+s")
    expect(box).to_be_focused()
    expect(box).to_have_value("没有这一家")
    desk.key("Escape")
    expect(box).to_have_value(former)
    expect(field.get_by_role("alert")).to_be_hidden()
    box.fill("C0")  # of many
    desk.cell(1, "数量").click()
    expect(field.get_by_role("alert")).to_have_text("“C0”不止一个，请从列表中选择。")
    (other,) = [
        row for row in desk.ask("/api/masters.partner/lookup?for=sales.intention.customer")["rows"]
        if row["name"] != former
    ][:1]  # fmt: skip
    box.fill(other["code"])
    desk.cell(1, "数量").click()  # left before any answer
    expect(box).to_have_value(other["name"])
    desk.key("Control+s")
    expect(desk.page.locator(".unsaved")).to_be_hidden()
    desk.page.reload()
    expect(box).to_have_value(other["name"])


def test_who_is_quicker_than_the_answer_stays_where_the_mouse_points(open_page: Opener) -> None:
    """Enter goes on to the next field once the word is known, unless somebody has gone elsewhere by then."""
    desk = Desk(open_page("luzhou"))
    slow(desk, "/masters.warehouse/lookup", 600)
    desk.page.goto("/purchase.order/new")
    desk.type("warehouse", "zxc")
    desk.cell(1, "商品").click()
    expect(desk.field("warehouse").locator("input")).to_have_value("中心仓")
    expect(desk.page.locator(".cell-input")).to_be_focused()
    desk.type("warehouse", "zxc")  # who waits is led on
    expect(desk.field("date").locator("input")).to_be_focused()
