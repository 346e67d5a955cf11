"""What a confirmed receipt adds to the ledgers (flows.md F12). Values only: the kernel writes them."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.models import Entry
from yunlian.ledgers.models import CashEntry, CustomerFundsEntry, ReceivableEntry

from .facts import CONTRACT, Facts
from .model import Receipt, ReceiptLine


def post(receipt: Receipt, lines: list[ReceiptLine], facts: Facts) -> Iterable[Entry]:
    """Cash in, the customer's free money up by all of it; then applied as the lines say, and the rest as it wishes.

    Money for an intention stays free and tied to it, so that its contract takes it first.
    """
    customer = receipt.customer_id
    yield CashEntry(account_id=receipt.account_id, amount=receipt.amount)
    left = receipt.amount
    for line in lines:
        code, document = facts.source[line.id]
        left -= line.amount
        if code == CONTRACT:
            yield CustomerFundsEntry(line_no=line.no, partner_id=customer, free=line.amount)
            yield from _apply(receipt, line.no, document, line.amount)
        else:
            yield CustomerFundsEntry(
                line_no=line.no, partner_id=customer, for_doc_id=document, free=line.amount
            )
    if left > 0:
        yield CustomerFundsEntry(partner_id=customer, free=left)
    for contract, owed in facts.open:
        paid = min(owed, left)
        if paid > 0:
            left -= paid
            yield from _apply(receipt, 0, contract, paid)


def _apply(receipt: Receipt, line_no: int, contract: uuid.UUID, amount: Decimal) -> Iterable[Entry]:
    yield CustomerFundsEntry(line_no=line_no, partner_id=receipt.customer_id, free=-amount)
    yield ReceivableEntry(
        line_no=line_no, partner_id=receipt.customer_id, contract_id=contract, applied=amount
    )
