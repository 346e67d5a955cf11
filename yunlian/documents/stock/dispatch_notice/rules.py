"""What must hold before goods are promised to a dispatch (flows.md F6). No query, clock or write."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import DispatchNotice, DispatchNoticeLine

CENT = Decimal("0.01")
ZERO = Decimal(0)
_GUARD = "sales.price"


def check(
    notice: DispatchNotice, lines: list[DispatchNoticeLine], ctx: Context, facts: Facts
) -> Iterable[Problem]:
    """Yield every reason to refuse. Whether the stock suffices is the ledger's to say."""
    if not facts.is_binding:
        return
    for line in lines:
        if not facts.links.get(line.id):
            yield Problem(
                "sources", _("Goods are sent for a contract only: choose its line."), line.no, "required"
            )
    if notice.state == "approved":
        yield from _check_paid(notice, lines, facts)


def _check_paid(notice: DispatchNotice, lines: list[DispatchNoticeLine], facts: Facts) -> Iterable[Problem]:
    """The goods shipped so far and now must be paid as the contract says, or the customer is within credit."""
    if notice.customer.settlement == "account":
        if facts.credit_left is not None and facts.credit_left < 0:
            over = -facts.credit_left
            reason = _("The customer owes %(over)s more than the credit limit.") % {"over": over}
            plain = _("The customer owes more than the credit limit.")
            yield Problem("customer", plain, code="credit", guard=_GUARD, exact=reason)
        return
    now: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for line in lines:
        for row in facts.links.get(line.id, ()):
            now[row.source_line] += row.qty
    for contract in facts.contracts.values():
        own = [line for line in facts.lines.values() if line.contract_id == contract.id]
        goods = sum((value_of(line, line.noticed_qty + now[line.id]) for line in own), ZERO)
        needed = (goods * contract.dispatch_gate).quantize(CENT, rounding=ROUND_HALF_UP)
        paid = facts.paid.get(contract.id, ZERO)
        if paid < needed:
            exact = _("%(number)s: %(paid)s received, %(needed)s needed before these goods leave.")
            plain = _("%(number)s: not enough is received for these goods to leave.")
            values = {"number": contract.number, "paid": paid, "needed": needed}
            yield Problem("sources", plain % values, code="unpaid", guard=_GUARD, exact=exact % values)


def value_of(line: Any, qty: Decimal) -> Decimal:
    """Return what is charged for `qty` base units of a contract line; the whole line costs exactly its net."""
    if qty == line.base_qty:
        return Decimal(line.net)
    value: Decimal = line.net * qty / line.base_qty
    return value.quantize(CENT, rounding=ROUND_HALF_UP)
