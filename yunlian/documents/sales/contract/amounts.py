"""Amounts of a contract to the cent (flows.md F3): pure arithmetic over decimals, no row and no clock.

Money has 2 decimals, rounded half up where it is made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def cents(value: Decimal) -> Decimal:
    """Return money rounded half up to 2 decimals."""
    return value.quantize(CENT, rounding=ROUND_HALF_UP)


def spread(total: Decimal, bases: Sequence[Decimal]) -> list[Decimal]:
    """Share `total` over `bases` in proportion, keeping the sum exact.

    Both are money and not negative. Each share is rounded half up; the last one with a base takes the remainder. No share
    exceeds its base: what a line cannot carry goes to the lines before it. Raises ValueError when `total` is more than
    all bases together, or anything is negative. Source: flows.md, conventions and F15.
    """
    whole = sum(bases, ZERO)
    if total < 0 or any(base < 0 for base in bases) or total > whole:
        raise ValueError("A spread amount is neither negative nor more than what it is spread over.")
    shares, left = [], total
    for base in bases:
        share = min(cents(total * base / whole), base, left) if base else ZERO
        shares.append(share)
        left -= share
    for at in reversed(range(len(bases))):
        more = min(left, bases[at] - shares[at])
        shares[at] += more
        left -= more
    return shares


@dataclass(frozen=True)
class Net:
    """What one line comes to: before any discount, after its own, its share of the order's, and what is charged."""

    gross: Decimal
    after_discount: Decimal
    share: Decimal
    net: Decimal


def nets(lines: Sequence[tuple[Decimal, Decimal, Decimal]], order_discount: Decimal) -> list[Net]:
    """Return the amounts of lines given as (quantity, price, discount rate), with the order's discount spread.

    A discount rate of 0.1 takes ten per cent off. Raises ValueError when the order's discount is more than the lines.
    """
    grosses = [cents(qty * price) for qty, price, _rate in lines]
    afters = [cents(gross * (1 - rate)) for gross, (_q, _p, rate) in zip(grosses, lines, strict=True)]
    shares = spread(order_discount, afters)
    return [Net(g, a, s, a - s) for g, a, s in zip(grosses, afters, shares, strict=True)]


def tax_within(net: Decimal, rate: Decimal) -> Decimal:
    """Return the tax contained in a tax-inclusive amount; `rate` 0.13 is thirteen per cent."""
    return cents(net * rate / (1 + rate))
