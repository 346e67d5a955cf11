"""What a receipt decides on: what each line is for, and which open contracts its rest pays, under lock."""

import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from yunlian.kernel.document import find_document
from yunlian.kernel.load import load_sources
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context
from yunlian.ledgers import money
from yunlian.ledgers.models import ReceivableBalance

from .model import Receipt, ReceiptLine

CONTRACT, INTENTION = "sales.contract", "sales.intention"


@dataclass
class Facts:
    """`source` is (code, document id) by line id.

    When the receipt is confirmed: `follow` are the contracts made from each intention it names, `oldest` the customer's
    other open contracts, oldest due first, and `owed` what each of all these still owes.
    """

    source: dict[uuid.UUID, tuple[str, uuid.UUID]] = field(default_factory=dict)
    follow: dict[uuid.UUID, list[uuid.UUID]] = field(default_factory=dict)
    oldest: list[uuid.UUID] = field(default_factory=list)
    owed: dict[uuid.UUID, Decimal] = field(default_factory=dict)


def facts(receipt: Receipt, lines: list[ReceiptLine], ctx: Context) -> Facts:
    """Read links once it is submitted; contracts and what they owe, locked, when it is confirmed."""
    if receipt.state not in ("submitted", "approved"):
        return Facts()
    links = load_sources(ctx, receipt.id)
    found = Facts({line: (rows[0].source_code, rows[0].source_doc_id) for line, rows in links.items()})
    if receipt.state == "approved":
        _lock(receipt, found)
    return found


def _lock(receipt: Receipt, found: Facts) -> None:
    """Lock the contracts the money may go to besides those named by lines, then what they owe."""
    intentions = [doc for code, doc in found.source.values() if code == INTENTION]
    made = LinkRow.objects.filter(source_doc_id__in=intentions, target_code=CONTRACT).order_by("id")
    for intention, contract in made.values_list("source_doc_id", "target_doc_id"):
        found.follow.setdefault(intention, []).append(contract)
    wanted = {contract for contracts in found.follow.values() for contract in contracts}
    if receipt.is_auto_applied:
        owing = ReceivableBalance.objects.filter(partner_id=receipt.customer_id)
        wanted |= {row.contract_id for row in owing if row.open > 0}
    wanted -= {doc for code, doc in found.source.values() if code == CONTRACT}
    if not wanted:
        return
    contracts = find_document(CONTRACT).header.objects.filter(
        id__in=wanted, customer_id=receipt.customer_id, state="approved"
    )
    due = {
        c.id: (c.due_date or c.date, c.id) for c in contracts.select_for_update(no_key=True).order_by("id")
    }
    found.owed = {id_: row.open for id_, row in money.lock_receivables(due).items() if row.open > 0}
    if receipt.is_auto_applied:
        found.oldest = sorted(found.owed, key=lambda id_: due[id_])
