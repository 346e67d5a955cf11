"""All that match: the page is taken, then everything the filter finds; a worker does it and names what it refused."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from tests.browser.desk import Desk
from yunlian.kernel import sheets

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
ROWS = 103  # a page holds a hundred


def ordered(desk: Desk) -> str:
    """Orders under one customer's order number; the product of the last is no longer bought. Returns the number."""
    page = desk.page
    mark = f"HB{page.evaluate('Date.now()')}"

    def made(path: str, **body: object) -> dict[str, str]:
        answer = page.request.post(f"/api/{path}", data=body)
        assert answer.ok, answer.text()
        found: dict[str, str] = answer.json()
        return found

    (supplier,) = desk.ask('/api/masters.partner?filter=[["is_supplier","=",true]]&limit=1')["rows"]
    (warehouse,) = desk.ask("/api/masters.warehouse?limit=1")["rows"]
    (unit,) = desk.ask("/api/masters.unit?limit=1")["rows"]
    product = made(
        "masters.product", code=mark, name="旧款", unit=unit["id"], purchase_price="8", is_bought=True
    )
    for number in range(ROWS):
        code = mark if number == ROWS - 1 else "YT-FX-J1"
        made(
            "purchase.order", supplier=supplier["id"], warehouse=warehouse["id"], customer_order=mark,
            lines=[{"product": code, "qty": "1", "price": "10"}],
        )  # fmt: skip
    stopped = page.request.put(
        f"/api/masters.product/{product['id']}", data=product | {"status": "stopped", "lines": []}
    )
    assert stopped.ok, stopped.text()
    return mark


def test_a_step_for_all_that_match(open_page: Opener, picture: Taken) -> None:
    desk = Desk(open_page("luzhou", width=1280, height=720))
    mark = ordered(desk)
    page = desk.page
    page.goto(f"/purchase.order?search={mark}")
    expect(page.get_by_text(f"{ROWS} 条").first).to_be_visible()
    expect(page.locator(".table .line, .table [role=row]").nth(3)).to_be_visible()
    page.keyboard.press("Control+a")
    expect(page.locator("p.whole")).to_contain_text("已选中本页 100 条")
    page.get_by_role("button", name=f"选择符合条件的全部 {ROWS} 条").click()
    expect(page.locator("p.whole")).to_contain_text(f"已选中符合条件的全部 {ROWS} 条")
    picture(page, "select-all")
    page.get_by_role("button", name="批量处理", exact=True).click()
    page.get_by_role("menuitem", name="审核", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=f"审核全部 {ROWS} 条").click()
    expect(dialog).to_contain_text(f"{ROWS} / {ROWS}", timeout=60_000)
    expect(dialog).to_contain_text(re.compile(rf"完成 {ROWS - 1}"))
    expect(dialog.locator("li")).to_have_count(1)
    with page.expect_download() as download:
        dialog.get_by_role("link", name="下载清单").click()
    (row,) = sheets.read(Path(download.value.path()).read_bytes()).rows
    assert row.cells[0] in dialog.locator("li").inner_text()
    dialog.get_by_role("button", name="关闭", exact=True).last.click()
    found = desk.ask(f'/api/purchase.order/total?search={mark}&filter=[["state","=","approved"]]')
    assert found["count"] == ROWS - 1


def still_running(route: Route) -> None:
    """The answer of a worker that takes its time."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | {"state": "running", "done": 5, "result": None})


def test_an_export_of_all_that_match_survives_a_reload(open_page: Opener) -> None:
    desk = Desk(open_page("zhouyan"))
    page = desk.page
    page.goto("/masters.product")
    expect(page.locator(".table [role=row]").nth(3)).to_be_visible()
    count = desk.ask("/api/masters.product/total")["count"]
    assert count > 100
    page.route(re.compile("/api/jobs/"), still_running)
    page.keyboard.press("Control+a")
    page.get_by_role("button", name=f"选择符合条件的全部 {count} 条").click()
    page.get_by_role("button", name="导出所选").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("处理中")
    page.reload()
    page.unroute(re.compile("/api/jobs/"))
    page.get_by_role("button", name="查看", exact=True).click()
    link = dialog.get_by_role("link", name="下载表格")
    expect(link).to_be_visible(timeout=60_000)
    with page.expect_download() as download:
        link.click()
    assert len(sheets.read(Path(download.value.path()).read_bytes()).rows) == count
