"""The sandbox's page for DingTalk and SMS, in Chromium: an administrator installs, sets, stops; a phone signs in and approves."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from yunlian.platforms.dingtalk import cards, notices, scopes, signin, todos, users
from yunlian.platforms.dingtalk.api import Api, Bases
from yunlian.platforms.dingtalk.client import Client, InternalApp, SuiteApp
from yunlian.platforms.dingtalk.sandbox import PLATFORM as DINGTALK
from yunlian.platforms.dingtalk.sandbox.world import SUITE
from yunlian.platforms.sandbox.testing import Received, Running, receiver, running
from yunlian.platforms.sms.aliyun import Aliyun
from yunlian.platforms.sms.gateway import Message, Template
from yunlian.platforms.sms.sandbox import PLATFORM as SMS
from yunlian.platforms.tokens import MemoryTokens, Tokens

CORP = "dingcorp0001"
APP = InternalApp("dingappyunlian0001", "app-secret-0001")


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running([DINGTALK, SMS]) as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    errors: list[str] = []
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield page
    said = list(errors)  # closing cuts requests off, which the browser calls errors too
    context.close()
    assert said == []


def client(sandbox: Running, app: InternalApp | SuiteApp = APP) -> Client:
    http = httpx.Client(timeout=10, trust_env=False)
    return Client(Api(Bases.at(f"{sandbox.base_url}/dingtalk"), http=http), app, CORP, Tokens(MemoryTokens()))


def view(sandbox: Running, page: Page, name: str) -> None:
    page.goto(f"{sandbox.base_url}/sandbox/#{name}")
    expect(page.locator("#view h1")).to_be_visible()


def test_an_administrator_installs_sets_the_range_stops_and_removes(
    sandbox: Running, page: Page, screen: Callable[[Page, str], Path]
) -> None:
    suite = client(sandbox, SuiteApp(SUITE, "suite-secret-of-the-sandbox", lambda: "ticket-0001"))
    view(sandbox, page, "dingtalk/workbench")
    page.get_by_role("button", name="安装应用").click()
    page.get_by_role("button", name="授权并安装").click()
    card = page.locator("section.card", has=page.get_by_text("第三方企业应用"))
    expect(card.get_by_text("已启用")).to_be_visible()
    assert scopes.visible_range(suite).departments == (1,)
    card.get_by_role("button", name="设置可见范围").click()
    page.get_by_label("可见部门 ID").fill("1001")
    page.get_by_label("可见员工 ID").fill("u1009")
    page.get_by_role("button", name="提交").click()
    expect(card.get_by_text("销售部、1 名员工")).to_be_visible()
    assert scopes.visible_range(suite).departments == (1001,)
    card.get_by_role("button", name="停用").click()
    page.get_by_role("dialog").get_by_role("button", name="停用").click()
    expect(card.get_by_text("已停用")).to_be_visible()
    screen(page, "stopped")
    card.get_by_role("button", name="启用").click()
    expect(card.get_by_text("已启用")).to_be_visible()
    card.get_by_role("button", name="删除").click()
    page.get_by_role("dialog").get_by_role("button", name="删除").click()
    expect(card.get_by_text("已删除")).to_be_visible()


def test_people_are_made_moved_and_leave(
    sandbox: Running, page: Page, screen: Callable[[Page, str], Path]
) -> None:
    view(sandbox, page, "dingtalk/people")
    page.get_by_role("button", name="添加员工").click()
    page.get_by_label("姓名", exact=True).fill("新店长")
    page.get_by_role("dialog").get_by_label("手机号").fill("13700000001")
    page.get_by_role("dialog").get_by_role("button", name="添加员工").click()
    row = page.get_by_role("row", name="新店长")
    expect(row).to_be_visible()
    asked = client(sandbox)
    found = users.by_mobile(asked, "13700000001")
    assert found is not None
    row.get_by_role("button", name="离职").click()
    page.get_by_role("button", name="确认离职").click()
    expect(page.get_by_role("heading", name="离职员工")).to_be_visible()
    assert users.by_mobile(asked, "13700000001") is None
    screen(page, "leavers")
    page.get_by_role("button", name="批量生成").click()
    page.get_by_role("button", name="生成员工").click()
    expect(page.get_by_text("现有 20010 人")).to_be_visible(timeout=20_000)


def test_a_browser_signs_in_by_the_phone(
    sandbox: Running, page: Page, screen: Callable[[Page, str], Path]
) -> None:
    asked = client(sandbox)

    def home(received: Received) -> tuple[int, str]:
        return 200, f"code={received.query.get('authCode', '')}"

    with receiver(home) as ours:
        page.goto(signin.login_url(asked.api, APP.key, ours.url, "state-1"))
        expect(page.get_by_role("heading", name="钉钉登录")).to_be_visible()
        screen(page, "login")
        phone = page.context.new_page()
        view(sandbox, phone, "dingtalk/phone")
        phone.get_by_role("button", name="扫码并确认登录").click()
        page.wait_for_url(f"{ours.url}*")
        phone.close()
        query = next(each.query for each in ours.got if "authCode" in each.query)
    assert query["state"] == "state-1"
    token = signin.user_token(asked.api, APP, query["authCode"])
    assert signin.person(asked.api, APP, token.access).nick == "周明"


def test_a_page_inside_the_phone_signs_in_silently(sandbox: Running, page: Page) -> None:
    asked = client(sandbox)
    html = f"""<!doctype html><link rel=icon href=data:,><script src="{sandbox.base_url}/sandbox/page/dingtalk/jsapi.js"></script>
    <p id=said></p><script>
    dd.runtime.permission.requestAuthCode({{corpId: new URLSearchParams(location.search).get("corpId"),
      onSuccess: (found) => {{ said.textContent = found.code }}, onFail: (found) => {{ said.textContent = "!" + found.errorMessage }}}})
    </script>"""
    with receiver(lambda _: (200, html)) as ours:
        sandbox.control("/dingtalk/apps/settings", app_key=APP.key, home_url=f"{ours.url}?corpId=$CORPID$")
        opened = sandbox.control("/dingtalk/apps/open", app_key=APP.key, corp_id=CORP, userid="u1003")["url"]
        page.goto(sandbox.base_url + opened)
        said = page.locator("#said")
        expect(said).not_to_be_empty()
        assert signin.inside(asked, said.inner_text()).user_id == "u1003"


def test_notices_cards_and_todos_are_read_and_pressed(
    sandbox: Running, page: Page, screen: Callable[[Page, str], Path]
) -> None:
    asked = client(sandbox)
    facts = (("供应商", "示例印务有限公司"), ("金额", "4,790.00"))
    form = notices.Form("待审核", "采购订单 PO-12", facts, "http://127.0.0.1:1/m", "http://127.0.0.1:1/")
    task = notices.send(asked, 16001, form, users=["u1001"])
    cards.deliver(
        asked, cards.Card("approval", "po-12", {"title": "PO-12 等待审核", "status": ""}), "u1001", APP.key
    )
    zhou = users.one(asked, "u1001").union_id
    todos.create(asked, zhou, todos.Todo("po-12", "审核 PO-12", "http://127.0.0.1:1/m", (zhou,)))
    view(sandbox, page, "dingtalk/phone")
    screen(page, "phone")
    page.get_by_role("button", name="标为已读").click()
    expect(page.get_by_text("未读")).to_have_count(0)
    assert notices.outcome(asked, 16001, task).read == ("u1001",)
    page.get_by_role("button", name="同意").click()
    expect(page.get_by_text("已按下")).to_be_visible()
    cards.update(asked, "po-12", {"status": "已同意"})
    expect(page.get_by_text("已同意")).to_be_visible()
    page.get_by_role("button", name="完成").click()
    expect(page.get_by_text("已完成")).to_be_visible()


def test_a_code_is_read_in_the_inbox(
    sandbox: Running, page: Page, screen: Callable[[Page, str], Path]
) -> None:
    gateway = Aliyun("sandbox-access-key-id", "sandbox-access-key-secret", f"{sandbox.base_url}/sms/aliyun")
    gateway.send(
        Message("13800000000", Template("云链", "SMS_100000001", ("code",)), {"code": "482913"}, "r1")
    )
    view(sandbox, page, "sms/inbox")
    expect(page.get_by_role("cell", name="482913", exact=False).last).to_be_visible()
    screen(page, "inbox")
    view(sandbox, page, "sms/accounts")
    expect(page.get_by_text("sandbox-secret-key")).to_be_visible()
    view(sandbox, page, "dingtalk/developer")
    expect(page.get_by_text("suite-secret-of-the-sandbox")).to_be_visible()
    view(sandbox, page, "dingtalk/behaviour")
    page.get_by_label("旧令牌仍有效").click()
    expect(page.get_by_label("旧令牌仍有效")).not_to_be_checked()
