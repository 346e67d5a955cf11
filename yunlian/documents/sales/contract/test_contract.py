"""Sales contract: the suite every document inherits, then its amounts, reservations and money."""

import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from yunlian.kernel.document import Refused
from yunlian.kernel.save import save
from yunlian.kernel.scope import tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, context, guarded, make, refusal

D = Decimal


class TestSalesContract(FlowSuite):
    code = "sales.contract"


def test_c_1_comes_to_the_cent_of_the_example(shop: Any) -> None:
    contract = shop.contract_c1()
    assert [line.gross for line in contract.lines] == [D("6800.00"), D("1800.00")]
    assert [line.share for line in contract.lines] == [D("79.07"), D("20.93")]
    assert [line.net for line in contract.lines] == [D("6720.93"), D("1779.07")]
    assert contract.header.total == D("8500.00")


def test_fees_raise_the_total_and_tax_is_contained(shop: Any) -> None:
    lines = [{"product": "P1", "qty": "1", "price": "6800.00", "tax_rate": "0.13"}]
    contract = shop.save("sales.contract", customer="LI", fee_amount="120.00", lines=lines)
    assert (contract.header.net_amount, contract.header.tax_amount) == (D("6800.00"), D("782.30"))
    assert contract.header.total == D("6920.00")


def test_more_discount_than_goods_is_refused(shop: Any) -> None:
    assert refusal(shop.contract_c1, discount_amount="8600.01") == [("discount_amount", None)]


def test_prices_and_the_warehouse_are_completed(shop: Any) -> None:
    contract = shop.save("sales.contract", customer="LI", lines=[{"product": "P2", "qty": "2"}])
    assert (contract.lines[0].price, contract.header.warehouse_id) == (D("900"), shop.warehouse)


def test_approval_charges_the_customer_and_reserves_what_is_available(shop: Any) -> None:
    shop.receive(shop.p2, "1", "400.00")
    contract = shop.move(shop.contract_c1(), "approve")
    assert shop.owed(contract) == (D("8500.00"), 0, 0, D("8500.00"))
    assert shop.stock(shop.p2) == (1, 1, 0, 0, 0, 0)
    assert shop.stock(shop.p1) == (0, 0, 0, 0, 0, 0)
    shop.prove()


def test_what_comes_in_later_can_be_reserved(shop: Any) -> None:
    shop.receive(shop.p2, "1", "400.00")
    contract = shop.move(shop.contract_c1(), "approve")
    shop.receive(shop.p2, "5", "420.00")
    shop.move(contract, "reserve")
    assert shop.stock(shop.p2) == (6, 2, 0, 0, 0, 4)
    shop.move(contract, "unapprove")
    assert shop.stock(shop.p2) == (6, 0, 0, 0, 0, 6)
    shop.prove()


def test_two_lines_of_one_product_share_what_there_is_in_their_order(shop: Any) -> None:
    shop.receive(shop.p2, "3", "400.00")
    lines = [{"product": "P2", "qty": "2", "price": "900"}, {"product": "P2", "qty": "2", "price": "900"}]
    shop.move(shop.save("sales.contract", customer="LI", lines=lines), "approve")
    assert shop.stock(shop.p2) == (3, 3, 0, 0, 0, 0)


def test_without_the_wish_nothing_is_reserved(shop: Any) -> None:
    shop.receive(shop.p2, "3", "400.00")
    shop.move(shop.contract_c1(is_auto_reserved=False), "approve")
    assert shop.stock(shop.p2) == (3, 0, 0, 0, 0, 3)


def test_closing_frees_what_is_reserved_and_reopening_takes_it_again(shop: Any) -> None:
    shop.receive(shop.p2, "2", "400.00")
    contract = shop.move(shop.contract_c1(), "approve")
    assert shop.stock(shop.p2)[1] == 2
    shop.move(contract, "close")
    assert shop.stock(shop.p2) == (2, 0, 0, 0, 0, 2)
    shop.move(contract, "reopen")
    assert shop.stock(shop.p2) == (2, 2, 0, 0, 0, 0)
    shop.prove()


def _intention(shop: Any, **more: Any) -> Any:
    lines = [{"product": "P1", "qty": "1", "price": "6800"}, {"product": "P2", "qty": "2", "price": "900"}]
    return shop.save("sales.intention", **({"customer": "LI", "lines": lines} | more))


def test_earnest_money_for_the_intention_is_applied_first(shop: Any) -> None:
    intention = shop.move(_intention(shop), "approve")
    body = {"customer": "LI", "account": "BANK", "purpose": "earnest"}
    earnest = [{"amount": "500.00", "sources": [{"line": str(intention.pk), "code": "sales.intention"}]}]
    shop.move(shop.save("finance.receipt", **body, lines=earnest), "approve")
    assert (shop.free(), shop.cash()) == (D("500.00"), D("500.00"))
    contract = shop.push(intention, "sales.contract", discount_amount="100.00")
    contract = shop.move(contract, "approve")
    assert shop.free() == 0
    assert shop.owed(contract) == (D("8500.00"), 0, D("500.00"), D("8000.00"))
    header = shop.again(contract).header
    assert (header.funds_amount, header.collect_amount) == (D("500.00"), D("8000.00"))
    assert (header.receipt, header.receipt_rate) == ("partial", D("0.0588"))
    shop.prove()
    taken = shop.move(contract, "unapprove").header
    assert (shop.free(), taken.funds_amount, taken.collect_amount) == (D("500.00"), 0, D("8500.00"))
    shop.prove()


def test_never_contracts_more_than_the_intention(shop: Any) -> None:
    intention = shop.move(_intention(shop), "approve")
    first = shop.push(intention, "sales.contract", qty={2: "1"})
    assert first.lines[0].qty == 1
    body = {"customer": "LI"}
    line = {"product": "P2", "qty": "2", "price": "900"}
    source = [{"line": str(intention.lines[1].id)}]
    assert refusal(save, "sales.contract", shop.ctx, body | {"lines": [line | {"sources": source}]}) == [
        ("base_qty", 1)
    ]
    other = line | {"product": "P1", "qty": "1", "sources": source}
    assert refusal(save, "sales.contract", shop.ctx, body | {"lines": [other]}) == [("product", 1)]


def _agreed(shop: Any) -> Any:
    lines = [
        {"product": "P1", "qty": "1", "price": "3950", "due_date": shop.day(9)},
        {"product": "P2", "qty": "2", "price": "420", "due_date": shop.day(9)},
    ]
    intention = shop.save("sales.intention", customer="LI", lines=lines)
    for step in ("partner_place", "accept", "quote", "partner_agree"):
        intention = shop.move(intention, step)
    return intention


def test_a_contract_of_an_order_from_the_chain_keeps_what_was_agreed(shop: Any) -> None:
    contract = shop.push(_agreed(shop), "sales.contract")
    assert contract.header.total == D("4790.00")
    shop.move(contract, "approve")
    assert shop.owed(contract) == (D("4790.00"), 0, 0, D("4790.00"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"discount_amount": "10.00"}, [("price", 1), ("price", 2)]),
        ({"fee_amount": "10.00"}, [("fee_amount", None)]),
    ],
)
def test_a_discount_or_fee_nobody_agreed_to_is_refused(shop: Any, change: Any, named: Any) -> None:
    contract = shop.push(_agreed(shop), "sales.contract", **change)
    assert refusal(move, "sales.contract", shop.ctx, contract.pk, "approve") == named


def test_a_fee_may_be_charged_on_an_intention_of_our_own(shop: Any) -> None:
    lines = [{"product": "P1", "qty": "1", "price": "3950"}]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=lines), "approve")
    contract = shop.push(intention, "sales.contract", fee_amount="10.00")
    assert shop.move(contract, "approve").header.total == D("3960.00")


def test_less_than_was_agreed_is_refused(shop: Any) -> None:
    contract = shop.push(_agreed(shop), "sales.contract", qty={1: "1", 2: "1"})
    assert refusal(move, "sales.contract", shop.ctx, contract.pk, "submit") == [("qty", 2), ("price", 2)]


def test_a_customer_on_account_stays_within_the_limit(shop: Any) -> None:
    make(
        "masters.partner",
        shop.ctx,
        code="ON",
        is_customer=True,
        settlement="account",
        credit_limit="10000.00",
    )
    shop.move(shop.contract_c1(customer="ON"), "approve")
    second = shop.contract_c1(customer="ON")
    told = guarded("sales.price", shop.move, second, "approve")
    assert re.search(r"8500\.00.*1500\.00", told)
    assert shop.again(second).header.state == "created"


def _approve_at_once(shop: Any, enterprise: int, contracts: list[Any]) -> list[str]:
    """Approve contracts from two connections at the same moment; returns how each ended."""
    start, outcomes = threading.Barrier(len(contracts)), []

    def approve(id_: Any) -> None:
        try:
            start.wait(10)
            with tenant(enterprise):
                move("sales.contract", shop.ctx, id_, "approve")
            outcomes.append("approved")
        except Refused as refused:
            outcomes.append(refused.problems[0].code)
        finally:
            connection.close()

    people = [threading.Thread(target=approve, args=(contract.pk,)) for contract in contracts]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    return sorted(outcomes)


@pytest.mark.django_db(transaction=True)
def test_two_contracts_at_once_reserve_the_last_piece_once(enterprise: int, shop_of: Any) -> None:
    with tenant(enterprise):
        shop = shop_of(context(enterprise, make("org.employee", context(enterprise)).pk))
        shop.receive(shop.p2, "1", "400.00")
        shop.move(shop.contract_c1(is_auto_reserved=False), "approve")
        contracts = [shop.contract_c1() for _n in range(2)]
    assert _approve_at_once(shop, enterprise, contracts) == ["approved", "approved"]
    with tenant(enterprise):
        assert shop.stock(shop.p2) == (1, 1, 0, 0, 0, 0)
        shop.prove()


@pytest.mark.django_db(transaction=True)
def test_two_contracts_at_once_do_not_pass_the_limit_together(enterprise: int, shop_of: Any) -> None:
    with tenant(enterprise):
        shop = shop_of(context(enterprise, make("org.employee", context(enterprise)).pk))
        limit = {"settlement": "account", "credit_limit": "20000.00"}
        make("masters.partner", shop.ctx, code="ON", is_customer=True, **limit)
        shop.move(shop.contract_c1(customer="ON"), "approve")
        contracts = [shop.contract_c1(customer="ON") for _n in range(2)]
    assert _approve_at_once(shop, enterprise, contracts) == ["approved", "credit"]
    with tenant(enterprise):
        shop.prove()
