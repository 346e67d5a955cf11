"""A document leaves its lines the room, and its total is in sight whatever stands above it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def box(of: Locator) -> dict[str, float]:
    found = of.bounding_box()
    assert found
    return dict(found)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900)])
def test_a_new_contract_shows_its_lines_and_its_total(
    open_page: Opener, screen: Taken, width: int, height: int
) -> None:
    desk = Desk(open_page("hanyue", width=width, height=height))
    desk.open("/sales.contract/new")
    screen(desk.page, f"contract-{width}")
    room, total = box(desk.page.locator(".grid-frame")), box(desk.page.locator(".trail .total"))
    assert min(room["height"], total["y"] - room["y"]) > 5 * 34  # heading, three lines and their sum
    assert total["y"] + total["height"] <= height
    foot = box(desk.page.locator(".grid .foot"))
    assert foot["y"] + foot["height"] <= total["y"]


def test_the_total_stays_in_sight_beside_a_list_of_problems(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("luzhou", width=1280, height=720))
    desk.open("/purchase.order/new")
    desk.key("Control+s")
    expect(desk.page.locator(".problems")).to_be_visible()
    screen(desk.page, "problems")
    total = box(desk.page.locator(".trail .total"))
    assert total["y"] + total["height"] <= 720
