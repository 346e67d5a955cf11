"""What a contract's rules and postings decide on, read in bulk; under lock while it is being approved.

Order of locks: the contract (already held), what it is made from (held too), then balances in the order of the ledgers:
stock, receivables, funds.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import find_document
from yunlian.kernel.load import load_lines, load_sources
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context
from yunlian.ledgers import money
from yunlian.ledgers.models import CustomerBalance, StockBalance

from .model import SalesContract, SalesContractLine

INTENTION = "sales.intention"
ZERO = Decimal(0)


@dataclass
class Facts:
    """`origin` are intention lines by contract line, those agreed over the chain only. `available` is by product.

    `tied` is the customer's money received for each intention the contract is made from. `owed` and `free` are what the
    customer owes and has free over all.
    """

    origin: dict[uuid.UUID, list[tuple[LinkRow, Any]]] = field(default_factory=dict)
    available: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    tied: dict[uuid.UUID, Decimal] = field(default_factory=dict)
    owed: Decimal = ZERO
    free: Decimal = ZERO


def facts(contract: SalesContract, lines: list[SalesContractLine], ctx: Context) -> Facts:
    """Read nothing while it is only being saved; links when it is submitted; balances, locked, when approved."""
    found = Facts()
    if contract.state not in ("submitted", "approved"):
        return found
    sources = load_sources(ctx, contract.id)
    intentions = {row.source_doc_id for rows in sources.values() for row in rows}
    found.origin = _origin(sources, intentions, ctx)
    if contract.state == "approved":
        if contract.is_auto_reserved:
            found.available = lock_available(contract.warehouse_id, {line.product_id for line in lines})
        balance: CustomerBalance | None = money.lock_customer(contract.customer_id)
        found.owed = ZERO if balance is None else balance.open
        found.free = money.lock_customer_funds(contract.customer_id)
        found.tied = money.lock_tied_funds(contract.customer_id, sorted(intentions))
    return found


def _origin(
    sources: dict[uuid.UUID, list[LinkRow]], intentions: set[uuid.UUID], ctx: Context
) -> dict[uuid.UUID, list[tuple[LinkRow, Any]]]:
    if not intentions:
        return {}
    document = find_document(INTENTION)
    agreed = document.header.objects.filter(id__in=intentions, collab="agreed").values_list("id", flat=True)
    rows = {row.id: row for row in load_lines(document, ctx, sorted(agreed))}
    found: dict[uuid.UUID, list[tuple[LinkRow, Any]]] = defaultdict(list)
    for line, links in sources.items():
        for link in links:
            if link.source_line in rows:
                found[line].append((link, rows[link.source_line]))
    return dict(found)


def lock_available(warehouse_id: uuid.UUID, products: Iterable[uuid.UUID]) -> dict[uuid.UUID, Decimal]:
    """Lock the good stock of products in a warehouse, in key order; returns what may still be promised, in base units."""
    rows = StockBalance.objects.filter(
        warehouse_id=warehouse_id, status="good", product_id__in=sorted(products)
    )
    locked = rows.select_for_update(no_key=True).order_by("product_id", "warehouse_id", "status")
    return {row.product_id: max(row.available, ZERO) for row in locked}
