"""One order through the chain, and what goes wrong on the way: both documents, both sides, by the ordinary verbs."""

import datetime as dt
import json
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from django.utils import translation

from tests.chain.conftest import EVERYTHING, Killed, join, kill_at, link
from yunlian.chain import account, timeline, worker
from yunlian.chain.models import Inbox, Lane, Link, Offer, Outbox
from yunlian.documents.finance.receipt.model import Receipt
from yunlian.documents.purchasing.order.model import PurchaseOrder
from yunlian.documents.sales.contract.model import SalesContract
from yunlian.documents.sales.intention.model import SalesIntention
from yunlian.documents.stock.receipt_notice.model import ReceiptNotice
from yunlian.documents.stock.sales_out.model import SalesOut
from yunlian.kernel import audit, importing, listing, pulling, sheets
from yunlian.kernel.document import Refused, find_document
from yunlian.kernel.load import load, show
from yunlian.kernel.models import Audit
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants, tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import Statements
from yunlian.masters.models import Partner, Product, Unit
from yunlian.org.models import Employee, Enterprise
from yunlian.org.people import found_enterprise


@dataclass(frozen=True)
class House:
    """One enterprise of the story, acting as its administrator."""

    id: int
    chain_id: uuid.UUID
    admin: uuid.UUID
    department: uuid.UUID

    def enter(self):
        return tenant(self.id)

    def ctx(self) -> Context:
        now = account.database_now()
        return Context(
            enterprise_id=self.id, member_id=self.admin, member_name="管理员", department_id=self.department,
            tree=(self.department,), grants=EVERYTHING, now=now, today=now.date(),
        )  # fmt: skip

    def save(self, code, data, id_=None):
        with self.enter():
            return show(save(code, self.ctx(), data, id_), self.ctx())

    def move(self, code, id_, step, /, **given):
        with self.enter():
            return show(move(code, self.ctx(), id_, step, **given), self.ctx())

    def push(self, source, id_, target, **more):
        """Make a document from all that is open of another, and save it."""
        with self.enter():
            ctx = self.ctx()
            draft = pulling.push(source, ctx, id_, target)
            return show(save(target, ctx, draft | more), ctx)

    def see(self, code, id_):
        with self.enter():
            return show(load(find_document(code), self.ctx(), id_), self.ctx())

    def communication(self):
        """Id of the communication user."""
        return Enterprise.objects.get(pk=self.id).communication_id

    def wake(self):
        with self.enter():
            Lane.objects.filter(is_out=True).update(next_at=None, lease_until=None)
            Inbox.objects.filter(state="new").update(next_at=None)

    def one(self, model, **where):
        with self.enter():
            return model.objects.get(**where)

    def outcome(self, kind):
        """The outcome and problems of our newest message of a kind."""
        with self.enter():
            row = Outbox.objects.filter(kind=kind).order_by("-seq").first()
            return row.outcome, [problem["code"] for problem in row.problems]


def settle(*houses):
    for house in houses:
        house.wake()
    worker.drain([house.id for house in houses])


def found(code, name):
    made = found_enterprise(code, name, f"admin@{code}", "a long enough word 1", now=dt.datetime.now(dt.UTC))
    house = House(made.enterprise_id, made.chain_id, made.admin_id, made.department_id)
    house.save("masters.unit", {"code": "PCS", "name": "件"})
    house.save(
        "masters.warehouse", {"code": "W1", "name": "主仓", "may_be_negative": True, "is_default": True}
    )
    house.save("masters.account", {"code": "B1", "name": "基本户", "may_be_negative": True})
    join(house)
    return house


@pytest.fixture
def brand(transactional_db, settings):
    settings.CHAIN_SECRET = "a secret that is in no dump"
    house = found("HQ", "橡木家居")
    for code, name, price in (("P1", "橡木床", "3900"), ("P2", "床头柜", "420")):
        house.save("masters.product", {"code": code, "name": name, "unit": "PCS", "list_price": price})
    return house


@pytest.fixture
def dealer(brand):
    house = found("D1", "海安经销商")
    link(brand, house)
    settle(brand, house)
    with house.enter():
        offers = list(Offer.objects.order_by("upstream_code").values_list("id", "upstream_code"))
    for id_, code in offers:
        house.move("chain.product", id_, "download", code=f"D-{code}")
    with brand.enter():
        Partner.objects.update(settlement="account")
    return house


def test_an_import_tells_the_dealer_of_its_products_a_hundred_at_a_time(brand, dealer):
    rows = [[f"N{n:03}", f"新品{n}", "件", Decimal(100 + n)] for n in range(150)]
    counts = []
    for some in (rows[:2], rows[2:], rows[2:]):  # the last changes nothing
        sheet = sheets.read(sheets.write(["Code", "Name", "Base unit", "Reference price"], some))
        with brand.enter(), translation.override("en"), Statements() as counted:
            importing.Import(
                find_document("masters.product"), brand.ctx(), sheet, lambda done, total=None: None
            ).run()
        with brand.enter():
            told = Outbox.objects.filter(kind="catalogue.updated", seq=None)
            counts.append(
                (counted.count, sorted((len(each.data["products"]) for each in told), reverse=True))
            )
        settle(brand, dealer)
    with dealer.enter():
        assert Offer.objects.filter(upstream_code__startswith="N").count() == 150
        assert Offer.objects.get(upstream_code="N149").price == Decimal("249.00")
    assert [told for _count, told in counts] == [[2], [100, 48], []]
    assert counts[1][0] - counts[0][0] < 10, "one message more, and nothing for each product"


def place(dealer, **changes):
    """An order of one bed and two bedside tables, approved and sent."""
    with dealer.enter():
        supplier = Link.objects.get().partner_id
    lines = [
        {"product": "D-P1", "unit": "PCS", "qty": "1", "price": "3900"},
        {"product": "D-P2", "unit": "PCS", "qty": "2", "price": "420"},
    ]
    body = {"supplier": str(supplier), "warehouse": "W1", "due_date": "2026-12-20", "lines": lines} | changes
    order = dealer.save("purchase.order", body)
    dealer.move("purchase.order", order["id"], "approve")
    return dealer.move("purchase.order", order["id"], "send")


def quote(brand, intention, *prices):
    """Accept and quote the intention at these prices."""
    brand.move("sales.intention", intention.id, "accept")
    body = brand.see("sales.intention", intention.id)
    for line, price in zip(body["lines"], prices, strict=True):
        line |= {"price": price, "due_date": "2026-12-10"}
    names = ("version", "customer", "date", "due_date", "lines")
    brand.save("sales.intention", {name: body[name] for name in names}, intention.id)
    return brand.move("sales.intention", intention.id, "quote")


def agreed(brand, dealer):
    """An order both sides agreed on at 3,950 and 420: 4,790.00."""
    order = place(dealer)
    settle(brand, dealer)
    quote(brand, brand.one(SalesIntention), "3950", "420")
    settle(brand, dealer)
    order = dealer.move("purchase.order", order["id"], "agree")
    settle(brand, dealer)
    return order


def shipped(brand, *, upto="stock.sales_out"):
    """Contract, dispatch notice and stock-out of everything, approved."""
    made = brand.see("sales.contract", brand.one(SalesContract).id)
    made = brand.save("sales.contract", made | {"due_date": "2026-12-12"}, made["id"])
    brand.move("sales.contract", made["id"], "approve")
    for source, target in (
        ("sales.contract", "stock.dispatch_notice"),
        ("stock.dispatch_notice", "stock.sales_out"),
    ):
        if source == upto:
            break
        made = brand.push(source, made["id"], target)
        brand.move(target, made["id"], "approve")
    return made


class TestCatalogue:
    def test_offers_products_with_units_and_prices_when_linked(self, brand, dealer):
        with dealer.enter():
            offers = list(
                Offer.objects.order_by("upstream_code").values_list(
                    "upstream_code", "name", "unit", "price", "state"
                )
            )
            assert offers == [
                ("P1", "橡木床", "件", Decimal("3900"), "linked"),
                ("P2", "床头柜", "件", Decimal("420"), "linked"),
            ]
            assert Product.objects.get(code="D-P1").purchase_price == Decimal("3900")

    def test_marks_what_changed_and_what_is_off_the_shelf(self, brand, dealer):
        bed = brand.one(Product, code="P1")
        body = brand.see("masters.product", bed.id)
        brand.save("masters.product", body | {"list_price": "4000"}, bed.id)
        table = brand.one(Product, code="P2")
        brand.save(
            "masters.product", brand.see("masters.product", table.id) | {"status": "stopped"}, table.id
        )
        brand.save("masters.product", {"code": "P3", "name": "衣柜", "unit": "PCS", "list_price": "5000"})
        settle(brand, dealer)
        with dealer.enter():
            states = dict(Offer.objects.values_list("upstream_code", "state"))
        assert states == {"P1": "changed", "P2": "off_shelf", "P3": "new"}


class TestOrder:
    def test_becomes_an_intention_with_their_products_and_our_expectations(self, brand, dealer):
        order = place(dealer)
        assert order["collab"] == "sent"
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        seen = brand.see("sales.intention", intention.id)
        assert (intention.collab, intention.customer_order) == ("pending", order["number"])
        assert [(line["product"]["code"], line["qty"], line["expected_price"]) for line in seen["lines"]] == [
            ("P1", "1", "3900.00"),
            ("P2", "2", "420.00"),
        ]
        assert dealer.outcome("order.placed") == ("applied", [])

    def test_goes_round_accepted_quoted_and_agreed(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        brand.move("sales.intention", intention.id, "accept")
        settle(brand, dealer)
        seen = dealer.see("purchase.order", order["id"])
        assert (seen["collab"], seen["theirs_number"]) == ("accepted", intention.number)
        body = brand.see("sales.intention", intention.id)
        for line, price in zip(body["lines"], ("3950", "420"), strict=True):
            line |= {"price": price, "due_date": "2026-12-10"}
        names = ("version", "customer", "date", "due_date", "lines")
        brand.save("sales.intention", {name: body[name] for name in names}, intention.id)
        brand.move("sales.intention", intention.id, "quote")
        settle(brand, dealer)
        seen = dealer.see("purchase.order", order["id"])
        assert (seen["collab"], seen["amount"], seen["quoted_amount"]) == ("quoted", "4740.00", "4790.00")
        assert seen["expected_date"] == "2026-12-10"
        seen = dealer.move("purchase.order", order["id"], "agree")
        assert (seen["collab"], seen["amount"]) == ("agreed", "4790.00")
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        assert (intention.collab, intention.state, intention.amount) == (
            "agreed",
            "approved",
            Decimal("4790.00"),
        )

    def test_may_be_disagreed_with_and_quoted_again(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        dealer.move("purchase.order", order["id"], "disagree", reason="按协议价")
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        assert (intention.collab, intention.reason) == ("quoting", "按协议价")
        body = brand.see("sales.intention", intention.id)
        body["lines"][0]["price"] = "3900"
        names = ("version", "customer", "date", "due_date", "lines")
        brand.save("sales.intention", {name: body[name] for name in names}, intention.id)
        brand.move("sales.intention", intention.id, "quote")
        settle(brand, dealer)
        dealer.move("purchase.order", order["id"], "agree")
        settle(brand, dealer)
        assert brand.one(SalesIntention).collab == "agreed"

    def test_refused_can_be_sent_again_as_the_next_attempt(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        brand.move("sales.intention", brand.one(SalesIntention).id, "refuse", reason="停产")
        settle(brand, dealer)
        seen = dealer.see("purchase.order", order["id"])
        assert (seen["collab"], seen["reason"]) == ("refused", "停产")
        dealer.move("purchase.order", order["id"], "send")
        settle(brand, dealer)
        assert dealer.see("purchase.order", order["id"])["attempt"] == 2
        with brand.enter():
            states = sorted(SalesIntention.objects.values_list("collab", "state"))
        assert states == [("pending", "created"), ("refused", "voided")]

    def test_recalled_before_it_is_accepted_is_ours_again(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        dealer.move("purchase.order", order["id"], "recall")
        settle(brand, dealer)
        assert dealer.see("purchase.order", order["id"])["withdrawal"] == "granted"
        assert brand.one(SalesIntention).collab == "recalled"
        dealer.move("purchase.order", order["id"], "unapprove")

    def test_recalled_too_late_is_declined_with_a_reason(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        brand.move("sales.intention", brand.one(SalesIntention).id, "accept")
        dealer.move("purchase.order", order["id"], "recall")
        settle(brand, dealer)
        seen = dealer.see("purchase.order", order["id"])
        assert (seen["collab"], seen["withdrawal"]) == ("accepted", "declined")
        assert seen["reason"]

    @pytest.mark.parametrize(("answer", "withdrawal"), [("grant", "granted"), ("decline", "declined")])
    def test_asked_back_after_it_was_accepted(self, brand, dealer, answer, withdrawal):
        order = agreed(brand, dealer)
        with pytest.raises(Refused):
            dealer.move("purchase.order", order["id"], "unapprove")
        dealer.move("purchase.order", order["id"], "ask_withdrawal", reason="客户退单")
        settle(brand, dealer)
        given = {"reason": "已排产"} if answer == "decline" else {}
        if answer == "grant":
            # The agreement made a contract; it must go before the intention can.
            with pytest.raises(Refused):
                brand.move("sales.intention", brand.one(SalesIntention).id, "grant_withdrawal")
            brand.move("sales.contract", brand.one(SalesContract).id, "void")
        brand.move("sales.intention", brand.one(SalesIntention).id, f"{answer}_withdrawal", **given)
        settle(brand, dealer)
        assert dealer.see("purchase.order", order["id"])["withdrawal"] == withdrawal
        if answer == "grant":
            dealer.move("purchase.order", order["id"], "unapprove")
        else:
            with pytest.raises(Refused):
                dealer.move("purchase.order", order["id"], "unapprove")

    def test_of_a_product_that_is_not_theirs_is_not_sent(self, brand, dealer):
        dealer.save("masters.product", {"code": "OWN", "name": "自采", "unit": "PCS", "purchase_price": "1"})
        with pytest.raises(Refused, match="OWN"):
            place(dealer, lines=[{"product": "OWN", "qty": "1", "price": "1"}])
        with dealer.enter():
            assert not Outbox.objects.filter(kind="order.placed").exists()
            assert PurchaseOrder.objects.get().collab == "unsent"

    def test_of_a_product_that_is_gone_there_is_rejected_naming_it(self, brand, dealer):
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=str(uuid.UUID(int=9)))
        order = place(dealer)
        settle(brand, dealer)
        assert dealer.outcome("order.placed") == ("rejected", ["unmapped"])
        seen = dealer.see("purchase.order", order["id"])
        assert seen["collab"] == "refused"
        assert "P2" in seen["reason"]
        with brand.enter():
            assert not SalesIntention.objects.exists()

    def test_that_the_supplier_cannot_map_is_told_to_each_reader_in_their_language(self, brand, dealer):
        with brand.enter():
            Unit.objects.update(code="BOX", name="箱")
        order = place(dealer)
        settle(brand, dealer)
        told = {}
        for language in ("en", "zh-hans"):
            with translation.override(language):
                told[language] = dealer.see("purchase.order", order["id"])["reason"]
                with dealer.enter():
                    query = listing.Query(columns="number,reason")
                    document = find_document("purchase.order")
                    (row,) = listing.page(document, dealer.ctx(), query).rows
                    log = Audit.objects.filter(record=order["id"], act="partner_refuse").get()
                    (change,) = [
                        each
                        for each in audit.visible(log.changes, document, frozenset())
                        if each["field"] == "reason"
                    ]
                assert json.loads(row)["reason"] == change["new"] == told[language]
        assert told["en"].startswith("橡木家居 has no unit “PCS”.")
        assert told["zh-hans"] != told["en"]
        assert "PCS" in told["zh-hans"]

    @pytest.mark.parametrize("point", ["chain.while_applying", "chain.after_apply", "chain.after_accept"])
    def test_delivered_twice_around_a_kill_is_still_one_intention(self, brand, dealer, point):
        place(dealer)
        left = kill_at(point)
        with pytest.raises(Killed):
            worker.drain([dealer.id, brand.id])
        settle(brand, dealer)
        assert left[0] <= 0
        assert brand.one(SalesIntention).collab == "pending"
        assert dealer.outcome("order.placed") == ("applied", [])


class TestShipment:
    def test_becomes_an_approved_receipt_notice_and_is_signed_by_the_stock_in(self, brand, dealer):
        order = agreed(brand, dealer)
        out = shipped(brand)
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        seen = dealer.see("stock.receipt_notice", notice.id)
        assert (notice.state, notice.theirs_number, notice.shipment) == ("approved", out["number"], out["id"])
        assert [(line["product"]["code"], line["qty"]) for line in seen["lines"]] == [
            ("D-P1", "1"),
            ("D-P2", "2"),
        ]
        arrived = dealer.push("stock.receipt_notice", notice.id, "stock.purchase_in")
        dealer.move("stock.purchase_in", arrived["id"], "approve")
        settle(brand, dealer)
        sales_out = brand.one(SalesOut)
        assert sales_out.signed == "signed"
        lines = brand.see("stock.sales_out", sales_out.id)["lines"]
        assert [(line["received_qty"], line["short_qty"]) for line in lines] == [("1", "0"), ("2", "0")]
        seen = dealer.see("purchase.order", order["id"])
        assert [line["received_qty"] for line in seen["lines"]] == ["1", "2"]

    def test_missing_goods_are_told_when_the_notice_is_closed(self, brand, dealer):
        agreed(brand, dealer)
        shipped(brand)
        settle(brand, dealer)
        notice = dealer.one(ReceiptNotice)
        with dealer.enter():
            body = pulling.push("stock.receipt_notice", dealer.ctx(), notice.id, "stock.purchase_in")
        body["lines"] = body["lines"][:1]
        arrived = dealer.save("stock.purchase_in", body)
        dealer.move("stock.purchase_in", arrived["id"], "approve")
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "partly"
        dealer.move("stock.receipt_notice", notice.id, "close")
        settle(brand, dealer)
        assert brand.one(SalesOut).signed == "signed"
        lines = brand.see("stock.sales_out", brand.one(SalesOut).id)["lines"]
        assert [(line["received_qty"], line["short_qty"]) for line in lines] == [("1", "0"), ("0", "2")]

    def test_contract_and_plan_show_on_the_order(self, brand, dealer):
        order = agreed(brand, dealer)
        contract = shipped(brand, upto="sales.contract")
        settle(brand, dealer)
        seen = dealer.see("purchase.order", order["id"])
        assert (seen["theirs_number"], seen["expected_date"]) == (contract["number"], "2026-12-12")

    def test_is_not_anticipated_by_hand_and_arrives(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        for _each in ("quoted", "agreed"):
            with pytest.raises(Refused):
                dealer.push("purchase.order", order["id"], "stock.receipt_notice")
            if _each == "quoted":
                dealer.move("purchase.order", order["id"], "agree")
                settle(brand, dealer)
        shipped(brand)
        settle(brand, dealer)
        assert dealer.one(ReceiptNotice).state == "approved"

    def test_of_a_supplier_whose_link_is_over_is_received_by_hand(self, brand, dealer):
        order = agreed(brand, dealer)
        with dealer.enter():
            link_ = Link.objects.get().id
        dealer.move("chain.link", link_, "dissolve", is_seen=True, reason="另寻货源")
        made = dealer.push("purchase.order", order["id"], "stock.receipt_notice")
        assert [line["qty"] for line in made["lines"]] == ["1", "2"]


class TestPayment:
    def test_becomes_a_receipt_to_confirm_for_the_contract(self, brand, dealer):
        order = agreed(brand, dealer)
        contract = shipped(brand, upto="sales.contract")
        settle(brand, dealer)
        paid = dealer.push(
            "purchase.order", order["id"], "finance.payment", account="B1", reference="网银 0001"
        )
        dealer.move("finance.payment", paid["id"], "approve")
        dealer.move("finance.payment", paid["id"], "pay")
        settle(brand, dealer)
        receipt = brand.one(Receipt)
        assert (receipt.state, receipt.amount, receipt.reference) == (
            "submitted",
            Decimal("4790.00"),
            "网银 0001",
        )
        lines = brand.see("finance.receipt", receipt.id)["lines"]
        assert [line["sources"][0]["line"] for line in lines] == [contract["id"]]

    def test_beyond_what_is_open_stays_the_customers_free_money(self, brand, dealer):
        agreed(brand, dealer)
        with dealer.enter():
            supplier = str(Link.objects.get().partner_id)
        paid = dealer.save(
            "finance.payment", {"supplier": supplier, "account": "B1", "amount": "100", "lines": []}
        )
        dealer.move("finance.payment", paid["id"], "approve")
        dealer.move("finance.payment", paid["id"], "pay")
        settle(brand, dealer)
        receipt = brand.one(Receipt)
        assert (receipt.state, receipt.amount) == ("submitted", Decimal("100.00"))


def hire(house, code, **values):
    """An employee in a department of their own."""
    made = house.save("org.department", {"code": f"D{code}", "name": f"部门{code}"})
    body = {"code": code, "name": f"业务员{code}", "department": made["id"]} | values
    return house.save("org.employee", body)


def seen_by(house, employee, scope="own"):
    """The intentions an employee with such a scope sees in the list."""
    grants = Grants(verbs=frozenset(("sales.intention.view",)), scopes={"sales.intention": scope})
    department = uuid.UUID(employee["department"]["id"])
    with house.enter():
        ctx = replace(
            house.ctx(), grants=grants, member_id=uuid.UUID(employee["id"]), department_id=department,
            tree=(department,),
        )  # fmt: skip
        page = listing.page(find_document("sales.intention"), ctx, listing.Query())
        return [json.loads(row)["number"] for row in page.rows]


class TestOwner:
    def test_is_who_is_responsible_for_the_partner_and_sees_it_with_scope_own(self, brand, dealer):
        mine, other = hire(brand, "E1"), hire(brand, "E2")
        partner = brand.one(Partner)
        body = brand.see("masters.partner", partner.id) | {"responsible": mine["id"]}
        brand.save("masters.partner", body, partner.id)
        agreed(brand, dealer)
        intention, contract = brand.one(SalesIntention), brand.one(SalesContract)
        for made in (intention, contract):
            assert str(made.owner_id) == mine["id"]
            assert str(made.department_id) == mine["department"]["id"]
            assert made.created_by == brand.communication()
        for scope in ("own", "department"):
            assert seen_by(brand, mine, scope) == [intention.number]
            assert seen_by(brand, other, scope) == []

    def test_is_the_links_handler_while_nobody_is_responsible_or_they_have_left(self, brand, dealer):
        handler, gone = hire(brand, "E1"), hire(brand, "E2")
        link_, partner = brand.one(Link), brand.one(Partner)
        brand.save("chain.link", brand.see("chain.link", link_.id) | {"handler": handler["id"]}, link_.id)
        body = brand.see("masters.partner", partner.id) | {"responsible": gone["id"]}
        brand.save("masters.partner", body, partner.id)
        with brand.enter():
            Employee.objects.filter(id=gone["id"]).update(is_active=False)
        place(dealer)
        settle(brand, dealer)
        assert str(brand.one(SalesIntention).owner_id) == handler["id"]

    def test_is_the_communication_user_when_nobody_else_is_named(self, brand, dealer):
        place(dealer)
        settle(brand, dealer)
        made = brand.one(SalesIntention)
        assert made.owner_id == made.created_by == brand.communication()

    def test_of_goods_and_money_follows_the_same_rule(self, brand, dealer):
        buyer, finance = hire(dealer, "E1"), hire(brand, "E2")
        for house, employee in ((dealer, buyer), (brand, finance)):
            partner = house.one(Partner)
            body = house.see("masters.partner", partner.id) | {"responsible": employee["id"]}
            house.save("masters.partner", body, partner.id)
        order = agreed(brand, dealer)
        shipped(brand)
        paid = dealer.push("purchase.order", order["id"], "finance.payment", account="B1")
        dealer.move("finance.payment", paid["id"], "approve")
        dealer.move("finance.payment", paid["id"], "pay")
        settle(brand, dealer)
        assert str(dealer.one(ReceiptNotice).owner_id) == buyer["id"]
        assert str(brand.one(Receipt).owner_id) == finance["id"]


class TestTheirDocument:
    """The partner's document beside ours is the one ours belongs to, whatever else was said in the thread."""

    @staticmethod
    def beside(house, code, id_):
        with translation.override("en"), house.enter():
            found = timeline.timeline(code, house.ctx(), uuid.UUID(str(id_)))["theirs"]
        return found and (found["code"], found["number"], found["state"])

    def test_is_the_contract_of_an_order_and_the_receipt_of_a_payment(self, brand, dealer):
        order = agreed(brand, dealer)
        contract = shipped(brand, upto="sales.contract")
        settle(brand, dealer)
        paid = dealer.push("purchase.order", order["id"], "finance.payment", account="B1")
        dealer.move("finance.payment", paid["id"], "approve")
        paid = dealer.move("finance.payment", paid["id"], "pay")
        assert self.beside(dealer, "finance.payment", paid["id"]) is None
        settle(brand, dealer)
        receipt = brand.one(Receipt)
        brand.move("finance.receipt", receipt.id, "approve", account="B1")
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"]) == (
            "sales.contract",
            contract["number"],
            "Contract approved",
        )
        assert self.beside(dealer, "finance.payment", paid["id"]) == (
            "finance.receipt",
            receipt.number,
            "Confirmed",
        )
        with brand.enter():
            intention = SalesIntention.objects.get()
        assert self.beside(brand, "sales.intention", intention.id)[:2] == ("purchase.order", order["number"])
        assert self.beside(brand, "finance.receipt", receipt.id)[:2] == ("finance.payment", paid["number"])

    def test_is_that_of_the_attempt_that_is_out(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        intention = brand.one(SalesIntention)
        brand.move("sales.intention", intention.id, "accept")
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"])[1] == intention.number
        brand.move("sales.intention", intention.id, "refuse", reason="停产")
        settle(brand, dealer)
        dealer.move("purchase.order", order["id"], "send")
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"]) is None

    def test_is_worded_from_where_the_reader_stands(self, brand, dealer):
        order = place(dealer)
        settle(brand, dealer)
        quote(brand, brand.one(SalesIntention), "3950", "420")
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"])[2] == "Quoted"
        with translation.override("en"), dealer.enter():
            seen = timeline.timeline("purchase.order", dealer.ctx(), uuid.UUID(order["id"]))
        assert "Quoted" in seen["events"][-1]["detail"]
        dealer.move("purchase.order", order["id"], "disagree", reason="按协议价")
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"])[2] == "To be quoted"
        brand.move("sales.intention", brand.one(SalesIntention).id, "quote")
        settle(brand, dealer)
        dealer.move("purchase.order", order["id"], "agree")
        assert self.beside(dealer, "purchase.order", order["id"])[2] == "Quoted"
        settle(brand, dealer)
        assert self.beside(dealer, "purchase.order", order["id"])[2] == "Agreed"


class TestLanguage:
    def test_states_are_named_by_whoever_reads_them(self, brand, dealer):
        with translation.override("zh-hans"):  # whose chain this is speaks Chinese
            order = place(dealer)
            settle(brand, dealer)
            brand.move("sales.intention", brand.one(SalesIntention).id, "accept")
            settle(brand, dealer)
        assert dealer.see("purchase.order", order["id"])["theirs_state"] == "sales.intention.quoting"
        for language, word in (("en", "To be quoted"), ("zh-hans", "待报价确认"), ("zh-hant", "待報價確認")):
            with translation.override(language), dealer.enter():
                seen = timeline.timeline("purchase.order", dealer.ctx(), uuid.UUID(order["id"]))
            assert seen["theirs"]["state"] == word
            assert word in seen["events"][-1]["detail"]

    def test_reasons_that_were_made_are_translated_and_those_that_were_typed_are_not(self, brand, dealer):
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=str(uuid.UUID(int=9)))
        with translation.override("zh-hans"):
            order = place(dealer)
            settle(brand, dealer)
        for language, words in (("en", "橡木家居 has no product for “P2”."), ("zh-hans", "P2")):
            with translation.override(language), dealer.enter():
                seen = timeline.timeline("purchase.order", dealer.ctx(), uuid.UUID(order["id"]))
                assert words in seen["events"][0]["reason"]
        theirs = str(brand.one(Product, code="P2").id)
        with dealer.enter():
            Offer.objects.filter(upstream_code="P2").update(upstream_id=theirs)
        dealer.move("purchase.order", order["id"], "send")
        settle(brand, dealer)
        with brand.enter():
            alive = SalesIntention.objects.get(collab="pending").id
        brand.move("sales.intention", alive, "refuse", reason="停产了")
        settle(brand, dealer)
        with translation.override("en"), dealer.enter():
            seen = timeline.timeline("purchase.order", dealer.ctx(), uuid.UUID(order["id"]))
        assert "停产了" in seen["events"][-1]["detail"]
