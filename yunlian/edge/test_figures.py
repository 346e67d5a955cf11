"""A picker of products tells what is available and what it costs, to whoever may see it, in a fixed number of statements."""

from decimal import Decimal

import pytest

from tests.shop import Shop
from yunlian.kernel.figures import beside
from yunlian.kernel.scope import Grants
from yunlian.kernel.testing import Statements, context, make

FOR = "sales.contract.lines.product"


@pytest.fixture
def shop(ctx):
    shop = Shop(ctx)
    shop.receive(shop.p1, "5", "10")
    return shop


def figures(ctx, purpose, *ids, **header):
    found = beside(ctx, "masters.product", purpose, header, ids)
    return [[each["value"] and Decimal(each["value"]) for each in found[id_]] for id_ in ids]


def member(ctx, *verbs, guards=()):
    grants = Grants(frozenset(verbs), {"*": "all"}, frozenset(guards), frozenset(guards))
    return context(ctx.enterprise_id, ctx.member_id, grants)


def test_stock_of_the_warehouse_and_the_price_of_the_document(shop):
    ctx, other = shop.ctx, make("masters.warehouse", shop.ctx).pk
    stocked, none = figures(ctx, FOR, shop.p1, shop.p2, warehouse=shop.warehouse)
    assert (5 in stocked, 0 in none) == (True, True)
    assert figures(ctx, FOR, shop.p1) == [stocked]
    assert 5 not in figures(ctx, FOR, shop.p1, warehouse=other)[0]
    assert figures(ctx, "sales.contract.customer", shop.p1) == [[]]


def test_only_for_who_may_see_it(shop):
    assert figures(member(shop.ctx), FOR, shop.p1) == [[]]
    assert figures(member(shop.ctx, "stock.balance.view"), FOR, shop.p1) == [[Decimal(5)]]
    assert len(figures(member(shop.ctx, guards=("sales.price",)), FOR, shop.p1)[0]) == 1
    assert figures(member(shop.ctx, guards=("sales.price",)), "purchase.order.lines.product", shop.p1) == [[]]


def test_statements_do_not_grow_with_rows(shop):
    counts = []
    for ids in ([shop.p1], [shop.p1, shop.p2]):
        with Statements() as counted:
            figures(shop.ctx, FOR, *ids)
        counts.append(counted.count)
    assert counts == [2, 2]
