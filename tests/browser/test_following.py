"""A document that is being looked at follows what the partner does, without being opened again."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.desk import Desk

Opener = Callable[..., Page]
LONG = 30_000  # the chain's loop and the panel's own rhythm


def arrived(seller: Desk, number: str) -> str:
    """The intention that came of a dealer's order, once the chain has brought it."""
    path = f'/api/sales.intention?filter=[["customer_order","=","{number}"]]'
    for _try in range(LONG // 500):
        if rows := seller.ask(path)["rows"]:
            return str(rows[0]["id"])
        seller.page.wait_for_timeout(500)
    raise AssertionError(f"{number} has not arrived")


def test_what_the_partner_did_shows_on_the_open_document(open_page: Opener) -> None:
    buyer, seller = Desk(open_page("luzhou")), Desk(open_page("hanyue"))
    (supplier,) = [
        row for row in buyer.ask("/api/masters.partner?search=S001")["rows"] if row["code"] == "S001"
    ]
    body = {"supplier": supplier["id"], "lines": [{"product": "YT-YD-11", "qty": "2"}]}
    made = buyer.page.request.post("/api/purchase.order?then=approve", data=body)
    assert made.ok, made.text()
    order = made.json()
    sent = buyer.page.request.post(
        f"/api/purchase.order/{order['id']}/send", data={"version": order["version"]}
    )
    assert sent.ok, sent.text()
    buyer.page.goto(f"/purchase.order/{order['id']}")
    buyer.panel("协同")
    buyer.state("待受理")
    intention = arrived(seller, order["number"])
    seller.page.goto(f"/sales.intention/{intention}")
    seller.act("受理")
    expect(buyer.page.locator("header .tag").filter(has_text="已受理")).to_be_visible(timeout=LONG)
    expect(buyer.page.locator("main")).to_contain_text(seller.number)
