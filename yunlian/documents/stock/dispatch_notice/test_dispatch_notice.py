"""Dispatch notice: the suite every document inherits, then its gates and promises (flows.md F6)."""

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
from yunlian.kernel.testing import FlowSuite, context, guarded, make, refusal, savepoint

D = Decimal


class TestDispatchNotice(FlowSuite):
    code = "stock.dispatch_notice"


def contract(shop: Any, p1: str = "1", p2: str = "3", paid: str | None = "all", **more: Any) -> Any:
    lines = [{"product": "P1", "qty": p1, "price": "6800"}, {"product": "P2", "qty": p2, "price": "900"}]
    made = shop.move(shop.save("sales.contract", customer="LI", lines=lines, **more), "approve")
    if paid is not None:
        shop.pay(made, str(made.header.total) if paid == "all" else paid)
    return made


def stocked(shop: Any) -> None:
    shop.receive(shop.p1, "1", "3950.00")
    shop.receive(shop.p2, "3", "413.33")


def test_a_reservation_becomes_pending_out(shop: Any) -> None:
    stocked(shop)
    made = contract(shop)
    assert shop.stock(shop.p2) == (3, 3, 0, 0, 0, 0)
    notice = shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    assert shop.stock(shop.p2) == (3, 0, 3, 0, 0, 0)
    shop.move(notice, "unapprove")
    assert shop.stock(shop.p2) == (3, 3, 0, 0, 0, 0)
    shop.prove()


def test_what_is_not_reserved_comes_from_what_is_available(shop: Any) -> None:
    shop.receive(shop.p1, "1", "3950.00")
    shop.receive(shop.p2, "1", "400.00")
    made = contract(shop)
    shop.receive(shop.p2, "4", "420.00")
    assert shop.stock(shop.p2) == (5, 1, 0, 0, 0, 4)
    shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    assert shop.stock(shop.p2) == (5, 0, 3, 0, 0, 2)


def test_more_than_available_and_own_reservation_is_refused_with_numbers(shop: Any) -> None:
    stocked(shop)
    contract(shop)
    second = contract(shop, p1="1", p2="1")
    notice = shop.push(second, "stock.dispatch_notice", qty={2: "1"})
    with pytest.raises(Refused, match=r"P2.*0.*1"), savepoint():
        shop.move(notice, "approve")
    assert shop.stock(shop.p2) == (3, 3, 0, 0, 0, 0)


def test_a_reservation_elsewhere_is_freed_where_it_was_made(shop: Any) -> None:
    stocked(shop)
    made = contract(shop)
    other = make("masters.warehouse", shop.ctx, code="W2", may_be_negative=True).pk
    notice = shop.push(made, "stock.dispatch_notice", qty={2: "3"}, warehouse="W2")
    shop.move(notice, "approve")
    assert shop.stock(shop.p2) == (3, 0, 0, 0, 0, 3)
    shop.warehouse = other
    assert shop.stock(shop.p2) == (0, 0, 3, 0, 0, -3)


def test_goods_are_paid_before_they_leave(shop: Any) -> None:
    stocked(shop)
    made = contract(shop, paid="2699.99")
    notice = shop.push(made, "stock.dispatch_notice", qty={2: "3"})
    told = guarded("sales.price", shop.move, notice, "approve")
    assert re.search(r"2699\.99.*2700\.00", told)
    shop.pay(made, "0.01")
    shop.move(notice, "approve")
    rest = shop.push(made, "stock.dispatch_notice")
    assert re.search(r"2700\.00.*9500\.00", guarded("sales.price", shop.move, rest, "approve"))


def test_the_contract_may_ask_for_a_part_only(shop: Any) -> None:
    stocked(shop)
    made = contract(shop, paid="2850.00", dispatch_gate="0.3")
    shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    assert shop.stock(shop.p1) == (1, 0, 1, 0, 0, 0)


def test_a_customer_on_account_needs_credit_only(shop: Any) -> None:
    stocked(shop)
    on_account = {"is_customer": True, "settlement": "account"}
    make("masters.partner", shop.ctx, code="ON", credit_limit="9500.00", **on_account)
    lines = [{"product": "P1", "qty": "1", "price": "6800"}, {"product": "P2", "qty": "3", "price": "900"}]
    made = shop.move(shop.save("sales.contract", customer="ON", lines=lines), "approve")
    shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    assert shop.stock(shop.p2) == (3, 0, 3, 0, 0, 0)


def test_goods_are_sent_for_a_contract_only(shop: Any) -> None:
    stocked(shop)
    lines = [{"product": "P2", "qty": "1"}]
    notice = shop.save("stock.dispatch_notice", customer="LI", warehouse="W1", lines=lines)
    assert refusal(move, "stock.dispatch_notice", shop.ctx, notice.pk, "submit") == [("sources", 1)]


def test_another_product_than_the_contracts_is_refused(shop: Any) -> None:
    made = contract(shop)
    source = [{"line": str(made.lines[1].id)}]
    lines = [{"product": "P1", "qty": "1", "sources": source}]
    body = {"customer": "LI", "warehouse": "W1", "lines": lines}
    assert refusal(save, "stock.dispatch_notice", shop.ctx, body) == [("product", 1)]


def test_closing_frees_pending_out_and_the_contract_is_open_again(shop: Any) -> None:
    stocked(shop)
    made = contract(shop)
    notice = shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    shop.move(shop.push(notice, "stock.sales_out", qty={1: "1", 2: "2"}), "approve")
    assert shop.stock(shop.p2) == (1, 0, 1, 0, 0, 0)
    assert [line.out_qty for line in shop.again(notice).lines] == [1, 2]
    notice = shop.move(notice, "close")
    assert shop.stock(shop.p2) == (1, 0, 0, 0, 0, 1)
    assert [line.linked_noticed_qty for line in shop.again(made).lines] == [1, 2]
    shop.prove()
    assert shop.move(notice, "reopen").header.close == "open"
    assert shop.stock(shop.p2) == (1, 0, 1, 0, 0, 0)
    shop.prove()
    shop.move(notice, "close")
    again = shop.push(made, "stock.dispatch_notice")
    assert [(line.product_id, line.qty) for line in again.lines] == [(shop.p2, 1)]
    assert refusal(move, "stock.dispatch_notice", shop.ctx, notice.pk, "reopen") == [("sources", 2)]


def test_a_contract_stays_in_force_while_a_closed_notice_could_be_reopened(shop: Any) -> None:
    """F0: un-audit needs that no active document is made from it, and a closed one is active."""
    stocked(shop)
    made = contract(shop, paid=None, dispatch_gate="0")
    notice = shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    notice = shop.move(notice, "close")
    assert [line.linked_noticed_qty for line in shop.again(made).lines] == [0, 0]
    with pytest.raises(Refused) as refused, savepoint():
        shop.move(made, "unapprove")
    assert [problem.code for problem in refused.value.problems] == ["followed"]
    for step in ("reopen", "unapprove", "void"):
        shop.move(notice, step)
    assert shop.move(made, "unapprove").header.state == "rereview"
    shop.prove()


def test_a_notice_is_not_reopened_for_a_contract_that_was_closed(shop: Any) -> None:
    stocked(shop)
    made = contract(shop, paid=None, dispatch_gate="0")
    notice = shop.move(shop.push(made, "stock.dispatch_notice"), "approve")
    notice = shop.move(notice, "close")
    shop.move(made, "close")
    problems = refusal(move, "stock.dispatch_notice", shop.ctx, notice.pk, "reopen")
    assert problems == [("sources", 1), ("sources", 2)]
    shop.prove()


@pytest.mark.django_db(transaction=True)
def test_of_two_notices_for_the_same_goods_exactly_one_wins(enterprise: int, shop_of: Any) -> None:
    """Two people approve at once, each for the last piece: one has it, the other learns why."""
    with tenant(enterprise):
        member = make("org.employee", context(enterprise)).pk
        shop = shop_of(context(enterprise, member))
        shop.receive(shop.p2, "1", "400.00")
        notices = []
        for _n in range(2):
            lines = [{"product": "P2", "qty": "1", "price": "900"}]
            made = shop.save("sales.contract", customer="LI", is_auto_reserved=False, lines=lines)
            made = shop.move(made, "approve")
            shop.pay(made, "900.00")
            notices.append(shop.push(made, "stock.dispatch_notice").pk)
    start, outcomes = threading.Barrier(2), []

    def approve(id_: Any) -> None:
        try:
            start.wait(10)
            with tenant(enterprise):
                move("stock.dispatch_notice", shop.ctx, id_, "approve")
            outcomes.append("approved")
        except Refused as refused:
            outcomes.append(refused.problems[0].code)
        finally:
            connection.close()

    people = [threading.Thread(target=approve, args=(id_,)) for id_ in notices]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert sorted(outcomes) == ["approved", "short"]
    with tenant(enterprise):
        assert shop.stock(shop.p2) == (1, 0, 1, 0, 0, 0)
        shop.prove()
