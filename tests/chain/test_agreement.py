"""What two enterprises agreed stays what both books hold (flows.md F5, invariants 1 to 3), whatever either side does after."""

from decimal import Decimal

import pytest

from tests.chain.test_business import agreed, brand, dealer, place, quote, settle, shipped  # noqa: F401
from yunlian.documents.purchasing.order.model import PurchaseOrder, PurchaseOrderLine
from yunlian.documents.sales.contract.model import SalesContract
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.kernel.document import Refused
from yunlian.masters.models import Product, Unit

ORDER, INTENTION, CONTRACT = "purchase.order", "sales.intention", "sales.contract"


def boxed(house, code, factor):
    """Let a house trade a product in boxes of so many pieces."""
    with house.enter():
        has_box = Unit.objects.filter(code="BOX").exists()
        product = Product.objects.get(code=code)
    if not has_box:
        house.save("masters.unit", {"code": "BOX", "name": "箱"})
    body = house.see("masters.product", product.id)
    lines = [line | {"factor": factor} for line in body["lines"]] or [{"unit": "BOX", "factor": factor}]
    house.save("masters.product", body | {"lines": lines}, product.id)


def boxes(brand, dealer, ours="10", theirs="10"):  # noqa: F811
    boxed(brand, "P2", ours)
    boxed(dealer, "D-P2", theirs)
    settle(brand, dealer)


def in_units(*lines):
    return [
        {"product": code, "unit": unit, "qty": qty, "price": price, "due_date": "2026-12-20"}
        for code, unit, qty, price in lines
    ]


def refusals(act, *args, **given):
    with pytest.raises(Refused) as refused:
        act(*args, **given)
    return [(problem.field, problem.line, problem.code) for problem in refused.value.problems]


def edited(house, code, id_, **changes):
    """Save a document again with changes to its first line."""
    body = house.see(code, id_)
    body["lines"][0] |= changes
    return house.save(code, body, id_)


def agree(brand, dealer, order):  # noqa: F811
    """Both sides agree on an order at the price the dealer expects."""
    settle(brand, dealer)
    with brand.enter():
        intention = SalesIntention.objects.get(customer_order=order["number"])
    prices = [line["price"] for line in brand.see(INTENTION, intention.id)["lines"]]
    quote(brand, intention, *prices)
    settle(brand, dealer)
    dealer.move(ORDER, order["id"], "agree")
    settle(brand, dealer)


class TestQuotation:
    @pytest.mark.parametrize("change", [{"product": "P1", "unit": "PCS"}, {"unit": "PCS", "qty": "20"}])
    def test_keeps_the_product_and_the_unit_that_were_ordered(self, brand, dealer, change):  # noqa: F811
        boxes(brand, dealer)
        place(dealer, lines=in_units(("D-P2", "BOX", "2", "4200")))
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        brand.move(INTENTION, intention.id, "accept")
        named = "product" if "product" in change else "unit"
        found = refusals(edited, brand, INTENTION, intention.id, **change)
        assert (named, 1, "ordered") in found
        line = brand.see(INTENTION, intention.id)["lines"][0]
        assert (line["product"]["code"], line["unit"]["code"], line["qty"]) == ("P2", "BOX", "2")

    def test_may_change_quantity_price_and_date(self, brand, dealer):  # noqa: F811
        boxes(brand, dealer)
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "4200")))
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        brand.move(INTENTION, intention.id, "accept")
        edited(brand, INTENTION, intention.id, qty="3", price="4100", due_date="2026-12-15")
        brand.move(INTENTION, intention.id, "quote")
        settle(brand, dealer)
        line = dealer.move(ORDER, order["id"], "agree")["lines"][0]
        settle(brand, dealer)
        assert (line["qty"], line["price"], line["due_date"]) == ("3", "4100.00", "2026-12-15")
        assert brand.one(SalesContract).total == Decimal("12300.00")

    def test_of_an_intention_of_our_own_may_become_another_product(self, brand, dealer):  # noqa: F811
        customer = brand.save("masters.partner", {"code": "C9", "name": "散客", "is_customer": True})
        made = brand.save(
            INTENTION, {"customer": customer["id"], "lines": [{"product": "P1", "qty": "1", "price": "10"}]}
        )
        changed = edited(brand, INTENTION, made["id"], product="P2")
        assert changed["lines"][0]["product"]["code"] == "P2"

    @pytest.mark.parametrize("changed", ["product", "unit", "factor"])
    def test_of_something_else_than_was_ordered_is_not_taken(self, brand, dealer, changed):  # noqa: F811
        """Whatever the supplier's program lets through: the dealer compares."""
        boxes(brand, dealer)
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "4200")))
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        brand.move(INTENTION, intention.id, "accept")
        settle(brand, dealer)
        with dealer.enter():
            line = PurchaseOrderLine.objects.get()
            if changed == "product":
                PurchaseOrderLine.objects.update(product_id=Product.objects.get(code="D-P1").id)
            elif changed == "unit":
                PurchaseOrderLine.objects.update(unit_id=Unit.objects.get(code="PCS").id)
        if changed == "factor":
            boxed(brand, "P2", "12")
            edited(brand, INTENTION, intention.id)
        brand.move(INTENTION, intention.id, "quote")
        settle(brand, dealer)
        assert brand.outcome("order.quoted") == (
            "rejected", ["factor" if changed == "factor" else "ordered"],
        )  # fmt: skip
        seen = dealer.see(ORDER, order["id"])
        assert (seen["collab"], seen["lines"][0]["quoted_price"]) == ("accepted", None)
        intention = brand.one(SalesIntention)
        assert intention.collab == "quoting"
        assert intention.reason
        with dealer.enter():
            PurchaseOrderLine.objects.update(product_id=line.product_id, unit_id=line.unit_id)
        boxed(brand, "P2", "10")
        edited(brand, INTENTION, intention.id)
        brand.move(INTENTION, intention.id, "quote")
        settle(brand, dealer)
        assert dealer.see(ORDER, order["id"])["collab"] == "quoted"

    def test_cannot_come_of_an_order_whose_unit_holds_another_number_here(self, brand, dealer):  # noqa: F811
        boxes(brand, dealer, ours="5", theirs="6")
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "4200")))
        settle(brand, dealer)
        assert dealer.outcome("order.placed") == ("rejected", ["factor"])
        seen = dealer.see(ORDER, order["id"])
        assert seen["collab"] == "refused"
        assert "箱" in seen["reason"]
        with brand.enter():
            assert not SalesIntention.objects.exists()
        boxed(brand, "P2", "6")
        dealer.move(ORDER, order["id"], "send")
        settle(brand, dealer)
        assert dealer.outcome("order.placed") == ("applied", [])


class TestAgreement:
    def test_stands_though_the_contract_cannot_be_made(self, brand, dealer):  # noqa: F811
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        bed = brand.one(Product, code="P1")
        body = brand.see("masters.product", bed.id)
        brand.save("masters.product", body | {"status": "stopped"}, bed.id)
        dealer.move(ORDER, order["id"], "agree")
        settle(brand, dealer)
        assert dealer.outcome("order.agreed") == ("applied", [])
        intention = brand.one(SalesIntention)
        assert (intention.collab, intention.state) == ("agreed", "approved")
        assert "P1" in brand.see(INTENTION, intention.id)["reason"]
        with brand.enter():
            assert not SalesContract.objects.exists()
        brand.save(
            "masters.product", brand.see("masters.product", bed.id) | {"status": body["status"]}, bed.id
        )
        contract = brand.push(INTENTION, intention.id, CONTRACT)
        brand.move(CONTRACT, contract["id"], "approve")
        assert contract["total"] == dealer.see(ORDER, order["id"])["amount"] == "4790.00"

    @pytest.mark.parametrize("answer", ["agree", "disagree"])
    def test_that_was_not_taken_leaves_the_quotation_to_be_answered_again(self, brand, dealer, answer):  # noqa: F811
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        with brand.enter():
            SalesIntention.objects.update(collab="quoting")  # as after a restore
        dealer.move(ORDER, order["id"], answer, **({} if answer == "agree" else {"reason": "贵"}))
        settle(brand, dealer)
        seen = dealer.see(ORDER, order["id"])
        assert (seen["collab"], seen["quoted_amount"]) == ("quoted", "4790.00")
        assert seen["reason"]
        with brand.enter():
            SalesIntention.objects.update(collab="quoted")
        dealer.move(ORDER, order["id"], "agree")
        settle(brand, dealer)
        assert dealer.see(ORDER, order["id"])["amount"] == "4790.00"
        assert brand.one(SalesContract).total == Decimal("4790.00")
        with dealer.enter():
            assert PurchaseOrder.objects.get().collab == "agreed"
