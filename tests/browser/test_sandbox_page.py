"""The sandbox's page in Chromium: an administrator, a phone, a sign-in by scan, a card that is pressed."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from yunlian.platforms.sandbox.testing import Received, Running, receiver, running
from yunlian.platforms.serve import PLATFORMS
from yunlian.platforms.wecom import messages, signin
from yunlian.platforms.wecom.callback import received, verified
from yunlian.platforms.wecom.client import App, Client, Connection, client
from yunlian.platforms.wecom.crypto import Box, new_aes_key, new_token
from yunlian.platforms.wecom.events import CardAnswered, MemberChange
from yunlian.platforms.wecom.sandbox import state as demo

BOX = Box(new_token(), new_aes_key(), demo.CORP)
SHOWN = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture
def sandbox() -> Iterator[Running]:
    with running(PLATFORMS) as started:
        yield started


@pytest.fixture
def app(sandbox: Running) -> Client:
    connection = Connection(f"{sandbox.base_url}/wecom", httpx.Client(trust_env=False))
    return client(connection, App(demo.CORP, demo.AGENT_SECRET, demo.AGENT))


@pytest.fixture
def window(sandbox: Running, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the page on one view; what the browser complains of fails the test."""
    contexts, errors = [], []

    def heard(said: ConsoleMessage) -> None:
        if said.type == "error" and "422" not in said.text:  # a refusal the page shows
            errors.append(said.text)

    def opened(view: str, *, width: int = 1280, dark: bool = False, language: str = "zh") -> Page:
        context = browser.new_context(base_url=sandbox.base_url, viewport={"width": width, "height": 800})
        chosen = {"sandbox.theme": "dark" if dark else "light", "sandbox.language": language}
        context.add_init_script(
            f"Object.entries({json.dumps(chosen)}).forEach(([k, v]) => localStorage.setItem(k, v))"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", heard)
        page.goto(f"/sandbox/#{view}")
        expect(page.locator("h1")).to_be_visible()
        return page

    yield opened
    for each in contexts:
        each.close()
    assert errors == []


def answer(got: Received) -> tuple[int, str]:
    return 200, "" if got.method == "POST" else verified(BOX, got.query, time.time())


def filled(page: Page, label: str, text: str) -> None:
    page.get_by_role("dialog").get_by_role("textbox", name=label).fill(text)


def test_an_administrator_adds_a_member_and_the_receiver_is_told(
    sandbox: Running, window: Callable[..., Page], screen: Callable[[Page, str], Path]
) -> None:
    with receiver(answer) as ours:
        page = window("wecom/receivers")
        contacts = page.locator("section.card").first
        contacts.get_by_label("URL").fill(ours.url)
        contacts.get_by_label("Token").fill(BOX.token)
        contacts.get_by_label("EncodingAESKey").fill("short")
        contacts.get_by_role("button", name="验证并保存").click()
        expect(page.locator("#toasts")).to_contain_text("EncodingAESKey")
        contacts.get_by_label("EncodingAESKey").fill(BOX.aes_key)
        contacts.get_by_role("button", name="验证并保存").click()
        expect(contacts).to_contain_text("已启用")
        screen(page, "receivers")
        page.locator("a[href='#wecom/people']").click()
        page.get_by_role("button", name="新建成员").click()
        for label, text in (("姓名", "李四"), ("帐号", "lisi"), ("手机号", "13800000001")):
            filled(page, label, text)
        page.get_by_role("dialog").get_by_role("button", name="新建成员").click()
        expect(page.get_by_role("cell", name="李四")).to_be_visible()
        screen(page, "people")
        sandbox.settle()
        (event,) = [
            received(BOX, each.query, each.body, time.time()) for each in ours.got if each.method == "POST"
        ]
    assert isinstance(event, MemberChange)
    assert event.user == "lisi"


def test_without_manual_editing_it_says_why(sandbox: Running, window: Callable[..., Page]) -> None:
    page = window("wecom/settings")
    page.get_by_label("手动编辑").uncheck()
    page.locator("a[href='#wecom/people']").click()
    expect(page.locator(".notice")).to_contain_text("手动编辑")
    page.get_by_role("button", name="新建成员").click()
    for label, text in (("姓名", "李四"), ("帐号", "lisi"), ("手机号", "13800000001")):
        filled(page, label, text)
    page.get_by_role("dialog").get_by_role("button", name="新建成员").click()
    expect(page.locator("#toasts")).to_contain_text("手动编辑")
    assert list(sandbox.sandbox.world.part(demo.Wecom).corps[demo.CORP].people) == ["founder"]


def test_a_scan_on_one_screen_is_confirmed_on_the_phone(
    app: Client, sandbox: Running, window: Callable[..., Page]
) -> None:
    with receiver(lambda got: (200, f"<h1>{got.query.get('code', '')}</h1>")) as ours:
        screen_page = window("wecom/phone")
        url = signin.scan_url(app, ours.url, "state9", host=f"{sandbox.base_url}/wecom")
        screen_page.goto(url)
        expect(screen_page.get_by_role("heading", name="企业微信扫码登录")).to_be_visible()
        phone = window("wecom/phone")
        phone.get_by_role("button", name="扫描并确认登录").click()
        screen_page.wait_for_url(f"{ours.url}*")
        code = screen_page.locator("h1").inner_text()
        landed = next(each for each in ours.got if each.path == "/callback")
        assert landed.query == {"code": code, "state": "state9", "appid": demo.CORP}
    assert signin.redeem(app, code).user == "founder"


@SHOWN
def test_a_card_is_approved_on_the_phone(
    app: Client,
    sandbox: Running,
    window: Callable[..., Page],
    screen: Callable[[Page, str], Path],
    dark: bool,
) -> None:
    with receiver(answer) as ours:
        where = {"url": ours.url, "token": BOX.token, "aes_key": BOX.aes_key}
        sandbox.control("/wecom/receivers/save", corp=demo.CORP, which="app", agent=demo.AGENT, **where)
        buttons = (messages.Button("同意", "approve:1"), messages.Button("驳回", "reject:1", 3))
        facts = (("金额", "12,345.00"),)
        card = messages.Card("a-1", "采购订单待审核", "李四提交", "http://127.0.0.1/1", facts, buttons)
        messages.card(app, messages.To(users=("founder",)), card)
        page = window("wecom/phone", width=390, dark=dark)
        page.get_by_role("button", name="同意").click()
        expect(page.locator("#toasts")).to_contain_text("已按下")
        sandbox.settle()
        (event,) = [
            received(BOX, each.query, each.body, time.time()) for each in ours.got if each.method == "POST"
        ]
        assert isinstance(event, CardAnswered)
        assert (event.user, event.event_key) == ("founder", "approve:1")
        messages.settle(app, ["founder"], event.response_code, "已同意")
        expect(page.locator(".message .tag")).to_have_text("已同意")
        expect(page.get_by_role("button", name="驳回")).to_have_count(0)
        screen(page, "card")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_faults_are_switched_on_and_off_and_every_view_opens_in_english(
    sandbox: Running, window: Callable[..., Page]
) -> None:
    page = window("sandbox/faults", language="en")
    page.get_by_role("button", name="Switch the fault on").click()
    expect(page.get_by_role("cell", name="Slow")).to_be_visible()
    assert len(sandbox.sandbox.world.shared.faults) == 1
    page.get_by_role("button", name="Switch off", exact=True).click()
    expect(page.get_by_text("No fault is on")).to_be_visible()
    for link in page.locator("#rail a").all():
        link.click()
        expect(page.locator("h1")).to_contain_text(link.inner_text(), ignore_case=True)
        assert "undefined" not in page.locator("#view").inner_text()
