"""What must hold for a receipt. No query, clock or write."""

from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import Receipt, ReceiptLine


def check(receipt: Receipt, lines: list[ReceiptLine], ctx: Context, facts: Facts) -> Iterable[Problem]:
    """Yield every reason to refuse. Whether a contract owes that much is the ledger's to say."""
    if receipt.amount is None:
        yield Problem("amount", _("Must be filled in."), code="required")
        return
    named = sum((line.amount for line in lines), Decimal(0))
    if named > receipt.amount:
        message = _("The lines name %(named)s, the receipt is %(amount)s.")
        yield Problem("amount", message % {"named": named, "amount": receipt.amount}, code="exceeds_open")
    if receipt.state not in ("submitted", "approved"):
        return
    for line in lines:
        if line.id not in facts.source:
            yield Problem("sources", _("Choose what this part is for."), line.no, "required")
    if receipt.state == "approved" and receipt.account is None:
        yield Problem("account", _("Name the account the money came to."), code="required")
