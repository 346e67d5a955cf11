"""The payment, declared once."""

from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Document, Link, Problem, Section, Series, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CashEntry, PayableEntry, SupplierFundsEntry

from . import rules
from .facts import facts
from .flow import FLOW, PAID, WITHDRAWAL
from .model import Payment, PaymentLine
from .owing import ORDER, STOCK_IN, open_of


def fill(payment: Payment, lines: list[PaymentLine], ctx: Context) -> Iterable[Problem]:
    """Put the sum of the lines where no amount was given."""
    if payment.amount is None and lines:
        payment.amount = sum((line.amount or Decimal(0) for line in lines), Decimal(0))
    return ()


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
                source=ORDER,
                header={"supplier": "supplier"},
                line={"document": "number"},
                fills=("amount", "named_amount"),
                same=("supplier",),
                of_header=True,
                books=open_of(ORDER),
            ),
            Link(
                source=STOCK_IN,
                header={"supplier": "supplier"},
                line={"document": "number"},
                fills=("amount", "named_amount"),
                same=("supplier",),
                of_header=True,
                books=open_of(STOCK_IN),
            ),
        ),
        is_chained=True,
    )
)
