"""Manual 003, step by step, as an administrator follows it in the browser against the sandbox.

The app is the corp's own; each step is a function named after it, with a picture for the guide.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

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
    before = people_of(desk)
    step_6_leaving(page, dingtalk, picture)
    then_binding_again_restores(page, desk, dingtalk, before)
