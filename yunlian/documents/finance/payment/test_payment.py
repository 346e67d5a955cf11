"""Payment: the suite every document inherits, then the supplier's money (flows.md F13)."""

from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, refusal, savepoint
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
    assert shop.again(received).header.paid_amount == D("3000.00")
    body = pulling.push("stock.purchase_in", shop.ctx, received.pk, "finance.payment")
    assert body["lines"][0]["amount"] == "950.00"
    shop.prove()


def test_goods_are_not_paid_twice_by_way_of_order_and_stock_in(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    shop.move(payment_for(shop, order, "purchase.order", "3950.00"), "pay")
    assert (shop.payable(order.pk), shop.prepaid()) == (0, 0)
    again = payment_for(shop, received, "stock.purchase_in", "3950.00")
    assert refusal(move, "finance.payment", shop.ctx, again.pk, "pay") == [("amount", 1)]
    assert shop.cash() == D("6050.00")


def test_an_order_is_not_paid_beyond_its_amount_after_its_stock_in(shop: Any, order: Any) -> None:
    received = stock_in(shop, order)
    shop.move(payment_for(shop, received, "stock.purchase_in", "3950.00"), "pay")
    whole = payment_for(shop, order, "purchase.order", "4790.00")
    assert refusal(move, "finance.payment", shop.ctx, whole.pk, "pay") == [("amount", 1)]
    shop.move(whole, "unapprove")
    shop.move(whole, "void")
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
