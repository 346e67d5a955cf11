"""What a stock-in must know: which notices and orders its lines come from, and what was paid for those in advance."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context
from yunlian.ledgers import money

ZERO = Decimal(0)
NOTICE, ORDER = "stock.receipt_notice", "purchase.order"
ByLine = dict[uuid.UUID, dict[uuid.UUID, Decimal]]


@dataclass
class Facts:
    """Read, and money locked, only while posting.

    `noticed` is the base quantity by line that was in transit; `ordered` by line and order what came without a notice;
    `orders` by line and order what arrived at all. `open` is what is owed by order, `prepaid` what is paid in advance
    for it.
    """

    noticed: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    ordered: ByLine = field(default_factory=dict)
    orders: ByLine = field(default_factory=dict)
    open: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    prepaid: dict[uuid.UUID, Decimal] = field(default_factory=dict)


def read_facts(stock_in: Any, lines: list[Any], ctx: Context) -> Facts:
    """Read the links of a stock-in that is being approved; nothing before."""
    if stock_in.state != "approved":
        return Facts()
    noticed: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    ordered: ByLine = defaultdict(dict)
    orders: ByLine = defaultdict(dict)
    rows = LinkRow.objects.filter(target_doc_id=stock_in.id).order_by("id")
    for code, counter, line, doc, qty in rows.values_list(
        "source_code", "counter", "target_line", "source_doc_id", "qty"
    ):
        if code == NOTICE:
            noticed[line] += qty
        elif counter == "received_qty":
            orders[line][doc] = orders[line].get(doc, ZERO) + qty
        else:
            ordered[line][doc] = ordered[line].get(doc, ZERO) + qty
    found = Facts(noticed, ordered, orders)
    documents = sorted({doc for shares in orders.values() for doc in shares} | {stock_in.id})
    found.open = {doc: balance.open for doc, balance in money.lock_payables(documents).items()}
    found.prepaid = money.lock_tied_prepaid(stock_in.supplier_id, documents)
    return found
