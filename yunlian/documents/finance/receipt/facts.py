"""What a receipt decides on: what each line is for, and which open contracts its rest pays, under lock."""

import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from yunlian.kernel.document import find_document
from yunlian.kernel.load import load_sources
from yunlian.kernel.scope import Context
from yunlian.ledgers import money
from yunlian.ledgers.models import ReceivableBalance

from .model import Receipt, ReceiptLine

CONTRACT = "sales.contract"
ZERO = Decimal(0)


@dataclass
class Facts:
    """`source` is (code, document id) by line id. `open` is what contracts still owe, oldest due first."""

    source: dict[uuid.UUID, tuple[str, uuid.UUID]] = field(default_factory=dict)
    open: list[tuple[uuid.UUID, Decimal]] = field(default_factory=list)


def facts(receipt: Receipt, lines: list[ReceiptLine], ctx: Context) -> Facts:
    """Read links once it is submitted; contracts and what they owe, locked, when it is confirmed."""
    if receipt.state not in ("submitted", "approved"):
        return Facts()
    links = load_sources(ctx, receipt.id)
    found = Facts({line: (rows[0].source_code, rows[0].source_doc_id) for line, rows in links.items()})
    if receipt.state == "approved" and receipt.is_auto_applied:
        named = {doc for code, doc in found.source.values() if code == CONTRACT}
        found.open = _lock_open(receipt.customer_id, named)
    return found


def _lock_open(customer_id: uuid.UUID, named: set[uuid.UUID]) -> list[tuple[uuid.UUID, Decimal]]:
    """Lock the customer's open contracts, then what they owe; those named by lines are settled by their lines."""
    owing = ReceivableBalance.objects.filter(partner_id=customer_id).exclude(contract_id__in=named)
    wanted = [row.contract_id for row in owing if row.open > 0]
    contracts = find_document(CONTRACT).header.objects.filter(id__in=wanted, state="approved")
    due = {
        c.id: (c.due_date or c.date, c.id) for c in contracts.select_for_update(no_key=True).order_by("id")
    }
    locked = money.lock_receivables(due)
    return [(id_, locked[id_].open) for id_ in sorted(due, key=lambda id_: due[id_]) if locked[id_].open > 0]
