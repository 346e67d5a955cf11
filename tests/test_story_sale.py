"""A dealer's sale, told once: rows 2 to 4 and 12 to 14 of flows.md F20, the tables of F9 and F12, to the cent.

Dealer D has one P2 at 400.00. Customer Li pays earnest money, signs C-1, pays in parts and gets the goods. The change
order is not there yet: a second contract of one P2 at 900.00 stands for it.
"""

import re
from decimal import Decimal
from typing import Any

import pytest

from tests.shop import Shop
from yunlian.kernel import pulling
from yunlian.kernel.document import Refused
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import keep_subscribers, savepoint
from yunlian.ledgers.models import CostEntry

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def shop(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Shop:
    keep_subscribers(monkeypatch, "yunlian.documents", "yunlian.ledgers")
    made = Shop(ctx)
    made.receive(made.p2, "1", "400.00")
    return made


def earnest(shop: Shop, intention: Loaded, amount: str) -> None:
    body = pulling.push("sales.intention", shop.ctx, intention.pk, "finance.receipt")
    body["lines"][0]["amount"] = amount
    receipt = shop.save("finance.receipt", **(body | {"purpose": "earnest", "account": "BANK"}))
    shop.move(shop.move(receipt, "submit"), "approve")


def paid_rate(shop: Shop, *contracts: Loaded) -> Decimal:
    figures = [shop.owed(contract) for contract in contracts]
    return sum(f[2] for f in figures) / sum(f[0] for f in figures)


def cost_of(out: Loaded) -> list[Decimal]:
    return [-row.value for row in CostEntry.objects.filter(doc_id=out.pk).order_by("line_no", "leg")]


def test_from_earnest_money_to_the_goods_on_the_van(shop: Shop) -> None:
    # Row 2: intention, earnest money.
    lines = [
        {"product": "P1", "qty": "1", "price": "6800.00"},
        {"product": "P2", "qty": "2", "price": "900.00"},
    ]
    intention = shop.move(shop.save("sales.intention", customer="LI", lines=lines), "approve")
    earnest(shop, intention, "500.00")
    assert (shop.free(), shop.stock(shop.p2)) == (D("500.00"), (1, 0, 0, 0, 0, 1))

    # Row 3: contract C-1; what is there is reserved, the earnest money is applied first.
    c1 = shop.push(intention, "sales.contract", discount_amount="100.00", dispatch_gate="1")
    c1 = shop.move(c1, "approve")
    assert [line.net for line in c1.lines] == [D("6720.93"), D("1779.07")]
    assert shop.owed(c1) == (D("8500.00"), 0, D("500.00"), D("8000.00"))
    assert (shop.free(), shop.stock(shop.p2)) == (0, (1, 1, 0, 0, 0, 0))

    # Row 4: the deposit; 30 % received.
    shop.pay(c1, "2050.00")
    assert (shop.owed(c1)[3], paid_rate(shop, c1)) == (D("5950.00"), D("0.3"))

    # Row 5, as a contract of its own: one P2 more, nothing left to reserve.
    line = {"product": "P2", "qty": "1", "price": "900.00"}
    x1 = shop.move(shop.save("sales.contract", customer="LI", lines=[line]), "approve")
    assert shop.owed(c1)[3] + shop.owed(x1)[3] == D("6850.00")
    assert shop.stock(shop.p2) == (1, 1, 0, 0, 0, 0)

    # Rows 10 and 11, the goods: each arrival is reserved for who waits.
    shop.receive(shop.p1, "1", "3950.00")
    shop.receive(shop.p2, "1", "420.00")
    shop.move(c1, "reserve")
    assert shop.stock(shop.p2) == (2, 2, 0, 0, 0, 0)
    shop.receive(shop.p2, "1", "420.00")
    shop.move(x1, "reserve")
    assert shop.stock(shop.p2) == (3, 3, 0, 0, 0, 0)
    assert shop.cost(shop.p2) == (3, D("1240.00"))

    # The dispatch gate is not met before row 12.
    wanted = {str(line.id): None for contract in (c1, x1) for line in contract.lines}
    body = pulling.pull("stock.dispatch_notice", shop.ctx, "sales.contract", wanted)
    notice = shop.save("stock.dispatch_notice", **body)
    with pytest.raises(Refused) as refused, savepoint():
        shop.move(notice, "approve")
    said = "; ".join(str(problem.words(shop.ctx.grants)) for problem in refused.value.problems)
    assert re.search(r"2550\.00.*8500\.00", said)

    # Row 12: the balance.
    shop.pay(c1, "5950.00")
    shop.pay(x1, "900.00")
    assert [shop.owed(c)[3] for c in (c1, x1)] == [0, 0]
    assert shop.cash() == D("9400.00")

    # Row 13: one notice for both.
    notice = shop.move(notice, "approve")
    assert shop.stock(shop.p2) == (3, 0, 3, 0, 0, 0)
    assert shop.stock(shop.p1) == (1, 0, 1, 0, 0, 0)

    # Row 14: stock-out; cost of sales 3,950.00 + 1,240.00, margin 4,210.00 of 9,400.00.
    out = shop.move(shop.push(notice, "stock.sales_out"), "approve")
    assert shop.stock(shop.p2) == (0, 0, 0, 0, 0, 0)
    costs = cost_of(out)
    assert (costs[0], sum(costs[1:])) == (D("3950.00"), D("1240.00"))
    margin = D("9400.00") - sum(costs)
    assert (margin, round(margin / D("9400.00") * 100, 2)) == (D("4210.00"), D("44.79"))
    for contract in (c1, x1):
        header = shop.again(contract).header
        assert (header.receipt, header.delivery, header.close) == ("complete", "complete", "auto")
    shop.prove()


def test_taking_everything_back_in_turn_leaves_nothing_behind(shop: Shop) -> None:
    """flows.md F19, invariant 19: the round trip of every document returns every balance to its former value."""
    c1 = shop.move(shop.contract_c1(dispatch_gate="0"), "approve")
    shop.receive(shop.p1, "1", "3950.00")
    shop.receive(shop.p2, "2", "420.00")
    before: Any = (shop.stock(shop.p1), shop.stock(shop.p2), shop.cost(shop.p2), shop.owed(c1))
    shop.move(c1, "reserve")
    notice = shop.move(shop.push(c1, "stock.dispatch_notice"), "approve")
    out = shop.move(shop.push(notice, "stock.sales_out"), "approve")
    receipt = shop.pay(c1, "8500.00")
    assert shop.again(c1).header.close == "auto"
    for document in (receipt, out, notice):
        shop.move(document, "unapprove")
        shop.move(document, "void")
        shop.prove()
    assert (shop.stock(shop.p1)[0], shop.stock(shop.p2)[0], shop.cost(shop.p2), shop.owed(c1)) == (
        before[0][0],
        before[1][0],
        before[2],
        before[3],
    )
    shop.move(c1, "unapprove")
    assert shop.stock(shop.p2) == (3, 0, 0, 0, 0, 3)
    assert shop.owed(c1) == (0, 0, 0, 0)
    assert (shop.cash(), shop.free()) == (0, 0)
    shop.prove()
