"""Purchase stock-in: the suite every document inherits, then stock, cost and payable (flows.md F7, F9, F11, F13)."""

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils.translation import override

from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants, tenant
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, context, make, refusal, savepoint
from yunlian.kernel.trace import trace
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import CostBalance, PayableBalance, StockBalance, SupplierBalance

CODE, ORDER, NOTICE = "stock.purchase_in", "purchase.order", "stock.receipt_notice"
D = Decimal


class TestPurchaseIn(FlowSuite):
    code = CODE


@pytest.fixture
def order(ctx: Context) -> Loaded:
    """Ten of one product at 11.30 with 13 % tax in it."""
    make("masters.unit", ctx, code="PC")
    make("masters.product", ctx, code="P", unit="PC")
    line = {"product": "P", "qty": "10", "price": "11.3", "tax_rate": "0.13"}
    return make(ORDER, ctx, lines=[line], upto="approved", warehouse__may_be_negative=False)


def take(ctx: Context, code: str, source: Loaded, qty: str | None, **more: Any) -> Loaded:
    body = pulling.pull(code, ctx, source.document.code, {str(source.lines[0].id): qty})
    return save(code, ctx, body | more)


def notice_of(ctx: Context, order: Loaded, qty: str) -> Loaded:
    return move(NOTICE, ctx, take(ctx, NOTICE, order, qty).pk, "approve")


def receive(ctx: Context, source: Loaded, qty: str | None, **more: Any) -> Loaded:
    return move(CODE, ctx, take(ctx, CODE, source, qty, **more).pk, "approve")


def stock(ctx: Context) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """On order, in transit, on hand by status."""
    return {r.status: (r.on_order, r.in_transit, r.on_hand) for r in StockBalance.objects.all()}


def test_goods_enter_without_tax_and_are_owed_with_it(ctx: Context, order: Loaded) -> None:
    made = receive(ctx, notice_of(ctx, order, "10"), "10")
    assert (made.header.amount, made.header.cost) == (D("113.00"), D("100.00"))
    assert stock(ctx) == {"good": (0, 0, 10)}
    cost = CostBalance.objects.get()
    assert (cost.qty, cost.value) == (10, D("100.00"))
    owed = PayableBalance.objects.get()
    assert (owed.order_id, owed.received, owed.open) == (order.pk, D("113.00"), D("113.00"))
    assert SupplierBalance.objects.get().open == D("113.00")


def test_the_order_closes_itself_when_all_has_arrived(ctx: Context, order: Loaded) -> None:
    notice = notice_of(ctx, order, "10")
    receive(ctx, notice, "4")
    assert load(order.document, ctx, order.pk).header.close == "open"
    last = receive(ctx, notice, None)
    found = load(order.document, ctx, order.pk)
    assert (found.header.close, found.lines[0].received_qty) == ("auto", 10)
    assert load(notice.document, ctx, notice.pk).header.close == "auto"
    move(CODE, ctx, last.pk, "unapprove")
    found = load(order.document, ctx, order.pk)
    assert (found.header.close, found.lines[0].received_qty) == ("open", 4)


def test_without_a_notice_the_order_itself_is_used_up(ctx: Context, order: Loaded) -> None:
    receive(ctx, order, "4")
    assert stock(ctx) == {"good": (6, 0, 4)}
    line = load(order.document, ctx, order.pk).lines[0]
    assert (line.noticed_qty, line.received_qty) == (4, 4)
    assert refusal(take, ctx, NOTICE, order, "7") == [("lines", 1)]
    receive(ctx, notice_of(ctx, order, "6"), "6")
    assert stock(ctx) == {"good": (0, 0, 10)}
    assert PayableBalance.objects.get().received == D("113.00")
    assert verify(ctx.enterprise_id) == []


def test_the_trace_tells_each_quantity_once(ctx: Context, order: Loaded) -> None:
    """A stock-in made from the order counts on it as noticed and as received."""
    made = receive(ctx, order, "4")
    (edge,) = trace(order.document, ctx, order.pk)["edges"]
    assert (edge["from"], edge["to"], edge["qty"]) == (order.pk, made.pk, "4")


def test_what_is_noticed_cannot_also_come_directly(ctx: Context, order: Loaded) -> None:
    notice_of(ctx, order, "8")
    assert refusal(take, ctx, CODE, order, "3") == [("lines", 1)]
    body = pulling.pull(CODE, ctx, order.document.code, {str(order.lines[0].id): "2"})
    too_much = body | {"lines": [body["lines"][0] | {"qty": "3"}]}
    assert refusal(save, CODE, ctx, too_much) == [("base_qty", 1)]
    save(CODE, ctx, body)


def test_never_receives_more_than_was_noticed(ctx: Context, order: Loaded) -> None:
    notice = notice_of(ctx, order, "5")
    receive(ctx, notice, "3")
    assert refusal(take, ctx, CODE, notice, "1.1") == [("qty", 1)]
    assert refusal(take, ctx, CODE, notice, "3") == [("lines", 1)]
    assert stock(ctx) == {"good": (5, 2, 3)}


def test_damaged_goods_are_on_hand_but_not_available(ctx: Context, order: Loaded) -> None:
    notice = notice_of(ctx, order, "10")
    body = pulling.pull(CODE, ctx, NOTICE, {str(notice.lines[0].id): "2"})
    body["lines"][0]["status"] = "defect"
    made = save(CODE, ctx, body)
    move(CODE, ctx, made.pk, "approve")
    assert stock(ctx) == {"good": (0, 8, 0), "defect": (0, 0, 2)}
    assert all(balance.available == 0 for balance in StockBalance.objects.all())
    move(CODE, ctx, made.pk, "unapprove")
    assert stock(ctx) == {"good": (0, 10, 0), "defect": (0, 0, 0)}


def test_goods_without_an_order_are_owed_for_the_stock_in(ctx: Context) -> None:
    product = make("masters.product", ctx, purchase_price="7")
    body = {
        "supplier": str(make("masters.partner", ctx, is_supplier=True).pk),
        "warehouse": str(make("masters.warehouse", ctx).pk),
        "lines": [{"product": str(product.pk), "qty": "3"}],
    }
    made = save(CODE, ctx, body)
    move(CODE, ctx, made.pk, "approve")
    owed = PayableBalance.objects.get()
    assert (owed.order_id, owed.received) == (made.pk, D("21.00"))


def test_a_line_merged_from_two_orders_is_owed_by_share(ctx: Context, order: Loaded) -> None:
    supplier, warehouse = str(order.header.supplier_id), str(order.header.warehouse_id)
    line = {"product": "P", "qty": "5", "price": "11.3", "tax_rate": "0.13"}
    other = make(ORDER, ctx, lines=[line], supplier=supplier, warehouse=warehouse, upto="approved")
    sources = [
        {"line": str(order.lines[0].id), "qty": "1", "code": ORDER},
        {"line": str(other.lines[0].id), "qty": "2", "code": ORDER},
    ]
    body = {"supplier": supplier, "warehouse": warehouse, "lines": [line | {"qty": "3", "sources": sources}]}
    made = save(CODE, ctx, body)
    move(CODE, ctx, made.pk, "approve")
    owed = {row.order_id: row.received for row in PayableBalance.objects.all()}
    assert owed == {order.pk: D("11.30"), other.pk: D("22.60")}


def test_issued_goods_keep_their_receipt(ctx: Context, order: Loaded) -> None:
    """Taking a receipt back whose goods are spoken for says what is short."""
    made = receive(ctx, order, "4")
    balance = StockBalance.objects.get()
    StockBalance.objects.filter(id=balance.id).update(reserved=3)
    with pytest.raises(Refused) as refused, savepoint():
        move(CODE, ctx, made.pk, "unapprove")
    (problem,) = refused.value.problems
    name = made.lines[0].product.name
    where = made.header.warehouse.name
    with override("en"):
        said = str(problem.message)
    assert said == f"P {name} in {where}: 1 available, 4 needed."
    assert (problem.field, problem.line, problem.code) == ("qty", 1, "short")


def test_a_keeper_who_may_not_see_prices_still_receives(ctx: Context, order: Loaded) -> None:
    keeper = replace(ctx, grants=Grants(frozenset("*"), {"*": "all"}))
    made = receive(keeper, notice_of(ctx, order, "10"), "10")
    assert made.header.amount == D("113.00")
    assert PayableBalance.objects.get().received == D("113.00")


@pytest.mark.django_db(transaction=True)
def test_of_two_receipts_beyond_the_order_exactly_one_wins(enterprise: int) -> None:
    """Two keepers each enter six of ten at once: one has them, the other learns how many are open."""
    with tenant(enterprise):
        ctx = context(enterprise, make("org.employee", context(enterprise)).pk)
        line = {"product": str(make("masters.product", ctx).pk), "qty": "10", "price": "5"}
        order = make(ORDER, ctx, lines=[line], upto="approved")
    start, outcomes = threading.Barrier(2), []

    def enter() -> None:
        try:
            start.wait(10)
            with tenant(enterprise):
                receive(ctx, order, "6")
            outcomes.append("received")
        except Refused as refused:
            outcomes.append(refused.problems[0].code)
        finally:
            connection.close()

    keepers = [threading.Thread(target=enter) for _ in range(2)]
    for keeper in keepers:
        keeper.start()
    for keeper in keepers:
        keeper.join(30)
    assert sorted(outcomes) == ["exceeds_open", "received"]
    with tenant(enterprise):
        assert StockBalance.objects.get(status="good").on_hand == 6
        assert PayableBalance.objects.get().received == D("30.00")
        assert verify(enterprise) == []
