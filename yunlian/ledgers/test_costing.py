"""The worked example of flows.md F11, to the cent, and the edges of moving average cost."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yunlian.kernel import ledger
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import Doc
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing
from yunlian.kernel.testing import guarded, make, savepoint
from yunlian.kernel.verify import verify

from .costing import Pool, find_last_costs
from .models import CostBalance, CostEntry

pytestmark = pytest.mark.django_db
D = Decimal


class Mover:
    """Posts cost entries as documents would, one document each, and takes them back."""

    code = "test.mover"
    ledgers = (CostEntry,)

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        self.product = make("masters.product", ctx, purchase_price="19").pk
        self.serial = 0

    def post(self, qty: str, value: str | None = None, **keys: Any) -> Any:
        """Move the product by one entry (or several, given as pairs); returns the document."""
        return self.post_all([(qty, value)], **keys)

    def post_all(self, moves: list[tuple[str, str | None]], *, day: int = 0, **keys: Any) -> Any:
        self.serial += 1
        at = self.ctx.now + dt.timedelta(seconds=self.serial)
        ctx = Context(**{name: getattr(self.ctx, name) for name in Context.__slots__} | {"now": at})
        header = type(
            "Header",
            (),
            {
                "id": new_id(),
                "date": ctx.today + dt.timedelta(days=day),
                "turn": 0,
                "number": f"M{self.serial}",
            },
        )()
        loaded = Loaded(self, header)  # type: ignore[arg-type]
        entries = [
            CostEntry(
                product_id=self.product,
                line_no=no,
                qty=D(qty),
                value=None if value is None else D(value),
                **keys,
            )
            for no, (qty, value) in enumerate(moves, 1)
        ]
        with savepoint():
            writing = Writing(ctx.enterprise_id)
            writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=header.id, code=self.code)])
            ledger.post(loaded, ctx, entries, writing)
            writing.run()
        return loaded

    def take_back(self, loaded: Any) -> None:
        with savepoint():
            writing = Writing(self.ctx.enterprise_id)
            ledger.negate(loaded, self.ctx, writing)
            writing.run()

    @property
    def state(self) -> tuple[Decimal, Decimal]:
        """Quantity and value of the product."""
        balance = CostBalance.objects.get(product_id=self.product)
        return balance.qty, balance.value


@pytest.fixture
def mover(ctx: Context) -> Mover:
    return Mover(ctx)


def test_the_worked_example_to_the_cent(mover: Mover, ctx: Context) -> None:
    issue = new_id()
    mover.post("10", "200.00")
    assert mover.state == (D("10"), D("200.00"))
    mover.post("5", "130.00")
    assert mover.state == (D("15"), D("330.00"))
    mover.post("-6", line=issue)
    assert mover.state == (D("9"), D("198.00"))
    mover.post("1", returns=issue)
    assert mover.state == (D("10"), D("220.00"))
    mover.post("4", "120.00")
    assert mover.state == (D("14"), D("340.00"))
    mover.post("-2")
    assert mover.state == (D("12"), D("291.43"))
    mover.post("-12")
    assert mover.state == (D("0"), D("0.00"))
    mover.post("-3")
    assert mover.state == (D("-3"), D("-72.86"))
    mover.post("10", "250.00")
    assert mover.state == (D("7"), D("175.00"))
    values = CostEntry.objects.order_by("at", "leg").values_list("value", flat=True)
    assert [str(value) for value in values] == [
        "200.00", "130.00", "-132.00", "22.00", "120.00", "-48.57", "-291.43", "-72.86", "250.00", "-2.14"
    ]  # fmt: skip
    assert verify(ctx.enterprise_id) == []


def test_the_long_example_gives_1240_for_three(mover: Mover) -> None:
    for value in ("400.00", "420.00", "420.00"):
        mover.post("1", value)
    issue = new_id()
    mover.post("-3", line=issue)
    assert mover.state == (0, 0)
    mover.post("1", returns=issue)
    assert mover.state == (1, D("413.33"))
    mover.post("1", returns=issue)
    mover.post("1", returns=issue)
    assert mover.state == (3, D("1240.00"))


def test_two_returns_in_one_document_bring_back_the_whole(mover: Mover) -> None:
    issue = new_id()
    mover.post("3", "100.00")
    mover.post("-3", line=issue)
    mover.post_all([("1", None), ("1", None), ("1", None)], returns=issue)
    assert mover.state == (3, D("100.00"))


def test_lines_of_one_document_are_valued_one_after_the_other(mover: Mover) -> None:
    mover.post_all([("3", "10.00"), ("-1", None), ("-2", None)])
    assert mover.state == (0, 0)
    assert [e.value for e in CostEntry.objects.order_by("line_no")] == [D("10.00"), D("-3.33"), D("-6.67")]


def test_what_goes_below_zero_takes_what_there_is_whole(mover: Mover) -> None:
    mover.post("3", "10.00")
    mover.post("-4")
    assert mover.state == (-1, D("-3.33"))
    mover.post("1", "5.00")
    assert mover.state == (0, 0)


def test_a_part_of_what_is_owed_is_valued_again(mover: Mover) -> None:
    mover.post("1", "24.29")
    mover.post("-4")
    assert mover.state == (-3, D("-72.87"))
    mover.post("2", "50.00")
    assert mover.state == (-1, D("-24.29"))


def test_goods_never_seen_go_out_at_the_purchase_price(mover: Mover) -> None:
    assert find_last_costs({mover.product: mover.ctx.today}) == {mover.product: 19}
    assert find_last_costs({uuid.uuid4(): mover.ctx.today}) == {}
    mover.post("-2")
    assert mover.state == (-2, D("-38.00"))


def test_what_comes_back_unlinked_comes_at_the_last_average(mover: Mover) -> None:
    mover.post("3", "100.00")
    mover.post("-3")
    mover.post("1")
    assert mover.state == (1, D("33.33"))


def test_taking_back_negates_what_was_recorded(mover: Mover) -> None:
    mover.post("10", "200.00")
    issued = mover.post("-4")
    mover.post("6", "180.00")
    mover.take_back(issued)
    assert mover.state == (16, D("380.00"))
    below = mover.post("-20")
    receipt = mover.post("4", "200.00")
    assert mover.state == (0, 0)
    mover.take_back(receipt)
    assert mover.state == (-4, D("-95.00"))
    mover.take_back(below)
    assert mover.state == (16, D("380.00"))


def test_value_never_remains_without_goods(mover: Mover) -> None:
    receipt = mover.post("10", "200.00")
    mover.post("5", "130.00")
    mover.post("-5")
    assert "20.00" in guarded("stock.cost", mover.take_back, receipt)
    assert mover.state == (10, D("220.00"))


def test_the_database_refuses_value_without_goods_too(mover: Mover) -> None:
    mover.post("3", "10.00")
    with pytest.raises(IntegrityError), savepoint():
        CostBalance.objects.update(qty=0)
    with pytest.raises(IntegrityError), savepoint():
        CostBalance.objects.update(value=-1)


def test_entries_are_never_changed(mover: Mover) -> None:
    mover.post("3", "10.00")
    with pytest.raises(ProgrammingError), savepoint():
        CostEntry.objects.update(value=11)
    with pytest.raises(ProgrammingError), savepoint():
        CostEntry.objects.all()._raw_delete("default")


@pytest.mark.parametrize(
    ("qty", "value", "out", "cost"),
    [("3", "10", "1", "3.33"), ("3", "10", "2", "6.67"), ("3", "10", "3", "10")],
)
def test_an_issue_is_rounded_once(qty: str, value: str, out: str, cost: str) -> None:
    assert Pool(D(qty), D(value)).issue(D(out)) == D(cost)


def costs(lines: dict[Any, uuid.UUID]) -> dict[Any, Decimal]:
    """What each issue cost, corrections included: the sum by its line."""
    found = {}
    for name, line in lines.items():
        found[name] = -sum((e.value for e in CostEntry.objects.filter(line=line)), D(0))
    return found


def test_a_receipt_dated_before_issues_makes_them_cost_what_they_would_have(
    mover: Mover, ctx: Context
) -> None:
    lines = {"first": new_id(), "second": new_id()}
    mover.post("10", "200.00", day=1)
    mover.post("-4", line=lines["first"], day=3)
    mover.post("-2", line=lines["second"], day=5)
    assert costs(lines) == {"first": D("80.00"), "second": D("40.00")}
    late = mover.post("10", "300.00", day=2)
    assert costs(lines) == {"first": D("100.00"), "second": D("50.00")}
    assert mover.state == (14, D("350.00"))
    mover.take_back(late)
    assert costs(lines) == {"first": D("80.00"), "second": D("40.00")}
    assert mover.state == (4, D("80.00"))
    assert verify(ctx.enterprise_id) == []


def test_a_receipt_dated_after_issues_leaves_them_alone(mover: Mover) -> None:
    line = new_id()
    mover.post("10", "200.00", day=1)
    mover.post("-4", line=line, day=3)
    mover.post("10", "300.00", day=3)
    mover.post("10", "300.00", day=4)
    assert costs({"only": line}) == {"only": D("80.00")}
    assert not CostEntry.objects.filter(adjusts__isnull=False).exists()


def test_an_issue_taken_back_takes_its_corrections_with_it(mover: Mover, ctx: Context) -> None:
    line = new_id()
    mover.post("10", "200.00", day=1)
    issued = mover.post("-4", line=line, day=3)
    late = mover.post("10", "300.00", day=2)
    mover.take_back(issued)
    assert costs({"only": line}) == {"only": 0}
    assert mover.state == (20, D("500.00"))
    mover.take_back(late)
    assert mover.state == (10, D("200.00"))
    assert verify(ctx.enterprise_id) == []


def test_goods_that_came_back_bring_the_corrected_cost(mover: Mover) -> None:
    line = new_id()
    mover.post("10", "200.00", day=1)
    mover.post("-4", line=line, day=3)
    mover.post("4", returns=line, day=4)
    mover.post("10", "300.00", day=2)
    assert costs({"only": line}) == {"only": D("100.00")}
    assert mover.state == (20, D("500.00"))


def test_an_issue_dated_before_others_takes_the_average_of_its_day(mover: Mover) -> None:
    lines = {"early": new_id(), "late": new_id()}
    mover.post("10", "200.00", day=1)
    mover.post("10", "300.00", day=3)
    mover.post("-5", line=lines["late"], day=4)
    assert costs({"late": lines["late"]}) == {"late": D("125.00")}
    mover.post("-5", line=lines["early"], day=2)
    assert costs(lines) == {"early": D("100.00"), "late": D("133.33")}
    assert mover.state == (10, D("266.67"))


MOVES = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.one_of(
            st.tuples(st.integers(1, 9), st.integers(1, 20_000)), st.tuples(st.integers(-9, -1), st.none())
        ),
    ),
    min_size=2,
    max_size=9,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_whatever_the_order_of_posting_costs_follow_the_dates(ctx: Context, moves: list[Any]) -> None:
    as_posted, by_date = Mover(ctx), Mover(ctx)
    lines = [(new_id(), new_id()) for _ in moves]
    for at, (day, (qty, cents)) in enumerate(moves):
        as_posted.post(str(qty), cents and str(D(cents) / 100), day=day, line=lines[at][0])
    for at, (day, (qty, cents)) in sorted(enumerate(moves), key=lambda each: (each[1][0], each[0])):
        by_date.post(str(qty), cents and str(D(cents) / 100), day=day, line=lines[at][1])
    issues = {at for at, (_day, (qty, _cents)) in enumerate(moves) if qty < 0}
    assert costs({at: lines[at][0] for at in issues}) == costs({at: lines[at][1] for at in issues})
    assert as_posted.state == by_date.state
    assert verify(ctx.enterprise_id) == []
