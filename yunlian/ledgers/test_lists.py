"""The read-only lists over the ledgers, and the statement of one partner."""

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest

from yunlian.kernel import ledger, listing
from yunlian.kernel.declarations import check_declarations
from yunlian.kernel.document import VIEWS, Missing, find_listed
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.meta import describe
from yunlian.kernel.models import Doc
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.sql import Writing
from yunlian.kernel.testing import Statements, context, make, refusal

from .models import (
    CashBalance,
    CashEntry,
    CustomerFundsEntry,
    PayableEntry,
    ReceivableEntry,
    StockBalance,
    StockEntry,
    SupplierFundsEntry,
)
from .statement import statement

pytestmark = pytest.mark.django_db
D = Decimal
DAY = dt.date(2026, 11, 23)
EVERY = (StockEntry, CashEntry, ReceivableEntry, CustomerFundsEntry, PayableEntry, SupplierFundsEntry)
CODES = [
    "finance.cash",
    "finance.customer_funds",
    "finance.payable",
    "finance.receivable",
    "finance.supplier_funds",
    "stock.balance",
    "stock.cost",
    "stock.movement",
]


class Poster:
    """Posts any entries, as one document each."""

    code, ledgers = "test.poster", EVERY


def post(ctx: Context, *entries: Any, date: dt.date = DAY) -> Any:
    header = type("Header", (), {"id": new_id(), "date": date, "turn": 0, "number": "N"})()
    writing = Writing(ctx.enterprise_id)
    writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=header.id, code=Poster.code)])
    ledger.post(Loaded(Poster(), header), ctx, entries, writing)  # type: ignore[arg-type]
    writing.run()
    return header.id


def rows(ctx: Context, code: str, **query: Any) -> list[dict[str, Any]]:
    return [json.loads(row) for row in listing.page(VIEWS[code], ctx, listing.Query(**query)).rows]


def test_every_ledger_has_its_list(ctx: Context) -> None:
    assert sorted(code for code in VIEWS if code.startswith(("stock.", "finance."))) == CODES
    for code in CODES:
        assert rows(ctx, code) == []


def test_stock_can_be_asked_by_what_is_available(ctx: Context) -> None:
    warehouse = make("masters.warehouse", ctx, code="W", may_be_negative=False)
    for code, qty, held in (("A", "5", "5"), ("B", "5", "2")):
        product = make("masters.product", ctx, code=code, name=f"床{code}")
        post(
            ctx,
            StockEntry(product_id=product.pk, warehouse_id=warehouse.pk, on_hand=D(qty), reserved=D(held)),
        )
    found = rows(ctx, "stock.balance", filter='[["available",">","0"]]', sort="-available")
    assert [(row["product"]["code"], row["available"], row["on_hand"]) for row in found] == [("B", "3", "5")]
    assert [row["product"]["code"] for row in rows(ctx, "stock.balance", search="床A")] == ["A"]
    total = listing.total(VIEWS["stock.balance"], ctx, listing.Query())
    assert D(total["sums"]["available"]) == 3
    assert len(rows(ctx, "stock.movement")) == 2


def test_stock_is_short_by_exact_numbers(ctx: Context) -> None:
    product = make("masters.product", ctx, code="P", name="床")
    warehouse = make("masters.warehouse", ctx, may_be_negative=False)
    key = {"product_id": product.pk, "warehouse_id": warehouse.pk, "line_no": 3}
    post(ctx, StockEntry(**key, on_hand=D(5), reserved=D(2)))
    for measure, problem in (
        ("on_hand", D(-4)),
        ("on_hand", D(-6)),
        ("in_transit", D(-1)),
        ("reserved", D(4)),
    ):
        assert refusal(post, ctx, StockEntry(**key, **{measure: problem})) == [("qty", 3)]
    post(ctx, StockEntry(**key, on_hand=D(-3)))
    balance = StockBalance.objects.get()
    assert (balance.on_hand, balance.available) == (2, 0)


def test_a_warehouse_may_be_negative_when_it_is_allowed_to(ctx: Context) -> None:
    product = make("masters.product", ctx)
    warehouse = make("masters.warehouse", ctx, code="W", may_be_negative=True)
    key = {"product_id": product.pk, "warehouse_id": warehouse.pk}
    post(ctx, StockEntry(**key, on_hand=D(-4)))
    body = {"version": 1, "code": "W", "name": "仓", "may_be_negative": False}
    assert refusal(save, "masters.warehouse", ctx, body, warehouse.pk) == [("may_be_negative", None)]
    post(ctx, StockEntry(**key, on_hand=D(4)))
    save("masters.warehouse", ctx, body, warehouse.pk)
    assert refusal(post, ctx, StockEntry(**key, on_hand=D(-1))) == [("qty", None)]
    save("masters.warehouse", ctx, body | {"version": 2, "may_be_negative": True}, warehouse.pk)
    post(ctx, StockEntry(**key, on_hand=D(-1)))


def test_an_account_may_be_overdrawn_when_it_is_allowed_to(ctx: Context) -> None:
    account = make("masters.account", ctx, code="A", may_be_negative=False)
    assert refusal(post, ctx, CashEntry(account_id=account.pk, amount=D("-0.01"))) == [("account", None)]
    post(ctx, CashEntry(account_id=account.pk, amount=D("1.00")))
    body = {"version": 1, "code": "A", "name": "户", "kind": "bank", "may_be_negative": True}
    save("masters.account", ctx, body, account.pk)
    post(ctx, CashEntry(account_id=account.pk, amount=D("-3.00")))
    assert CashBalance.objects.get().amount == D("-2.00")
    off = body | {"version": 2, "may_be_negative": False}
    assert refusal(save, "masters.account", ctx, off, account.pk) == [("may_be_negative", None)]


def test_money_is_refused_beyond_what_is_open(ctx: Context) -> None:
    partner = make("masters.partner", ctx, is_customer=True).pk
    contract = post(ctx)
    key = {"partner_id": partner, "contract_id": contract}
    post(ctx, ReceivableEntry(**key, charged=D("100.00")))
    assert refusal(post, ctx, ReceivableEntry(**key, applied=D("100.01"))) == [("amount", None)]
    post(ctx, ReceivableEntry(**key, applied=D("60.00")), ReceivableEntry(**key, written_off=D("40.00")))
    assert refusal(post, ctx, ReceivableEntry(**key, charged=D("-1.00"))) == [("amount", None)]
    assert rows(ctx, "finance.receivable")[0]["open"] == "0.00"
    assert rows(ctx, "finance.receivable", filter='[["open",">","0"]]') == []
    assert refusal(post, ctx, CustomerFundsEntry(partner_id=partner, free=D("-1.00"))) == [("amount", None)]


def test_the_statement_of_a_customer(ctx: Context) -> None:
    """C-1 of flows.md F12: earnest, contract, deposit, balance, return credit, refund."""
    partner = make("masters.partner", ctx, is_customer=True).pk
    contract = post(ctx)
    key = {"partner_id": partner, "contract_id": contract}

    def funds(amount: str) -> CustomerFundsEntry:
        return CustomerFundsEntry(partner_id=partner, free=D(amount))

    def owed(**measures: str) -> ReceivableEntry:
        return ReceivableEntry(**key, **{name: D(value) for name, value in measures.items()})

    days = [DAY + dt.timedelta(n) for n in range(6)]
    post(ctx, funds("500.00"), date=days[0])
    post(ctx, owed(charged="8500.00"), funds("-500.00"), owed(applied="500.00"), date=days[1])
    post(ctx, funds("2050.00"), funds("-2050.00"), owed(applied="2050.00"), date=days[2])
    post(ctx, owed(charged="900.00"), date=days[2])
    post(ctx, owed(applied="6850.00"), date=days[3])
    post(ctx, owed(credited="900.00"), date=days[4])
    told = statement(ctx, partner, "customer", days[0], days[5])
    assert [(row.charge, row.paid, row.balance) for row in told.rows] == [
        (0, 500, -500), (8500, 0, 8000), (0, 2050, 5950), (900, 0, 6850), (0, 6850, 0), (-900, 0, -900)
    ]  # fmt: skip
    later = statement(ctx, partner, "customer", days[2], days[3])
    assert (later.opening, later.closing, len(later.rows)) == (8000, 0, 3)
    nothing = statement(ctx, partner, "customer", days[5], days[5])
    assert (nothing.opening, nothing.closing, nothing.rows) == (-900, -900, [])


def test_a_statement_costs_two_statements(ctx: Context) -> None:
    partner = make("masters.partner", ctx, is_supplier=True).pk
    for n in (1, 9):
        for _ in range(n):
            post(ctx, SupplierFundsEntry(partner_id=partner, prepaid=D("1.00")))
        with Statements() as counted:
            statement(ctx, partner, "supplier", DAY, DAY)
        assert counted.count == 2


def test_a_list_nobody_declared_is_missing(ctx: Context) -> None:

    with pytest.raises(Missing):
        find_listed("stock.nothing")


def leads(code: str, *verbs: str) -> dict[str, Any]:
    grants = Grants(frozenset({f"{code}.view", *verbs}), {"*": "all"}, frozenset(), frozenset())
    return {each["to"]: each for each in describe(code, context(new_id(), new_id(), grants))["leads"]}


def test_a_balance_leads_to_its_movements() -> None:
    (found,) = leads("stock.balance", "stock.movement.view").values()
    assert found["by"] == {"product": "product", "warehouse": "warehouse", "status": "status"}
    assert leads("stock.balance") == {}


def test_what_is_owed_and_the_partner_lead_to_the_statement() -> None:
    assert leads("finance.payable")["finance.statement"]["given"] == {"side": "supplier"}
    assert leads("masters.partner", "finance.receivable.view")["finance.statement"]["by"] == {"partner": "id"}
    assert "finance.statement" not in leads("masters.partner")


def test_every_declaration_names_what_exists() -> None:
    check_declarations()
