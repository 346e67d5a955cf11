"""B17: a shipment, a payment and an order the partner has are taken back with their consent only, on both sides or none.

Beside single stories, two machines walk every interleaving of what two actors may do, messages half under way included,
to a depth, each state once.
"""

from collections import Counter
from itertools import cycle, islice

import pytest
from django.db import transaction

from tests.chain.test_business import agreed, brand, dealer, settle, shipped  # noqa: F401
from yunlian.chain import timeline, worker
from yunlian.chain.models import Inbox, Outbox
from yunlian.documents.finance.payment.model import Payment
from yunlian.documents.finance.receipt.model import Receipt
from yunlian.documents.stock.purchase_in.model import PurchaseIn
from yunlian.documents.stock.receipt_notice.model import ReceiptNotice
from yunlian.documents.stock.sales_out.model import SalesOut
from yunlian.kernel.document import Missing, Refused
from yunlian.kernel.verify import verify

DEPTH = 5
OUT, NOTICE, STOCK_IN = "stock.sales_out", "stock.receipt_notice", "stock.purchase_in"
PAYMENT, RECEIPT = "finance.payment", "finance.receipt"


def sent_shipment(brand, dealer):  # noqa: F811
    """A shipment on its way, its notice approved at the dealer."""
    agreed(brand, dealer)
    out = shipped(brand)
    settle(brand, dealer)
    return brand.one(SalesOut, id=out["id"]), dealer.one(ReceiptNotice)


def sent_payment(brand, dealer):  # noqa: F811
    order = agreed(brand, dealer)
    shipped(brand, upto="sales.contract")
    paid = dealer.push("purchase.order", order["id"], PAYMENT, account="B1")
    dealer.move(PAYMENT, paid["id"], "approve")
    dealer.move(PAYMENT, paid["id"], "pay")
    settle(brand, dealer)
    return dealer.one(Payment), brand.one(Receipt)


def receive(dealer):  # noqa: F811
    made = dealer.push(NOTICE, dealer.one(ReceiptNotice, state="approved").id, STOCK_IN)
    return dealer.move(STOCK_IN, made["id"], "approve")


def check_books(*houses):
    for house in houses:
        with house.enter():
            assert list(verify(house.id)) == []


class TestShipment:
    def test_cannot_be_unapproved_while_the_customer_has_it(self, brand, dealer):  # noqa: F811
        out, _notice = sent_shipment(brand, dealer)
        with pytest.raises(Refused, match="撤回"):
            brand.move(OUT, out.id, "unapprove")
        assert brand.one(SalesOut).state == "approved"

    def test_recalled_before_anything_was_made_of_it_is_gone_on_both_sides(self, brand, dealer):  # noqa: F811
        out, notice = sent_shipment(brand, dealer)
        brand.move(OUT, out.id, "recall")
        settle(brand, dealer)
        out, notice = brand.one(SalesOut), dealer.one(ReceiptNotice)
        assert (out.state, out.withdrawal) == ("rereview", "none")
        assert (notice.state, notice.withdrawal) == ("voided", "granted")
        check_books(brand, dealer)

    def test_taken_back_can_be_sent_again_as_the_next_version(self, brand, dealer):  # noqa: F811
        out, _notice = sent_shipment(brand, dealer)
        brand.move(OUT, out.id, "recall")
        settle(brand, dealer)
        brand.move(OUT, out.id, "approve")
        settle(brand, dealer)
        with dealer.enter():
            assert Counter(ReceiptNotice.objects.values_list("state", flat=True)) == {
                "voided": 1,
                "approved": 1,
            }
        receive(dealer)
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "signed"
        check_books(brand, dealer)

    def test_recalled_too_late_stays_with_the_reason(self, brand, dealer):  # noqa: F811
        out, notice = sent_shipment(brand, dealer)
        dealer.push(NOTICE, notice.id, STOCK_IN)
        brand.move(OUT, out.id, "recall")
        settle(brand, dealer)
        out = brand.one(SalesOut)
        assert (out.state, out.withdrawal) == ("approved", "declined")
        assert out.reason
        assert dealer.one(ReceiptNotice).state == "approved"

    @pytest.mark.parametrize("answer", ["grant", "decline"])
    def test_asked_back_waits_for_a_person_there(self, brand, dealer, answer):  # noqa: F811
        out, notice = sent_shipment(brand, dealer)
        brand.move(OUT, out.id, "ask_withdrawal", reason="发错仓库")
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        assert (notice.withdrawal, notice.reason) == ("asked", "发错仓库")
        given = {"reason": "已安排卸货"} if answer == "decline" else {}
        dealer.move(NOTICE, notice.id, f"{answer}_withdrawal", **given)
        settle(brand, dealer)
        out, notice = brand.one(SalesOut), dealer.one(ReceiptNotice)
        if answer == "grant":
            assert (out.state, notice.state) == ("rereview", "voided")
        else:
            assert (out.state, out.withdrawal, out.reason) == ("approved", "declined", "已安排卸货")
            assert notice.state == "approved"
        with brand.enter():
            seen = timeline.timeline(OUT, brand.ctx(), out.id)
        acts = [(event["side"], event["act"]) for event in seen["events"]]
        word = "granted" if answer == "grant" else "declined"
        assert acts[-2:] == [("ours", "shipment.asked"), ("theirs", f"shipment.{word}")]
        assert "发错仓库" in seen["events"][-2]["detail"]
        with dealer.enter():
            theirs = timeline.timeline(NOTICE, dealer.ctx(), notice.id)
        assert [event["act"] for event in theirs["events"]][-2:] == ["shipment.asked", f"shipment.{word}"]

    def test_consent_is_refused_while_a_stock_in_hangs_on_it_and_given_once_it_is_gone(self, brand, dealer):  # noqa: F811
        out, notice = sent_shipment(brand, dealer)
        brand.move(OUT, out.id, "ask_withdrawal", reason="发错")
        settle(brand, dealer)
        arrived = receive(dealer)
        with pytest.raises(Refused) as refused:
            dealer.move(NOTICE, notice.id, "grant_withdrawal")
        assert [problem.code for problem in refused.value.problems] == ["followed"]
        settle(brand, dealer)
        dealer.move(STOCK_IN, arrived["id"], "unapprove")
        dealer.move(STOCK_IN, arrived["id"], "void")
        dealer.move(NOTICE, notice.id, "grant_withdrawal")
        settle(brand, dealer)
        assert (brand.one(SalesOut).state, brand.one(SalesOut).signed) == ("rereview", "unsigned")
        check_books(brand, dealer)

    def test_voided_there_by_hand_is_consent(self, brand, dealer):  # noqa: F811
        out, notice = sent_shipment(brand, dealer)
        brand.move(OUT, out.id, "ask_withdrawal", reason="发错")
        settle(brand, dealer)
        dealer.move(NOTICE, notice.id, "unapprove")
        dealer.move(NOTICE, notice.id, "void")
        settle(brand, dealer)
        assert brand.one(SalesOut).state == "rereview"

    def test_a_stock_in_taken_back_is_no_longer_signed_for_and_may_be_made_again(self, brand, dealer):  # noqa: F811
        sent_shipment(brand, dealer)
        arrived = receive(dealer)
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "signed"
        dealer.move(STOCK_IN, arrived["id"], "unapprove")
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "unsigned"
        dealer.move(STOCK_IN, arrived["id"], "approve")
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "signed"
        lines = brand.see(OUT, brand.one(SalesOut).id)["lines"]
        assert [line["received_qty"] for line in lines] == ["1", "2"]

    def test_that_the_customer_did_not_take_is_ours_to_unapprove(self, brand, dealer):  # noqa: F811
        agreed(brand, dealer)
        with dealer.enter():
            from yunlian.masters.models import Unit

            Unit.objects.update(code="BOX", name="箱")
        out = shipped(brand)
        settle(brand, dealer)
        seen = brand.one(SalesOut)
        assert seen.withdrawal == "none"
        assert seen.reason
        brand.move(OUT, out["id"], "unapprove")
        assert brand.one(SalesOut).state == "rereview"

    def test_without_the_chain_it_is_unapproved_as_ever(self, brand, dealer):  # noqa: F811
        customer = brand.save(
            "masters.partner", {"code": "C9", "name": "散客", "is_customer": True, "settlement": "account"}
        )
        lines = [{"product": "P1", "qty": "1", "price": "10"}]
        made = brand.save(
            "sales.contract", {"customer": customer["id"], "due_date": "2026-12-12", "lines": lines}
        )
        brand.move("sales.contract", made["id"], "approve")
        made = brand.push("sales.contract", made["id"], "stock.dispatch_notice")
        brand.move("stock.dispatch_notice", made["id"], "approve")
        made = brand.push("stock.dispatch_notice", made["id"], OUT)
        assert brand.move(OUT, made["id"], "approve")["withdrawal"] == "none"
        assert brand.move(OUT, made["id"], "unapprove")["state"] == "rereview"


class TestPayment:
    def test_recalled_before_finance_confirmed_it_is_gone_on_both_sides(self, brand, dealer):  # noqa: F811
        payment, _receipt = sent_payment(brand, dealer)
        with pytest.raises(Refused):
            dealer.move(PAYMENT, payment.id, "unapprove")
        dealer.move(PAYMENT, payment.id, "recall")
        settle(brand, dealer)
        payment, receipt = dealer.one(Payment), brand.one(Receipt)
        assert (payment.state, payment.paid, payment.withdrawal) == ("rereview", "unpaid", "none")
        assert receipt.state == "voided"
        check_books(brand, dealer)

    def test_confirmed_is_given_back_only_after_it_was_reversed(self, brand, dealer):  # noqa: F811
        payment, receipt = sent_payment(brand, dealer)
        brand.move(RECEIPT, receipt.id, "approve", account="B1")
        dealer.move(PAYMENT, payment.id, "recall")
        settle(brand, dealer)
        assert dealer.one(Payment).withdrawal == "declined"
        dealer.move(PAYMENT, payment.id, "ask_withdrawal", reason="付错账户")
        settle(brand, dealer)
        with pytest.raises(Refused) as refused:
            brand.move(RECEIPT, receipt.id, "grant_withdrawal")
        assert [problem.code for problem in refused.value.problems] == ["confirmed"]
        brand.move(RECEIPT, receipt.id, "unapprove")
        brand.move(RECEIPT, receipt.id, "grant_withdrawal")
        settle(brand, dealer)
        assert (dealer.one(Payment).state, brand.one(Receipt).state) == ("rereview", "voided")
        check_books(brand, dealer)

    def test_declined_stays_paid_with_the_reason(self, brand, dealer):  # noqa: F811
        payment, receipt = sent_payment(brand, dealer)
        dealer.move(PAYMENT, payment.id, "ask_withdrawal", reason="付错")
        settle(brand, dealer)
        brand.move(RECEIPT, receipt.id, "decline_withdrawal", reason="已入账")
        settle(brand, dealer)
        payment = dealer.one(Payment)
        assert (payment.state, payment.paid, payment.withdrawal, payment.reason) == (
            "approved", "paid", "declined", "已入账",
        )  # fmt: skip


# Every interleaving of two actors


class Walk:
    """Walks every order of acts from the present state, each state once, undoing by savepoints."""

    def __init__(self, houses, acts, look, always, at_rest):
        self.houses, self.acts, self.look = houses, acts, look
        self.always, self.at_rest = always, at_rest
        self.seen = {}
        self.judged = set()
        self.taken = Counter()

    def state(self):
        under_way = []
        for house in self.houses:
            with house.enter():
                under_way.append(sorted(Outbox.objects.filter(sent_at=None).values_list("kind", flat=True)))
                under_way.append(sorted(Inbox.objects.filter(state="new").values_list("kind", flat=True)))
        return repr((self.look(), under_way))

    def go(self, depth=DEPTH, path=()):
        if depth == 0:
            return
        for name, act in self.acts.items():
            mark = transaction.savepoint()
            try:
                act()
            except (Refused, Missing):
                transaction.savepoint_rollback(mark)
                continue
            self.taken[name] += 1
            self.always((*path, name))
            state = self.state()
            if self.seen.get(state, -1) < depth - 1:
                is_new = state not in self.seen
                self.seen[state] = depth - 1
                if is_new:
                    self.rest((*path, name))
                self.go(depth - 1, (*path, name))
            transaction.savepoint_rollback(mark)

    def rest(self, path):
        """Let everything arrive, and judge what both sides have then; a state from where that is known ends the way."""
        mark = transaction.savepoint()
        for house in self.houses:
            house.wake()
        on_the_way, quiet = set(), 0
        for house in islice(cycle(self.houses), worker.ROUNDS):
            state = self.state()
            if state in self.judged:
                break
            on_the_way.add(state)
            quiet = 0 if worker.work(house.id) else quiet + 1
            if quiet == len(self.houses):
                self.at_rest((*path, "rest"))
                break
        else:
            raise AssertionError(f"it never rests: {path}")
        self.judged |= on_the_way
        transaction.savepoint_rollback(mark)


def _standing(house, model):
    with house.enter():
        return list(model.objects.exclude(state="voided"))


@pytest.mark.slow
def test_two_actors_of_a_shipment_agree_whatever_the_order(brand, dealer):  # noqa: F811
    out, notice = sent_shipment(brand, dealer)
    out_id, notice_id = out.id, notice.id

    def unreceive():
        arrived = [row.id for row in _standing(dealer, PurchaseIn) if row.state == "approved"]
        if not arrived:
            raise Missing("nothing is received")
        dealer.move(STOCK_IN, arrived[0], "unapprove")
        dealer.move(STOCK_IN, arrived[0], "void")

    def receive_once():
        if any(row.state == "approved" for row in _standing(dealer, PurchaseIn)):
            raise Missing("everything is received")
        made = dealer.push(NOTICE, notice_id, STOCK_IN)
        dealer.move(STOCK_IN, made["id"], "approve")

    acts = {
        "brand recalls": lambda: brand.move(OUT, out_id, "recall"),
        "brand asks": lambda: brand.move(OUT, out_id, "ask_withdrawal", reason="发错"),
        "brand unapproves": lambda: brand.move(OUT, out_id, "unapprove"),
        "dealer receives": receive_once,
        "dealer takes the stock-in back": unreceive,
        "dealer consents": lambda: dealer.move(NOTICE, notice_id, "grant_withdrawal"),
        "dealer declines": lambda: dealer.move(NOTICE, notice_id, "decline_withdrawal", reason="不退"),
        "brand's messages": lambda: worker.work(brand.id),
        "dealer's messages": lambda: worker.work(dealer.id),
    }

    def look():
        out, notice = brand.one(SalesOut), dealer.one(ReceiptNotice, id=notice_id)
        stock = sorted(row.state for row in _standing(dealer, PurchaseIn))
        return out.state, out.withdrawal, out.signed, notice.state, notice.withdrawal, stock

    def always(path):
        out, notice = brand.one(SalesOut), dealer.one(ReceiptNotice, id=notice_id)
        if out.state != "approved":
            assert notice.state == "voided", path
        if notice.state == "voided":
            assert _standing(dealer, PurchaseIn) == [], path

    def at_rest(path):
        always(path)
        state, withdrawal, signed, notice, asked, stock = look()
        assert signed == ("signed" if stock == ["approved"] else "unsigned"), path
        if state == "approved":
            assert notice == "approved", path
            assert (withdrawal == "asked") == (asked == "asked"), path
            assert withdrawal in ("sent", "asked", "declined"), path
            assert withdrawal != "declined" or brand.one(SalesOut).reason, path
        else:
            assert (notice, withdrawal) == ("voided", "none"), path

    with transaction.atomic():
        walk = Walk((brand, dealer), acts, look, always, at_rest)
        walk.go()
        transaction.set_rollback(True)
    assert set(acts) - set(walk.taken) == {"brand unapproves"}, "consent alone un-approves"
    assert len(walk.seen) > 90


@pytest.mark.slow
def test_two_actors_of_a_payment_agree_whatever_the_order(brand, dealer):  # noqa: F811
    payment, receipt = sent_payment(brand, dealer)
    payment_id, receipt_id = payment.id, receipt.id
    acts = {
        "dealer recalls": lambda: dealer.move(PAYMENT, payment_id, "recall"),
        "dealer asks": lambda: dealer.move(PAYMENT, payment_id, "ask_withdrawal", reason="付错"),
        "dealer unapproves": lambda: dealer.move(PAYMENT, payment_id, "unapprove"),
        "brand confirms": lambda: brand.move(RECEIPT, receipt_id, "approve", account="B1"),
        "brand reverses": lambda: brand.move(RECEIPT, receipt_id, "unapprove"),
        "brand consents": lambda: brand.move(RECEIPT, receipt_id, "grant_withdrawal"),
        "brand declines": lambda: brand.move(RECEIPT, receipt_id, "decline_withdrawal", reason="不退"),
        "brand's messages": lambda: worker.work(brand.id),
        "dealer's messages": lambda: worker.work(dealer.id),
    }

    def look():
        payment, receipt = dealer.one(Payment), brand.one(Receipt)
        return payment.state, payment.paid, payment.withdrawal, receipt.state, receipt.withdrawal

    def always(path):
        state, paid, _withdrawal, receipt, _asked = look()
        if state != "approved" or paid != "paid":
            assert receipt == "voided", path

    def at_rest(path):
        always(path)
        state, paid, withdrawal, receipt, asked = look()
        if state == "approved":
            assert paid == "paid", path
            assert receipt != "voided", path
            assert (withdrawal == "asked") == (asked == "asked"), path
        else:
            assert (paid, receipt, withdrawal) == ("unpaid", "voided", "none"), path

    with transaction.atomic():
        walk = Walk((brand, dealer), acts, look, always, at_rest)
        walk.go()
        transaction.set_rollback(True)
    assert set(acts) - set(walk.taken) == {"dealer unapproves"}, "consent alone un-approves"
    assert len(walk.seen) > 90
