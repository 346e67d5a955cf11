"""Which entries fold into which balances, and the read-only lists over them.

Postings lock in the order of these declarations.
"""

from yunlian.kernel.document import Lead, View, declare_view, lead
from yunlian.kernel.figures import Figure, show_beside
from yunlian.kernel.ledger import Fold, Ledger, declare_ledger
from yunlian.kernel.text import _

from . import costing, money, negative, stock
from .models import (
    CashBalance,
    CashEntry,
    CostBalance,
    CostEntry,
    CustomerBalance,
    CustomerFunds,
    CustomerFundsEntry,
    PayableBalance,
    PayableEntry,
    ReceivableBalance,
    ReceivableEntry,
    ReservationBalance,
    StockBalance,
    StockEntry,
    SupplierBalance,
    SupplierFunds,
    SupplierFundsEntry,
    TiedFunds,
    TiedPrepaid,
)

STOCK = declare_ledger(
    Ledger(
        entry=StockEntry,
        folds=(
            Fold(
                balance=StockBalance,
                keys=("product_id", "warehouse_id", "status"),
                measures=("on_hand", "reserved", "pending_out", "in_transit", "on_order"),
                check=stock.check_stock,
            ),
            Fold(
                balance=ReservationBalance,
                keys=("for_line",),
                measures=("reserved",),
                check=stock.check_reservation,
            ),
        ),
        value=stock.open_rows,
    )
)
COST = declare_ledger(
    Ledger(
        entry=CostEntry,
        folds=(
            Fold(
                balance=CostBalance, keys=("product_id",), measures=("qty", "value"), check=costing.check_cost
            ),
        ),
        value=costing.value_moves,
        adjusts="adjusts",
    )
)
RECEIVABLE = declare_ledger(
    Ledger(
        entry=ReceivableEntry,
        folds=(
            Fold(
                balance=ReceivableBalance,
                keys=("partner_id", "contract_id"),
                measures=("charged", "credited", "applied", "written_off"),
                check=money.check_receivable,
            ),
            Fold(
                balance=CustomerBalance,
                keys=("partner_id",),
                measures=("charged", "credited", "applied", "written_off"),
            ),
        ),
    )
)
CUSTOMER_FUNDS = declare_ledger(
    Ledger(
        entry=CustomerFundsEntry,
        folds=(
            Fold(
                balance=CustomerFunds,
                keys=("partner_id",),
                measures=("free", "frozen"),
                check=money.check_customer_funds,
            ),
            Fold(
                balance=TiedFunds,
                keys=("partner_id", "for_doc_id"),
                measures=("free",),
                check=money.check_tied_funds,
            ),
        ),
    )
)
PAYABLE = declare_ledger(
    Ledger(
        entry=PayableEntry,
        folds=(
            Fold(
                balance=PayableBalance,
                keys=("partner_id", "order_id"),
                measures=("received", "returned", "applied"),
                check=money.check_payable,
            ),
            Fold(balance=SupplierBalance, keys=("partner_id",), measures=("received", "returned", "applied")),
        ),
    )
)
SUPPLIER_FUNDS = declare_ledger(
    Ledger(
        entry=SupplierFundsEntry,
        folds=(
            Fold(
                balance=SupplierFunds,
                keys=("partner_id",),
                measures=("prepaid",),
                check=money.check_supplier_funds,
            ),
            Fold(
                balance=TiedPrepaid,
                keys=("partner_id", "for_doc_id"),
                measures=("prepaid",),
                check=money.check_tied_prepaid,
            ),
        ),
    )
)
CASH = declare_ledger(
    Ledger(
        entry=CashEntry,
        folds=(
            Fold(balance=CashBalance, keys=("account_id",), measures=("amount",), check=money.check_cash),
        ),
        value=money.open_rows,
    )
)

STOCK_LIST = declare_view(
    View(
        code="stock.balance",
        label=_("Stock on hand"),
        header=StockBalance,
        columns="product warehouse status on_hand reserved pending_out available in_transit on_order",
        find="product warehouse",
        sums="on_hand reserved pending_out available in_transit on_order",
        sort="-on_hand",
    )
)
MOVEMENT_LIST = declare_view(
    View(
        code="stock.movement",
        label=_("Stock movements"),
        header=StockEntry,
        columns="date doc product warehouse status on_hand reserved pending_out in_transit on_order at",
        find="product warehouse",
        sums="on_hand reserved pending_out in_transit on_order",
    )
)
COST_LIST = declare_view(
    View(
        code="stock.cost",
        label=_("Stock value"),
        header=CostBalance,
        columns="product qty value",
        find="product",
        sums="value",
    )
)
RECEIVABLE_LIST = declare_view(
    View(
        code="finance.receivable",
        label=_("Receivable"),
        header=ReceivableBalance,
        columns="partner contract charged credited applied written_off open",
        find="partner",
        sums="charged credited applied written_off open",
    )
)
PAYABLE_LIST = declare_view(
    View(
        code="finance.payable",
        label=_("Payable"),
        header=PayableBalance,
        columns="partner order received returned applied open",
        find="partner",
        sums="received returned applied open",
    )
)
CUSTOMER_FUNDS_LIST = declare_view(
    View(
        code="finance.customer_funds",
        label=_("Customer funds"),
        header=CustomerFunds,
        columns="partner free frozen",
        find="partner",
        sums="free frozen",
    )
)
SUPPLIER_FUNDS_LIST = declare_view(
    View(
        code="finance.supplier_funds",
        label=_("Prepaid to suppliers"),
        header=SupplierFunds,
        columns="partner prepaid",
        find="partner",
        sums="prepaid",
    )
)
CASH_LIST = declare_view(
    View(
        code="finance.cash",
        label=_("Cash and bank"),
        header=CashBalance,
        columns="account amount",
        find="account",
        sums="amount",
    )
)
_STATEMENT = _("Statement of account")
lead(
    Lead(
        "stock.balance",
        "stock.movement",
        {"product": "product", "warehouse": "warehouse", "status": "status"},
    ),
    Lead("stock.cost", "stock.movement", {"product": "product"}),
    *(
        Lead(code, "finance.statement", {"partner": "partner"}, _STATEMENT, {"side": side}, (code,))
        for code, side in (
            ("finance.receivable", "customer"),
            ("finance.customer_funds", "customer"),
            ("finance.payable", "supplier"),
            ("finance.supplier_funds", "supplier"),
        )
    ),
    Lead(
        "masters.partner",
        "finance.statement",
        {"partner": "id"},
        _STATEMENT,
        needs=("finance.receivable", "finance.payable"),
    ),
)
show_beside(Figure("masters.product", _("Available"), "qty", stock.available))
negative.subscribe()
