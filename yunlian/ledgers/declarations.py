"""Which entries fold into which balances. Postings lock in the order of these declarations."""

from yunlian.kernel.ledger import Fold, Ledger, declare_ledger

from . import costing, money, stock
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
