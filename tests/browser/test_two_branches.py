"""A dealer restored from a backup that went on writing: the lane is frozen, both branches are shown, a person chooses."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.chain.restoring import Backup
from tests.running import Installation
from yunlian.edge.postgres import Server

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]
LIMIT_S = 40
BRAND, DEALER = "杭州栖木家居有限公司", "宁波海岸家居有限公司"


def post(desk: Desk, path: str, **body: Any) -> Any:
    answer = desk.page.request.post(f"/api/{path}", data=body)
    assert answer.ok, answer.text()
    return answer.json()


def order(desk: Desk, note: str) -> str:
    """Order one piece of the brand, and send it; its number."""

    def one(code: str, *where: list[Any]) -> Any:
        found = desk.page.request.get(f"/api/{code}", params={"filter": str([*where]).replace("'", '"')})
        return found.json()["rows"][0]

    product = one("masters.product", ["code", "=", "YT-FX-G2"])
    line = {"product": product["id"], "unit": product["unit"]["id"], "qty": "1", "price": "918"}
    made = post(
        desk, "purchase.order", supplier=one("masters.partner", ["name", "=", BRAND])["id"], note=note,
        warehouse=one("masters.warehouse", ["name", "=", "中心仓"])["id"], due_date="2026-12-20", lines=[line],
    )  # fmt: skip
    for step in ("approve", "send"):
        made = post(desk, f"purchase.order/{made['id']}/{step}", version=made["version"])
    return str(made["number"])


def lane(desk: Desk, partner: str, direction: str = "out") -> Any:
    rows = desk.ask("/api/chain/lanes")["rows"]
    return next(each for each in rows if (each["partner"]["name"], each["direction"]) == (partner, direction))


def until(desk: Desk, is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < end, f"waited {LIMIT_S} s for {what}"
        desk.page.wait_for_timeout(300)


def arrived(brand: Desk, number: str) -> int:
    return len(brand.ask(f'/api/sales.intention?filter=[["customer_order","=","{number}"]]')["rows"])


def test_an_administrator_chooses_between_two_branches(
    site: Installation, open_page: Opener, picture: Taken, tmp_path: Path
) -> None:
    buyer, brand = Desk(open_page("luzhou")), Desk(open_page("zhouyan"))
    desk = Desk(open_page("fangning", width=1280, height=720))
    until(desk, lambda: lane(desk, BRAND)["state"] == "open" and not lane(desk, BRAND)["unsent"], "peace")
    admin = psycopg.connect(Server(site.folder / "pg", log=tmp_path / "log").url("yunlian"), autocommit=True)
    backup = Backup(admin, int(desk.ask("/api/session")["enterprise"]["id"]))
    first = order(buyer, "恢复前")
    until(brand, lambda: arrived(brand, first) == 1, first)
    backup.bring_back()
    backup.close()
    assert order(buyer, "恢复后") == first  # the number, too, was given away before
    until(desk, lambda: bool(lane(desk, BRAND)["choices"]), "the freeze")

    page = desk.page
    page.goto("/chain.lanes")
    row = page.get_by_role("row").filter(has_text=BRAND).filter(has_text="发出")
    expect(row.locator(".tag").first).to_contain_text("已冻结")
    row.get_by_role("button", name="查看两条分支").click()
    dialog = page.get_by_role("dialog", name="该通道有两条分支")
    for side in (0, 1):
        expect(dialog.locator("section").nth(side).locator("li").last).to_contain_text(f"已下单{first}")
    desk.fits()
    picture(page, "two-branches")
    dialog.get_by_role("button", name="对方为真").click()
    asked = page.get_by_role("dialog", name="对方为真")
    expect(asked).to_contain_text("我方自己的消息排在其后")
    asked.get_by_role("button", name="对方为真").click()
    expect(asked).to_contain_text("原因")  # not without a reason
    expect(asked.locator(".field .wrong, [aria-invalid=true]").first).to_be_visible()
    asked.locator("input, textarea").first.fill("从备份恢复，对方的记录完整")
    asked.get_by_role("button", name="对方为真").click()
    expect(dialog).to_be_hidden()
    until(desk, lambda: lane(desk, BRAND)["state"] == "open", "the lane to go on")
    until(brand, lambda: arrived(brand, first) == 2, "the second order")
    until(desk, lambda: not lane(desk, BRAND)["unsent"], "everything sent")
    page.reload()
    expect(row.locator(".tag").first).to_have_text("正常")
