"""Moving average cost by quantity and value (flows.md F11). The value is the truth; no average is stored rounded.

One average for each product over all warehouses, in the order of business date, then of posting. A receipt says its
value; an issue, or a return, leaves it None and is valued here, under the lock of the product's balance. What moves
between warehouses moves no value: such a document posts stock and no cost. Goods issued
below zero are valued at the last known average, provisionally: the next receipt values them again and posts the
difference with quantity 0. What is dated before goods that have moved already is valued where it belongs, and the later
issues are valued again (`revalue`).
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Sum

from yunlian.kernel.document import Problem
from yunlian.kernel.fields import trimmed
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import enterprise_id
from yunlian.kernel.sql import run, table
from yunlian.kernel.text import _
from yunlian.masters.models import Product

from .models import CostBalance, CostEntry

ZERO = Decimal(0)


def rounded(amount: Decimal) -> Decimal:
    """Return money in 2 decimals, half up."""
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP)


@dataclass
class Pool:
    """Quantity and value of one product while a posting is being valued; `last` is a known cost per base unit, exact."""

    qty: Decimal
    value: Decimal
    last: Fraction | None = None

    def average(self) -> Fraction:
        """Return the cost of one base unit, exact: of what is there, else the last one known, else 0."""
        return Fraction(self.value) / Fraction(self.qty) if self.qty else self.last or Fraction(0)

    def worth(self, qty: Decimal) -> Decimal:
        """Return what `qty` is worth at the average, rounded once: an average rounded first could lose a cent."""
        exact = Fraction(qty) * self.average()
        return rounded(Decimal(exact.numerator) / Decimal(exact.denominator))

    def move(self, qty: Decimal, value: Decimal) -> None:
        """Add a signed quantity and value."""
        if qty:
            self.last = Fraction(value) / Fraction(qty)
        self.qty, self.value = self.qty + qty, self.value + value

    def issue(self, qty: Decimal) -> Decimal:
        """Return the value of `qty` leaving (positive); all that is there takes all the value, so nothing remains."""
        if qty == self.qty:
            return self.value
        if 0 < self.qty < qty:
            # What is there goes whole; the rest is owed at the same average, provisionally.
            return self.value + self.worth(qty - self.qty)
        return self.worth(qty)

    def receive(self, qty: Decimal, value: Decimal) -> Decimal:
        """Add a move, and what it makes goods issued below zero cost otherwise, which is returned."""
        again = self.revalued(qty, value)
        self.move(qty, value)
        self.move(ZERO, again)
        return again

    def revalued(self, qty: Decimal, value: Decimal) -> Decimal:
        """Return what must be added so that goods issued below zero bear the cost of a receipt of `qty` at `value`."""
        again = min(-self.qty, qty)
        if again <= 0:
            return ZERO
        provisional = -self.value if again == -self.qty else rounded(self.value * again / self.qty)
        return provisional - (value if again == qty else rounded(value * again / qty))


def value_moves(entries: list[CostEntry], balances: dict[tuple[Any, ...], CostBalance]) -> None:
    """Fill in the value of every entry that has none, and append what it changes: the revaluation of goods that were
    issued below zero, and of goods that moved on a later date.

    A fixed number of statements, whatever the number of entries; reads the moves dated later, and nothing earlier.
    """
    later = find_later(entries)
    pools = {}
    for balance in balances.values():
        moved = later.get(balance.product_id, ())
        qty, value = sum((e.qty for e in moved), ZERO), sum((e.value for e in moved), ZERO)
        pools[balance.product_id] = Pool(balance.qty - qty, balance.value - value)
    asking = {entry.product_id for entry in entries if entry.value is None} | set(later)
    empty = {entry.product_id: entry.date for entry in entries if entry.product_id in asking}
    known = find_last_costs({id_: date for id_, date in empty.items() if not pools[id_].qty})
    for product, cost in known.items():
        pools[product].last = cost
    issues = _find_issues({entry.returns for entry in entries if entry.value is None and entry.returns})
    for entry in list(entries):
        pool = pools[entry.product_id]
        issue = issues.get(entry.returns)
        if entry.value is None:
            entry.value = _value(entry, pool, issue)
        if issue is not None:
            issue.bring_back(entry.qty, entry.value)
        again = pool.receive(entry.qty, entry.value)
        if again:
            entries.append(_adjustment(entry, entry, again, entries))
    for product, moved in later.items():
        cause = next(entry for entry in entries if entry.product_id == product)
        for entry, difference in revalue(pools[product], moved):
            entries.append(_adjustment(cause, entry, difference, entries))


def find_later(entries: Sequence[CostEntry]) -> dict[uuid.UUID, list[CostEntry]]:
    """Return, by product, the entries dated after the new ones, in the order of date and posting; one statement."""
    dates = {entry.product_id: entry.date for entry in entries}
    shape = table(CostEntry)
    sql = (
        f'SELECT {shape.select("t")} FROM "{shape.name}" t JOIN unnest(%s::uuid[], %s::date[]) AS n (product, date) '
        "ON n.product = t.product_id AND t.date > n.date WHERE t.enterprise_id = %s ORDER BY t.date, t.at, t.id"
    )
    found: dict[uuid.UUID, list[CostEntry]] = defaultdict(list)
    for row in run(sql, [list(dates), list(dates.values()), entries[0].enterprise_id]):
        entry = shape.instance(row)
        found[entry.product_id].append(entry)
    return found


def revalue(pool: "Pool", moved: Sequence[CostEntry]) -> Iterable[tuple[CostEntry, Decimal]]:
    """Let goods move again after `pool`, in order; yields each entry whose value is now another, and the difference.

    A receipt keeps its value, an issue takes the average of its place, goods that come back bring the cost of their
    issue. What was taken back, and the rows that took it back, count for nothing.
    """
    gone = {entry.reverses for entry in moved if entry.reverses}
    recorded: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for entry in moved:
        recorded[entry.adjusts or entry.id] += entry.value
    issues: dict[uuid.UUID, Issue] = {}
    for entry in moved:
        if entry.adjusts or entry.reverses or entry.id in gone:
            continue
        value = entry.value
        if entry.qty < 0:
            value = -pool.issue(-entry.qty)
            if entry.line is not None:
                issues[entry.line] = Issue(-entry.qty, -value, -entry.qty, -value)
        elif entry.returns in issues:
            value = issues[entry.returns].share(entry.qty)
            issues[entry.returns].bring_back(entry.qty, value)
        due = value + pool.receive(entry.qty, value)
        if due != recorded[entry.id]:
            yield entry, due - recorded[entry.id]


def _value(entry: CostEntry, pool: Pool, issue: "Issue | None") -> Decimal:
    if entry.qty < 0:
        return -pool.issue(-entry.qty)
    if issue is not None:
        return issue.share(entry.qty)
    return pool.worth(entry.qty)


@dataclass
class Issue:
    """What is still out of one issue's goods: quantity and cost."""

    issued_qty: Decimal
    issued_value: Decimal
    qty: Decimal
    value: Decimal

    def share(self, qty: Decimal) -> Decimal:
        """Return the part of the original cost that goods bring back; the last return takes the rest."""
        if qty == self.qty:
            return self.value
        return rounded(self.issued_value * qty / self.issued_qty) if self.issued_qty else ZERO

    def bring_back(self, qty: Decimal, value: Decimal) -> None:
        """Count goods that came back."""
        self.qty, self.value = self.qty - qty, self.value - value


def _find_issues(lines: set[uuid.UUID]) -> dict[uuid.UUID | None, Issue]:
    """Return, by the line that issued them, what is still out; two statements, none without lines."""
    if not lines:
        return {}
    totals = {"total": Sum("qty"), "worth": Sum("value")}
    found: dict[uuid.UUID | None, Issue] = {}
    for line, qty, value in (
        CostEntry.objects.filter(line__in=lines)
        .values("line")
        .annotate(**totals)
        .values_list("line", "total", "worth")
    ):
        found[line] = Issue(-qty, -value, -qty, -value)
    for line, qty, value in (
        CostEntry.objects.filter(returns__in=lines)
        .values("returns")
        .annotate(**totals)
        .values_list("returns", "total", "worth")
    ):
        found[line].bring_back(qty, value)
    return found


def _adjustment(cause: CostEntry, adjusted: CostEntry, value: Decimal, entries: list[CostEntry]) -> CostEntry:
    """Return the row of `cause`'s document that adds `value` to another row. An issue's own cost is the sum by line."""
    made = copy(cause)
    made.id, made.qty, made.value = new_id(), ZERO, value
    made.leg = 1 + max(other.leg for other in entries if other.line_no == cause.line_no)
    made.date, made.adjusts, made.returns = adjusted.date, adjusted.id, adjusted.returns
    made.line = adjusted.line if adjusted.qty < 0 else None
    return made


def find_last_costs(products: Mapping[uuid.UUID, dt.date]) -> dict[uuid.UUID, Fraction]:
    """Return the cost of one base unit of products that are not there on a date: of the last goods that moved until then,
    else the purchase price, else 0. Per base unit, unrounded. Two statements, none without products.
    """
    if not products:
        return {}
    priced = Product.objects.filter(id__in=products).values_list("id", "purchase_price")
    found = {id_: Fraction(price or ZERO) for id_, price in priced}
    sql = (
        "SELECT n.product, t.qty, t.value + coalesce((SELECT sum(a.value) FROM ledgers_costentry a "
        "WHERE a.enterprise_id = %s AND a.adjusts = t.id AND t.qty < 0), 0) "
        "FROM unnest(%s::uuid[], %s::date[]) AS n (product, date), LATERAL "
        "(SELECT id, qty, value FROM ledgers_costentry t WHERE t.enterprise_id = %s AND t.product_id = n.product "
        "AND t.date <= n.date AND t.qty <> 0 ORDER BY t.date DESC, t.at DESC, t.id DESC LIMIT 1) t"
    )
    ours = enterprise_id()
    for id_, qty, value in run(sql, [ours, list(products), list(products.values()), ours]):
        found[id_] = Fraction(value) / Fraction(qty)
    return found


def check_cost(balance: CostBalance, entries: list[CostEntry]) -> Iterable[Problem]:
    """Yield when value would remain without goods, or goods would have less than no value."""
    legal = balance.value == 0 if balance.qty == 0 else balance.value * balance.qty >= 0
    if legal:
        return
    product = Product.objects.filter(id=entries[0].product_id).values_list("code", flat=True).first()
    said = {"code": product, "qty": trimmed(balance.qty, 0), "value": balance.value}
    message = _("%(code)s: the cost of what is left would not fit, because later issues used its average.")
    exact = _("%(code)s: %(qty)s left would have a cost of %(value)s, because later issues used its average.")
    yield Problem(
        "qty", message % said, entries[0].line_no or None, "cost", guard="stock.cost", exact=exact % said
    )
