"""What a payment does to the ledgers when the cashier pays it (flows.md F13)."""

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from yunlian.kernel.load import load_sources
from yunlian.kernel.models import Entry
from yunlian.kernel.scope import Context
from yunlian.ledgers import money
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

ZERO = Decimal(0)


def pay(payment: Any, lines: list[Any], ctx: Context) -> Iterable[Entry]:
    """Cash out; what is owed for each order is paid, locked, and the rest is prepaid for that order.

    What no line names is prepaid for no order.
    """
    links = load_sources(ctx, payment.id)
    order = {line: rows[0].source_doc_id for line, rows in links.items()}
    owed = {id_: max(row.open, ZERO) for id_, row in money.lock_payables(order.values()).items()}
    yield CashEntry(account_id=payment.account_id, amount=-payment.amount)
    left = payment.amount
    for line in lines:
        left -= line.amount
        yield from _pay_order(payment, line, order[line.id], owed)
    if left > 0:
        yield SupplierFundsEntry(partner_id=payment.supplier_id, prepaid=left)


def _pay_order(payment: Any, line: Any, order: uuid.UUID, owed: dict[uuid.UUID, Decimal]) -> Iterable[Entry]:
    applied = min(line.amount, owed.get(order, ZERO))
    if applied > 0:
        owed[order] -= applied
        yield PayableEntry(line_no=line.no, partner_id=payment.supplier_id, order_id=order, applied=applied)
    if applied < line.amount:
        yield SupplierFundsEntry(
            line_no=line.no,
            partner_id=payment.supplier_id,
            for_doc_id=order,
            prepaid=line.amount - applied,
        )
