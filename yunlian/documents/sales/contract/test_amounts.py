"""Amounts of a contract: the worked example of flows.md F3, then what must hold for any numbers."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .amounts import cents, nets, spread, tax_within

D = Decimal
money = st.decimals(min_value=0, max_value=10**7, places=2)
bases = st.lists(money, min_size=1, max_size=12)


def test_the_worked_example_of_c_1() -> None:
    lines = nets([(D(1), D("6800.00"), D(0)), (D(2), D("900.00"), D(0))], D("100.00"))
    assert [line.gross for line in lines] == [D("6800.00"), D("1800.00")]
    assert [line.share for line in lines] == [D("79.07"), D("20.93")]
    assert [line.net for line in lines] == [D("6720.93"), D("1779.07")]
    assert sum(line.net for line in lines) == D("8500.00")


def test_a_third_line_of_its_own_raises_the_total_by_its_net() -> None:
    assert nets([(D(1), D("900.00"), D(0))], D(0))[0].net == D("900.00")


def test_a_line_discount_is_taken_off_the_rounded_gross() -> None:
    (line,) = nets([(D(3), D("0.335"), D("0.1"))], D(0))
    assert (line.gross, line.after_discount) == (D("1.01"), D("0.91"))


def test_tax_is_contained_in_the_net() -> None:
    assert tax_within(D("8500.00"), D("0.13")) == D("977.88")
    assert tax_within(D("8500.00"), D(0)) == D("0.00")


def test_the_last_line_with_a_base_takes_the_remainder() -> None:
    assert spread(D("1.00"), [D("1.00"), D("1.00"), D("1.00"), D("0.00")]) == [
        D("0.33"), D("0.33"), D("0.34"), D("0.00"),
    ]  # fmt: skip


def test_what_a_line_cannot_carry_goes_to_the_others() -> None:
    assert spread(D("0.02"), [D("0.01")] * 4) == [D("0.01"), D("0.01"), D(0), D(0)]
    tiny = [D("1.00")] * 10 + [D("0.01")]
    assert spread(D("9.95"), tiny)[-1] <= D("0.01")
    assert sum(spread(D("9.95"), tiny)) == D("9.95")


def test_more_than_everything_cannot_be_spread() -> None:
    with pytest.raises(ValueError, match="spread"):
        spread(D("1.01"), [D("1.00")])


@given(bases, st.decimals(min_value=0, max_value=1, places=4))
def test_shares_sum_exactly_and_stay_within_their_bases(parts: list[Decimal], part: Decimal) -> None:
    total = cents(sum(parts, D(0)) * part)
    shares = spread(total, parts)
    assert sum(shares, D(0)) == total
    assert all(0 <= share <= base for share, base in zip(shares, parts, strict=True))
    whole = sum(parts, D(0))
    for share, base in zip(shares[:-1], parts[:-1], strict=True):
        if whole and len([b for b in parts if b]) > 1 and all(b > 1 for b in parts):
            assert abs(share - total * base / whole) <= D("0.01") * len(parts)


@given(
    st.lists(
        st.tuples(
            st.decimals(min_value=0, max_value=1000, places=3),
            st.decimals(min_value=0, max_value=10**4, places=4),
            st.decimals(min_value=0, max_value=1, places=2),
        ),
        min_size=1,
        max_size=8,
    ),
    st.decimals(min_value=0, max_value=1, places=4),
)
def test_nets_and_shares_make_up_what_the_lines_came_to(
    lines: list[tuple[Decimal, Decimal, Decimal]], part: Decimal
) -> None:
    afters = sum((line.after_discount for line in nets(lines, D(0))), D(0))
    discount = cents(afters * part)
    made = nets(lines, discount)
    assert sum((line.net for line in made), D(0)) == afters - discount
    assert all(line.net >= 0 for line in made)
