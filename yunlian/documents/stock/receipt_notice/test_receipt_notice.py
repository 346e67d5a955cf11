"""Receipt notice: the suite every document inherits, then what becomes of goods on their way (flows.md F1, F7, F9)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel import pulling
from yunlian.kernel.load import Loaded, abilities, load
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, make, refusal
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import StockBalance

CODE, ORDER, STOCK_IN = "stock.receipt_notice", "purchase.order", "stock.purchase_in"


class TestReceiptNotice(FlowSuite):
    code = CODE


@pytest.fixture
def order(ctx: Context) -> Loaded:
    """Ten of one product."""
    make("masters.unit", ctx, code="PC")
    make("masters.product", ctx, code="P", unit="PC")
    return make(ORDER, ctx, lines=[{"product": "P", "qty": "10", "price": "5"}], upto="approved")


def take(ctx: Context, code: str, source: Loaded, qty: str | None, **more: Any) -> Loaded:
    """Make a document from the first line of another."""
    body = pulling.pull(code, ctx, source.document.code, {str(source.lines[0].id): qty})
    return save(code, ctx, body | more)


def expected(ctx: Context) -> tuple[Decimal, Decimal, Decimal]:
    """On order, in transit, on hand of the one product, all statuses."""
    rows = StockBalance.objects.all()
    return sum(r.on_order for r in rows), sum(r.in_transit for r in rows), sum(r.on_hand for r in rows)


def test_the_open_quantity_is_what_no_living_notice_has_taken(ctx: Context, order: Loaded) -> None:
    first = take(ctx, CODE, order, "4")
    move(CODE, ctx, first.pk, "approve")
    second = take(ctx, CODE, order, "3")
    voided = take(ctx, CODE, order, "2")
    move(CODE, ctx, voided.pk, "void")
    body = pulling.pull(CODE, ctx, ORDER, {str(order.lines[0].id): None})
    assert body["lines"][0]["qty"] == "3"
    body["lines"][0]["qty"] = "4"
    assert refusal(save, CODE, ctx, body) == [("base_qty", 1)]
    assert refusal(take, ctx, CODE, order, "4") == [("lines", 1)]
    move(CODE, ctx, second.pk, "void")
    assert pulling.pull(CODE, ctx, ORDER, {str(order.lines[0].id): None})["lines"][0]["qty"] == "6"
    assert expected(ctx) == (6, 4, 0)


def test_a_push_is_offered_while_something_is_open(ctx: Context, order: Loaded) -> None:
    def offered() -> set[str]:
        return set(abilities(load(order.document, ctx, order.pk), ctx)["pushes"])

    take(ctx, CODE, order, "4")
    assert {CODE, STOCK_IN} <= offered()
    rest = take(ctx, CODE, order, "6")
    assert offered().isdisjoint({CODE, STOCK_IN})
    assert "finance.payment" in offered()  # the money is open still
    move(CODE, ctx, rest.pk, "void")
    assert {CODE, STOCK_IN} <= offered()


def test_approval_turns_on_order_into_in_transit(ctx: Context, order: Loaded) -> None:
    notice = take(ctx, CODE, order, "4")
    assert expected(ctx) == (10, 0, 0)
    move(CODE, ctx, notice.pk, "approve")
    assert expected(ctx) == (6, 4, 0)
    assert refusal(move, ORDER, ctx, order.pk, "unapprove") == [(None, None)]
    move(CODE, ctx, notice.pk, "unapprove")
    assert expected(ctx) == (10, 0, 0)


def test_closed_short_the_rest_is_on_order_again(ctx: Context, order: Loaded) -> None:
    notice = take(ctx, CODE, order, "6")
    move(CODE, ctx, notice.pk, "approve")
    move(STOCK_IN, ctx, take(ctx, STOCK_IN, notice, "4").pk, "approve")
    assert expected(ctx) == (4, 2, 4)
    move(CODE, ctx, notice.pk, "close")
    assert expected(ctx) == (6, 0, 4)
    assert pulling.pull(CODE, ctx, ORDER, {str(order.lines[0].id): None})["lines"][0]["qty"] == "6"
    move(CODE, ctx, notice.pk, "reopen")
    assert expected(ctx) == (4, 2, 4)
    assert verify(ctx.enterprise_id) == []


def test_closed_short_after_its_order_the_rest_is_expected_no_more(ctx: Context, order: Loaded) -> None:
    notice = take(ctx, CODE, order, "6")
    move(CODE, ctx, notice.pk, "approve")
    move(ORDER, ctx, order.pk, "close")
    assert expected(ctx) == (0, 6, 0)
    move(STOCK_IN, ctx, take(ctx, STOCK_IN, notice, "4").pk, "approve")
    assert expected(ctx) == (0, 2, 4)
    move(CODE, ctx, notice.pk, "close")
    assert expected(ctx) == (0, 0, 4)
    move(ORDER, ctx, order.pk, "reopen")
    assert expected(ctx) == (6, 0, 4)
    assert verify(ctx.enterprise_id) == []


def test_nothing_is_announced_of_a_closed_order(ctx: Context, order: Loaded) -> None:
    waiting = take(ctx, CODE, order, "6")
    move(ORDER, ctx, order.pk, "close")
    assert refusal(take, ctx, CODE, order, "1") == [("sources", None)]
    assert refusal(move, CODE, ctx, waiting.pk, "approve") == [("sources", 1)]


def test_prices_stay_those_of_the_order(ctx: Context, order: Loaded) -> None:
    body = pulling.pull(CODE, ctx, ORDER, {str(order.lines[0].id): "1"})
    for name, value in (("price", "4"), ("discount", "0.5"), ("tax_rate", "0.13")):
        changed = body | {"lines": [body["lines"][0] | {name: value}]}
        assert refusal(save, CODE, ctx, changed) == [(name, 1)]


def test_one_shipment_is_announced_once(ctx: Context, order: Loaded) -> None:
    first = take(ctx, CODE, order, "1", shipment="S-1")
    assert refusal(take, ctx, CODE, order, "1", shipment="S-1") == [("shipment", None)]
    move(CODE, ctx, first.pk, "void")
    take(ctx, CODE, order, "1", shipment="S-1")


def test_a_source_line_is_enough(ctx: Context, order: Loaded) -> None:
    line = {"qty": "2", "sources": [{"line": str(order.lines[0].id)}]}
    made = save(CODE, ctx, {"lines": [line]})
    assert (made.header.supplier_id, made.header.warehouse_id) == (
        order.header.supplier_id,
        order.header.warehouse_id,
    )
    assert (made.lines[0].product_id, made.lines[0].price, made.header.amount) == (
        order.lines[0].product_id,
        5,
        10,
    )


def test_a_keeper_who_may_not_see_prices_still_announces_them(ctx: Context, order: Loaded) -> None:
    keeper = replace(ctx, grants=Grants(frozenset("*"), {"*": "all"}))
    body = pulling.pull(CODE, keeper, ORDER, {str(order.lines[0].id): "2"})
    assert not {"price", "discount"} & set(body["lines"][0])
    made = save(CODE, keeper, body)
    assert (made.lines[0].price, made.header.amount) == (5, 10)
    priced = body | {"lines": [body["lines"][0] | {"price": "1"}]}
    assert refusal(save, CODE, keeper, priced) == [("price", 1)]
