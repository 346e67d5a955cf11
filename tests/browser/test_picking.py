"""A picker of products tells what is available and what it costs; what was chosen keeps its specification in sight."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_a_product_is_chosen_by_stock_and_price(
    open_page: Opener, screen: Taken, width: int, height: int
) -> None:
    desk = Desk(open_page("hanyue", width=width, height=height))
    desk.open("/sales.contract/new")
    desk.cell(1, "商品").click()
    desk.words("YT-YD")
    option = desk.page.get_by_role("option").filter(has_text="YT-YD-11")
    expect(option).to_contain_text("可用")
    expect(option).to_contain_text("参考价")
    screen(desk.page, f"picker-{width}")
    desk.key("Escape", "Escape")
    desk.words("YT-YD-11")
    expect(option).to_be_visible()
    desk.key("Enter")
    expect(desk.cell(1, "商品")).to_contain_text("YT-YD-11")
    screen(desk.page, f"chosen-{width}")


def test_a_buyer_has_charts(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("luzhou", width=1280, height=720))
    desk.open("/")
    expect(desk.page.locator(".charts .panel")).to_have_count(2)
    screen(desk.page, "home")
