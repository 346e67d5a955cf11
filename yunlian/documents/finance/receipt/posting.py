"""What a confirmed receipt adds to the ledgers (flows.md F12). Values only: the kernel writes them."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.models import Entry
from yunlian.ledgers.models import CashEntry, CustomerFundsEntry, ReceivableEntry

from .facts import CONTRACT, Facts
from .model import Receipt, ReceiptLine

ZERO = Decimal(0)


def post(receipt: Receipt, lines: list[ReceiptLine], facts: Facts) -> Iterable[Entry]:
    """Cash in, the customer's free money up by all of it; then applied as the lines say, and the rest as it wishes.

    Money for an intention goes to the contracts made from it; without any it stays free and tied to the intention, so
    that its contract takes it first.
    """
    customer = receipt.customer_id
    owed = dict(facts.owed)
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
            for contract, paid in _shares(line.amount, facts.follow.get(document, []), owed):
                yield from _apply(receipt, line.no, contract, paid, tied_to=document)
    if left > 0:
        yield CustomerFundsEntry(partner_id=customer, free=left)
    for contract, paid in _shares(left, facts.oldest, owed):
        yield from _apply(receipt, 0, contract, paid)


def _shares(
    amount: Decimal, contracts: Iterable[uuid.UUID], owed: dict[uuid.UUID, Decimal]
) -> Iterable[tuple[uuid.UUID, Decimal]]:
    """Give each contract in turn what it owes, as far as the amount goes; `owed` goes down by it."""
    for contract in contracts:
        paid = min(owed.get(contract, ZERO), amount)
        if paid > 0:
            owed[contract] -= paid
            amount -= paid
            yield contract, paid


def _apply(
    receipt: Receipt, line_no: int, contract: uuid.UUID, amount: Decimal, tied_to: uuid.UUID | None = None
) -> Iterable[Entry]:
    yield CustomerFundsEntry(
        line_no=line_no, partner_id=receipt.customer_id, for_doc_id=tied_to, free=-amount
    )
    yield ReceivableEntry(
        line_no=line_no, partner_id=receipt.customer_id, contract_id=contract, applied=amount
    )
