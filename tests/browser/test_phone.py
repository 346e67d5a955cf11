"""On a phone: one column, nothing sticks out, and what can be done lies under the thumb."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
LEAST = 44  # px, what a thumb hits
WIDTHS = (390, 360)


def heights(buttons: Locator) -> list[int]:
    found = [box for one in buttons.all() if (box := one.bounding_box()) is not None]
    return [round(box["height"]) for box in found]


def visit(desk: Desk, path: str, *widths: int) -> Page:
    """Open a page and see that nothing sticks out, at further widths too."""
    desk.open(path)
    desk.fits()
    for width in widths:
        desk.page.set_viewport_size({"width": width, "height": 844})
        desk.page.wait_for_timeout(100)  # what follows the width has followed
        desk.fits()
    return desk.page


def test_nothing_sticks_out(open_page: Opener, screen: Taken) -> None:
    door = Desk(open_page(width=WIDTHS[0], height=844))
    visit(door, "/sign-in", *WIDTHS)
    assert min(heights(door.page.locator("button, input"))) >= LEAST
    desk = Desk(open_page("zhouyan", width=WIDTHS[0], height=844))
    lane = desk.ask("/api/chain/lanes")["rows"][0]["id"]
    (customer,) = desk.ask('/api/masters.partner?filter=[["code","=","K001"]]')["rows"]
    role = desk.ask("/api/org.role?limit=1")["rows"][0]["id"]
    for path in (
        "/", "/sales.contract", "/stock.balance", "/chain.link", "/chain.credential", "/chain.membership", "/chain.lanes",
        f"/chain.lanes/{lane}/messages", "/chain.product", f"/finance.statement?partner={customer['id']}&from=2026-10-01",
        f"/org.role/{role}/grants", "/me",
    ):  # fmt: skip
        visit(desk, path, *WIDTHS)
        screen(desk.page, path.strip("/").split("?")[0].replace("/", "-").replace(".", "-") or "home")
    for code in ("sales.contract", "purchase.order", "stock.sales_out", "finance.receipt", "chain.link"):
        row = desk.ask(f"/api/{code}?limit=1")["rows"][0]
        visit(desk, f"/{code}/{row['id']}", *WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_next_act_lies_at_the_bottom(open_page: Opener, picture: Taken, width: int) -> None:
    desk = Desk(open_page("zhouyan", width=width, height=844))
    row = desk.ask('/api/sales.contract?filter=[["state","=","submitted"]]&limit=1')["rows"][0]
    page = visit(desk, f"/sales.contract/{row['id']}")
    bar = page.locator(".acts")
    box = bar.bounding_box()
    assert box is not None
    assert (round(box["y"] + box["height"]), round(box["width"])) == (844, width)
    buttons = bar.get_by_role("button")
    expect(buttons).to_have_count(2)
    expect(bar.locator(".btn.primary")).to_have_count(1)
    expect(bar.locator(".btn.primary")).to_have_text("审核")
    assert min(heights(buttons)) >= LEAST
    bar.get_by_role("button", name="更多", exact=True).click()
    rest = page.get_by_role("menuitem")
    expect(rest.filter(has_text="退回")).to_be_visible()
    expect(rest.filter(has_text="复制")).to_be_visible()
    assert min(heights(rest)) >= LEAST
    desk.fits()
    if width == WIDTHS[0]:
        picture(page, "phone")
    page.keyboard.press("Escape")
    page.locator(".cards summary").first.click()
    expect(page.locator(".cards .facts").first).to_be_visible()
    desk.fits()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_picker_and_a_new_document_fit(open_page: Opener, screen: Taken, width: int) -> None:
    desk = Desk(open_page("zhouyan", width=width, height=844))
    page = visit(desk, "/sales.contract/new")
    expect(page.locator(".acts .btn.primary")).to_have_text("保存")
    desk.field("customer").locator("input").click()
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    desk.fits()
    assert min(heights(options)[:5]) >= LEAST
    options.first.click()
    expect(desk.field("contact").locator("input")).to_have_value(
        re.compile(r"\S")
    )  # filled in, as at the desk
    screen(page, f"{width}-new")
