"""Manual 003, step by step, as an administrator follows it in the browser against the sandbox.

First the app of the marketplace, which the manual installs, then one of the corp's own; each step is a function named after
it, with a picture for the guide.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk
from tests.browser.sandbox import Played
from tests.browser.test_manual_wecom import LONG, again, chip, compare, copied, press, seen
from tests.running import Installation

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


@pytest.fixture
def dingtalk(site: Installation) -> Played:
    """DingTalk as it begins: ten people, all of them in the app's visible range."""
    played = Played(site)
    played.reset()
    return played


def corp_and_app(played: Played) -> dict[str, str]:
    ready = played.facts["dingtalk"]
    return {"corp_id": ready["corp_id"], "app_key": ready["app_key"]}


def step_1_install_and_bind(page: Page, played: Played, picture: Taken) -> None:
    """在钉钉内安装及绑定: the app's keys here, our address there; then it is bound."""
    page.locator('[data-platform="dingtalk"]').get_by_role("link", name="开始对接").click()
    page.get_by_text("填入沙箱的凭证").click()
    expect(page.locator("#setup-app_key")).to_have_value(played.facts["dingtalk"]["app_key"])
    picture(page, "dingtalk-keys")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator('[data-receiver="app"]')).to_be_visible()
    url, token, key = (copied(page, "app", what) for what in ("URL", "Token", "EncodingAESKey"))
    played.post(
        "dingtalk/apps/receiver", **corp_and_app(played), mode="push", url=url, token=token, aes_key=key
    )
    page.get_by_role("button", name="试连接", exact=True).click()
    expect(page.locator("[data-step=try] li:not(.bad)")).to_have_count(1, timeout=LONG)
    page.get_by_role("button", name="启用", exact=True).click()
    expect(page.locator("header:has(h1) > .tag")).to_have_text("已启用")


def people_of(desk: Desk) -> int:
    """How many people of ours are tied to somebody of DingTalk."""
    found = desk.ask('/api/directory.match/total?filter=[["kind","=","person"],["ended_at","empty",true]]')
    return int(found["count"])


def step_2_sync_the_members(page: Page, desk: Desk, played: Played, picture: Taken) -> None:
    """同步成员: as many people here as the visible range has there."""
    compare(desk)
    picture(page, "pull-plan")
    page.get_by_role("link", name="处理 1 项冲突").click()
    card = page.locator('.card[data-name="陈静"]')
    expect(card).to_contain_text("多个部门")
    picture(page, "two-departments")
    card.locator('[data-way="department"]').click()
    expect(card).to_be_hidden()
    again(page)
    press(page, "执行", "已处理")
    there = next(
        each
        for each in played.get("dingtalk/overview")["corps"]
        if each["corp_id"] == played.facts["dingtalk"]["corp_id"]
    )
    assert people_of(desk) == there["people"]


def step_3_the_visible_range(page: Page, desk: Desk, played: Played, picture: Taken) -> None:
    """人员变动: 可见范围 › 部分员工 makes people go. So many at once are held until somebody says why; set back, they return."""
    played.post("dingtalk/apps/range", **corp_and_app(played), departments=[1001], users=[])
    compare(desk)
    expect(page.locator(".guards")).to_contain_text("拦下")
    picture(page, "held")
    gone = chip(page, "disable")
    assert gone > 0
    page.get_by_role("button", name="放行", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("原因").fill("只有销售部使用本系统")
    dialog.get_by_role("button", name="放行", exact=True).click()
    expect(page.locator(".guards.released")).to_contain_text("只有销售部使用本系统")
    press(page, "执行", "已处理")
    played.post("dingtalk/apps/range", **corp_and_app(played), departments=[1], users=[])
    compare(desk)
    assert chip(page, "restore") > 0
    press(page, "执行", "已处理")


def step_4_somebody_leaves(page: Page, desk: Desk, played: Played, picture: Taken) -> None:
    """当某成员在钉钉中离职: they lose access within seconds, and are never deleted; what they own is handed over."""
    liu = desk.ask('/api/org.employee?filter=[["name","=","刘洋"]]')["rows"][0]["id"]
    for code, name in (("LX1", "蒋总"), ("LX2", "顾小姐")):
        body = {"code": code, "name": name, "follower": liu}
        assert page.request.post("/api/masters.partner_contact", data=body).ok
    played.post("dingtalk/people/leave", corp_id=played.facts["dingtalk"]["corp_id"], userid="u1005")
    page.goto("/directory.handover")
    row = page.get_by_role("row").filter(has_text="刘洋")
    seen(page, row)
    expect(row).to_be_visible()
    picture(page, "leavers")
    row.get_by_role("button", name="交接").click()
    dialog = page.get_by_role("dialog", name="刘洋 的交接")
    expect(dialog).to_contain_text("外部联系人2")
    dialog.locator("input").first.fill("qc")
    page.get_by_role("option").filter(has_text="秦").first.click()
    picture(page, "hand-over")
    dialog.get_by_role("button", name="交接", exact=True).click()
    page.locator(".el-message-box").get_by_role("button", name="交接", exact=True).click()
    expect(dialog).to_be_hidden()


def step_5_signing_in(nobody: Page, picture: Taken) -> None:
    """登录方式: by the enterprise's own address everybody but the creator scans with DingTalk; the creator has a password."""
    nobody.goto("/e/LINCHUAN")
    expect(nobody.get_by_role("button", name="钉钉")).to_be_visible()
    expect(nobody.get_by_label("密码")).to_be_visible()
    picture(nobody, "enterprise-address")


def then_approving_on_the_phone(desk: Desk, phone: Page, played: Played, picture: Taken) -> None:
    """消息: what waits is told on DingTalk within seconds and approved by the button of the card, which says so."""
    zhou = desk.ask('/api/org.employee?filter=[["name","=","周明"]]')["rows"][0]["id"]
    api = desk.page.request
    assert api.put(f"/api/org.employee/{zhou}/access", data={"roles": ["admin"]}).ok
    line = {"product": "LC0009", "qty": "2", "price": "3336"}
    order = {"supplier": "S01", "warehouse": "CK", "due_date": "2027-01-31", "lines": [line]}
    made = api.post("/api/purchase.order", data=order)
    assert made.ok, made.text()
    row = made.json()
    assert api.post(f"/api/purchase.order/{row['id']}/submit", data={"version": row["version"]}).ok
    number = desk.ask(f"/api/purchase.order/{row['id']}")["number"]
    phone.goto(f"{played.root}/sandbox/#dingtalk/phone")
    card = phone.locator("article.message").filter(has_text=number)
    expect(card).to_contain_text("等待您审核", timeout=5000)  # a quiet enterprise is told at once
    expect(card).to_contain_text("栖木家居")
    picture(phone, "dingtalk-card")
    card.get_by_role("button", name="同意").click()
    expect(card).to_contain_text("已审核 周明")
    expect(card.get_by_role("button", name="同意")).to_have_count(0)
    picture(phone, "dingtalk-card-approved")
    assert desk.ask(f"/api/purchase.order/{row['id']}")["state"] == "approved"


def step_6_leaving(page: Page, played: Played, picture: Taken) -> None:
    """解绑: complete the account, stop on the platform, unbind; what will happen is shown first, nobody is locked out."""
    page.goto("/directory.connection/dingtalk")
    page.get_by_role("link", name="解除绑定").click()
    expect(page.locator('[data-step="account"] .tag')).to_have_text("已完成")
    expect(page.locator('[data-step="unbind"] button')).to_be_disabled()
    picture(page, "leaving")
    played.post("dingtalk/apps/stop", **corp_and_app(played))
    page.get_by_role("button", name="已在平台停用").click()
    expect(page.locator('[data-step="stop"] .tag')).to_have_text("已完成")
    page.get_by_label("解绑时给他们一次性初始密码").check()
    page.get_by_role("button", name="解除绑定", exact=True).click()
    page.locator(".el-message-box").get_by_role("button", name="解除绑定", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("只显示这一次")
    picture(page, "first-passwords")
    dialog.get_by_role("button", name="已保管好").click()
    expect(page.locator("header:has(h1) .tag")).to_have_text("已解绑")


def then_binding_again_restores(page: Page, desk: Desk, played: Played, before: int) -> None:
    """What the manual's product cannot: bound again, everybody is who they were."""
    played.post("dingtalk/apps/restore", **corp_and_app(played))
    page.get_by_role("button", name="重新绑定", exact=True).click()
    expect(page.locator("header:has(h1) .tag")).to_have_text("已启用")
    assert people_of(desk) == before
    compare(desk)
    assert chip(page, "add") == 0


# --- 在钉钉内安装及绑定: the app of the marketplace ---

PRINTER = "dingcorp0002"  # the corp of the sandbox whose administrator is new here
EXPIRY = 60_000  # the worker asks every half minute whose time is over


def card_of(page: Page) -> Locator:
    return page.locator('[data-platform="dingtalk"]')


def step_a_install_in_the_marketplace(market: Page, picture: Taken) -> Page:
    """进入应用市场，找到应用，点击「安装应用」: DingTalk sends the administrator to us with proof of who they are."""
    expect(market.get_by_role("button", name="安装应用")).to_be_visible()
    picture(market, "market-offer")
    market.get_by_role("button", name="安装应用").click()
    with market.expect_popup() as opened:
        market.get_by_role("button", name="授权并安装").click()
    page = opened.value
    expect(page.get_by_text("您好，周明")).to_be_visible(timeout=LONG)
    assert "code=" not in page.url
    picture(page, "market-arrival")
    return page


def step_b_create_and_bind(page: Page, picture: Taken) -> str:
    """创建者: a new enterprise on trial, with a login that works without DingTalk too; bound at once. Returns its code."""
    page.locator('[data-part="new"]').get_by_role("button", name="新建企业").click()
    code = page.get_by_label("企业代码").input_value()
    page.get_by_label("账号").fill(f"zhou.{code.lower()}")
    page.get_by_label("密码").fill("a quiet green lamp")
    picture(page, "market-found")
    page.get_by_role("button", name="新建并绑定").click()
    expect(card_of(page)).to_contain_text("试用还剩 15 天")
    expect(card_of(page).locator("header .tag")).to_have_text("已启用")
    return code


def step_c_people_come_by_themselves(page: Page, desk: Desk, played: Played, picture: Taken) -> None:
    """成员管理中的组织架构按照可见范围同步: the first sync begins by itself, and a change of the range another."""
    expect(card_of(page)).to_contain_text("全部员工", timeout=LONG)
    assert people_of(desk) == 9, "all but the one who is in several departments, whom we ask about"
    picture(page, "market-bound")
    asked = {"corp_id": PRINTER, "app_key": suite_of(played)}
    played.post("dingtalk/apps/range", **asked, departments=[1, 1001], users=["u1009"])
    page.goto("/directory.connection/dingtalk")
    expect(page.locator('[data-step="market"]')).to_contain_text("凭证和通知地址由钉钉直接提供")
    expect(page.locator('[data-step="keys"]')).to_have_count(0)


def suite_of(played: Played) -> str:
    apps = played.get("dingtalk/overview")["apps"]
    return str(next(each["key"] for each in apps if each["is_suite"]))


def step_d_stopped_and_started_in_dingtalk(page: Page, played: Played, picture: Taken) -> None:
    """钉钉端停用: seen here within seconds, and so is that it runs again."""
    asked = {"corp_id": PRINTER, "app_key": suite_of(played)}
    tag = page.locator("header:has(h1) > .tag")
    played.post("dingtalk/apps/stop", **asked)
    again_until(page, tag, "已被平台停用")
    expect(page.locator('[data-step="market"]')).to_contain_text("已在钉钉停用")
    picture(page, "market-stopped")
    played.post("dingtalk/apps/restore", **asked)
    again_until(page, tag, "已启用")


def again_until(page: Page, one: Locator, words: str, limit_ms: int = LONG) -> None:
    """Open the page again until something on it says so."""
    for _second in range(limit_ms // 1000):
        page.reload()
        expect(one).to_be_visible()
        if words in one.inner_text():
            return
        page.wait_for_timeout(1000)
    expect(one).to_contain_text(words)


def step_e_the_trial_ends(page: Page, played: Played, picture: Taken) -> None:
    """新用户试用期到期后将自动解绑: told before, with who is concerned; then it is unbound, and nobody is locked out."""
    asked = {"corp_id": PRINTER, "app_key": suite_of(played), "kind": "TRYOUT"}
    played.post("dingtalk/apps/buy", **asked, days=2.5)
    page.goto("/directory.connection")
    again_until(page, card_of(page), "试用还剩 3 天")
    expect(card_of(page)).to_contain_text("到期后自动解除绑定")
    picture(page, "trial-ending")
    card_of(page).get_by_role("link", name="查看谁会受影响").click()
    expect(page.locator('[data-part="locked"]')).to_contain_text("王芳")
    picture(page, "trial-concerned")
    played.post("dingtalk/apps/buy", **asked, days=-0.01)
    page.goto("/directory.connection")
    again_until(page, card_of(page).locator("header .tag"), "已解绑", EXPIRY)
    expect(card_of(page)).to_contain_text("到期")
    picture(page, "trial-over")


def step_f_bought_it_is_bound_again(page: Page, played: Played) -> None:
    """Not before it is bought; then everybody is who they were."""
    page.goto("/directory.connection/dingtalk/leaving")
    rebind = page.get_by_role("button", name="重新绑定", exact=True)
    rebind.click()
    expect(page.locator(".el-message--error")).to_contain_text("应用市场购买")
    played.post("dingtalk/apps/buy", corp_id=PRINTER, app_key=suite_of(played), kind="BUY", days=365)
    page.wait_for_timeout(2000)
    rebind.click()
    expect(page.locator("header:has(h1) .tag")).to_have_text("已启用")


def test_an_administrator_installs_from_the_marketplace(
    site: Installation, open_page: Opener, picture: Taken, dingtalk: Played
) -> None:
    market = open_page()
    market.add_init_script(f"localStorage.setItem('sandbox.dingtalk.corp', '{PRINTER}')")
    market.goto(f"{dingtalk.root}/sandbox/#dingtalk/workbench")
    page = step_a_install_in_the_marketplace(market, picture)
    code = step_b_create_and_bind(page, picture)
    desk = Desk(page)
    step_c_people_come_by_themselves(page, desk, dingtalk, picture)
    step_d_stopped_and_started_in_dingtalk(page, dingtalk, picture)
    step_e_the_trial_ends(page, dingtalk, picture)
    nobody = open_page()
    nobody.goto("/")
    nobody.get_by_label("账号").fill(f"zhou.{code.lower()}")
    nobody.get_by_label("密码").fill("a quiet green lamp")
    nobody.keyboard.press("Enter")
    expect(nobody.locator(".home h1")).to_be_visible()  # unbound, the creator still comes in
    step_f_bought_it_is_bound_again(page, dingtalk)


# --- an app of the corp's own ---


def test_an_administrator_follows_manual_003(
    site: Installation, open_page: Opener, picture: Taken, dingtalk: Played
) -> None:
    desk = Desk(open_page("qinchuan"))
    page = desk.page
    page.goto("/directory.connection")
    step_1_install_and_bind(page, dingtalk, picture)
    step_2_sync_the_members(page, desk, dingtalk, picture)
    step_3_the_visible_range(page, desk, dingtalk, picture)
    step_4_somebody_leaves(page, desk, dingtalk, picture)
    step_5_signing_in(open_page(), picture)
    then_approving_on_the_phone(desk, open_page(), dingtalk, picture)
    before = people_of(desk)
    step_6_leaving(page, dingtalk, picture)
    then_binding_again_restores(page, desk, dingtalk, before)
