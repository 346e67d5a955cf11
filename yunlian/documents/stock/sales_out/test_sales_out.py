"""Sales stock-out: the suite every document inherits, then stock, cost and the customer's signature."""

from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel.load import show
from yunlian.kernel.steps import move
from yunlian.kernel.testing import FlowSuite, refusal
from yunlian.kernel.trace import trace
from yunlian.ledgers.models import CostEntry

D = Decimal


class TestSalesOut(FlowSuite):
    code = "stock.sales_out"


@pytest.fixture
def notice(shop: Any) -> Any:
    """P1 x 1 and P2 x 3 of a paid contract, noticed; cost 3,950.00 and 1,240.00 (flows.md F11, contract C-1)."""
    shop.receive(shop.p1, "1", "3950.00")
    for cost in ("400.00", "420.00", "420.00"):
        shop.receive(shop.p2, "1", cost)
    lines = [{"product": "P1", "qty": "1", "price": "6800"}, {"product": "P2", "qty": "3", "price": "900"}]
    contract = shop.move(shop.save("sales.contract", customer="LI", lines=lines), "approve")
    shop.pay(contract, "9500.00")
    shop.contract = contract
    return shop.move(shop.push(contract, "stock.dispatch_notice"), "approve")


def costs(out: Any) -> list[Decimal]:
    return [row.value for row in CostEntry.objects.filter(doc_id=out.pk, reverses=None).order_by("line_no")]


def test_goods_leave_at_the_moving_average(shop: Any, notice: Any) -> None:
    assert shop.cost(shop.p2) == (3, D("1240.00"))
    out = shop.move(shop.push(notice, "stock.sales_out", waybill="SF1", logistics="顺丰"), "approve")
    assert costs(out) == [D("-3950.00"), D("-1240.00")]
    assert shop.stock(shop.p2) == (0, 0, 0, 0, 0, 0)
    assert shop.cost(shop.p2) == (0, 0)
    shop.prove()


def test_counters_reach_the_notice_and_the_contract(shop: Any, notice: Any) -> None:
    first = shop.move(shop.push(notice, "stock.sales_out", qty={2: "2"}), "approve")
    assert costs(first) == [D("-826.67")]
    assert [line.out_qty for line in shop.again(notice).lines] == [0, 2]
    contract = shop.again(shop.contract)
    assert [line.shipped_qty for line in contract.lines] == [0, 2]
    assert (contract.header.delivery, contract.header.close) == ("partial", "open")
    assert contract.header.delivery_rate == D("0.1894")
    second = shop.move(shop.push(notice, "stock.sales_out"), "approve")
    assert costs(second) == [D("-3950.00"), D("-413.33")]
    contract = shop.again(shop.contract)
    assert (contract.header.delivery, contract.header.delivery_rate) == ("complete", 1)
    assert (contract.header.receipt, contract.header.close) == ("complete", "auto")
    assert shop.again(notice).header.close == "auto"
    shop.prove()
    shop.move(second, "unapprove")
    contract = shop.again(shop.contract)
    assert [line.shipped_qty for line in contract.lines] == [0, 2]
    assert (contract.header.delivery, contract.header.close) == ("partial", "open")
    assert shop.cost(shop.p2) == (1, D("413.33"))
    shop.prove()


def test_never_issues_more_than_was_noticed(shop: Any, notice: Any) -> None:
    shop.push(notice, "stock.sales_out", qty={2: "2"})
    with_too_much = {
        "customer": "LI",
        "warehouse": "W1",
        "lines": [{"product": "P2", "qty": "2", "sources": [{"line": str(notice.lines[1].id)}]}],
    }
    assert refusal(shop.save, "stock.sales_out", **with_too_much) == [("base_qty", 1)]


def test_goods_leave_by_a_notice_only(shop: Any) -> None:
    body = {"customer": "LI", "warehouse": "W1", "lines": [{"product": "P2", "qty": "1"}]}
    out = shop.save("stock.sales_out", **body)
    assert refusal(move, "stock.sales_out", shop.ctx, out.pk, "approve") == [("sources", 1)]


def test_a_reader_sees_what_it_was_made_from_and_not_what_it_counts_on(shop: Any, notice: Any) -> None:
    out = shop.push(notice, "stock.sales_out")
    assert [source["code"] for line in show(out, shop.ctx)["lines"] for source in line["sources"]] == [
        "stock.dispatch_notice"
    ] * 2
    pairs = {(edge["from"], edge["to"]) for edge in trace(out.document, shop.ctx, out.pk)["edges"]}
    assert (notice.pk, out.pk) in pairs
    assert (shop.contract.pk, out.pk) not in pairs


def test_the_customer_signs_in_parts(shop: Any, notice: Any) -> None:
    out = shop.move(shop.push(notice, "stock.sales_out"), "approve")
    one, two = (str(line.id) for line in out.lines)
    first = [{"line": one, "received": "1"}, {"line": two, "received": "1", "damaged": "1"}]
    out = shop.move(out, "partner_signed", lines=first)
    assert out.header.signed == "partly"
    assert refusal(move, "stock.sales_out", shop.ctx, out.pk, "unapprove") == [("state", None)]
    too_much = [{"line": two, "received": "2"}]
    assert refusal(move, "stock.sales_out", shop.ctx, out.pk, "partner_signed", lines=too_much) == [
        ("lines", 2)
    ]
    out = shop.move(out, "partner_signed", lines=[{"line": two, "short": "1"}])
    assert out.header.signed == "signed"
    line = shop.again(out).lines[1]
    assert (line.received_qty, line.damaged_qty, line.short_qty) == (1, 1, 1)


@pytest.mark.parametrize("lines", [None, [], [{"line": "x"}], [{"line": "0" * 36}], "x"])
def test_what_is_no_count_is_refused(shop: Any, notice: Any, lines: Any) -> None:
    out = shop.move(shop.push(notice, "stock.sales_out"), "approve")
    assert refusal(move, "stock.sales_out", shop.ctx, out.pk, "partner_signed", lines=lines) == [
        ("lines", None)
    ]
