"""The second factor by clicking: set up, owed at the next sign-in, proved again, recovery codes, taken off."""

from collections.abc import Callable
from pathlib import Path

import pyotp
from playwright.sync_api import Page, expect

from tests.running import Installation

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def enter(page: Page, site: Installation, login: str) -> None:
    person = next(each for each in site.facts["people"] if each["login"] == login)
    page.goto("/sign-in?to=/me")
    page.get_by_label("账号").fill(login)
    page.get_by_label("密码").fill(person["password"])
    page.keyboard.press("Enter")


def test_a_second_factor_from_the_first_code_to_the_last(
    site: Installation, open_page: Opener, picture: Taken, screen: Taken
) -> None:
    page = open_page()
    enter(page, site, "jianghe")
    page.get_by_role("button", name="启用两步验证").click()
    secret = page.locator(".setup code").inner_text().replace(" ", "")
    expect(page.locator(".setup img")).to_be_visible()
    page.locator(".setup").scroll_into_view_if_needed()
    screen(page, "set-up")
    page.get_by_label("验证器上的 6 位验证码").fill("000000")
    page.get_by_role("button", name="确认启用").click()
    expect(page.get_by_role("alert")).to_have_text("与验证器当前显示的验证码不符。")
    page.get_by_label("验证器上的 6 位验证码").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="确认启用").click()
    expect(page.locator(".once li")).to_have_count(10)
    codes = page.locator(".once li").all_inner_texts()
    page.get_by_role("button", name="已保存").click()
    expect(page.get_by_text("剩余 10 个恢复码。")).to_be_visible()
    picture(page, "account")

    phone = open_page(width=390, height=844)
    enter(phone, site, "jianghe")
    expect(phone.get_by_role("heading", name="两步验证")).to_be_visible()
    picture(phone, "second-factor")
    phone.locator("#factor").fill("111111")
    phone.keyboard.press("Enter")
    expect(phone.get_by_role("alert")).to_have_text("验证码错误或已使用。")
    phone.locator("#factor").fill(codes[0])
    phone.keyboard.press("Enter")
    expect(phone.get_by_text("剩余 9 个恢复码。")).to_be_visible()
    screen(phone, "me")

    page.reload()
    page.get_by_role("button", name="停用两步验证").click()
    page.locator(".el-message-box").get_by_role("button", name="停用两步验证").click()
    expect(page.get_by_role("button", name="启用两步验证")).to_be_visible()
    phone.reload()
    expect(phone.get_by_label("密码")).to_be_visible()


def test_an_address_of_no_enterprise_says_so(open_page: Opener, screen: Taken) -> None:
    page = open_page()
    page.goto("/e/NOWHERE")
    expect(page.get_by_role("alert")).to_have_text("没有代码为 NOWHERE 的企业，请检查网址。")
    page.goto("/e/HAIAN?to=//evil.example")
    expect(page.get_by_role("heading", name="宁波海岸家居有限公司")).to_be_visible()
    screen(page, "enterprise")


def test_who_comes_back_from_nowhere_can_begin_again(open_page: Opener) -> None:
    page = open_page()
    page.goto("/sign-in/back?state=made-up&code=stolen")
    expect(page.get_by_role("alert")).to_have_text("此次登录已过期，或始于另一个浏览器，请重新开始。")
    assert "code=" not in page.url
    page.get_by_role("button", name="换一种方式登录").click()
    expect(page.get_by_label("账号")).to_be_visible()
