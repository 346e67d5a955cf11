"""Moving average cost by quantity and value (flows.md F11). The value is the truth; no average is stored rounded.

One average for each product over all warehouses. A receipt says its value; an issue, or a return, leaves it None and is
valued here, under the lock of the product's balance. Goods issued below zero are valued at the last known average,
provisionally: the next receipt values them again and posts the difference with quantity 0.
"""

import uuid
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db.models import Max, Sum

from yunlian.kernel.document import Problem
from yunlian.kernel.fields import trimmed
from yunlian.kernel.identity import new_id
from yunlian.kernel.text import _
from yunlian.masters.models import Product

from .models import CostBalance, CostEntry

ZERO = Decimal(0)


def rounded(amount: Decimal) -> Decimal:
    """Return money in 2 decimals, half up."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Pool:
    """Quantity and value of one product while a posting is being valued; `last` is a known cost per base unit."""

    qty: Decimal
    value: Decimal
    last: Decimal | None = None

    def average(self) -> Decimal:
        """Return the cost of one base unit: of what is there, else the last one known, else 0."""
        return self.value / self.qty if self.qty else self.last or ZERO

    def move(self, qty: Decimal, value: Decimal) -> None:
        """Add a signed quantity and value."""
        if self.qty:
            self.last = self.value / self.qty
        self.qty, self.value = self.qty + qty, self.value + value

    def issue(self, qty: Decimal) -> Decimal:
        """Return the value of `qty` leaving (positive); all that is there takes all the value, so nothing remains."""
        if qty == self.qty:
            return self.value
        if 0 < self.qty < qty:
            # What is there goes whole; the rest is owed at the same average, provisionally.
            return self.value + rounded((qty - self.qty) * self.average())
        return rounded(qty * self.average())

    def revalued(self, qty: Decimal, value: Decimal) -> Decimal:
        """Return what must be added so that goods issued below zero bear the cost of a receipt of `qty` at `value`."""
        again = min(-self.qty, qty)
        if again <= 0:
            return ZERO
        provisional = -self.value if again == -self.qty else rounded(self.value * again / self.qty)
        return provisional - (value if again == qty else rounded(value * again / qty))


def value_moves(entries: list[CostEntry], balances: dict[tuple[Any, ...], CostBalance]) -> None:
    """Fill in the value of every entry that has none, and append the revaluation of goods that were issued below zero."""
    pools = {balance.product_id: Pool(balance.qty, balance.value) for balance in balances.values()}
    for entry in list(entries):
        pool = pools[entry.product_id]
        if entry.value is None:
            entry.value = _value(entry, pool, entries)
        again = pool.revalued(entry.qty, entry.value)
        pool.move(entry.qty, entry.value)
        if again:
            entries.append(_adjustment(entry, again, entries))
            pool.move(ZERO, again)


def _value(entry: CostEntry, pool: Pool, entries: list[CostEntry]) -> Decimal:
    if entry.qty > 0 and entry.returns is not None:
        return _share_of_issue(entry, entries)
    if not pool.qty and pool.last is None:
        pool.last = last_known_cost(entry.product_id)
    if entry.qty < 0:
        return -pool.issue(-entry.qty)
    return rounded(entry.qty * pool.average())


def _share_of_issue(entry: CostEntry, entries: list[CostEntry]) -> Decimal:
    """Return the part of the original issue's cost that these goods bring back; the last return takes the rest."""
    issued = CostEntry.objects.filter(line=entry.returns).aggregate(qty=Sum("qty"), value=Sum("value"))
    back = CostEntry.objects.filter(returns=entry.returns).aggregate(qty=Sum("qty"), value=Sum("value"))
    now = [
        other
        for other in entries
        if other.returns == entry.returns and other is not entry and other.value is not None
    ]
    came_qty = (back["qty"] or ZERO) + sum((other.qty for other in now), ZERO)
    came_value = (back["value"] or ZERO) + sum((other.value for other in now), ZERO)
    qty, value = -(issued["qty"] or ZERO), -(issued["value"] or ZERO)
    if entry.qty == qty - came_qty:
        return value - came_value
    return rounded(value * entry.qty / qty) if qty else ZERO


def _adjustment(entry: CostEntry, value: Decimal, entries: list[CostEntry]) -> CostEntry:
    made = copy(entry)
    made.id, made.qty, made.value = new_id(), ZERO, value
    made.leg = 1 + max(other.leg for other in entries if other.line_no == entry.line_no)
    made.line = None
    return made


def last_known_cost(product_id: uuid.UUID) -> Decimal:
    """Return the cost of one base unit when nothing is there: of the last goods that moved, else the product's purchase
    price, else 0. Per base unit, unrounded.
    """
    rows = (
        CostEntry.objects.filter(product_id=product_id)
        .exclude(qty=0)
        .order_by("-at", "-id")
        .values_list("qty", "value")
    )
    moved = rows.first()
    if moved is not None:
        cost: Decimal = moved[1] / moved[0]
        return cost
    price = Product.objects.filter(id=product_id).aggregate(price=Max("purchase_price"))["price"]
    return price or ZERO


def check_cost(balance: CostBalance, entries: list[CostEntry]) -> Iterable[Problem]:
    """Yield when value would remain without goods, or goods would have less than no value."""
    legal = balance.value == 0 if balance.qty == 0 else balance.value * balance.qty >= 0
    if legal:
        return
    product = Product.objects.filter(id=entries[0].product_id).values_list("code", flat=True).first()
    message = _(
        "%(code)s: %(qty)s left would have a cost of %(value)s, because later issues used its average."
    ) % {
        "code": product,
        "qty": trimmed(balance.qty, 0),
        "value": balance.value,
    }
    yield Problem("qty", message, entries[0].line_no or None, "cost")
