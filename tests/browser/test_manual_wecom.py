"""Manual 001, step by step, as a new administrator follows it in the browser against the sandbox.

Each step is a function named after it, with a picture for the guide. After them comes what the manual's product has not: the
doctor, customers in real time, and taking it all back.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.desk import Desk
from tests.browser.sandbox import Played
from tests.running import Installation
from yunlian.kernel import sheets

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
        given = desk.page.request.post(f"/api/org.employee/{made.json()['id']}/login", data={"login": login})
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


def step_1_authorise_wecom(page: Page, played: Played, picture: Taken) -> None:
    """【企业微信授权】①–④: 企业ID, 通讯录Secret and 客户联系Secret, each with the place where it is found; a wrong one is told."""
    page.locator('[data-platform="wecom"]').get_by_role("link", name="开始对接").click()
    ready = played.facts["wecom"]
    expect(page.locator('[data-field="corp_id"]')).to_contain_text("我的企业 › 企业信息 › 企业ID")
    expect(page.locator('[data-field="contacts_secret"]')).to_contain_text("通讯录同步 › Secret")
    expect(page.locator('[data-field="customer_secret"]')).to_contain_text("客户联系 › API › Secret")
    page.locator("#setup-corp_id").fill(ready["corpid"])
    page.locator("#setup-contacts_secret").fill("wrong-secret")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator('[data-receiver="contacts"]')).to_be_visible()
    page.get_by_role("button", name="试连接", exact=True).click()
    expect(page.locator("[data-step=try] li.bad")).to_contain_text("40001", timeout=LONG)
    page.locator("[data-step=try]").scroll_into_view_if_needed()
    picture(page, "wecom-wrong-secret")
    page.locator("#setup-contacts_secret").fill(ready["contacts_secret"])
    page.locator("#setup-customer_secret").fill(ready["customer_contact_secret"])
    page.locator("#setup-agent_id").fill(str(ready["agent_id"]))
    page.locator("#setup-agent_secret").fill(ready["agent_secret"])
    page.locator(".body").evaluate("body => body.scrollTo(0, 0)")
    picture(page, "wecom-keys")
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("#setup-contacts_secret")).to_have_value("")
    page.get_by_role("button", name="试连接", exact=True).click()
    expect(page.locator("[data-step=try] li")).to_have_count(3, timeout=LONG)
    expect(page.locator("[data-step=try] li.bad")).to_have_count(0)


def step_2_and_3_event_servers(page: Page, played: Played, picture: Taken) -> None:
    """【客户联系接收事件服务器配置】 and 【通讯录接收事件服务器配置】: URL, Token, EncodingAESKey by their copy buttons."""
    for receiver in ("customers", "contacts"):
        url, token, key = (copied(page, receiver, what) for what in ("URL", "Token", "EncodingAESKey"))
        saved = played.post(
            "wecom/receivers/save", corp=played.corp, which=receiver, url=url, token=token, aes_key=key
        )
        assert saved["verified"]
    page.reload()
    for receiver in ("customers", "contacts"):
        expect(page.locator(f'[data-receiver="{receiver}"] .tag')).to_contain_text("已验证")
    page.locator("[data-step=receivers]").evaluate("step => step.scrollIntoView()")
    picture(page, "wecom-receivers")
    page.get_by_role("button", name="启用", exact=True).click()
    expect(page.locator("header:has(h1) > .tag")).to_have_text("已启用")


def not_at_night(desk: Desk) -> None:
    """The nightly run would bring back what is taken back, should this be read between three and four in Shanghai."""
    (conn,) = desk.ask("/api/directory/connections")["rows"]
    changed = desk.page.request.put(f"/api/directory/connections/{conn['id']}", data={"nightly_at": None})
    assert changed.ok, changed.text()


def step_4_the_plan_and_the_mobile(page: Page, desk: Desk, picture: Taken) -> None:
    """【同步通讯录】 and 电话号码必填: everything that will happen is listed first; who has no mobile can be asked for it."""
    compare(desk)
    assert (chip(page, "conflict"), chip(page, "add")) == (3, 13)
    picture(page, "plan")
    page.get_by_role("link", name="处理 3 项冲突").click()
    missing = page.locator('.card[data-name="丁一"]')
    expect(missing).to_contain_text("缺少手机")
    picture(page, "conflicts")
    page.get_by_role("button", name="请 1 人补填手机").click()
    expect(missing).to_contain_text("已请本人补填")


def step_5_who_is_in_wecom_already(page: Page, played: Played, picture: Taken) -> None:
    """【如已建立企业微信完整员工通讯录】 1 成员账号可修改: it becomes our login; 2 不可修改: our login becomes the account."""
    for name in ("沈佩", "宋毅"):
        card = page.locator(f'.card[data-name="{name}"]')
        card.locator('[data-way="link"]').click()
        expect(card).to_be_hidden()
    again(page)
    page.get_by_role("link", name="处理").click()
    expect(page.locator('.card[data-name="沈佩"]')).to_contain_text("sp_wx")
    picture(page, "accounts")
    for name, way in (("沈佩", "rename_theirs"), ("宋毅", "rename_ours")):
        page.locator(f'.card[data-name="{name}"] [data-way="{way}"]').click()
        expect(page.locator(f'.card[data-name="{name}"]')).to_be_hidden()
    again(page)
    page.locator("header").get_by_role("button", name="执行", exact=True).click()
    picture(page, "apply")
    page.locator(".el-message-box").get_by_role("button", name="执行", exact=True).click()
    expect(page.locator("header .tag", has_text="已处理")).to_be_visible(timeout=LONG)
    picture(page, "applied")
    there = played.members()
    assert there["zhouyan"]["name"] == "周砚"
    assert "shenpei" in there
    assert "sp_wx" not in there
    assert there["song.y"]["mobile"] == "13900000077"


def again(page: Page) -> None:
    """Compare again with the decisions made."""
    page.get_by_role("button", name="重新比对").click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)


def step_6_people_of_a_branch(page: Page, played: Played, picture: Taken, folder: Path) -> None:
    """分公司部门及员工通过上传方式建立: the same three values, a part of the tree of its own, 下载模板, 填写须知, 上传."""
    ready = played.facts["wecom"]
    page.goto("/directory.connection/wecom")
    page.get_by_text("填入沙箱的凭证").click()
    page.get_by_role("button", name="保存", exact=True).click()
    expect(page.locator("[data-step=rules] form")).to_be_visible()
    assert page.locator("#setup-corp_id").input_value() == ready["corpid"]
    page.get_by_label("对方部门编号").fill(str(played.department("宁波分公司")))
    page.get_by_role("button", name="保存规则").click()
    expect(page.locator(".el-message")).to_be_visible()
    page.get_by_role("button", name="启用", exact=True).click()
    expect(page.locator("header:has(h1) > .tag")).to_have_text("已启用")

    page.goto("/directory.guest")
    picture(page, "branches")
    with page.expect_download() as template:
        page.get_by_role("link", name="下载模板").first.click()
    assert [*sheets.read(template.value.path().read_bytes()).headings] == [
        "姓名",
        "账号",
        "手机号",
        "部门",
        "职务",
    ]
    heads = ["姓名", "账号", "手机号", "部门", "职务"]
    good = ["叶帆", "yefan", "13900000091", "门店/一店", ""]
    sheet = folder / "分公司.xlsx"
    sheet.write_bytes(sheets.write(heads, [good, ["无手机", "nophone", "", "门店", ""]]))
    page.get_by_role("button", name="上传文件").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(sheet)
    dialog.get_by_role("button", name="开始导入").click()
    expect(dialog.get_by_role("cell", name="手机号")).to_be_visible(timeout=LONG)
    expect(dialog.get_by_role("link", name="下载错误文件")).to_be_visible()
    picture(page, "branch-errors")
    dialog.get_by_role("button", name="重新选择文件").click()
    sheet.write_bytes(sheets.write(heads, [good]))
    dialog.locator("input[type=file]").set_input_files(sheet)
    dialog.get_by_role("button", name="开始导入").click()
    expect(dialog.get_by_text("新增 1 条")).to_be_visible(timeout=LONG)
    dialog.get_by_role("link", name="查看同步计划").click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)
    picture(page, "branch-plan")
    press(page, "执行", "已处理")
    assert played.members()["yefan"]["name"] == "叶帆"


def step_7_invite_them(page: Page, picture: Taken) -> None:
    """需要邀请员工加入企业微信: 分享二维码或复制链接."""
    page.goto("/directory.connection/wecom")
    step = page.locator("[data-step=invite]")
    step.get_by_role("button", name="发送邀请", exact=True).click()
    page.locator(".el-message-box").get_by_role("button", name="发送邀请", exact=True).click()
    expect(step).to_contain_text("已邀请", timeout=LONG)
    step.get_by_role("button", name="复制 二维码链接").click()
    assert str(page.evaluate("navigator.clipboard.readText()")).startswith("https://work.weixin.qq.com/")
    step.scroll_into_view_if_needed()
    picture(page, "invite")


def step_8_the_common_question(page: Page, played: Played) -> None:
    """常见问题: 绑定后无法添加员工，已有员工也不可编辑. The set-up says what to tick; it is 手动编辑."""
    page.goto("/directory.connection/wecom")
    expect(page.locator("aside")).to_contain_text("手动编辑")
    played.post("wecom/settings", corp=played.corp, manual_edit=True)


def seen(page: Page, row: Locator) -> None:
    """Refresh a list until a row of it has come by itself."""
    for _try in range(30):
        if row.count():
            break
        page.wait_for_timeout(1000)
        page.get_by_role("button", name="刷新").click()
    expect(row).to_be_visible()


def then_customers_come_in_real_time(page: Page, played: Played, picture: Taken) -> None:
    """A customer adds a member in WeCom: here within seconds, and made a customer with one press."""
    played.post("wecom/customers/add", corp=played.corp, user="zhouyan", name="梁太太")
    page.goto("/directory.contacts")
    row = page.get_by_role("row").filter(has_text="梁太太")
    seen(page, row)
    picture(page, "unassigned")
    row.get_by_role("button", name="建为客户").click()
    page.locator(".el-message-box").get_by_role("button", name="建为客户").click()
    expect(row).to_be_hidden()


def then_customers_go_with_a_leaver(page: Page, desk: Desk, played: Played, picture: Taken) -> None:
    """Who leaves hands their customers in WeCom over; each says how far it is, and what to do where it failed."""
    ids = [
        played.post("wecom/customers/add", corp=played.corp, user="song.y", name=name)["customer"]
        for name in ("钱女士", "孙先生", "李太太")
    ]
    row = next(each for each in desk.ask("/api/org.employee")["rows"] if each["code"] == "T002")
    body = desk.ask(f"/api/org.employee/{row['id']}")
    body["job"] = "left"
    assert page.request.put(f"/api/org.employee/{row['id']}", data=body).ok
    page.goto("/directory.handover")
    line = page.get_by_role("row").filter(has_text="宋毅")
    line.get_by_role("button", name="交接").click()
    dialog = page.get_by_role("dialog", name="宋毅 的交接")
    dialog.locator("input").first.fill("周砚")
    page.get_by_role("option").filter(has_text="周砚").first.click()
    dialog.get_by_role("button", name="交接", exact=True).click()
    page.locator(".el-message-box").get_by_role("button", name="交接", exact=True).click()
    customers = dialog.locator("[data-customers]")
    expect(customers).to_contain_text("企业微信客户：3", timeout=LONG)
    expect(customers.get_by_text("交接中", exact=False).first).to_be_visible(timeout=LONG)
    picture(page, "hand-over-customers")
    played.post("wecom/customers/transfers/answer", corp=played.corp, customer=ids[0])
    played.post("wecom/customers/transfers/answer", corp=played.corp, customer=ids[1], refuse=True)


def then_one_department_alone(page: Page, picture: Taken) -> None:
    """A department chosen at the beginning is read and planned alone."""
    page.goto("/directory.run")
    page.get_by_role("button", name="同步通讯录", exact=True).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("一个部门及其下级").first.click()
    dialog.locator("input:not([type=radio])").first.click()
    page.get_by_role("option").last.click()
    picture(page, "one-department")
    dialog.get_by_role("button", name="开始比对", exact=True).click()
    page.wait_for_url("**/directory.run/*")
    expect(page.locator("header .tag").filter(has_text="仅")).to_be_visible(timeout=LONG)
    expect(page.locator(".chips")).to_be_visible(timeout=LONG)
    picture(page, "one-department-plan")


def then_the_doctor_examines(page: Page) -> None:
    """Each check of each receiver, and the messages word for word."""
    page.goto("/directory.callback")
    page.get_by_role("button", name="发送测试并诊断").click()
    expect(page.locator('[data-check="url"]').first).to_be_visible(timeout=LONG)
    expect(page.locator(".found li.bad")).to_have_count(0)
    expect(page.locator(".found h2").first).to_contain_text("应用")


def then_everything_is_taken_back(page: Page, desk: Desk, played: Played) -> None:
    """Undo, the newest first: ours and those that callbacks began; WeCom is as it was before."""
    applied = desk.ask('/api/directory.run?filter=[["state","=","applied"]]&sort=-id')["rows"]
    for each in applied:
        page.goto(f"/directory.run/{each['id']}")
        press(page, "撤销", "已撤销")
    there = played.members()
    assert "zhouyan" not in there
    assert there["song.y"]["name"] == "宋毅"


def test_a_new_administrator_follows_manual_001(
    site: Installation, open_page: Opener, picture: Taken, wecom: Played, tmp_path: Path
) -> None:
    desk = Desk(open_page("zhouyan"))
    page = desk.page
    page.goto("/")
    hire(desk, "T001", "丁一", "")
    hire(desk, "T002", "宋毅", "13900000077", login="songyi")
    desk.menu("通讯录", "平台对接")
    picture(page, "platforms")
    step_1_authorise_wecom(page, wecom, picture)
    not_at_night(desk)
    step_2_and_3_event_servers(page, wecom, picture)
    step_4_the_plan_and_the_mobile(page, desk, picture)
    step_5_who_is_in_wecom_already(page, wecom, picture)
    wecom.post(
        "wecom/departments/save",
        corp=wecom.corp,
        create=True,
        department={"name": "宁波分公司", "parentid": 1},
    )
    step_6_people_of_a_branch(open_page("fangning"), wecom, picture, tmp_path)
    step_7_invite_them(page, picture)
    step_8_the_common_question(page, wecom)
    then_customers_come_in_real_time(page, wecom, picture)
    then_customers_go_with_a_leaver(page, desk, wecom, picture)
    then_one_department_alone(page, picture)
    then_the_doctor_examines(page)
    page.goto("/directory.connection")
    expect(page.locator('[data-platform="wecom"] .facts')).to_contain_text("有效")
    picture(page, "health")
    then_everything_is_taken_back(page, desk, wecom)
