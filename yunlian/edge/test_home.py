"""The home page counts what waits for me, sums what I may see, and helps a new enterprise to begin."""

import datetime as dt
from decimal import Decimal

import msgspec
import pytest
from django.utils import translation

from tests.shop import Shop
from yunlian.edge import home as declarations
from yunlian.kernel import home, listing
from yunlian.kernel.document import REGISTRY, find_listed
from yunlian.kernel.scope import Grants
from yunlian.kernel.testing import TODAY, Statements, context, make

assert declarations


@pytest.fixture(autouse=True)
def english():
    with translation.override("en"):
        yield


def waiting(ctx):
    return {(row["code"], row["filter"][0][2]): row["count"] for row in home.waiting(ctx)}


CONTRACT = "sales.contract"


def contract(ctx, upto="created", **more):
    product = make("masters.product", ctx, list_price="12.5")
    customer = make("masters.partner", ctx, is_customer=True, settlement="account")
    lines = [{"product": str(product.pk), "qty": "3", "price": "12.5"}]
    return make(CONTRACT, ctx, lines, upto, customer=str(customer.pk), **more)


def member(ctx, *verbs, scope="all", guards=("sales.price",)):
    grants = Grants(frozenset(verbs), {"*": scope}, frozenset(guards), frozenset(guards))
    return context(ctx.enterprise_id, ctx.member_id, grants)


def test_what_waits_is_what_i_hold_the_next_step_of(ctx):
    contract(ctx)
    contract(ctx, "submitted")
    contract(ctx, "submitted")
    contract(ctx, "approved")
    contract(ctx, "voided")
    counts = waiting(ctx)
    assert (counts[CONTRACT, "created"], counts[CONTRACT, "submitted"]) == (1, 2)
    assert {state for code, state in counts if code == CONTRACT} == {"created", "submitted"}
    clerk = member(ctx, f"{CONTRACT}.view", f"{CONTRACT}.submit")
    assert waiting(clerk) == {(CONTRACT, "created"): 1}
    assert waiting(member(ctx, f"{CONTRACT}.view")) == {}
    assert waiting(member(ctx, f"{CONTRACT}.approve")) == {}


def test_only_my_own_when_that_is_my_scope(ctx):
    contract(ctx)
    contract(ctx, owner=str(make("org.employee", ctx).pk))
    assert waiting(member(ctx, f"{CONTRACT}.view", f"{CONTRACT}.submit", scope="own")) == {
        (CONTRACT, "created"): 1
    }


def noticed(shop, *steps):
    lines = [{"product": "P1", "qty": "1", "price": "10"}]
    contract = shop.move(shop.save("sales.contract", customer="LI", lines=lines), "approve")
    shop.pay(contract, "10")
    notice = shop.push(contract, "stock.dispatch_notice")
    return [shop.move(notice, step) for step in steps][-1] if steps else notice


def test_what_is_to_be_made_from_an_approved_document_waits_for_who_makes_it(ctx):
    shop = Shop(ctx)
    shop.receive(shop.p1, "2", "10")
    noticed(shop, "approve")
    noticed(shop)
    keeper = member(ctx, "stock.dispatch_notice.view", "stock.sales_out.edit")
    (row,) = home.waiting(keeper)
    assert (row["label"], row["count"]) == ("Dispatch notice · Sales stock-out to follow", 1)
    assert row["filter"] == [["close", "=", "open"], ["state", "=", "approved"]]
    assert home.waiting(member(ctx, "stock.dispatch_notice.view")) == []
    assert home.waiting(member(ctx, "stock.sales_out.edit")) == []


def test_a_document_that_is_closed_waits_for_nothing(ctx):
    shop = Shop(ctx)
    shop.receive(shop.p1, "1", "10")
    shop.move(noticed(shop, "approve"), "close")
    assert home.waiting(member(ctx, "stock.dispatch_notice.view", "stock.sales_out.edit")) == []


def numbers(ctx):
    return {each["code"]: (each["value"], each["last"]) for n in home.NUMBERS if (each := n.read(ctx))}


def test_this_month_stands_beside_last_month_to_the_same_day(ctx):
    last = dt.date(TODAY.year, TODAY.month - 1, TODAY.day)
    for day in (TODAY, TODAY.replace(day=1), last, last + dt.timedelta(days=1), last.replace(day=1)):
        contract(ctx, "approved", date=day.isoformat())
    contract(ctx)
    one = Decimal("37.50")
    value, before = numbers(ctx)[CONTRACT]
    assert (Decimal(value), Decimal(before)) == (2 * one, 2 * one)


def test_numbers_and_charts_need_the_list_and_the_guard(ctx):
    contract(ctx, "approved")
    assert {CONTRACT, "finance.receipt", "purchase.order", "stock.cost"} <= set(numbers(ctx))
    assert numbers(member(ctx, f"{CONTRACT}.view", guards=())) == {}
    assert set(numbers(member(ctx, f"{CONTRACT}.view"))) == {CONTRACT}
    assert set(numbers(member(ctx, "stock.cost.view"))) == set()
    assert set(numbers(member(ctx, "stock.cost.view", guards=("stock.cost",)))) == {"stock.cost"}
    assert [c.read(member(ctx, f"{CONTRACT}.view", guards=())) for c in home.CHARTS] == [None] * 5


def test_charts_show_days_products_and_ages(ctx):
    old = TODAY - dt.timedelta(days=45)
    contract(ctx, "approved")
    contract(ctx, "approved", date=old.isoformat())
    daily, top, ageing = (chart.read(ctx) for chart in home.CHARTS[:3])
    assert (daily["x"][-1], len(daily["x"])) == (TODAY.isoformat(), 30)
    assert [y for y in daily["series"][0]["y"] if Decimal(y)] == ["37.50"]
    assert top["series"][0]["y"] == ["37.50"]
    assert ageing["series"][0]["y"] == ["37.50", "37.50", "0.00", "0.00"]


def test_a_chart_names_the_rows_behind_it_and_behind_each_point(ctx):
    contract(ctx, "approved")
    contract(ctx, "approved")
    contract(ctx)
    daily, top, ageing = (chart.read(ctx) for chart in home.CHARTS[:3])

    def behind(code, filter_):
        query = listing.Query(filter=msgspec.json.encode(filter_).decode())
        return len(listing.page(find_listed(code), ctx, query).rows)

    assert behind(CONTRACT, daily["filter"]) == 2
    assert [behind(CONTRACT, daily["filters"][at]) for at in (-1, -2)] == [2, 0]
    assert [behind(CONTRACT, each) for each in top["filters"]] == [1, 1]
    assert behind("finance.receivable", ageing["filter"]) == 2


def test_a_buyer_has_charts_of_purchases(ctx):
    buyer = member(ctx, "purchase.order.view", guards=("purchase.price",))
    shown = [chart["code"] for each in home.CHARTS if (chart := each.read(buyer))]
    assert shown == ["purchase.order"] * 2
    assert [each.read(member(ctx, "purchase.order.view", guards=())) for each in home.CHARTS] == [None] * 5


def test_a_new_enterprise_is_told_how_to_begin_until_it_has(ctx):
    rows = home.beginning(ctx)
    assert [row["done"] for row in rows if row["code"] == "masters.warehouse"] == [False]
    make("masters.warehouse", ctx)
    assert [row["done"] for row in home.beginning(ctx) if row["code"] == "masters.warehouse"] == [True]
    make("masters.product", ctx)
    make("masters.partner", ctx, is_customer=True)
    make("masters.account", ctx)
    assert home.beginning(ctx) == []
    assert home.beginning(member(ctx)) == []


def test_the_number_of_statements_is_fixed(ctx):
    counts = []
    for n in (1, 5):
        for _n in range(n):
            contract(ctx, "approved")
        with Statements() as counted:
            home.waiting(ctx)
            [each.read(ctx) for each in (*home.NUMBERS, *home.CHARTS)]
        counts.append(counted.count)
    assert counts[0] == counts[1]


def test_every_declaration_names_what_exists():
    for each in (*home.NUMBERS, *home.CHARTS):
        assert getattr(each, "dated_by", None) in (None, *REGISTRY)
