"""The pages of the directory, of signing in and of the chain, with something in every list of them."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.bound import Bound, in_use
from tests.browser.desk import Desk
from tests.browser.sandbox import Played
from tests.running import Installation

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
LONG = 30_000
AT_WECOMS = (
    "/", "/directory.connection", "/directory.connection/wecom", "/directory.connection/wecom/leaving", "/directory.connection/sms",
    "/directory.run", "/directory.run/{run}", "/directory.conflicts", "/directory.conflicts?tab=decided", "/directory.contacts",
    "/directory.callback", "/directory.guest", "/chain.link", "/chain.lanes", "/chain.lanes/{lane}/messages", "/chain.credential",
    "/org.role/{role}/grants", "/me",
)  # fmt: skip
AT_DINGTALKS = (
    "/directory.connection",
    "/directory.connection/dingtalk",
    "/directory.run/{run}",
    "/directory.handover",
)
AT_THE_DOOR = ("/sign-in", "/e/LINCHUAN", "/e/NOWHERE")


@pytest.fixture
def played(site: Installation) -> Played:
    return Played(site)


SIZES = ({"width": 390, "height": 844}, {"width": 1280, "height": 720})


def visit(desk: Desk, paths: tuple[str, ...], screen: Taken) -> None:
    """Open each page, wait until nothing is under way, and see that nothing sticks out, on a phone and at a desk."""
    page = desk.page
    for path in paths:
        desk.open(path)
        for size in SIZES:
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.wait_for_timeout(100)  # what follows the width has followed
            desk.fits()
            screen(
                page, f"{size['width']}-{path.strip('/').replace('/', '-').replace('?', '-')[:40] or 'home'}"
            )


def found(desk: Desk, paths: tuple[str, ...]) -> tuple[str, ...]:
    """The addresses with the newest sync, a lane and a role in them."""
    ids = {
        "run": desk.ask("/api/directory.run?sort=-id&limit=1")["rows"][0]["id"],
        "lane": desk.ask("/api/chain/lanes")["rows"][0]["id"],
        "role": desk.ask("/api/org.role?limit=1")["rows"][0]["id"],
    }
    return tuple(path.format(**ids) for path in paths)


def test_nothing_sticks_out_of_the_pages_about_people(
    open_page: Opener, screen: Taken, played: Played
) -> None:
    in_use(Desk(open_page("zhouyan")), Desk(open_page("qinchuan")), played)
    for login, paths in (("zhouyan", AT_WECOMS), ("qinchuan", AT_DINGTALKS)):
        desk = Desk(open_page(login))
        visit(desk, found(desk, paths), screen)
    visit(Desk(open_page()), AT_THE_DOOR, screen)


def test_somebody_of_another_branch_is_given_a_role_and_it_is_taken_back(
    site: Installation, open_page: Opener, picture: Taken, played: Played
) -> None:
    head, branch = Desk(open_page("zhouyan")), Desk(open_page("fangning"))
    Bound(head, played, "wecom")
    try:
        place = played.department("宁波分公司")
    except StopIteration:
        department = {"name": "宁波分公司", "parentid": 1}
        played.post("wecom/departments/save", corp=played.corp, create=True, department=department)
        place = played.department("宁波分公司")
    theirs = Bound(branch, played, "wecom", root=str(place))
    theirs.apply(theirs.compare())
    assert "guyan" in played.members()

    page = head.page
    page.goto("/directory.guest")
    page.get_by_role("button", name="给其他分公司的人一个角色").click()
    dialog = page.get_by_role("dialog")
    give = dialog.get_by_role("button", name="给予角色", exact=True)
    expect(give).to_be_disabled()
    dialog.get_by_label("企业微信账号").fill("nobody.at.all")
    dialog.get_by_label("店长").check()
    give.click()
    expect(dialog.get_by_role("alert")).to_contain_text("没有", timeout=LONG)
    expect(dialog.get_by_label("店长")).to_be_checked()  # nothing chosen is lost
    dialog.get_by_label("企业微信账号").fill("guyan")
    picture(page, "guest")
    give.click()
    expect(dialog).to_be_hidden(timeout=LONG)
    row = page.get_by_role("row").filter(has_text="顾言").first
    expect(row).to_contain_text("宁波海岸家居有限公司")

    guest = Desk(open_page("guyan"))
    codes = {each["code"] for each in guest.ask("/api/session")["enterprises"]}
    assert codes == {"HAIAN", "QIMU"}
    guest.page.goto("/")
    guest.page.get_by_role("button", name="企业", exact=True).click()
    guest.page.get_by_role("menuitem", name="杭州栖木家居有限公司").click()
    expect(guest.page.locator("header .who")).to_contain_text("杭州栖木家居有限公司")

    row.get_by_role("button", name="收回").click()
    page.locator(".el-message-box").get_by_role("button", name="收回").click()
    expect(row.get_by_role("button", name="收回")).to_have_count(0)
    assert {each["code"] for each in Desk(open_page("guyan")).ask("/api/session")["enterprises"]} == {"HAIAN"}


def happens(played: Played, name: str) -> None:
    """Something changes in WeCom, and it has told us so, or given up."""
    played.post(
        "wecom/departments/save",
        corp=played.corp,
        create=True,
        department={"name": f"{name} {time.monotonic()}", "parentid": 1},
    )
    assert played.get("callbacks/settle", limit_s="60")


def examined(page: Page) -> Locator:
    """Let the doctor examine; what is wrong with the receiver of contacts."""
    page.get_by_role("button", name="发送测试并诊断").click()
    section = page.locator(".found section").filter(has=page.get_by_role("heading", name="通讯录"))
    expect(section).to_be_visible(timeout=LONG)
    return section.locator("li.bad")


def test_the_doctor_names_the_cause_and_the_remedy(open_page: Opener, picture: Taken, played: Played) -> None:
    desk = Desk(open_page("zhouyan"))
    bound = Bound(desk, played, "wecom")
    keys = bound.receivers["contacts"]
    page = desk.page
    page.goto("/directory.callback?platform=wecom")

    def fault(where: str, kind: str, path: str, **more: str) -> None:
        on = played.post("faults", platform="wecom", where=where, kind=kind, path=path, **more)["id"]
        if where == "callback":
            happens(played, kind)
        else:
            assert bound.compare()["state"] == "failed"
        played.post("faults/off", ids=[on])

    def wrong_clock() -> None:
        played.post("time", advance_s=9000)
        happens(played, "later")
        played.post("time", advance_s=-9000)

    def wrong_key() -> None:
        asked = {key: keys[key] for key in ("url", "token")} | {"aes_key": "B" * 43, "which": "contacts"}
        answer = httpx.post(
            f"{played.root}/sandbox/api/wecom/receivers/save",
            json=asked | {"corp": played.corp},
            trust_env=False,
        )
        assert answer.status_code == 422

    def lost_query() -> None:
        assert httpx.post(keys["url"], content="<xml/>", trust_env=False).status_code == 403

    def healed() -> None:
        bound.compare()
        happens(played, "fine")

    for what, remedy, cause in (
        ("token", "重新复制", lambda: fault("callback", "wrong-signature", "contacts")),
        ("receive_id", "企业 ID", lambda: fault("callback", "wrong-receive-id", "contacts")),
        ("key", "重新复制", wrong_key),
        ("clock", "校准", wrong_clock),
        ("proxy", "代理", lost_query),
        (
            "trusted_ip",
            "可信",
            lambda: fault("answer", "throttled", "/cgi-bin/department/*", code="60020"),
        ),
    ):
        healed()
        expect(examined(page)).to_have_count(0)
        cause()
        bad = examined(page)
        expect(bad).to_have_count(1)
        expect(bad).to_have_attribute("data-check", what)
        expect(bad).to_contain_text(remedy)
        if what == "token":
            picture(page, "doctor")
    healed()
    expect(examined(page)).to_have_count(0)


def test_what_is_refused_is_named_at_its_field_and_nothing_typed_is_lost(
    open_page: Opener, screen: Taken
) -> None:
    first = open_page("fangning")
    desk = Desk(first)
    if all(each["platform"] != "dingtalk" for each in desk.ask("/api/directory/connections")["rows"]):
        values = desk.ask("/api/directory/sandbox")["platforms"]["dingtalk"]
        assert first.request.post("/api/directory/connections", data={"platform": "dingtalk"} | values).ok
    first.goto("/directory.connection/dingtalk")
    first.locator("#setup-agent_id").fill("9" * 300)
    first.get_by_role("button", name="保存", exact=True).dblclick()
    refused = first.locator('[data-field="agent_id"] [role=alert]')
    expect(refused).to_contain_text("超过")
    expect(first.locator("#setup-agent_id")).to_be_focused()
    expect(first.locator("#setup-agent_id")).to_have_value("9" * 300)
    expect(first.locator(".el-message")).to_have_count(0)  # said once, where it is

    first.get_by_label("对方部门编号").fill("一部")
    first.locator("#rules-vanish_share").fill("500")
    first.locator("#rules-vanish_min").fill("")
    first.get_by_role("button", name="保存规则").click()
    expect(first.locator("[data-step=rules] [role=alert]")).to_have_count(3)
    expect(first.get_by_label("对方部门编号")).to_have_value("一部")
    first.locator("[data-step=rules]").scroll_into_view_if_needed()
    screen(first, "rules")

    # Two windows: the second is told, keeps what it typed, sees what the first saved, and saves on top of it.
    second = open_page("fangning")
    second.goto("/directory.connection/dingtalk")
    expect(second.locator("#setup-agent_id")).not_to_have_value("")
    first.locator("#setup-agent_id").fill("16002")
    first.get_by_role("button", name="保存", exact=True).click()
    expect(refused).to_have_count(0)
    expect(first.get_by_label("对方部门编号")).to_have_value("一部")  # still typed, of another form
    second.locator("#setup-agent_id").fill("16003")
    second.get_by_role("button", name="保存", exact=True).click()
    expect(second.locator(".el-message")).to_contain_text("期间已有人修改")
    expect(second.locator("#setup-agent_id")).to_have_value("16003")
    second.get_by_role("button", name="保存", exact=True).click()
    expect(second.locator(".el-message").filter(has_text="已保存")).to_be_visible()

    first.goto("/directory.connection/sms")
    first.locator("#setup-signature").fill("")
    first.get_by_role("button", name="保存", exact=True).click()
    expect(first.locator('[data-field="signature"] [role=alert]')).to_have_text("必填。")
    first.goto("/directory.run")
    first.get_by_role("button", name="同步通讯录", exact=True).first.dblclick()
    expect(first.get_by_role("dialog").get_by_role("button", name="开始比对")).to_be_visible()
