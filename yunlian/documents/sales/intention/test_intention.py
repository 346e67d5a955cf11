"""Sales intention: the suite every document inherits, then the collaboration with a dealer's order."""

from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel.load import show
from yunlian.kernel.save import save
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, refusal

D = Decimal


class TestSalesIntention(FlowSuite):
    code = "sales.intention"


def placed(shop: Any, **line: Any) -> Any:
    """PO-1 of flows.md F5 as it arrives at H: expected 3,900.00 and 2 x 420.00."""
    lines = [
        {"product": "P1", "qty": "1", "price": "3900"} | line,
        {"product": "P2", "qty": "2", "price": "420"},
    ]
    made = shop.save("sales.intention", customer="LI", lines=lines)
    return shop.move(made, "partner_place", customer_order="PO-1")


def quote(shop: Any, intention: Any, price: str = "3950") -> Any:
    """Enter a price for the first line and dates for both, then quote."""
    body = show(shop.again(intention), shop.ctx)
    body["lines"][0]["price"] = price
    for line in body["lines"]:
        line["due_date"] = shop.day(12)
    return shop.move(save("sales.intention", shop.ctx, body, intention.pk), "quote")


def test_an_order_goes_the_whole_way_to_agreement(shop: Any) -> None:
    intention = placed(shop)
    assert (intention.header.collab, intention.header.customer_order) == ("pending", "PO-1")
    assert intention.header.amount == D("4740.00")
    intention = quote(shop, shop.move(intention, "accept"))
    assert (intention.header.collab, intention.header.amount) == ("quoted", D("4790.00"))
    first = intention.lines[0]
    assert (first.price, first.expected_price, first.expected_qty) == (D("3950"), D("3900"), 1)
    intention = shop.move(intention, "partner_agree")
    assert (intention.header.collab, intention.header.state) == ("agreed", "approved")
    assert shop.push(intention, "sales.contract").header.total == D("4790.00")
    shop.prove()


def test_a_quotation_names_every_price_and_date(shop: Any) -> None:
    intention = shop.move(placed(shop, due_date=None), "accept")
    assert refusal(move, "sales.intention", shop.ctx, intention.pk, "quote") == [
        ("due_date", 1),
        ("due_date", 2),
    ]
    assert shop.again(intention).header.collab == "quoting"


def test_the_day_it_is_wanted_by_stands_for_lines_without_a_date(shop: Any) -> None:
    intention = shop.move(placed(shop, due_date=shop.day(5)), "accept")
    body = show(shop.again(intention), shop.ctx) | {"due_date": shop.day(12)}
    quoted = shop.move(save("sales.intention", shop.ctx, body, intention.pk), "quote")
    assert [line.due_date.isoformat() for line in quoted.lines] == [shop.day(5), shop.day(12)]


def test_a_disagreement_brings_a_new_quotation(shop: Any) -> None:
    intention = quote(shop, shop.move(placed(shop), "accept"), "3990")
    intention = shop.move(intention, "partner_disagree", reason="太贵")
    assert (intention.header.collab, intention.header.reason) == ("quoting", "太贵")
    again = quote(shop, intention)
    assert (again.header.collab, again.header.reason, again.header.amount) == ("quoted", "", D("4790.00"))


@pytest.mark.parametrize("step", ["", "accept quote", "accept quote partner_agree"])
def test_figures_stand_while_the_customer_decides(shop: Any, step: str) -> None:
    intention = placed(shop)
    for name in step.split():
        intention = quote(shop, intention) if name == "quote" else shop.move(intention, name)
    body = show(shop.again(intention), shop.ctx)
    named = ("state" if step.endswith("agree") else "collab", None)
    assert refusal(save, "sales.intention", shop.ctx, body, intention.pk) == [named]
    assert not body["can"]["edit"]


def test_figures_are_open_while_we_quote(shop: Any) -> None:
    intention = shop.move(placed(shop), "accept")
    body = show(shop.again(intention), shop.ctx)
    assert body["can"]["edit"]
    assert save("sales.intention", shop.ctx, body | {"note": "加急"}, intention.pk).header.note == "加急"


@pytest.mark.parametrize("step", ["submit", "approve", "void"])
def test_an_order_from_the_chain_does_not_go_our_own_way(shop: Any, step: str) -> None:
    intention = placed(shop)
    assert refusal(move, "sales.intention", shop.ctx, intention.pk, step) == [("state", None)]


def test_refusing_ends_it_with_a_reason(shop: Any) -> None:
    header = shop.move(placed(shop), "refuse", reason="停产").header
    assert (header.collab, header.state, header.reason) == ("refused", "voided", "停产")


def test_the_dealer_may_recall_until_we_accept(shop: Any) -> None:
    header = shop.move(placed(shop), "partner_recall").header
    assert (header.collab, header.state) == ("recalled", "voided")
    accepted = shop.move(placed(shop), "accept")
    assert refusal(move, "sales.intention", shop.ctx, accepted.pk, "partner_recall") == [("collab", None)]


def test_a_withdrawal_is_asked_and_granted_or_declined(shop: Any) -> None:
    intention = shop.move(placed(shop), "accept")
    asked = shop.move(intention, "partner_ask_withdrawal", reason="客户取消")
    assert (asked.header.withdrawal, asked.header.reason) == ("asked", "客户取消")
    assert refusal(move, "sales.intention", shop.ctx, intention.pk, "quote") == [("collab", None)]
    declined = shop.move(asked, "decline_withdrawal", reason="已排产")
    assert (declined.header.withdrawal, declined.header.collab) == ("declined", "quoting")
    granted = shop.move(shop.move(declined, "partner_ask_withdrawal", reason="再请"), "grant_withdrawal")
    assert (granted.header.state, granted.header.collab) == ("voided", "recalled")


def test_an_agreed_order_with_a_contract_is_not_given_back(shop: Any) -> None:
    intention = quote(shop, shop.move(placed(shop), "accept"))
    intention = shop.move(intention, "partner_agree")
    contract = shop.push(intention, "sales.contract")
    intention = shop.move(intention, "partner_ask_withdrawal", reason="客户取消")
    assert refusal(move, "sales.intention", shop.ctx, intention.pk, "grant_withdrawal") == [(None, None)]
    shop.move(contract, "void")
    assert shop.move(intention, "grant_withdrawal").header.state == "voided"


def test_steps_of_the_partner_are_never_offered(shop: Any) -> None:
    assert show(placed(shop), shop.ctx)["can"]["steps"] == ["accept", "refuse"]


def test_an_intention_without_a_price_waits_for_one(shop: Any) -> None:
    from_list = shop.save("sales.intention", customer="LI", lines=[{"product": "P2", "qty": "3"}])
    assert from_list.header.amount == D("2700.00")
