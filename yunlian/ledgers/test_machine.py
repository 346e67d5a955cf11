"""Any sequence of postings and takings-back, against a model that only adds up (flows.md F9, F11, F12, F13, F19).

The model knows the rules as the flows state them and nothing of tables, locks or statements: whatever it holds legal
must be posted, whatever it holds illegal must be refused and change nothing, and after every act all balances agree.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from yunlian.kernel import ledger
from yunlian.kernel.document import Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import Doc
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing, run_together
from yunlian.kernel.testing import make, savepoint
from yunlian.kernel.verify import verify

from .models import (
    CashBalance,
    CashEntry,
    CostBalance,
    CostEntry,
    CustomerFunds,
    CustomerFundsEntry,
    PayableBalance,
    PayableEntry,
    ReceivableBalance,
    ReceivableEntry,
    ReservationBalance,
    StockBalance,
    StockEntry,
    SupplierFunds,
    SupplierFundsEntry,
    TiedFunds,
    TiedPrepaid,
)

pytestmark = pytest.mark.django_db
D = Decimal
STOCK = ("on_hand", "reserved", "pending_out", "in_transit", "on_order")
KEYS = {
    StockEntry: (StockBalance, ("product_id", "warehouse_id", "status"), STOCK),
    CostEntry: (CostBalance, ("product_id",), ("qty", "value")),
    ReceivableEntry: (
        ReceivableBalance,
        ("partner_id", "contract_id"),
        ("charged", "credited", "applied", "written_off"),
    ),
    CustomerFundsEntry: (CustomerFunds, ("partner_id",), ("free", "frozen")),
    PayableEntry: (PayableBalance, ("partner_id", "order_id"), ("received", "returned", "applied")),
    SupplierFundsEntry: (SupplierFunds, ("partner_id",), ("prepaid",)),
    CashEntry: (CashBalance, ("account_id",), ("amount",)),
}
FURTHER = {
    StockEntry: (ReservationBalance, ("for_line",), ("reserved",)),
    CustomerFundsEntry: (TiedFunds, ("partner_id", "for_doc_id"), ("free",)),
    SupplierFundsEntry: (TiedPrepaid, ("partner_id", "for_doc_id"), ("prepaid",)),
}
Balances = dict[Any, dict[Any, list[Decimal]]]


def cent(value: Fraction) -> Decimal:
    """Half up, away from zero, to 2 decimals; written anew so that it shares nothing with what it tests."""
    scaled = abs(value) * 100
    whole = scaled.numerator // scaled.denominator
    if 2 * (scaled - whole) >= 1:
        whole += 1
    return D(whole if value >= 0 else -whole) / 100


@dataclass
class Model:
    """Live documents' moves, their sums, and each product's last known cost."""

    allowed: frozenset[Any]
    sums: Balances = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    last: dict[Any, Fraction] = field(default_factory=dict)
    pools: dict[Any, Fraction] = field(default_factory=dict)

    def value(self, moves: list[tuple[Any, Any, Decimal | None]]) -> list[list[tuple[Decimal, Decimal]]]:
        """Return what each cost move does to quantity and value (F11), the revaluation of goods owed included."""
        done = []
        pools = {key: tuple(map(Fraction, row)) for key, row in self.sums[CostBalance].items() if row}
        last = dict(self.last)
        for product, qty, given in moves:
            held, worth = pools.get((product,), (Fraction(0), Fraction(0)))
            average = worth / held if held else last.get(product, Fraction(0))
            value = given if given is not None else self._issue(Fraction(qty), held, worth, average)
            steps = [(D(qty), value)]
            if held < 0 < qty:
                again = min(-held, Fraction(qty))
                owed = -worth if again == -held else Fraction(cent(worth * again / held))
                share = (
                    Fraction(value)
                    if again == qty
                    else Fraction(cent(Fraction(value) * again / Fraction(qty)))
                )
                if owed != share:
                    steps.append((D(0), cent(owed - share)))
            for moved, worth_moved in steps:
                held, worth = held + Fraction(moved), worth + Fraction(worth_moved)
            pools[product,] = held, worth
            last[product] = Fraction(value) / Fraction(qty)
            done.append(steps)
        return done

    @staticmethod
    def _issue(qty: Fraction, held: Fraction, worth: Fraction, average: Fraction) -> Decimal:
        if qty > 0:
            return cent(qty * average)
        if -qty == held:
            return cent(-worth)
        if 0 < held < -qty:
            return cent(-worth) - cent((-qty - held) * average)
        return -cent(-qty * average)

    def after(self, moves: Iterable[tuple[Any, Any, list[Decimal]]], sign: int) -> Balances:
        """Return the balances that moves (table, key, amounts) would make."""
        made: Balances = defaultdict(lambda: defaultdict(list))
        for table, rows in self.sums.items():
            for key, row in rows.items():
                made[table][key] = list(row)
        for table, key, amounts in moves:
            row = made[table][key] or [D(0)] * len(amounts)
            made[table][key] = [a + sign * b for a, b in zip(row, amounts, strict=True)]
        return made

    def is_legal(self, made: Balances) -> bool:
        """Whether every balance is one the flows allow."""
        return all(
            _LEGAL[table](row, self.allowed.intersection(key))
            for table in made
            for key, row in made[table].items()
            if row
        )


def _stock_is_legal(row: list[Decimal], allowed: Any, *, is_good: bool = True) -> bool:
    on_hand, reserved, pending, transit, order = row
    if min(reserved, pending, transit, order) < 0:
        return False
    return bool(allowed) or (on_hand >= 0 and reserved <= on_hand and on_hand - reserved - pending >= 0)


def _cost_is_legal(row: list[Decimal], allowed: Any) -> bool:
    qty, value = row
    return value == 0 if qty == 0 else qty * value >= 0


def _none_negative(row: list[Decimal], allowed: Any) -> bool:
    return min(row) >= 0


_LEGAL = {
    StockBalance: _stock_is_legal,
    ReservationBalance: _none_negative,
    CostBalance: _cost_is_legal,
    ReceivableBalance: lambda row, allowed: min(row) >= 0 and row[2] + row[3] <= row[0],
    CustomerFunds: _none_negative,
    TiedFunds: _none_negative,
    PayableBalance: lambda row, allowed: min(row) >= 0 and row[2] <= row[0] and row[1] <= row[0],
    SupplierFunds: _none_negative,
    TiedPrepaid: _none_negative,
    CashBalance: lambda row, allowed: bool(allowed) or row[0] >= 0,
}


class Anything:
    """A document that may post to every ledger."""

    code, ledgers = "test.machine", tuple(KEYS)


@dataclass
class World:
    """The masters all examples share, made once."""

    ctx: Context
    products: list[Any]
    warehouses: list[Any]
    partner: Any
    accounts: list[Any]
    docs: list[Any]
    lines: list[Any]
    allowed: frozenset[Any]


def make_world(ctx: Context) -> World:
    unit = make("masters.unit", ctx, code="PC").header.code
    products = [make("masters.product", ctx, unit=unit, purchase_price=None).pk for _ in range(2)]
    warehouses = [make("masters.warehouse", ctx, may_be_negative=negative).pk for negative in (False, True)]
    accounts = [make("masters.account", ctx, may_be_negative=negative).pk for negative in (False, True)]
    partner = make("masters.partner", ctx, is_customer=True, is_supplier=True).pk
    docs = [new_id() for _ in range(2)]
    writing = Writing(ctx.enterprise_id)
    writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=id_, code=Anything.code) for id_ in docs])
    writing.run()
    allowed = frozenset((warehouses[1], accounts[1]))
    return World(ctx, products, warehouses, partner, accounts, docs, [new_id(), new_id()], allowed)


QTY = st.integers(-6, 9).filter(bool).map(D)
MONEY = st.integers(-60_00, 90_00).filter(bool).map(lambda n: D(n) / 100)
PLACE = st.integers(0, 1)


def machine(world: World) -> type[RuleBasedStateMachine]:
    """Return the machine over one world; each example ends by rolling back."""

    class Ledgers(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            self.stack = ExitStack()
            self.stack.enter_context(transaction.atomic())
            self.model = Model(world.allowed)
            self.live: list[tuple[Any, list[Any]]] = []
            self.clock = 0

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.stack.close()

        def ctx(self) -> Context:
            self.clock += 1
            return replace(world.ctx, now=world.ctx.now + dt.timedelta(seconds=self.clock))

        def act(self, entries: list[Any]) -> None:
            """Post entries as one document, as the model says."""
            header = type("Header", (), {"id": new_id(), "date": world.ctx.today, "turn": 0, "number": "M"})()
            moves, costs = self._moves(entries)
            made = self.model.after(moves, 1)
            ctx = self.ctx()

            def post() -> None:
                writing = Writing(ctx.enterprise_id)
                writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=header.id, code=Anything.code)])
                ledger.post(Loaded(Anything(), header), ctx, entries, writing)  # type: ignore[arg-type]
                writing.run()

            if self._happens(post, self.model.is_legal(made)):
                self.model.sums = made
                self.live.append((header, moves))
                for product, steps in costs:
                    self.model.last[product] = Fraction(steps[0][1]) / Fraction(steps[0][0])

        def _moves(self, entries: list[Any]) -> tuple[list[Any], list[Any]]:
            moves: list[Any] = []
            costing = [entry for entry in entries if isinstance(entry, CostEntry)]
            valued = self.model.value([(e.product_id, e.qty, e.value) for e in costing])
            for entry, steps in zip(costing, valued, strict=True):
                moves += [(CostBalance, (entry.product_id,), [qty, value]) for qty, value in steps]
            for entry in entries:
                for shapes in (KEYS, FURTHER):
                    if type(entry) not in shapes or isinstance(entry, CostEntry):
                        continue
                    table, keys, measures = shapes[type(entry)]
                    key = tuple(getattr(entry, name) for name in keys)
                    if None not in key:
                        moves.append((table, key, [getattr(entry, name) for name in measures]))
            return moves, [(e.product_id, steps) for e, steps in zip(costing, valued, strict=True)]

        def _happens(self, do: Any, is_legal: bool) -> bool:
            try:
                with savepoint():
                    do()
            except Refused as refused:
                note(f"refused: {[str(problem.message) for problem in refused.problems]}")
                assert not is_legal
                return False
            assert is_legal
            return True

        @rule(
            moves=st.lists(
                st.tuples(PLACE, PLACE, st.sampled_from(STOCK), QTY, st.sampled_from((None, 0, 1))),
                min_size=1,
                max_size=3,
            )
        )
        def move_stock(self, moves: list[Any]) -> None:
            self.act(
                [
                    StockEntry(
                        line_no=no,
                        product_id=world.products[product],
                        warehouse_id=world.warehouses[place],
                        status="good",
                        for_line=None if line is None or measure != "reserved" else world.lines[line],
                        **{measure: qty},
                    )
                    for no, (product, place, measure, qty, line) in enumerate(moves, 1)
                ]
            )

        @rule(
            place=PLACE,
            product=PLACE,
            qty=st.integers(1, 9).map(D),
            line=PLACE,
            measure=st.sampled_from(STOCK),
        )
        def receive_stock(self, place: int, product: int, qty: Decimal, line: int, measure: str) -> None:
            self.act(
                [
                    StockEntry(
                        product_id=world.products[product],
                        warehouse_id=world.warehouses[place],
                        status="good",
                        on_hand=qty,
                    )
                ]
            )

        @rule(
            moves=st.lists(st.tuples(PLACE, QTY, st.integers(0, 300_00)), min_size=1, max_size=4),
            is_valued=st.booleans(),
        )
        def move_cost(self, moves: list[Any], is_valued: bool) -> None:
            """Receipts say their value, or come at the average when they do not; issues never say."""
            self.act(
                [
                    CostEntry(
                        line_no=no,
                        product_id=world.products[product],
                        qty=qty,
                        value=D(value) / 100 if qty > 0 and is_valued else None,
                    )
                    for no, (product, qty, value) in enumerate(moves, 1)
                ]
            )

        @rule(product=PLACE, qty=st.integers(1, 9).map(D), value=st.integers(1, 300_00))
        def buy(self, product: int, qty: Decimal, value: int) -> None:
            self.act([CostEntry(product_id=world.products[product], qty=qty, value=D(value) / 100)])

        @rule(product=PLACE)
        def sell_out(self, product: int) -> None:
            row = self.model.sums[CostBalance].get((world.products[product],))
            if row and row[0] > 0:
                self.act([CostEntry(product_id=world.products[product], qty=-row[0], value=None)])

        @rule(
            doc=PLACE,
            measure=st.sampled_from(("charged", "credited", "applied", "written_off")),
            amount=MONEY,
            from_funds=st.booleans(),
        )
        def move_receivable(self, doc: int, measure: str, amount: Decimal, from_funds: bool) -> None:
            key = {"partner_id": world.partner}
            entries: list[Any] = [ReceivableEntry(**key, contract_id=world.docs[doc], **{measure: amount})]
            if from_funds:
                entries.append(CustomerFundsEntry(**key, for_doc_id=world.docs[doc], free=-amount))
            self.act(entries)

        @rule(doc=st.sampled_from((None, 0, 1)), amount=MONEY, account=PLACE, is_frozen=st.booleans())
        def take_money(self, doc: int | None, amount: Decimal, account: int, is_frozen: bool) -> None:
            tied = None if doc is None else world.docs[doc]
            measure = {"frozen" if is_frozen else "free": amount}
            self.act(
                [
                    CashEntry(account_id=world.accounts[account], amount=amount),
                    CustomerFundsEntry(partner_id=world.partner, for_doc_id=tied, **measure),
                ]
            )

        @rule(doc=PLACE, measure=st.sampled_from(("received", "returned", "applied")), amount=MONEY)
        def move_payable(self, doc: int, measure: str, amount: Decimal) -> None:
            self.act([PayableEntry(partner_id=world.partner, order_id=world.docs[doc], **{measure: amount})])

        @rule(doc=st.sampled_from((None, 0, 1)), amount=MONEY, account=PLACE)
        def pay(self, doc: int | None, amount: Decimal, account: int) -> None:
            tied = None if doc is None else world.docs[doc]
            self.act(
                [
                    CashEntry(account_id=world.accounts[account], amount=-amount),
                    SupplierFundsEntry(partner_id=world.partner, for_doc_id=tied, prepaid=amount),
                ]
            )

        @rule(doc=PLACE, amount=st.integers(1, 40_00).map(lambda n: D(n) / 100), is_ours=st.booleans())
        def use_money_tied_to_another(self, doc: int, amount: Decimal, is_ours: bool) -> None:
            """Money that was paid for one document is not there for the other, however much there is in all."""
            kind, measure = (SupplierFundsEntry, "prepaid") if is_ours else (CustomerFundsEntry, "free")
            self.act([kind(partner_id=world.partner, for_doc_id=world.docs[doc], **{measure: D(50)})])
            self.act([kind(partner_id=world.partner, for_doc_id=world.docs[1 - doc], **{measure: -amount})])

        @rule(at=st.integers(0, 30))
        def take_back(self, at: int) -> None:
            if not self.live:
                return
            at %= len(self.live)
            header, moves = self.live[at]
            made = self.model.after(moves, -1)
            ctx = self.ctx()

            def negate() -> None:
                writing = Writing(ctx.enterprise_id)
                ledger.negate(Loaded(Anything(), header), ctx, writing)  # type: ignore[arg-type]
                writing.run()

            if self._happens(negate, self.model.is_legal(made)):
                self.model.sums = made
                del self.live[at]
                for table, (product, *_rest), amounts in moves:
                    if table is CostBalance and amounts[0]:
                        self.model.last[product] = Fraction(amounts[1]) / Fraction(amounts[0])

        @invariant()
        def balances_agree(self) -> None:
            if not hasattr(self, "model"):
                return
            shapes = [*KEYS.values(), *FURTHER.values()]
            # Through SQL and in one journey: asked after every act, it is most of what this test does.
            asked = [
                f"SELECT {', '.join((*keys, *measures))} FROM {table._meta.db_table} WHERE enterprise_id = %s"
                for table, keys, measures in shapes
            ]
            answers = run_together([(sql, [world.ctx.enterprise_id]) for sql in asked])
            for (table, keys, _measures), rows in zip(shapes, answers, strict=True):
                stored = {row[: len(keys)]: list(row[len(keys) :]) for row in rows}
                expected = {key: row for key, row in self.model.sums[table].items() if row}
                assert {k: v for k, v in stored.items() if any(v)} == {
                    k: v for k, v in expected.items() if any(v)
                }

        @invariant()
        def verify_finds_nothing(self) -> None:
            if hasattr(self, "model") and self.clock % 5 == 0:
                assert verify(world.ctx.enterprise_id) == []

    return Ledgers


def _run(ctx: Context, examples: int, steps: int) -> None:
    run_state_machine_as_test(
        machine(make_world(ctx)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


def test_balances_follow_any_history(ctx: Context) -> None:
    _run(ctx, examples=25, steps=25)


@pytest.mark.slow
def test_balances_follow_long_histories(ctx: Context) -> None:
    _run(ctx, examples=40, steps=60)
