"""Payment: the suite every document inherits, then the supplier's money (flows.md F13)."""

from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.load import abilities
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, Statements, refusal, savepoint
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

D = Decimal


class TestPayment(FlowSuite):
    code = "finance.payment"
    overrides = {"account__kind": "bank"}


@pytest.fixture
def order(shop: Any) -> Any:
    """PO-1 of flows.md F5 as quoted: P1 1 x 3,950.00 and P2 2 x 420.00, 4,790.00 in all."""
    lines = [{"product": "P1", "qty": "1", "price": "3950"}, {"product": "P2", "qty": "2", "price": "420"}]
    made = shop.save("purchase.order", supplier="H", warehouse="W1", lines=lines)
    shop.post(CashEntry(account_id=shop.account, amount=D("10000.00")))
    return shop.move(made, "approve")


def payment(shop: Any, order: Any, amount: str) -> Any:
    body = pulling.push("purchase.order", shop.ctx, order.pk, "finance.payment")
    body["lines"][0]["amount"] = amount
    return shop.move(shop.save("finance.payment", **(body | {"account": "BANK"})), "approve")


def receive(shop: Any, order: Any, amount: str) -> None:
    """Goods worth this much come in; what is prepaid for the order pays them first, as a stock-in does."""
    worth = D(amount)
    prepaid = min(worth, shop.prepaid())
    shop.post(
        PayableEntry(partner_id=shop.supplier, order_id=order.pk, received=worth, applied=prepaid),
        SupplierFundsEntry(partner_id=shop.supplier, for_doc_id=order.pk, prepaid=-prepaid),
    )


def test_the_money_of_po_1_step_by_step(shop: Any, order: Any) -> None:
    first = payment(shop, order, "2395.00")
    assert (shop.cash(), shop.prepaid()) == (D("10000.00"), 0)
    shop.move(first, "pay")
    assert (shop.cash(), shop.prepaid(), shop.payable(order.pk)) == (D("7605.00"), D("2395.00"), 0)
    receive(shop, order, "4370.00")
    assert (shop.payable(order.pk), shop.prepaid()) == (D("1975.00"), 0)
    shop.move(payment(shop, order, "2395.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid(), shop.cash()) == (0, D("420.00"), D("5210.00"))
    receive(shop, order, "420.00")
    assert (shop.payable(order.pk), shop.prepaid()) == (0, 0)
    assert shop.again(order).header.paid_amount == D("4790.00")
    shop.prove()


def test_taking_approval_back_returns_the_money(shop: Any, order: Any) -> None:
    paid = shop.move(payment(shop, order, "2395.00"), "pay")
    header = shop.move(paid, "unapprove").header
    assert (header.state, header.paid) == ("rereview", "unpaid")
    assert (shop.cash(), shop.prepaid()) == (D("10000.00"), 0)
    assert shop.again(order).header.paid_amount == 0
    shop.prove()
    shop.move(shop.move(paid, "approve"), "pay")
    assert (shop.cash(), shop.prepaid()) == (D("7605.00"), D("2395.00"))
    shop.prove()


def test_prepaid_money_that_is_used_is_not_returned(shop: Any, order: Any) -> None:
    paid = shop.move(payment(shop, order, "2395.00"), "pay")
    receive(shop, order, "4370.00")
    assert {field for field, _line in refusal(move, "finance.payment", shop.ctx, paid.pk, "unapprove")} == {
        "amount"
    }
    assert shop.cash() == D("7605.00")


def test_never_pays_more_than_the_order(shop: Any, order: Any) -> None:
    payment(shop, order, "4000.00")
    body = pulling.push("purchase.order", shop.ctx, order.pk, "finance.payment")
    assert body["lines"][0]["amount"] == "790.00"
    body["lines"][0]["amount"] = "790.01"
    assert refusal(shop.save, "finance.payment", **body) == [("amount", 1)]


def test_an_account_pays_only_what_it_holds(shop: Any, order: Any) -> None:
    shop.post(CashEntry(account_id=shop.account, amount=D("-9000.00")))
    approved = payment(shop, order, "2395.00")
    with pytest.raises(Refused, match=r"1000\.00.*2395\.00"), savepoint():
        shop.move(approved, "pay")
    assert shop.again(approved).header.paid == "unpaid"


def test_what_no_line_names_is_prepaid_for_no_order(shop: Any, order: Any) -> None:
    body = {"supplier": "H", "account": "BANK", "amount": "300.00"}
    shop.move(shop.move(shop.save("finance.payment", **body), "approve"), "pay")
    assert (shop.prepaid(), shop.cash()) == (D("300.00"), D("9700.00"))
    shop.prove()


def test_paying_needs_approval_and_an_account(shop: Any, order: Any) -> None:
    body = {"supplier": "H", "amount": "300.00"}
    made = shop.save("finance.payment", **body)
    assert refusal(move, "finance.payment", shop.ctx, made.pk, "pay") == [("paid", None)]
    shop.move(made, "approve")
    assert refusal(move, "finance.payment", shop.ctx, made.pk, "pay") == [("account", None)]
    shop.move(made, "pay", account="BANK")
    assert shop.cash() == D("9700.00")


def test_a_closed_order_can_still_be_paid(shop: Any, order: Any) -> None:
    shop.move(order, "close")
    shop.move(payment(shop, order, "100.00"), "pay")
    assert shop.prepaid() == D("100.00")


def stock_in(shop: Any, order: Any, qty: str = "1") -> Any:
    """Receive some of P1 of the order."""
    body = pulling.pull("stock.purchase_in", shop.ctx, "purchase.order", {str(order.lines[0].id): qty})
    return shop.move(shop.save("stock.purchase_in", **body), "approve")


def payment_for(shop: Any, source: Any, code: str, amount: str) -> Any:
    body = pulling.push(code, shop.ctx, source.pk, "finance.payment")
    body["lines"][0]["amount"] = amount
    return shop.move(shop.save("finance.payment", **(body | {"account": "BANK"})), "approve")


def test_a_stock_in_is_paid_and_with_it_its_order(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    assert shop.payable(order.pk) == D("3950.00")
    shop.move(payment_for(shop, received, "stock.purchase_in", "3000.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid(), shop.cash()) == (D("950.00"), 0, D("7000.00"))
    assert shop.again(received).header.named_amount == D("3000.00")
    assert shop.again(order).header.paid_amount == D("3000.00")
    body = pulling.push("stock.purchase_in", shop.ctx, received.pk, "finance.payment")
    assert body["lines"][0]["amount"] == "950.00"
    shop.prove()


def test_goods_are_not_paid_twice_by_way_of_order_and_stock_in(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    shop.move(payment_for(shop, order, "purchase.order", "3950.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid()) == (0, 0)
    assert "finance.payment" not in pushes(shop, received)
    line = {"amount": "3950.00", "sources": [{"code": "stock.purchase_in", "line": str(received.pk)}]}
    again = shop.save("finance.payment", supplier="H", account="BANK", lines=[line])
    assert refusal(move, "finance.payment", shop.ctx, again.pk, "approve") == [("amount", 1)]
    assert shop.cash() == D("6050.00")


def test_an_order_is_not_paid_beyond_its_amount_after_its_stock_in(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    shop.move(payment_for(shop, received, "stock.purchase_in", "3950.00"), "pay")
    line = {"amount": "4790.00", "sources": [{"code": "purchase.order", "line": str(order.pk)}]}
    all_of_it = shop.save("finance.payment", supplier="H", account="BANK", lines=[line])
    assert refusal(move, "finance.payment", shop.ctx, all_of_it.pk, "approve") == [("amount", 1)]
    shop.move(all_of_it, "void")
    shop.move(payment_for(shop, order, "purchase.order", "840.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid()) == (0, D("840.00"))
    shop.prove()


def test_a_stock_in_without_an_order_is_paid(shop: Any) -> None:
    shop.post(CashEntry(account_id=shop.account, amount=D("100.00")))
    line = {"product": "P2", "qty": "2", "price": "30"}
    made = shop.save("stock.purchase_in", supplier="H", warehouse="W1", lines=[line])
    received = shop.move(made, "approve")
    shop.move(payment_for(shop, received, "stock.purchase_in", "60.00"), "pay")
    assert (shop.payable(received.pk), shop.cash()) == (0, D("40.00"))
    shop.prove()


def pushes(shop: Any, source: Any) -> list[str]:
    return abilities(shop.again(source), shop.ctx)["pushes"]


def offered(shop: Any, source: Any, code: str) -> str:
    return pulling.push(code, shop.ctx, source.pk, "finance.payment")["lines"][0]["amount"]


def test_what_was_paid_by_way_of_its_stock_in_is_paid_of_the_order(shop: Any, order: Any) -> None:
    received = shop.move(shop.save("stock.purchase_in", **whole(shop, order)), "approve")
    paid = payment_for(shop, received, "stock.purchase_in", "4790.00")
    assert shop.again(order).header.paid_amount == 0
    assert "finance.payment" not in pushes(shop, order)
    with pytest.raises(Refused), savepoint():
        offered(shop, order, "purchase.order")
    shop.move(paid, "pay")
    assert shop.again(order).header.paid_amount == D("4790.00")
    assert "finance.payment" not in pushes(shop, order) + pushes(shop, received)
    shop.move(paid, "unapprove")
    assert shop.again(order).header.paid_amount == 0
    shop.move(paid, "void")
    assert offered(shop, order, "purchase.order") == "4790.00"
    assert {"finance.payment"} <= set(pushes(shop, order)) & set(pushes(shop, received))
    shop.prove()


def whole(shop: Any, order: Any) -> dict[str, Any]:
    return pulling.push("purchase.order", shop.ctx, order.pk, "stock.purchase_in")


def test_only_what_is_paid_counts_as_paid(shop: Any, order: Any) -> None:
    approved = payment(shop, order, "2395.00")
    header = shop.again(order).header
    assert (header.paid_amount, header.named_amount) == (0, D("2395.00"))
    shop.move(approved, "pay")
    assert shop.again(order).header.paid_amount == D("2395.00")


def test_a_deposit_on_the_order_is_taken_from_what_its_stock_in_offers(shop: Any, order: Any) -> None:
    shop.move(payment(shop, order, "2395.00"), "pay")
    received = stock_in(shop, order)
    assert offered(shop, received, "stock.purchase_in") == "1555.00"
    assert offered(shop, order, "purchase.order") == "2395.00"
    shop.move(payment_for(shop, received, "stock.purchase_in", "1555.00"), "pay")
    assert "finance.payment" not in pushes(shop, received)
    assert offered(shop, order, "purchase.order") == "840.00"
    shop.move(payment(shop, order, "840.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid(), shop.cash()) == (0, D("840.00"), D("5210.00"))
    assert shop.again(order).header.paid_amount == D("4790.00")
    shop.prove()


def test_approval_is_refused_beyond_what_others_were_approved_for(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    bodies = [
        pulling.push(code, shop.ctx, source.pk, "finance.payment") | {"account": "BANK"}
        for code, source in (("purchase.order", order), ("stock.purchase_in", received))
    ]
    by_order, by_stock_in = (shop.save("finance.payment", **body) for body in bodies)
    shop.move(by_stock_in, "approve")
    with pytest.raises(Refused, match=r"4790\.00.*840\.00"), savepoint():
        shop.move(by_order, "approve")
    shop.move(by_stock_in, "unapprove")
    shop.move(by_order, "approve")
    assert refusal(move, "finance.payment", shop.ctx, by_stock_in.pk, "approve") == [("amount", 1)]
    shop.move(by_order, "pay")
    assert shop.cash() == D("5210.00")
    shop.prove()


def test_a_stock_in_of_two_orders_pays_both(shop: Any, order: Any) -> None:
    other = shop.move(
        shop.save(
            "purchase.order",
            supplier="H",
            warehouse="W1",
            lines=[{"product": "P2", "qty": "1", "price": "420"}],
        ),
        "approve",
    )
    lines = {str(line.id): "1" for line in (order.lines[0], other.lines[0])}
    body = pulling.pull("stock.purchase_in", shop.ctx, "purchase.order", lines)
    received = shop.move(shop.save("stock.purchase_in", **body), "approve")
    assert offered(shop, received, "stock.purchase_in") == "4370.00"
    shop.move(payment_for(shop, received, "stock.purchase_in", "4370.00"), "pay")
    paid = [shop.again(each).header.paid_amount for each in (order, other)]
    assert paid == [D("3950.00"), D("420.00")]
    assert offered(shop, order, "purchase.order") == "840.00"
    assert "finance.payment" not in pushes(shop, other)
    shop.prove()


def test_what_is_offered_costs_the_same_for_many_orders(shop: Any, order: Any) -> None:
    def counted() -> int:
        with Statements() as counting:
            pulling.open_lines("finance.payment", shop.ctx, "purchase.order")
        return counting.count

    stock_in(shop, order)
    one = counted()
    for _each in range(3):
        body = {"supplier": "H", "warehouse": "W1", "lines": [{"product": "P2", "qty": "1", "price": "420"}]}
        stock_in(shop, shop.move(shop.save("purchase.order", **body), "approve"))
    assert counted() == one
