"""One order through the chain by clicking: the dealer orders, the brand quotes and ships, the dealer receives.

The figures are those of the demonstration: 2 × 918 + 1,910 + 4,638 = 8,384.00; the brand asks 936.00 for the first line,
which makes it 8,420.00.
"""

import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.running import Installation

Opener = Callable[..., Page]
Taken = Callable[[Page, str], Path]

BLOCK = "商品\t数量\t备注\nYT-FX-G2\t1\t样板间\nYT-FX-Z1\t1\t\n"


def until(page: Page, shown: Callable[[], bool], what: str, limit_s: float = 25) -> None:
    """Look again as somebody would who presses refresh, until the chain has brought it."""
    end = time.monotonic() + limit_s
    while not shown():
        assert time.monotonic() < end, f"waited {limit_s} s for {what}"
        page.wait_for_timeout(200)
        page.reload()
        page.wait_for_timeout(300)


def test_an_order_goes_round(site: Installation, open_page: Opener, picture: Taken) -> None:
    dealer, brand = Desk(open_page()), Desk(open_page())
    page = dealer.page
    page.goto("/")
    expect(page.get_by_role("button", name="登录", exact=True)).to_be_visible()
    picture(page, "sign-in")
    dealer.sign_in(site, "luzhou")
    dealer.fits()

    # The buyer enters an order without the mouse: pickers by pinyin initials, the rest pasted from a spreadsheet.
    dealer.menu("采购", "采购订单")
    dealer.key("n")
    expect(dealer.title).to_have_text("新建采购订单")
    expect(dealer.field("supplier").locator("input")).to_be_focused()
    dealer.words("hzqm")
    expect(page.get_by_role("option").filter(has_text="杭州栖木")).to_be_visible()
    dealer.key("Enter")
    expect(dealer.field("supplier").locator("input")).to_have_value("杭州栖木家居有限公司")
    dealer.type("warehouse", "zxc")
    expect(dealer.field("warehouse").locator("input")).to_have_value("中心仓")
    dealer.type("due_date", "2026-12-20")
    dealer.cell(1, "商品").click()
    dealer.words("fxxxy")
    expect(page.get_by_role("option").filter(has_text="拂晓 休闲椅")).to_be_visible()
    picture(page, "grid")
    dealer.key("Enter")
    expect(dealer.cell(1, "商品")).to_contain_text("拂晓 休闲椅")
    dealer.key("Enter")  # the unit stays as the product has it
    dealer.words("2")
    dealer.key("Enter")
    dealer.cell(2, "商品").click()
    dealer.paste(BLOCK)
    expect(dealer.cell(3, "商品")).to_contain_text("拂晓 转角沙发 燕麦")
    expect(dealer.cell(2, "备注")).to_have_text("样板间")
    dealer.save()
    number = dealer.number
    assert number.startswith("PO")
    dealer.state("创建")
    expect(page.locator(".trail .total b")).to_have_text("¥8,384.00")
    dealer.act("审核")
    dealer.state("已审核", "未发送")
    dealer.act("发送给供应商")
    dealer.state("待受理")
    ours = page.url

    # The brand's manager finds it by its number, accepts, asks more for the first line, and quotes.
    brand.sign_in(site, "hanyue")
    brand.menu("销售", "销售意向")
    until(
        brand.page,
        lambda: brand.page.locator(".table, [role=grid], main").get_by_text(number).count() > 0,
        number,
    )
    intention = brand.ask(f'/api/sales.intention?filter=[["customer_order","=","{number}"]]')["rows"][0]
    brand.page.goto(f"/sales.intention/{intention['id']}")
    brand.state("待受理")
    brand.act("受理")
    brand.state("待报价确认")
    brand.cell(1, "单价").click()
    brand.words("936")
    brand.key("Enter")
    brand.save()
    picture(brand.page, "intention")
    brand.act("报价确认", sure=True)
    brand.state("待对方确认")

    # The dealer sees both figures, the difference in amber, and agrees.
    until(page, lambda: page.locator("header .tag").filter(has_text="待确认").count() > 0, "the quotation")
    panel = dealer.panel("协同")
    expect(panel.locator(".differences")).to_contain_text("+18.00")
    expect(dealer.cell(1, "报价")).to_have_text("936.00")
    expect(dealer.field("quoted_amount")).to_contain_text("8,420.00")
    expect(panel.locator(".event.theirs")).to_have_count(2)
    dealer.fits()
    picture(page, "purchase-order")
    dealer.act("确认报价", sure=True)
    dealer.state("协同完成")
    expect(page.locator(".trail .total b")).to_have_text("¥8,420.00")

    # The agreement has made a contract at the brand; its manager approves it, its keeper ships.
    until(
        brand.page,
        lambda: (
            brand.page.locator("header .tag").filter(has_text="已确认").count() > 0
            or brand.page.locator("header .tag").filter(has_text="已确认").count() > 0
        ),
        "the agreement",
    )
    brand.panel("联查").get_by_role("link").filter(has_text="销售合同").click()
    brand.page.wait_for_url("**/sales.contract/*")
    expect(brand.page.locator(".trail .total b")).to_have_text("¥8,420.00")
    contract = brand.page.url
    if brand.field("warehouse").locator("input").input_value() != "成品仓":
        brand.type("warehouse", "CP")
        brand.save()
    brand.act("审核")
    brand.state("已审核")

    keeper = Desk(open_page("luocheng"))
    keeper.page.goto(contract)
    keeper.act("推销售发货通知单")
    keeper.page.wait_for_url("**/stock.dispatch_notice/new/*")
    expect(keeper.cell(3, "商品")).to_contain_text("拂晓 转角沙发 燕麦")
    picture(keeper.page, "push")
    keeper.save()
    keeper.act("审核")
    keeper.state("已审核")
    keeper.act("推销售出库单")
    keeper.page.wait_for_url("**/stock.sales_out/new/*")
    keeper.type("waybill", "YX2026112301")
    keeper.save()
    keeper.act("审核")
    keeper.state("已审核")

    # The notice is at the dealer before anybody telephones; the goods come in, and the order is done.
    page.goto(ours)
    trace = dealer.panel("联查")
    notice = trace.get_by_role("link").filter(has_text="采购收货通知单")
    until(page, lambda: notice.count() > 0, "the shipment")
    notice.click()
    page.wait_for_url("**/stock.receipt_notice/*")
    dealer.state("已审核")
    dealer.act("推采购入库单")
    page.wait_for_url("**/stock.purchase_in/new/*")
    dealer.save()
    dealer.act("审核")
    dealer.state("已审核")
    trace = dealer.panel("联查")
    expect(trace.get_by_role("link").filter(has_text="采购订单")).to_have_count(1)
    expect(trace.locator(".qty").first).to_be_visible()
    dealer.fits()
    picture(page, "trace")
    page.goto(ours)
    expect(page.locator(".tag").filter(has_text="关闭").first).to_be_visible()
    expect(dealer.panel("协同").locator(".line")).to_contain_text("货")
    picture(page, "chain")
    signed = keeper.page.locator("header .tag").filter(has_text="签收")
    until(keeper.page, lambda: signed.count() > 0, "the signature")

    # What is owed now: the brand's 8,420.00 stand on the dealer's statement.
    cashier = Desk(open_page("fangning"))
    cashier.page.goto("/")
    cashier.menu("财务", "往来对账单")
    cashier.page.get_by_role("combobox").first.fill("hzqm")
    cashier.page.get_by_role("option").filter(has_text="杭州栖木").click()
    expect(cashier.page.locator("table").get_by_text("8,420.00").first).to_be_visible()
    picture(cashier.page, "statement")
