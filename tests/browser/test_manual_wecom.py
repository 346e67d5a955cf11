"""Manual 001, step by step, as a new administrator follows it in the browser against the sandbox.

Its steps: 1 authorise WeCom · 2 event server of customer contact · 3 event server of contacts · 4 sync the contacts, every
mobile filled in · 5 who is in WeCom already: an account that can be changed, one that cannot · 6 people of a branch by
spreadsheet · 7 the question about 手动编辑. Then what the manual's product has not: taking it all back, and the doctor.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.sandbox import Played
from tests.running import Installation

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
LONG = 30_000


@pytest.fixture
def wecom(site: Installation) -> Played:
    """WeCom with two members from before: their accounts are not our logins."""
    played = Played(site)
    played.reset()
    played.member("sp_wx", "沈佩", "13900000003", may_change=True)
    played.member("song.y", "宋毅", "13900000077", may_change=False)
    return played


def hire(desk: Desk, code: str, name: str, mobile: str, login: str = "") -> None:
    """Enter an employee, and give them a login where one is named."""
    top = desk.ask('/api/org.department?filter=[["parent","empty",true]]')["rows"][0]["id"]
    made = desk.page.request.post(
        "/api/org.employee", data={"code": code, "name": name, "mobile": mobile, "department": top}
    )
    assert made.ok, made.text()
    if login:
        given = desk.page.request.post(
            f"/api/org.employee/{made.json()['id']}/login", data={"login": login}
        )
        assert given.ok, given.text()


def compare(desk: Desk) -> None:
    """Begin a sync by hand and wait for its plan."""
    page = desk.page
    page.goto("/directory.run")
    page.get_by_role("button", name="同步通讯录", exact=True).first.click()
    page.get_by_role("dialog").get_by_role("button", name="开始比对", exact=True).click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)


def chip(page: Page, act: str) -> int:
    """How many changes of an act the plan has."""
    found = page.locator(f'.chip[data-act="{act}"] b')
    return int(found.inner_text()) if found.count() else 0


def press(page: Page, label: str, state: str) -> None:
    """Press a button of a sync, say yes to what will happen, and wait for its state."""
    page.locator("header").get_by_role("button", name=label, exact=True).click()
    page.locator(".el-message-box").get_by_role("button", name=label, exact=True).click()
    expect(page.locator("header .tag", has_text=state)).to_be_visible(timeout=LONG)


def copied(page: Page, receiver: str, what: str) -> str:
    """Press the copy button beside something, and return what is on the clipboard."""
    page.locator(f'[data-receiver="{receiver}"]').get_by_role("button", name=f"复制 {what}").click()
    return str(page.evaluate("navigator.clipboard.readText()"))


def enter_receiver(page: Page, played: Played, receiver: str) -> None:
    """Copy URL, Token and EncodingAESKey one by one into WeCom's console, and save there."""
    url, token, key = (copied(page, receiver, what) for what in ("URL", "Token", "EncodingAESKey"))
    saved = played.post("wecom/receivers/save", corp=played.corp, which=receiver, url=url, token=token, aes_key=key)
    assert saved["verified"]


def test_a_new_administrator_follows_manual_001(
    site: Installation, open_page: Opener, picture: Taken, wecom: Played
) -> None:
    desk = Desk(open_page("zhouyan"))
    page = desk.page
    page.goto("/")
    hire(desk, "T001", "丁一", "")
    hire(desk, "T002", "宋毅", "13900000077", login="songyi")

    # 1. 企业微信授权: 企业ID, 通讯录Secret and 客户联系Secret, each with the place where it is found.
    desk.menu("通讯录", "平台对接")
    picture(page, "platforms")
    page.locator('[data-platform="wecom"]').get_by_role("link", name="开始对接").click()
    ready = site.facts["sandbox"]["wecom"]
    expect(page.locator('[data-field="corp_id"]')).to_contain_text("我的企业 › 企业信息 › 企业ID")
    expect(page.locator('[data-field="contacts_secret"]')).to_contain_text("通讯录同步 › Secret")
    expect(page.locator('[data-field="customer_secret"]')).to_contain_text("客户联系 › API › Secret")
    page.locator("#setup-corp_id").fill(ready["corpid"])
    page.locator("#setup-contacts_secret").fill("wrong-secret")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator('[data-receiver="contacts"]')).to_be_visible()
    page.get_by_role("button", name="试连接", exact=True).click()
    expect(page.locator("[data-step=try] li.bad")).to_contain_text("40001", timeout=LONG)
    picture(page, "wecom-wrong-secret")
    page.locator("#setup-contacts_secret").fill(ready["contacts_secret"])
    page.locator("#setup-customer_secret").fill(ready["customer_contact_secret"])
    page.locator("#setup-agent_id").fill(str(ready["agent_id"]))
    page.locator("#setup-agent_secret").fill(ready["agent_secret"])
    page.locator("h1.title").first.click()
    picture(page, "wecom-keys")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("#setup-contacts_secret")).to_have_value("")
    page.get_by_role("button", name="试连接", exact=True).click()
    expect(page.locator("[data-step=try] li")).to_have_count(3, timeout=LONG)
    expect(page.locator("[data-step=try] li.bad")).to_have_count(0)

    # 2. and 3. 接收事件服务器 of 客户联系 and 通讯录: URL, Token, EncodingAESKey, by their copy buttons.
    enter_receiver(page, wecom, "customers")
    enter_receiver(page, wecom, "contacts")
    page.reload()
    for receiver in ("customers", "contacts"):
        expect(page.locator(f'[data-receiver="{receiver}"] .tag')).to_contain_text("已验证")
    page.locator("[data-step=receivers]").scroll_into_view_if_needed()
    picture(page, "wecom-receivers")
    page.get_by_role("button", name="启用", exact=True).click()
    expect(page.locator("header:has(h1) > .tag")).to_have_text("已启用")

    # 4. 同步通讯录: first the plan; whoever has no mobile is listed, and can be asked for it.
    compare(desk)
    assert (chip(page, "conflict"), chip(page, "add")) == (3, 14 - 1)
    picture(page, "plan")
    page.get_by_role("link", name="处理 3 项冲突").click()
    missing = page.locator('.card[data-name="丁一"]')
    expect(missing).to_contain_text("缺少手机")
    picture(page, "conflicts")
    page.get_by_role("button", name="请 1 人补填手机").click()
    expect(missing).to_contain_text("已请本人补填")

    # 5. 如已建立企业微信完整员工通讯录: the same person on both sides is recognised by the mobile, and linked.
    for name in ("沈佩", "宋毅"):
        card = page.locator(f'.card[data-name="{name}"]')
        expect(card).to_contain_text("139000000")
        card.locator('[data-way="link"]').click()
        expect(card).to_be_hidden()
    page.get_by_role("button", name="重新比对").click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)
    page.get_by_role("link", name="处理").click()
    picture(page, "accounts")
    # 情况 1: 成员账号处如可修改, it becomes our login; 情况 2: 不可修改, our login becomes the member's account.
    page.locator('.card[data-name="沈佩"] [data-way="rename_theirs"]').click()
    expect(page.locator('.card[data-name="沈佩"]')).to_be_hidden()
    page.locator('.card[data-name="宋毅"] [data-way="rename_ours"]').click()
    expect(page.locator('.card[data-name="宋毅"]')).to_be_hidden()
    page.get_by_role("button", name="重新比对").click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)
    page.locator("header").get_by_role("button", name="执行", exact=True).click()
    picture(page, "apply")
    page.locator(".el-message-box").get_by_role("button", name="执行", exact=True).click()
    expect(page.locator("header .tag", has_text="已处理")).to_be_visible(timeout=LONG)
    there = wecom.members()
    assert there["zhouyan"]["name"] == "周砚"
    assert "shenpei" in there
    assert "sp_wx" not in there
    assert there["song.y"]["mobile"] == "13900000077"
    picture(page, "applied")
