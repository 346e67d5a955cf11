"""What an approved contract adds to the ledgers. Values only: the kernel writes them."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal

from yunlian.kernel.models import Entry
from yunlian.ledgers.models import CustomerFundsEntry, ReceivableEntry, StockEntry

from .facts import Facts
from .model import SalesContract, SalesContractLine

ZERO = Decimal(0)


def post(contract: SalesContract, lines: list[SalesContractLine], facts: Facts) -> Iterable[Entry]:
    """Charge the total; pay it first with the money received for its intentions; reserve what is available."""
    yield ReceivableEntry(partner_id=contract.customer_id, contract_id=contract.id, charged=contract.total)
    left = contract.total
    for intention, free in sorted(facts.tied.items()):
        paid = min(free, left)
        if paid > 0:
            left -= paid
            yield CustomerFundsEntry(partner_id=contract.customer_id, for_doc_id=intention, free=-paid)
            yield ReceivableEntry(partner_id=contract.customer_id, contract_id=contract.id, applied=paid)
    contract.funds_amount = contract.total - left
    contract.collect_amount = left
    contract.applied_amount = contract.funds_amount
    contract.receipt = receipt_state(contract.applied_amount, contract.total)
    contract.receipt_rate = rate(contract.applied_amount, contract.total)
    yield from reserve(contract, lines, {line.id: line.base_qty for line in lines}, facts.available)


def reserve(
    contract: SalesContract,
    lines: list[SalesContractLine],
    wanted: Mapping[uuid.UUID, Decimal],
    available: Mapping[uuid.UUID, Decimal],
) -> Iterable[StockEntry]:
    """Hold what lines want, in base units by line, in their order, up to what is available by product."""
    left = dict(available)
    for line in lines:
        qty = min(wanted[line.id], left.get(line.product_id, ZERO))
        if qty > 0:
            left[line.product_id] -= qty
            yield reservation(contract, line, qty)


def reservation(contract: SalesContract, line: SalesContractLine, qty: Decimal) -> StockEntry:
    """Return the entry that holds, or with a negative quantity frees, stock for a line."""
    return StockEntry(
        line_no=line.no,
        product_id=line.product_id,
        warehouse_id=contract.warehouse_id,
        status="good",
        reserved=qty,
        for_line=line.id,
    )


def receipt_state(applied: Decimal, due: Decimal) -> str:
    """Return how far a contract is paid: none, partial or complete (flows.md F3)."""
    if applied >= due:
        return "complete"
    return "partial" if applied > 0 else "none"


def rate(part: Decimal, whole: Decimal) -> Decimal:
    """Return a share between 0 and 1, cut to 4 decimals so that only all of it is 1."""
    if whole <= 0:
        return Decimal(1)
    return (part / whole).quantize(Decimal("0.0001"), rounding="ROUND_DOWN")
