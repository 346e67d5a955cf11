"""What a dispatch notice decides on: the contracts it ships, what is held for them and how far they are paid.

The contracts are named by code and read through their declaration, because families do not import each other. They are
locked already as sources when a notice is approved, and nothing read here changes but under that lock, except the
customer's credit, which is locked here after the stock, in the order of the ledgers.
"""

import uuid
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import find_document
from yunlian.kernel.load import load_lines, load_sources
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context
from yunlian.ledgers import money
from yunlian.ledgers.models import ReceivableBalance, ReservationBalance, StockBalance

from .model import DispatchNotice, DispatchNoticeLine

CONTRACT = "sales.contract"
ZERO = Decimal(0)


@dataclass
class Facts:
    """`links` are the contract lines each notice line takes from, by notice line. `held` is reserved by contract line.

    `paid` and `contracts` are by contract id, `lines` by contract line id. `credit_left` is what a customer on account may
    still owe: None where nothing limits it. Empty until the notice is submitted.
    """

    is_binding: bool = False
    links: dict[uuid.UUID, list[LinkRow]] = field(default_factory=dict)
    contracts: dict[uuid.UUID, Any] = field(default_factory=dict)
    lines: dict[uuid.UUID, Any] = field(default_factory=dict)
    held: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    paid: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    credit_left: Decimal | None = None


def facts(notice: DispatchNotice, lines: list[DispatchNoticeLine], ctx: Context) -> Facts:
    """Read nothing while it is only being saved."""
    if notice.state not in ("submitted", "approved"):
        return Facts()
    links = load_sources(ctx, notice.id)
    rows = [row for rows in links.values() for row in rows]
    document, ids = find_document(CONTRACT), sorted({row.source_doc_id for row in rows})
    found = Facts(is_binding=True, links=links)
    found.contracts = {row.id: row for row in document.header.objects.filter(id__in=ids)}
    found.lines = {line.id: line for line in load_lines(document, ctx, ids)}
    wanted = {row.source_line for row in rows}
    found.held = {
        row.for_line: row.reserved for row in ReservationBalance.objects.filter(for_line__in=wanted)
    }
    for balance in ReceivableBalance.objects.filter(contract_id__in=ids):
        found.paid[balance.contract_id] = balance.applied + balance.written_off
    if notice.customer.settlement == "account":
        found.credit_left = _lock_credit(notice, lines)
    return found


def _lock_credit(notice: DispatchNotice, lines: list[DispatchNoticeLine]) -> Decimal | None:
    """Return how much more a customer on account may owe; None when there is no limit."""
    limit: Decimal | None = notice.customer.credit_limit
    if limit is None:
        return None
    products = {line.product_id for line in lines}
    stock = StockBalance.objects.filter(product_id__in=products, status="good")
    list(stock.select_for_update(no_key=True).order_by("product_id", "warehouse_id", "status"))
    owed = money.lock_customer(notice.customer_id)
    return limit - (ZERO if owed is None else owed.open) + money.lock_customer_funds(notice.customer_id)
