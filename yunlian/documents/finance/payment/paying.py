"""What a payment does to the ledgers when the cashier pays it (flows.md F13)."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.load import load_sources
from yunlian.kernel.models import Entry, LinkRow
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

from . import owing

ZERO = Decimal(0)


def pay(payment: Any, lines: list[Any], ctx: Context) -> Iterable[Entry]:
    """Cash out; what is owed is paid, locked, and what a line pays an order beyond that is prepaid for it.

    What no line names is prepaid for no order. Raises Refused where an order would be paid beyond its amount, or a
    stock-in beyond what is still owed for its goods.
    """
    sources = {line: rows[0] for line, rows in load_sources(ctx, payment.id).items()}
    debts = owing.lock(payment.supplier_id, named(sources.values()))
    problems: list[Problem] = []
    entries: list[Entry] = [CashEntry(account_id=payment.account_id, amount=-payment.amount)]
    for line in lines:
        source = sources[line.id]
        problems += beyond(line, source, debts)
        laid = debts.lay(source.source_code, source.source_doc_id, line.amount)
        entries += _paid(payment, line, laid)
    if problems:
        raise Refused(*problems)
    left = payment.amount - sum((line.amount for line in lines), ZERO)
    if left > 0:
        entries.append(SupplierFundsEntry(partner_id=payment.supplier_id, prepaid=left))
    return entries


def named(sources: Iterable[LinkRow]) -> list[tuple[str, uuid.UUID]]:
    """Return the documents a payment names, as (code, id)."""
    return [(row.source_code, row.source_doc_id) for row in sources]


def beyond(line: Any, source: LinkRow, debts: owing.Owing) -> Iterable[Problem]:
    """Yield when a line is more than may still be paid of what it names."""
    most = debts.most(source.source_code, source.source_doc_id)
    if line.amount > most:
        message = _("%(amount)s is more than the %(most)s still to be paid on %(document)s.")
        said = {"amount": line.amount, "most": most, "document": line.document}
        yield Problem("amount", message % said, line.no, "exceeds_open")


def _paid(payment: Any, line: Any, laid: Mapping[uuid.UUID, Decimal]) -> Iterable[Entry]:
    """What is owed is paid; the rest is prepaid, which happens to a line that names an order."""
    for order, applied in laid.items():
        if applied > 0:
            yield PayableEntry(
                line_no=line.no, partner_id=payment.supplier_id, order_id=order, applied=applied
            )
    left = line.amount - sum(laid.values(), ZERO)
    if left > 0:
        yield SupplierFundsEntry(
            line_no=line.no, partner_id=payment.supplier_id, for_doc_id=next(iter(laid), None), prepaid=left
        )


def paid_orders(payment_id: uuid.UUID, turn: int) -> Mapping[uuid.UUID, Decimal]:
    """Return what a payment laid on each order when it was paid, owed and in advance together."""
    found: dict[uuid.UUID, Decimal] = {}
    rows = [
        *PayableEntry.objects.filter(doc_id=payment_id, turn=turn).values_list("order_id", "applied"),
        *SupplierFundsEntry.objects.filter(
            doc_id=payment_id, turn=turn, for_doc_id__isnull=False
        ).values_list("for_doc_id", "prepaid"),
    ]
    for order, amount in rows:
        found[order] = found.get(order, ZERO) + amount
    return found
