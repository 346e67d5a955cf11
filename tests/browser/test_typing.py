"""What is typed or pasted as a number is one, or is asked for again; a character finds a customer, digits a document."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.test_filling import begun, quantity

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def test_a_comma_is_no_point(open_page: Opener, screen: Taken) -> None:
    for width, height in ((1280, 720), (1440, 900)):
        desk = Desk(open_page("fangning", width=width, height=height))
        begun(desk)
        quantity(desk, "3,5")
        cell = desk.cell(1, "数量")
        expect(cell).to_contain_text("3,5")
        expect(cell).to_have_attribute("title", "这不是一个数字，例如 12.5。")
        screen(desk.page, f"comma-{width}")
        quantity(desk, "1,234")
        expect(cell).to_have_text("1,234")
        cell.click()
        desk.paste("12,50")
        expect(cell).to_contain_text("12,50")
        cell.click()
        desk.paste("1,250")
        expect(cell).to_have_text("1,250")


def test_one_character_finds_a_customer(open_page: Opener, screen: Taken) -> None:
    for width, height in ((1280, 720), (1440, 900), (390, 844)):
        desk = Desk(open_page("fangning", width=width, height=height))
        desk.page.goto("/sales.intention/new")
        box = desk.field("customer").locator("input")
        box.click()
        box.fill("李")
        expect(desk.page.get_by_role("option")).to_have_count(1)
        expect(desk.page.get_by_role("option")).to_contain_text("李")
        screen(desk.page, f"surname-{width}")


def test_the_last_digits_find_documents_newest_first(open_page: Opener, screen: Taken) -> None:
    for width, height in ((1280, 720), (1440, 900), (390, 844)):
        desk = Desk(open_page("fangning", width=width, height=height))
        desk.page.goto("/sales.contract")
        desk.settle()
        desk.page.keyboard.press("Control+k")
        desk.page.keyboard.type("202611-00012")
        expect(desk.page.get_by_role("option").filter(has_text="SC202611-00012")).to_be_visible()
        screen(desk.page, f"search-{width}")
