"""The payment, declared once."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Document, Link, Problem, Section, Series, declare
from yunlian.kernel.load import load_sources
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

from . import rules
from .flow import FLOW, PAID, WITHDRAWAL
from .model import Payment, PaymentLine


def fill(payment: Payment, lines: list[PaymentLine], ctx: Context) -> Iterable[Problem]:
    """Put the sum of the lines where no amount was given."""
    if payment.amount is None and lines:
        payment.amount = sum((line.amount or Decimal(0) for line in lines), Decimal(0))
    return ()


def facts(payment: Payment, lines: list[PaymentLine], ctx: Context) -> set[uuid.UUID] | None:
    """Return the lines that are for an order or a stock-in; None while it is only being saved."""
    if payment.state not in ("submitted", "approved"):
        return None
    return set(load_sources(ctx, payment.id))


PAYMENT = declare(
    Document(
        code="finance.payment",
        label=_("Payment"),
        header=Payment,
        lines=PaymentLine,
        series=Series("PY{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(PAID, WITHDRAWAL),
        fill=fill,
        facts=facts,
        check=rules.check,
        ledgers=(CashEntry, PayableEntry, SupplierFundsEntry),
        columns="number date supplier account amount reference paid state",
        find="number theirs_number reference supplier",
        sums="amount",
        form=(
            Section(
                _("Payment"), "supplier date account amount reference owner department note withdrawal reason"
            ),
            Section(_("For"), "document amount note", of="lines"),
        ),
        links=(
            Link(
                source="purchase.order",
                header={"supplier": "supplier"},
                line={"document": "number"},
                fills=("amount", "paid_amount"),
                same=("supplier",),
                of_header=True,
            ),
            Link(
                source="stock.purchase_in",
                header={"supplier": "supplier"},
                line={"document": "number"},
                fills=("amount", "paid_amount"),
                same=("supplier",),
                of_header=True,
            ),
        ),
        is_chained=True,
    )
)
