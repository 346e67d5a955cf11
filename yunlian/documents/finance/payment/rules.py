"""What must hold for a payment. No query, clock or write."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .model import Payment, PaymentLine


def check(
    payment: Payment, lines: list[PaymentLine], ctx: Context, facts: set[uuid.UUID] | None
) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    if payment.amount is None:
        yield Problem("amount", _("Must be filled in."), code="required")
        return
    named = sum((line.amount for line in lines), Decimal(0))
    if named > payment.amount:
        message = _("The lines name %(named)s, the payment is %(amount)s.")
        yield Problem("amount", message % {"named": named, "amount": payment.amount}, code="exceeds_open")
    for line in lines:
        if facts is not None and line.id not in facts:
            yield Problem("sources", _("Choose what this part is for."), line.no, "required")
