"""The first minute at the desk: sign in with the keyboard, see how the business stands, find a list, leave."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.running import Installation

Open = Callable[..., Page]
Screen = Callable[[Page, str], Path]


def test_a_manager_signs_in_by_keyboard_and_sees_the_business(
    site: Installation, open_page: Open, screen: Screen
) -> None:
    person = next(each for each in site.facts["people"] if each["role"] == "store_manager")
    company = next(each["name"] for each in site.facts["enterprises"] if each["code"] == person["enterprise"])
    page = open_page()
    page.goto("/")
    expect(page).to_have_url(f"{site.base_url}/sign-in")
    screen(page, "sign-in")
    page.keyboard.type(person["login"])
    page.keyboard.press("Tab")
    page.keyboard.type(person["password"])
    page.keyboard.press("Enter")
    expect(page.get_by_text(company).first).to_be_visible()
    expect(page.get_by_text("待办").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    screen(page, "home")


def test_a_list_shows_what_the_demonstration_holds(open_page: Open, screen: Screen) -> None:
    page = open_page("zhouyan")
    page.goto("/masters.product")
    expect(page.get_by_role("button", name="新建商品")).to_be_visible()
    expect(page.get_by_text("澄光").first).to_be_visible()
    screen(page, "products")


def test_a_stranger_is_sent_to_the_door(site: Installation, open_page: Open) -> None:
    page = open_page()
    page.goto("/purchase.order")
    page.wait_for_url(f"{site.base_url}/sign-in**")


def test_somebody_on_a_phone_can_read_a_list(open_page: Open, screen: Screen) -> None:
    page = open_page("zhouyan", width=390, height=844)
    page.goto("/sales.contract")
    expect(page.get_by_role("button", name="新建销售合同")).to_be_visible()
    page.wait_for_load_state("networkidle")
    screen(page, "contracts")
