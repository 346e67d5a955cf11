"""Receipt: the suite every document inherits, then the customer's money (flows.md F12)."""

import re
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, context, guarded, make, refusal, savepoint
from yunlian.ledgers.models import CashEntry

D = Decimal


class TestReceipt(FlowSuite):
    code = "finance.receipt"
    overrides = {"account__kind": "bank"}


def approved(shop: Any, **more: Any) -> Any:
    return shop.move(shop.contract_c1(**more), "approve")


def test_the_money_of_c_1_step_by_step(shop: Any) -> None:
    """Earnest 500.00, contract 8,500.00, deposit 2,050.00, balance 5,950.00: open 0.00 and cash 8,500.00."""
    lines = [
        {"product": "P1", "qty": "1", "price": "6800"},
        {"product": "P2", "qty": "2", "price": "900"},
    ]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=lines), "approve")
    body = pulling.push("sales.intention", shop.ctx, intention.pk, "finance.receipt")
    body["lines"][0]["amount"] = "500.00"
    earnest = shop.save("finance.receipt", **(body | {"purpose": "earnest", "account": "BANK"}))
    assert (shop.free(), shop.cash()) == (0, 0)
    shop.move(shop.move(earnest, "submit"), "approve")
    assert (shop.free(), shop.cash()) == (D("500.00"), D("500.00"))
    contract = shop.move(shop.push(intention, "sales.contract", discount_amount="100.00"), "approve")
    assert (shop.free(), shop.owed(contract)[3]) == (0, D("8000.00"))
    shop.pay(contract, "2050.00")
    assert shop.owed(contract) == (D("8500.00"), 0, D("2550.00"), D("5950.00"))
    header = shop.again(contract).header
    assert (header.receipt, header.receipt_rate, header.applied_amount) == ("partial", D("0.3"), D("2550.00"))
    shop.pay(contract, "5950.00")
    assert shop.owed(contract) == (D("8500.00"), 0, D("8500.00"), 0)
    header = shop.again(contract).header
    assert (header.receipt, header.receipt_rate) == ("complete", 1)
    assert header.received_amount == header.collect_amount == D("8000.00")
    assert (shop.free(), shop.cash()) == (0, D("8500.00"))
    shop.prove()


def test_the_rest_stays_free(shop: Any) -> None:
    contract = approved(shop)
    body = pulling.push("sales.contract", shop.ctx, contract.pk, "finance.receipt")
    receipt = shop.save("finance.receipt", **(body | {"account": "BANK", "amount": "9000.00"}))
    shop.move(receipt, "approve")
    assert (shop.free(), shop.owed(contract)[3], shop.cash()) == (D("500.00"), 0, D("9000.00"))
    assert CashEntry.objects.filter(doc_id=receipt.pk).count() == 1
    shop.prove()


def test_a_line_takes_at_most_what_the_contract_still_owes(shop: Any) -> None:
    contract = approved(shop)
    shop.pay(contract, "8000.00")
    body = pulling.push("sales.contract", shop.ctx, contract.pk, "finance.receipt")
    assert body["lines"][0]["amount"] == "500.00"
    body["lines"][0]["amount"] = "500.01"
    assert refusal(shop.save, "finance.receipt", **body) == [("amount", 1)]


def test_lines_name_at_most_the_receipt(shop: Any) -> None:
    body = pulling.push("sales.contract", shop.ctx, approved(shop).pk, "finance.receipt")
    assert refusal(shop.save, "finance.receipt", **(body | {"amount": "8499.99"})) == [("amount", None)]


def test_another_customers_contract_cannot_be_paid(shop: Any) -> None:
    make("masters.partner", shop.ctx, code="XU", is_customer=True)
    body = pulling.push("sales.contract", shop.ctx, approved(shop).pk, "finance.receipt")
    assert refusal(shop.save, "finance.receipt", **(body | {"customer": "XU"})) == [("customer", 1)]


def test_reversing_takes_everything_back(shop: Any) -> None:
    contract = approved(shop)
    receipt = shop.pay(contract, "8500.00")
    reversed_ = shop.move(receipt, "unapprove")
    assert reversed_.header.state == "rereview"
    assert (shop.free(), shop.owed(contract)[2], shop.cash()) == (0, 0, 0)
    header = shop.again(contract).header
    assert (header.receipt, header.applied_amount, header.received_amount) == ("none", 0, 0)
    assert header.linked_received_amount == D("8500.00")
    shop.prove()


def test_earnest_money_that_is_used_cannot_be_reversed(shop: Any) -> None:
    lines = [{"product": "P2", "qty": "2", "price": "900"}]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=lines), "approve")
    line = {"amount": "500.00", "sources": [{"line": str(intention.pk), "code": "sales.intention"}]}
    receipt = shop.save("finance.receipt", customer="LI", account="BANK", lines=[line])
    shop.move(receipt, "approve")
    contract = shop.move(shop.push(intention, "sales.contract"), "approve")
    with pytest.raises(Refused, match=r"0\.00.*500\.00") as refused, savepoint():
        shop.move(receipt, "unapprove")
    assert len(refused.value.problems) == 1, "said once, though it is missing from two balances"
    shop.move(contract, "unapprove")
    shop.move(receipt, "unapprove")
    assert (shop.free(), shop.cash()) == (0, 0)
    shop.prove()


def test_the_rest_may_pay_the_oldest_due_first(shop: Any) -> None:
    late = approved(shop, due_date=shop.day(30))
    soon = approved(shop, due_date=shop.day(5))
    shop.move(shop.receipt("9000.00", is_auto_applied=True), "approve")
    assert (shop.owed(soon)[3], shop.owed(late)[3], shop.free()) == (0, D("8000.00"), 0)
    assert (shop.again(soon).header.receipt, shop.again(late).header.receipt) == ("complete", "partial")
    shop.move(shop.receipt("8500.00", is_auto_applied=True), "approve")
    assert (shop.owed(late)[3], shop.free()) == (0, D("500.00"))
    shop.prove()


def test_money_for_an_intention_goes_to_its_contract_once_there_is_one(shop: Any) -> None:
    lines = [{"product": "P2", "qty": "2", "price": "900"}]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=lines), "approve")
    contract = shop.move(shop.push(intention, "sales.contract"), "approve")
    line = {"amount": "500.00", "sources": [{"line": str(intention.pk), "code": "sales.intention"}]}
    receipt = shop.save("finance.receipt", customer="LI", account="BANK", amount="600.00", lines=[line])
    shop.move(receipt, "approve")
    assert (shop.owed(contract)[3], shop.free()) == (D("1300.00"), D("100.00"))
    header = shop.again(contract).header
    assert (header.funds_amount, header.collect_amount) == (D("500.00"), D("1300.00"))
    body = pulling.push("sales.contract", shop.ctx, contract.pk, "finance.receipt")
    assert body["lines"][0]["amount"] == "1300.00"
    shop.move(receipt, "unapprove")
    assert (shop.owed(contract)[3], shop.free()) == (D("1800.00"), 0)
    assert shop.again(contract).header.collect_amount == D("1800.00")
    shop.prove()


def test_money_applied_without_a_line_still_guards_the_contract(shop: Any) -> None:
    contract = approved(shop)
    body = pulling.push("sales.contract", shop.ctx, contract.pk, "finance.receipt")
    named = shop.save("finance.receipt", **(body | {"account": "BANK"}))
    shop.move(shop.receipt("100.00", is_auto_applied=True), "approve")
    told = guarded("sales.price", shop.move, named, "approve")
    assert re.search(r"8500\.00.*8400\.00", told)


def test_confirming_needs_an_account(shop: Any) -> None:
    receipt = shop.receipt("100.00", account=None)
    submitted = shop.move(receipt, "submit")
    assert refusal(move, "finance.receipt", shop.ctx, submitted.pk, "approve") == [("account", None)]
    assert shop.move(submitted, "return", reason="缺账户").header.state == "rereview"


def test_finance_may_name_the_account_when_confirming(shop: Any) -> None:
    submitted = shop.move(shop.receipt("100.00", account=None), "submit")
    wrong = refusal(move, "finance.receipt", shop.ctx, submitted.pk, "approve", account="NONE")
    assert wrong == [("account", None)]
    assert shop.move(submitted, "approve", account="BANK").header.account.code == "BANK"
    assert shop.cash() == D("100.00")


@pytest.mark.django_db(transaction=True)
def test_of_two_receipts_for_the_same_debt_exactly_one_is_confirmed(enterprise: int, shop_of: Any) -> None:
    with tenant(enterprise):
        member = make("org.employee", context(enterprise)).pk
        shop = shop_of(context(enterprise, member))
        contract = approved(shop)
        body = pulling.push("sales.contract", shop.ctx, contract.pk, "finance.receipt")
        body["lines"][0]["amount"] = "4250.00"
        receipts = [shop.save("finance.receipt", **(body | {"account": "BANK"})).pk for _n in range(2)]
        shop.move(shop.receipt("4250.00", is_auto_applied=True), "approve")
    start, outcomes = threading.Barrier(2), []

    def confirm(id_: Any) -> None:
        try:
            start.wait(10)
            with tenant(enterprise):
                move("finance.receipt", shop.ctx, id_, "approve")
            outcomes.append("confirmed")
        except Refused as refused:
            outcomes.append(refused.problems[0].code)
        finally:
            connection.close()

    people = [threading.Thread(target=confirm, args=(id_,)) for id_ in receipts]
    for person in people:
        person.start()
    for person in people:
        person.join(20)
    assert sorted(outcomes) == ["confirmed", "exceeds_open"]
    with tenant(enterprise):
        assert (shop.owed(contract)[3], shop.cash()) == (0, D("8500.00"))
        shop.prove()
