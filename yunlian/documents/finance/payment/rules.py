"""What must hold for a payment. No query, clock or write."""

from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import Payment, PaymentLine
from .paying import beyond


def check(payment: Payment, lines: list[PaymentLine], ctx: Context, facts: Facts) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    if payment.amount is None:
        yield Problem("amount", _("Must be filled in."), code="required")
        return
    named = sum((line.amount for line in lines), Decimal(0))
    if named > payment.amount:
        message = _("The lines name %(named)s, the payment is %(amount)s.")
        yield Problem("amount", message % {"named": named, "amount": payment.amount}, code="exceeds_open")
    if not facts.is_binding:
        return
    for line in lines:
        source = facts.sources.get(line.id)
        if source is None:
            yield Problem("sources", _("Choose what this part is for."), line.no, "required")
        elif facts.debts is not None:
            yield from beyond(line, source, facts.debts)
            facts.debts.lay(source.source_code, source.source_doc_id, line.amount)
