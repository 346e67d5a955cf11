"""A dealer's supply, told once: rows 6 to 11 of flows.md F20 and the examples of F4, F5, F7, F9 and F13, to the cent.

Dealer D sold customer Li one P1 and three P2, has one P2, and orders the rest from the brand H. The partner's steps
are taken by hand here; what the chain itself does is told in its own tests.
"""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel import pulling
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.testing import keep_subscribers, make, refusal
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import (
    CashBalance,
    CostBalance,
    PayableBalance,
    StockBalance,
    SupplierFunds,
    TiedPrepaid,
)
from yunlian.ledgers.statement import statement
from yunlian.masters.models import Partner

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture(autouse=True)
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_subscribers(monkeypatch, "yunlian.documents", "yunlian.ledgers")


class Dealer:
    """Enterprise D before row 6: a warehouse, an account, two products, one P2 at 400.00, and Li's contract."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        make("masters.unit", ctx, code="PC")
        for code in ("P1", "P2"):
            make("masters.product", ctx, code=code, unit="PC")
        make("masters.warehouse", ctx, code="W1", may_be_negative=False)
        make("masters.account", ctx, code="BANK", may_be_negative=True)
        make("masters.partner", ctx, code="LI", is_customer=True)
        make("masters.partner", ctx, code="H", is_supplier=True)
        Partner.objects.filter(code="H").update(chain_id=str(uuid.uuid4()))
        self.new("stock.opening", {"warehouse": "W1"}, {"product": "P2", "qty": "1", "cost": "400"})
        self.contract = self.new(
            "sales.contract",
            {"customer": "LI", "warehouse": "W1", "is_auto_reserved": True},
            {"product": "P1", "qty": "1", "price": "6800"},
            {"product": "P2", "qty": "2", "price": "900"},
            {"product": "P2", "qty": "1", "price": "900"},
        )

    def new(self, code: str, header: dict[str, Any], *lines: dict[str, Any]) -> Loaded:
        """Save and approve."""
        made = make(code, self.ctx, lines=list(lines), **header)
        return move(code, self.ctx, made.pk, "approve")

    def order(self) -> Loaded:
        """PO-1 of row 6."""
        return self.new(
            "purchase.order",
            {"supplier": "H", "warehouse": "W1"},
            {"product": "P1", "qty": "1", "price": "3900"},
            {"product": "P2", "qty": "2", "price": "420"},
        )

    def agree(self, order: Loaded) -> Loaded:
        """H accepts and quotes P1 at 3,950.00; D confirms (row 7)."""
        self.step(order, "send")
        self.step(order, "partner_accept", theirs_number="HI-9")
        rows = [
            {"line": str(line.id), "qty": qty, "price": price}
            for line, qty, price in zip(order.lines, ("1", "2"), ("3950", "420"), strict=True)
        ]
        self.step(order, "partner_quote", lines=rows)
        return self.step(order, "agree")

    def step(self, loaded: Loaded, name: str, **given: Any) -> Loaded:
        return move(loaded.document.code, self.ctx, loaded.pk, name, **given)

    def take(
        self, code: str, source: Loaded, quantities: dict[uuid.UUID, str | None], **header: Any
    ) -> Loaded:
        """Make a document from lines of another, and approve it."""
        body = pulling.pull(code, self.ctx, source.document.code, quantities)
        return self.step(save(code, self.ctx, body | header), "approve")

    def pay(self, order: Loaded, amount: str) -> Loaded:
        """Pay H for the order."""
        sources = [{"line": str(order.pk), "qty": amount, "code": "purchase.order"}]
        body = {"supplier": "H", "account": "BANK", "lines": [{"amount": amount, "sources": sources}]}
        payment = self.step(save("finance.payment", self.ctx, body), "approve")
        return self.step(payment, "pay")

    def ship(self, order: Loaded, shipment: str, quantities: dict[uuid.UUID, str]) -> Loaded:
        """What the chain does when H has shipped: a notice, approved."""
        return self.take("stock.receipt_notice", order, dict(quantities), shipment=shipment)

    def receive(self, notice: Loaded) -> Loaded:
        """All that the notice announced."""
        made = self.take("stock.purchase_in", notice, {line.id: None for line in notice.lines})
        self.step(self.contract, "reserve")
        return made

    def stock(self, product: str) -> tuple[int, ...]:
        """On hand, reserved, pending out, in transit, on order, as F20 writes them."""
        row = StockBalance.objects.get(product__code=product, status="good")
        return tuple(map(int, (row.on_hand, row.reserved, row.pending_out, row.in_transit, row.on_order)))

    def owed(self) -> tuple[Decimal, Decimal]:
        """Open payable and prepaid to H."""
        payable = PayableBalance.objects.first()
        funds = SupplierFunds.objects.first()
        return (payable.open if payable else D(0), funds.prepaid if funds else D(0))


@pytest.fixture
def dealer(ctx: Context) -> Dealer:
    return Dealer(ctx)


def test_the_purchase_half_of_the_long_example(dealer: Dealer, ctx: Context) -> None:
    assert dealer.stock("P2") == (1, 1, 0, 0, 0)

    order = dealer.order()
    assert order.header.amount == D("4740.00")
    assert dealer.stock("P2") == (1, 1, 0, 0, 2)

    order = dealer.agree(order)
    assert order.header.amount == D("4790.00")
    assert dealer.stock("P2") == (1, 1, 0, 0, 2)

    dealer.pay(order, "2395")
    assert dealer.owed() == (0, D("2395.00"))

    one, two = (line.id for line in order.lines)
    first = dealer.ship(order, "S-1", {one: "1", two: "1"})
    assert dealer.stock("P2") == (1, 1, 0, 1, 1)
    assert dealer.stock("P1") == (0, 0, 0, 1, 0)

    dealer.receive(first)
    assert dealer.stock("P2") == (2, 2, 0, 0, 1)
    payable = PayableBalance.objects.get()
    assert (payable.received, payable.applied, payable.open) == (D("4370.00"), D("2395.00"), D("1975.00"))
    assert dealer.owed() == (D("1975.00"), 0)

    dealer.pay(order, "2395")
    assert dealer.owed() == (0, D("420.00"))
    assert TiedPrepaid.objects.get().prepaid == D("420.00")

    second = dealer.ship(order, "S-2", {two: "1"})
    dealer.receive(second)
    assert dealer.stock("P2") == (3, 3, 0, 0, 0)
    assert dealer.owed() == (0, 0)
    assert PayableBalance.objects.get().received == D("4790.00")
    assert CashBalance.objects.get().amount == D("-4790.00")
    worth = {row.product.code: (row.qty, row.value) for row in CostBalance.objects.select_related("product")}
    assert worth == {"P1": (1, D("3950.00")), "P2": (3, D("1240.00"))}

    order = load(order.document, ctx, order.pk)
    assert (order.header.close, order.header.paid_amount) == ("auto", D("4790.00"))
    assert verify(ctx.enterprise_id) == []


def test_everything_can_be_taken_back_step_by_step(dealer: Dealer, ctx: Context) -> None:
    before = dealer.stock("P2")
    order = dealer.agree(dealer.order())
    paid = dealer.pay(order, "2395")
    one, two = (line.id for line in order.lines)
    notice = dealer.ship(order, "S-1", {one: "1", two: "2"})
    received = dealer.take("stock.purchase_in", notice, {line.id: None for line in notice.lines})
    for refused in (order, notice):
        field = refusal(dealer.step, refused, "unapprove")[0][0]
        assert field in (None, "collab")
    assert dealer.owed() == (D("2395.00"), 0)
    dealer.step(received, "unapprove")
    assert dealer.owed() == (0, D("2395.00"))
    dealer.step(received, "void")
    dealer.step(notice, "unapprove")
    dealer.step(notice, "void")
    dealer.step(paid, "unapprove")
    dealer.step(paid, "void")
    dealer.step(order, "ask_withdrawal", reason="顾客退单")
    dealer.step(order, "partner_grant_withdrawal")
    dealer.step(order, "unapprove")
    assert dealer.stock("P2") == before
    assert dealer.owed() == (0, 0)
    assert CashBalance.objects.get().amount == 0
    assert verify(ctx.enterprise_id) == []


def test_a_payment_used_by_a_receipt_is_not_taken_back_first(dealer: Dealer) -> None:
    order = dealer.agree(dealer.order())
    paid = dealer.pay(order, "2395")
    notice = dealer.ship(order, "S-1", {line.id: str(line.qty) for line in order.lines})
    dealer.receive(notice)
    assert refusal(dealer.step, paid, "unapprove") != []
    assert dealer.owed() == (D("2395.00"), 0)


def test_the_statement_of_the_supplier_tells_the_same(dealer: Dealer, ctx: Context) -> None:
    order = dealer.agree(dealer.order())
    dealer.pay(order, "2395")
    notice = dealer.ship(order, "S-1", {order.lines[0].id: "1", order.lines[1].id: "1"})
    dealer.receive(notice)
    dealer.pay(order, "2395")
    supplier = Partner.objects.get(code="H")
    told = statement(ctx, supplier.id, "supplier", ctx.today, ctx.today)
    assert (told.opening, told.closing) == (0, D("-420.00"))
    assert [(row.code, row.charge, row.paid, row.balance) for row in told.rows] == [
        ("finance.payment", D("0.00"), D("2395.00"), D("-2395.00")),
        ("stock.purchase_in", D("4370.00"), D("0.00"), D("1975.00")),
        ("finance.payment", D("0.00"), D("2395.00"), D("-420.00")),
    ]
    assert all(row.number for row in told.rows)
