"""The sales contract, declared once."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import STANDARD, Document, Link, Problem, Section, Series, Step, declare
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import CustomerFundsEntry, ReceivableEntry, StockEntry

from . import incoming, posting, progress, reservation, rules
from .facts import facts
from .fill import fill
from .model import DELIVERY, RECEIPT, SalesContract, SalesContractLine


def _take_back(contract: SalesContract, lines: list[Any], given: Any, ctx: Context) -> Iterable[Problem]:
    """Forget what was paid by earnest money: the entries are negated, and the next approval looks again."""
    contract.funds_amount = contract.applied_amount = Decimal(0)
    contract.receipt, contract.receipt_rate = "none", Decimal(0)
    return ()


def _is_open(contract: SalesContract) -> bool:
    return contract.close == "open" and bool(contract.is_auto_reserved)


_RESERVE = Step(
    "reserve",
    _("Reserve what has come in"),
    ("approved",),
    "approved",
    may=_is_open,
    post=reservation.reserve_more,
)
FLOW = replace(
    STANDARD,
    steps=(
        *(replace(step, act=_take_back) if step.name == "unapprove" else step for step in STANDARD.steps),
        _RESERVE,
    ),
)

SALES_CONTRACT = declare(
    Document(
        code="sales.contract",
        label=_("Sales contract"),
        header=SalesContract,
        lines=SalesContractLine,
        needs_lines=True,
        series=Series("SC{yyyymm}-{n:05}"),
        flow=FLOW,
        tracks=(RECEIPT, DELIVERY),
        fill=fill,
        facts=facts,
        check=rules.check,
        post=posting.post,
        rest=reservation.rest,
        ledgers=(StockEntry, ReceivableEntry, CustomerFundsEntry),
        columns="number date customer due_date total applied_amount receipt delivery close state",
        find="number customer_order customer",
        sums="total applied_amount",
        form=(
            Section(
                _("Contract"),
                "customer customer_order date due_date warehouse contact phone address owner department "
                "dispatch_gate is_auto_reserved note",
            ),
            Section(
                _("Lines"),
                "product unit qty price discount gross share net tax_rate tax due_date note noticed_qty shipped_qty",
                of="lines",
            ),
            Section(
                _("Amounts"),
                "net_amount discount_amount fee_amount total tax_amount funds_amount collect_amount received_amount "
                "applied_amount receipt_rate delivery_rate",
            ),
        ),
        links=(
            Link(
                source="sales.intention",
                header={
                    "customer": "customer",
                    "customer_order": "customer_order",
                    "due_date": "due_date",
                    "contact": "contact",
                    "phone": "phone",
                    "address": "address",
                },
                line={
                    "product": "product",
                    "unit": "unit",
                    "price": "price",
                    "due_date": "due_date",
                    "note": "note",
                },
                fills=("base_qty", "contracted_qty"),
                same=("customer", "product"),
            ),
        ),
    )
)
progress.subscribe()
incoming.subscribe()
