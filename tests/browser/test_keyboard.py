"""What opens takes the keyboard, and what closes gives it back; nothing lies over a question that was asked."""

import datetime as dt
import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
SIZES = [(1280, 720), (1440, 900)]


def held(page: Page) -> str:
    """What has the keyboard: its tag, and its name or words."""
    return str(
        page.evaluate(
            "() => { const one = document.activeElement; "
            "return `${one.tagName} ${one.getAttribute('aria-label') ?? one.innerText ?? ''}`.trim() }"
        )
    )


def credential(desk: Desk, code: str) -> None:
    now = dt.datetime.now(dt.UTC)
    made = desk.page.request.post(
        "/api/chain.credential",
        data={
            "code": code,
            "name": code,
            "valid_from": now.isoformat(),
            "valid_until": (now + dt.timedelta(days=365)).isoformat(),
        },
    )
    assert made.ok, made.text()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_credential_is_revoked_from_the_first_row(
    open_page: Opener, screen: Taken, width: int, height: int
) -> None:
    desk = Desk(open_page("zhouyan", width=width, height=height))
    code = f"ROW-{uuid4().hex[:8]}".upper()
    credential(desk, code)
    desk.open(f'/chain.credential?filter=[["code","=","{code}"]]')
    row = desk.page.get_by_role("row").filter(has_text=code)
    row.get_by_role("button", name="吊销", exact=True).click()
    dialog = desk.page.get_by_role("dialog")
    sure = dialog.get_by_role("button", name="吊销", exact=True)
    expect(sure).to_be_visible()
    screen(desk.page, f"revoke-{width}")
    dialog.get_by_role("button", name="取消", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(row.get_by_role("button", name="吊销", exact=True)).to_be_focused()
    row.get_by_role("button", name="吊销", exact=True).click()
    sure.click()
    expect(dialog).to_be_hidden()
    expect(row).to_contain_text("已吊销")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_a_link_can_be_dissolved_from_the_list(
    open_page: Opener, screen: Taken, width: int, height: int
) -> None:
    desk = Desk(open_page("zhouyan", width=width, height=height))
    desk.open("/chain.link")
    desk.page.get_by_role("button", name="解除", exact=True).first.click()
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="解除", exact=True)).to_be_visible()
    screen(desk.page, f"dissolve-{width}")
    dialog.get_by_role("button", name="解除", exact=True).click(trial=True)  # it lies free; the link stays
    dialog.get_by_role("button", name="取消", exact=True).click()
    expect(dialog).to_be_hidden()


def test_a_scheme_is_named_at_once(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    desk.open('/sales.contract?filter=[["state","=","approved"]]')
    desk.page.get_by_role("button", name="方案", exact=True).click()
    desk.page.get_by_role("button", name="保存为方案", exact=True).click()
    expect(desk.page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    desk.words("等我的")
    expect(desk.page.get_by_role("dialog").get_by_role("textbox")).to_have_value("等我的")
    desk.key("Escape")
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    assert held(desk.page).startswith("BUTTON")


def test_a_reason_is_typed_at_once_and_the_keyboard_comes_back(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    body = {"supplier": "S001", "lines": [{"product": "YT-YD-11", "qty": "2"}]}
    (supplier,) = [
        row for row in desk.ask("/api/masters.partner?search=S001")["rows"] if row["code"] == "S001"
    ]
    made = desk.page.request.post("/api/purchase.order?then=submit", data=body | {"supplier": supplier["id"]})
    assert made.ok, made.text()
    desk.open(f"/purchase.order/{made.json()['id']}")
    desk.act("退回")
    box = desk.page.get_by_role("dialog").locator("input, textarea").first
    expect(box).to_be_focused()
    desk.words("价格有误")
    expect(box).to_have_value("价格有误")
    desk.page.get_by_role("dialog").get_by_role("button", name="退回", exact=True).click()
    expect(desk.page.get_by_role("dialog")).to_be_hidden()
    assert held(desk.page).startswith("BUTTON")


def test_pasted_codes_are_repaired_without_a_mouse(open_page: Opener, screen: Taken) -> None:
    desk = Desk(open_page("luzhou", width=1280, height=720))
    desk.page.goto("/purchase.order/new")
    desk.type("supplier", "hzqm")
    desk.cell(1, "商品").click()
    desk.paste("NO-SUCH-1\nNO-SUCH-2")
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_role("combobox")).to_have_count(2)
    screen(desk.page, "repair")
    expect(dialog.get_by_role("combobox").first).to_be_focused()
    desk.words("YT-YD-11")
    expect(desk.page.get_by_role("option").filter(has_text="YT-YD-11").first).to_be_visible()
    desk.key("Enter")
    expect(dialog.get_by_role("combobox")).to_have_count(1)
    expect(dialog.get_by_role("combobox")).to_be_focused()
    desk.words("YT-FX-J1")
    expect(desk.page.get_by_role("option").filter(has_text="YT-FX-J1").first).to_be_visible()
    desk.key("Enter")
    expect(dialog).to_be_hidden()
    expect(desk.page.locator(".cell-input")).to_be_focused()


def test_a_filter_is_built_by_keyboard(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    desk.open("/sales.contract")
    button = desk.page.get_by_role("button", name="筛选", exact=True)
    button.focus()
    desk.key("Enter")
    field = desk.page.get_by_label("字段")
    expect(field).to_be_focused()
    desk.key("Escape")
    expect(field).to_be_hidden()
    expect(button).to_be_focused()
    desk.key("Enter")
    expect(field).to_be_focused()
    desk.key("Shift+Tab")
    expect(field).to_be_hidden()
    expect(button).to_be_focused()


def test_columns_are_chosen_by_keyboard(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    desk.open("/sales.contract")
    button = desk.page.get_by_role("button", name=re.compile("列"), exact=False).filter(has_text="列").last
    button.focus()
    desk.key("Enter")
    panel = desk.page.locator(".chooser")
    expect(panel.get_by_role("checkbox").first).to_be_focused()
    desk.key("Escape")
    expect(panel).to_be_hidden()
    expect(button).to_be_focused()


@pytest.mark.parametrize("name", ["更多", "筛选"])
def test_escape_closes_what_the_mouse_opened(open_page: Opener, name: str) -> None:
    desk = Desk(open_page("luzhou"))
    desk.open("/purchase.order")
    if name == "更多":
        desk.page.get_by_role("row").nth(1).dblclick()
        desk.settle()
    button = desk.page.get_by_role("button", name=name, exact=True).last
    button.click()
    expect(desk.page.locator(".drop")).to_be_visible()
    desk.key("Escape")
    expect(desk.page.locator(".drop")).to_be_hidden()
    expect(button).to_be_focused()
