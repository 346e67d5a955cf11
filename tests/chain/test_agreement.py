"""What two enterprises agreed stays what both books hold (flows.md F5, invariants 1 to 3), whatever either side does after."""

from decimal import Decimal

import pytest

from tests.chain.test_business import agreed, brand, dealer, place, quote, settle, shipped  # noqa: F401
from yunlian.documents.finance.payment.model import Payment
from yunlian.documents.finance.receipt.model import Receipt
from yunlian.documents.purchasing.order.model import PurchaseOrder, PurchaseOrderLine
from yunlian.documents.sales.contract.model import SalesContract
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.documents.stock.receipt_notice.model import ReceiptNotice
from yunlian.documents.stock.sales_out.model import SalesOut
from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import PayableBalance
from yunlian.masters.models import Product, Unit

ORDER, INTENTION, CONTRACT = "purchase.order", "sales.intention", "sales.contract"
DISPATCH, OUT = "stock.dispatch_notice", "stock.sales_out"
NOTICE, STOCK_IN = "stock.receipt_notice", "stock.purchase_in"
PAYMENT, RECEIPT = "finance.payment", "finance.receipt"


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


def check_books(*houses):
    for house in houses:
        with house.enter():
            assert list(verify(house.id)) == []


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


def pulled(house, code, id_, target, **taken):
    """Make a document of so much of another's lines, in base units by product code (a dash is written _), and save it."""
    wanted = {name.replace("_", "-"): qty for name, qty in taken.items()}
    lines = {
        line["id"]: wanted[line["product"]["code"]]
        for line in house.see(code, id_)["lines"]
        if line["product"]["code"] in wanted
    }
    with house.enter():
        body = pulling.pull(target, house.ctx(), code, lines)
    return house.save(target, body)


def contracted(brand):  # noqa: F811
    contract = brand.see(CONTRACT, brand.one(SalesContract).id)
    contract = brand.save(CONTRACT, contract | {"due_date": "2026-12-12"}, contract["id"])
    return brand.move(CONTRACT, contract["id"], "approve")


def ship(brand, contract, **taken):  # noqa: F811
    """Ship so much of a contract's lines, by product code, in base units."""
    notice = pulled(brand, CONTRACT, contract["id"], DISPATCH, **taken)
    brand.move(DISPATCH, notice["id"], "approve")
    out = brand.push(DISPATCH, notice["id"], OUT)
    return brand.move(OUT, out["id"], "approve")


def ship_pieces(brand, contract, qty):  # noqa: F811
    """Ship so many pieces of a contract of one line in boxes."""
    line = contract["lines"][0]
    with brand.enter():
        body = pulling.pull(DISPATCH, brand.ctx(), CONTRACT, {line["id"]: qty})
    body["lines"][0] |= {"unit": "PCS", "qty": qty}
    notice = brand.save(DISPATCH, body)
    brand.move(DISPATCH, notice["id"], "approve")
    out = brand.push(DISPATCH, notice["id"], OUT)
    return brand.move(OUT, out["id"], "approve")


def receive(dealer, notice, **taken):  # noqa: F811
    made = pulled(dealer, NOTICE, notice.id, STOCK_IN, **taken)
    return dealer.move(STOCK_IN, made["id"], "approve")


class TestContract:
    def test_of_an_agreed_order_takes_no_line_nobody_agreed_to(self, brand, dealer):  # noqa: F811
        order = agreed(brand, dealer)
        contract = brand.see(CONTRACT, brand.one(SalesContract).id)
        more = {"product": "P2", "unit": "PCS", "qty": "5", "price": "100"}
        body = contract | {"due_date": "2026-12-12", "lines": [*contract["lines"], more]}
        contract = brand.save(CONTRACT, body, contract["id"])
        assert refusals(brand.move, CONTRACT, contract["id"], "approve") == [("product", 3, "agreed")]
        contract = brand.save(CONTRACT, contract | {"lines": contract["lines"][:2]}, contract["id"])
        brand.move(CONTRACT, contract["id"], "approve")
        assert contract["total"] == order["amount"] == "4790.00"


class TestShipment:
    def test_stays_as_it_was_sent(self, brand, dealer):  # noqa: F811
        agreed(brand, dealer)
        shipped(brand)
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        assert refusals(dealer.move, NOTICE, notice.id, "unapprove") == [("state", None, "sent")]
        brand.move(OUT, brand.one(SalesOut).id, "ask_withdrawal", reason="发错")
        settle(brand, dealer)
        dealer.move(NOTICE, notice.id, "unapprove")
        with dealer.enter():
            ReceiptNotice.objects.update(withdrawal="none")  # as one un-approved before this was refused
        assert refusals(dealer.move, NOTICE, notice.id, "void") == [("state", None, "sent")]
        assert refusals(edited, dealer, NOTICE, notice.id, note="少到") == [("state", None, "sent")]
        dealer.move(NOTICE, notice.id, "approve")
        assert dealer.see(NOTICE, notice.id)["lines"][0]["qty"] == "1"

    def test_asked_back_is_not_declined_while_the_notice_is_not_in_force(self, brand, dealer):  # noqa: F811
        agreed(brand, dealer)
        out = shipped(brand)
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        brand.move(OUT, out["id"], "ask_withdrawal", reason="发错")
        settle(brand, dealer)
        dealer.move(NOTICE, notice.id, "unapprove")
        assert refusals(edited, dealer, NOTICE, notice.id, note="少到") == [("state", None, "sent")]
        given = {"reason": "已安排卸货"}
        assert refusals(dealer.move, NOTICE, notice.id, "decline_withdrawal", **given) == [
            ("state", None, "sent")
        ]
        dealer.move(NOTICE, notice.id, "approve")
        dealer.move(NOTICE, notice.id, "decline_withdrawal", **given)
        settle(brand, dealer)
        assert brand.one(SalesOut).withdrawal == "declined"

    def test_noticed_by_hand_is_ours_to_change(self, brand, dealer):  # noqa: F811
        supplier = dealer.save("masters.partner", {"code": "S9", "name": "五金店", "is_supplier": True})
        lines = [{"product": "D-P1", "qty": "2", "price": "10"}]
        order = dealer.save(ORDER, {"supplier": supplier["id"], "warehouse": "W1", "lines": lines})
        dealer.move(ORDER, order["id"], "approve")
        notice = dealer.push(ORDER, order["id"], NOTICE)
        dealer.move(NOTICE, notice["id"], "approve")
        dealer.move(NOTICE, notice["id"], "unapprove")
        edited(dealer, NOTICE, notice["id"], qty="1")
        assert dealer.move(NOTICE, notice["id"], "void")["state"] == "voided"

    def test_found_after_it_was_called_short_is_received(self, brand, dealer):  # noqa: F811
        agreed(brand, dealer)
        shipped(brand)
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        receive(dealer, notice, D_P1="1")
        dealer.move(NOTICE, notice.id, "close")
        settle(brand, dealer)
        out = brand.one(SalesOut)
        assert [line["short_qty"] for line in brand.see(OUT, out.id)["lines"]] == ["0", "2"]
        dealer.move(NOTICE, notice.id, "reopen")
        settle(brand, dealer)
        out = brand.one(SalesOut)
        assert out.signed == "partly"
        assert [line["short_qty"] for line in brand.see(OUT, out.id)["lines"]] == ["0", "0"]
        receive(dealer, notice, D_P2="2")
        settle(brand, dealer)
        assert dealer.outcome("shipment.received") == ("applied", [])
        lines = brand.see(OUT, out.id)["lines"]
        assert [(line["received_qty"], line["short_qty"]) for line in lines] == [("1", "0"), ("2", "0")]
        assert brand.one(SalesOut).signed == "signed"

    def test_report_that_was_not_taken_shows_on_the_notice(self, brand, dealer):  # noqa: F811
        agreed(brand, dealer)
        shipped(brand)
        settle(brand, dealer)
        with brand.enter():
            SalesOut.objects.update(signed="signed")  # as after a restore
        notice = dealer.one(ReceiptNotice)
        receive(dealer, notice, D_P1="1", D_P2="2")
        settle(brand, dealer)
        assert dealer.outcome("shipment.received")[0] == "rejected"
        seen = dealer.see(NOTICE, notice.id)
        assert seen["state"] == "approved"
        assert seen["reason"]


class TestRest:
    def test_of_an_order_may_be_closed_once_the_supplier_closed_theirs(self, brand, dealer):  # noqa: F811
        order = agreed(brand, dealer)
        contract = contracted(brand)
        ship(brand, contract, P1="1", P2="1")
        settle(brand, dealer)
        receive(dealer, dealer.one(ReceiptNotice), D_P1="1", D_P2="1")
        settle(brand, dealer)
        assert refusals(dealer.move, ORDER, order["id"], "close") == [("collab", None, "consent")]
        brand.move(CONTRACT, contract["id"], "close")
        settle(brand, dealer)
        assert dealer.see(ORDER, order["id"])["theirs_state"] == "sales.contract.closed"
        assert refusals(dealer.move, ORDER, order["id"], "unapprove") == [("collab", None, "consent")]
        assert dealer.move(ORDER, order["id"], "close")["close"] == "manual"

    def test_is_open_again_with_the_suppliers_contract(self, brand, dealer):  # noqa: F811
        order = agreed(brand, dealer)
        contract = contracted(brand)
        brand.move(CONTRACT, contract["id"], "close")
        settle(brand, dealer)
        brand.move(CONTRACT, contract["id"], "reopen")
        settle(brand, dealer)
        assert refusals(dealer.move, ORDER, order["id"], "close") == [("collab", None, "consent")]


class TestPayment:
    def test_keeps_its_amount_and_customer_and_is_laid_by_finance(self, brand, dealer):  # noqa: F811
        order = agreed(brand, dealer)
        shipped(brand, upto=CONTRACT)
        other = brand.save("masters.partner", {"code": "C9", "name": "散客", "is_customer": True})
        paid = dealer.push(ORDER, order["id"], PAYMENT, account="B1")
        dealer.move(PAYMENT, paid["id"], "approve")
        dealer.move(PAYMENT, paid["id"], "pay")
        settle(brand, dealer)
        receipt = brand.one(Receipt)
        brand.move(RECEIPT, receipt.id, "return", reason="未到账")
        body = brand.see(RECEIPT, receipt.id)
        for change in ({"amount": "9790.00"}, {"customer": other["id"], "lines": []}):
            assert refusals(brand.save, RECEIPT, body | change, receipt.id) == [
                (next(iter(change)), None, "told")
            ]
        brand.save(RECEIPT, body | {"account": "B1", "lines": []}, receipt.id)
        brand.move(RECEIPT, receipt.id, "submit")
        brand.move(RECEIPT, receipt.id, "approve")
        assert brand.one(Receipt).amount == dealer.one(Payment).amount == Decimal("4790.00")

    def test_entered_by_hand_may_be_corrected(self, brand, dealer):  # noqa: F811
        made = brand.save("masters.partner", {"code": "C9", "name": "散客", "is_customer": True})
        receipt = brand.save(RECEIPT, {"customer": made["id"], "amount": "40", "account": "B1", "lines": []})
        receipt = brand.save(RECEIPT, receipt | {"amount": "1000"}, receipt["id"])
        assert receipt["amount"] == "1000.00"


class TestParts:
    @pytest.mark.parametrize(
        ("factor", "parts", "noticed"),
        [
            ("10", ("13", "7"), [("13", "PCS", "130.00"), ("7", "PCS", "70.00")]),
            ("10", ("10", "10"), [("1", "BOX", "100.00"), ("1", "BOX", "100.00")]),
            ("7", ("13", "1"), [("13", "PCS", "185.71"), ("1", "PCS", "14.29")]),
            (
                "7",
                ("1", "1", "1", "4", "7"),
                [
                    ("1", "PCS", "14.29"),
                    ("1", "PCS", "14.28"),
                    ("1", "PCS", "14.29"),
                    ("4", "PCS", "57.14"),
                    ("1", "BOX", "100.00"),
                ],
            ),
        ],
    )
    def test_of_a_box_cost_together_what_was_agreed(self, brand, dealer, factor, parts, noticed):  # noqa: F811
        boxes(brand, dealer, factor, factor)
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "100")))
        agree(brand, dealer, order)
        contract = contracted(brand)
        for qty in parts:
            ship_pieces(brand, contract, qty)
            settle(brand, dealer)
        with dealer.enter():
            ids = list(ReceiptNotice.objects.order_by("number").values_list("id", flat=True))
        lines = [dealer.see(NOTICE, id_)["lines"][0] for id_ in ids]
        assert [(line["qty"], line["unit"]["code"], line["amount"]) for line in lines] == noticed
        for id_ in ids:
            arrived = dealer.push(NOTICE, id_, STOCK_IN)
            dealer.move(STOCK_IN, arrived["id"], "approve")
        settle(brand, dealer)
        with dealer.enter():
            assert PayableBalance.objects.get().received == Decimal("200.00")
        with brand.enter():
            assert set(SalesOut.objects.values_list("signed", flat=True)) == {"signed"}
        check_books(brand, dealer)

    def test_of_a_box_whose_unit_was_changed_since_still_arrive(self, brand, dealer):  # noqa: F811
        boxes(brand, dealer)
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "100")))
        agree(brand, dealer, order)
        boxed(dealer, "D-P2", "12")
        ship_pieces(brand, contracted(brand), "20")
        settle(brand, dealer)
        line = dealer.see(NOTICE, dealer.one(ReceiptNotice).id)["lines"][0]
        assert (line["qty"], line["unit"]["code"], line["base_qty"], line["amount"]) == (
            "20", "PCS", "20", "200.00",
        )  # fmt: skip

    @pytest.mark.parametrize(("price", "fits"), [("10", True), ("10.1", False), ("100", False)])
    def test_of_a_box_are_received_in_pieces_at_its_price_only(self, brand, dealer, price, fits):  # noqa: F811
        boxes(brand, dealer)
        order = place(dealer, lines=in_units(("D-P2", "BOX", "2", "100")))
        agree(brand, dealer, order)
        ship_pieces(brand, contracted(brand), "20")
        settle(brand, dealer)
        notice = dealer.see(NOTICE, dealer.one(ReceiptNotice).id)
        with dealer.enter():
            body = pulling.push(NOTICE, dealer.ctx(), notice["id"], STOCK_IN)
        body["lines"][0] |= {"unit": "PCS", "qty": "3", "price": price, "status": "defect"}
        if not fits:
            assert refusals(dealer.save, STOCK_IN, body) == [("price", 1, "differs")]
            return
        dealer.move(STOCK_IN, dealer.save(STOCK_IN, body)["id"], "approve")
        settle(brand, dealer)
        line = brand.see(OUT, brand.one(SalesOut).id)["lines"][0]
        assert (line["received_qty"], line["damaged_qty"]) == ("0", "3")
