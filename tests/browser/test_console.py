"""What every page owes the person before it: nothing typed is lost, no act is done twice, nothing sticks out.

Each test opens windows of its own in the demonstration; what it makes stays there and harms nobody.
"""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk
from yunlian.kernel import sheets

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]


def begun(desk: Desk, product: str = "YT-FX-J1") -> None:
    """A purchase order, typed and not saved."""
    desk.page.goto("/purchase.order/new")
    desk.type("supplier", "hzqm")
    desk.type("warehouse", "zxc")
    desk.cell(1, "商品").click()
    desk.words(product)
    desk.key("Enter", "Enter")
    desk.words("1")
    desk.key("Enter")
    expect(desk.cell(1, "数量")).to_have_text("1")


def test_what_is_refused_is_marked_and_stays(open_page: Opener, picture: Taken) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    desk.field("supplier").locator("input").fill("")
    desk.key("Tab")
    desk.cell(1, "数量").click()
    desk.words("1.5")  # by the piece
    desk.key("Enter")
    desk.key("Control+s")
    problems = desk.page.locator(".problems")
    expect(problems).to_contain_text("供应商")
    expect(desk.field("supplier").locator("input")).to_have_attribute("aria-invalid", "true")
    desk.type("supplier", "hzqm")
    desk.page.locator(".acts").get_by_role("button", name="保存", exact=True).click()
    expect(problems).to_contain_text("第 1 行")
    expect(desk.cell(1, "数量")).to_have_class(re.compile("wrong"))
    expect(desk.cell(1, "数量")).to_have_text("1.5")
    expect(desk.field("warehouse").locator("input")).to_have_value("中心仓")
    picture(desk.page, "refused")
    desk.page.wait_for_timeout(500)
    desk.page.reload()  # as if the window had been closed by mistake
    expect(desk.cell(1, "数量")).to_have_text("1.5")
    desk.cell(1, "数量").click()
    desk.words("2")
    desk.key("Enter")
    desk.save()
    desk.state("创建")


@pytest.mark.parametrize("is_slow", [True, False], ids=["slow-line", "fast-line"])
def test_a_double_click_does_it_once(open_page: Opener, is_slow: bool) -> None:
    """Every primary button on the way of an order, pressed twice: before the answer came, and when it has just come.

    Then the next step stands in the place of the one that was pressed.
    """
    desk = Desk(open_page("luzhou"))
    written: list[str] = []

    def slowly(route: Route) -> None:
        if route.request.method != "GET" and not route.request.url.endswith("/preview"):
            written.append(route.request.url.rsplit("/api/", 1)[1])
            desk.page.wait_for_timeout(150 if is_slow else 0)
        route.continue_()

    before = desk.ask("/api/purchase.order/total")["count"]
    begun(desk)
    desk.page.route("**/api/purchase.order**", slowly)
    primary = desk.page.locator(".acts .btn.primary")
    way = (("保存", "创建"), ("提交", "已提交"), ("审核", "已审核"), ("发送给供应商", "待受理"))
    for label, state in way:
        expect(primary).to_have_text(label)
        written.clear()
        if is_slow:
            primary.dblclick(no_wait_after=True)
            desk.state(state)
        else:
            primary.click()  # the pointer stays
            desk.state(state)
            desk.page.mouse.down(click_count=2)  # one more, which the browser counts as the second of two
            desk.page.mouse.up(click_count=2)
            desk.page.wait_for_timeout(200)
        assert len(written) == 1, written
    assert desk.ask("/api/purchase.order/total")["count"] == before + 1


def test_a_session_that_ended_loses_nothing(open_page: Opener) -> None:
    desk = Desk(open_page("luzhou"))
    begun(desk)
    desk.page.context.clear_cookies()
    desk.key("Control+s")
    again = desk.page.get_by_role("dialog")
    expect(again).to_be_visible()
    again.get_by_label("密码").fill("walnut-bridge-86")
    desk.key("Enter")
    expect(again).to_be_hidden()
    expect(desk.cell(1, "数量")).to_have_text("1")
    expect(desk.title).to_have_text(re.compile("PO|新建采购订单"))


def test_an_import_names_the_heading_of_a_bad_cell(open_page: Opener, screen: Taken, tmp_path: Path) -> None:
    desk = Desk(open_page("luzhou"))
    desk.open("/purchase.order")
    desk.page.get_by_role("button", name="导入", exact=True).click()
    sheet = tmp_path / "orders.xlsx"
    heads = ["供应商", "收货仓库", "商品", "数量", "单价"]
    sheet.write_bytes(sheets.write(heads, [["NOPE", "ZX", "YT-FX-J1", "1", "5"]]))
    dialog = desk.page.get_by_role("dialog")
    dialog.locator("input[type=file]").set_input_files(sheet)
    dialog.get_by_role("button", name="开始导入").click()
    row = dialog.get_by_role("row").filter(has_text="NOPE")
    expect(row).to_contain_text("供应商", timeout=30_000)
    screen(desk.page, "errors")


PAGES = {
    "luzhou": ("/", "/purchase.order", "/stock.balance", "/chain.product"),
    "zhouyan": ("/chain.link", "/chain.credential", "/chain.membership", "/chain.lanes", "/org.role", "/masters.product"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("width", "height", "dark", "language"),
    [(1280, 720, True, "zh-Hans"), (1440, 900, False, "en"), (390, 844, False, "zh-Hans")],
    ids=["dark", "english", "phone"],
)
def test_pages_fit(
    open_page: Opener, screen: Taken, width: int, height: int, dark: bool, language: str
) -> None:
    for login, paths in PAGES.items():
        desk = Desk(open_page(login, width=width, height=height, dark=dark, language=language))
        page = desk.page
        for path in paths:
            desk.open(path)
            desk.fits()
            screen(page, path.strip("/").replace(".", "-") or "home")
        if login == "luzhou":
            quoted = desk.ask('/api/purchase.order?filter=[["collab","=","quoted"]]')["rows"][0]
            desk.open(f"/purchase.order/{quoted['id']}")
            expect(page.locator("h1.title")).to_have_text(quoted["number"])
            desk.fits()
            screen(page, "order")
        if language == "en":
            chinese = re.compile("[一-鿿]")
            labels = page.locator("nav.rail .apps button, th, .acts button, .field label").all_inner_texts()
            assert [label for label in labels if chinese.search(label)] == []


GUIDE = (
    ("fangning", "/", "home"),
    ("luzhou", "/purchase.order", "list"),
    ("luzhou", "/stock.balance", "stock"),
    ("luzhou", "/chain.product", "products"),
    ("zhouyan", "/chain.link", "links"),
    ("zhouyan", "/chain.membership", "membership"),
    ("zhouyan", "/chain.lanes", "lanes"),
    ("zhouyan", "/finance.receivable", "receivable"),
)


def test_the_pages_of_the_guide(open_page: Opener, picture: Taken) -> None:
    desks: dict[str, Desk] = {}
    for login, path, name in GUIDE:
        if login not in desks:
            desks[login] = Desk(open_page(login, width=1280, height=640))
        page = desks[login].page
        desks[login].open(path)
        desks[login].fits()
        picture(page, name)
    admin = desks["zhouyan"]
    role = admin.ask('/api/org.role?filter=[["code","=","STORE_MANAGER"]]')["rows"][0]
    admin.open(f"/org.role/{role['id']}/grants")
    picture(admin.page, "grants")
    buyer = desks["luzhou"]
    buyer.page.goto("/purchase.order")
    buyer.page.get_by_role("button", name="导入", exact=True).click()
    expect(buyer.page.get_by_role("dialog")).to_be_visible()
    picture(buyer.page, "import")
