"""Goods that come in are held for waiting contracts, and given up again when the arrival is taken back (F7, F9)."""

from decimal import Decimal
from typing import Any

from yunlian.kernel.models import Audit
from yunlian.kernel.steps import move
from yunlian.kernel.testing import Statements, refusal
from yunlian.ledgers.models import ReservationBalance, StockBalance

D = Decimal


def contract(shop: Any, qty: str, due: str, **body: Any) -> Any:
    line = {"product": "P2", "qty": qty, "price": "900"}
    made = shop.save("sales.contract", customer="LI", warehouse="W1", due_date=due, lines=[line], **body)
    return shop.move(made, "approve")


def arrival(shop: Any, qty: str, **line: Any) -> Any:
    lines = [{"product": "P2", "qty": qty, "price": "420"} | line]
    return shop.save("stock.purchase_in", supplier="H", warehouse="W1", lines=lines)


def held(made: Any) -> Decimal:
    return sum(
        ReservationBalance.objects.filter(for_line__in=[line.id for line in made.lines]).values_list(
            "reserved", flat=True
        ),
        D(0),
    )


def available(shop: Any) -> Decimal:
    return StockBalance.objects.get(product_id=shop.p2, status="good").available


def test_the_earliest_delivery_is_served_first(shop: Any) -> None:
    late, early = contract(shop, "2", "2027-03-01"), contract(shop, "3", "2027-02-01")
    shop.move(arrival(shop, "4"), "approve")
    assert (held(early), held(late), available(shop)) == (3, 1, 0)
    shop.move(arrival(shop, "4"), "approve")
    assert (held(early), held(late), available(shop)) == (3, 2, 3)
    shop.prove()


def test_each_contract_says_which_arrival_served_it(shop: Any) -> None:
    served = contract(shop, "1", "2027-02-01")
    came = shop.move(arrival(shop, "1"), "approve")
    row = Audit.objects.get(record=served.pk, act="reserve")
    assert row.note == came.header.number


def test_a_contract_that_reserves_by_hand_is_left_alone(shop: Any) -> None:
    by_hand = contract(shop, "2", "2027-02-01", is_auto_reserved=False)
    shop.move(arrival(shop, "2"), "approve")
    assert (held(by_hand), available(shop)) == (0, 2)


def test_goods_that_are_not_good_are_held_for_nobody(shop: Any) -> None:
    waiting = contract(shop, "2", "2027-02-01")
    shop.move(arrival(shop, "2", status="defect"), "approve")
    assert held(waiting) == 0


def test_an_arrival_taken_back_is_given_up_by_the_latest_first(shop: Any) -> None:
    early, late = contract(shop, "3", "2027-02-01"), contract(shop, "2", "2027-03-01")
    shop.move(arrival(shop, "3"), "approve")
    second = shop.move(arrival(shop, "2"), "approve")
    assert (held(early), held(late)) == (3, 2)
    shop.move(second, "unapprove")
    assert (held(early), held(late), available(shop)) == (3, 0, 0)
    shop.move(second, "approve")
    assert (held(early), held(late)) == (3, 2)
    shop.prove()


def test_what_is_noticed_for_shipping_is_not_given_up(shop: Any) -> None:
    waiting = contract(shop, "2", "2027-02-01", dispatch_gate="0")
    came = shop.move(arrival(shop, "2"), "approve")
    notice = shop.push(waiting, "stock.dispatch_notice")
    shop.move(notice, "approve")
    assert refusal(move, "stock.purchase_in", shop.ctx, came.pk, "unapprove") == [("qty", 1)]
    shop.move(notice, "unapprove")
    shop.move(came, "unapprove")
    assert held(waiting) == 0
    shop.prove()


def test_statements_do_not_grow_with_the_contracts_served(shop: Any) -> None:
    shop.move(arrival(shop, "1"), "approve")
    counts = []
    for many in (2, 7):
        for day in range(many):
            contract(shop, "1", f"2027-02-0{day + 1}")
        came = arrival(shop, str(many))
        with Statements() as counted:
            shop.move(came, "approve")
        counts.append(counted.count)
    assert counts[0] == counts[1]
