"""What stands on the home page: named here, because only here all documents and ledgers are known."""

from yunlian.kernel.home import (
    Ageing,
    Daily,
    Standing,
    ThisMonth,
    Todo,
    Top,
    begin_with,
    show_charts,
    show_numbers,
)
from yunlian.kernel.text import _

show_numbers(
    ThisMonth(_("Sales this month"), "sales.contract", "total"),
    ThisMonth(_("Received this month"), "finance.receipt", "amount"),
    ThisMonth(_("Bought this month"), "purchase.order", "amount"),
    ThisMonth(_("Goods received this month"), "stock.purchase_in", "amount"),
    Standing(_("Stock value"), "stock.cost", "ledgers_costbalance", "t.value", guard="stock.cost"),
)
show_charts(
    Daily(_("Sales of 30 days"), "sales.contract", "total"),
    Top(_("Best selling products of 30 days"), "sales.contract", by="product", field="net"),
    Ageing(
        _("Receivable by age"),
        "finance.receivable",
        table="ledgers_receivablebalance",
        doc="contract_id",
        open_sql="(t.charged - t.credited - t.applied - t.written_off)",
        dated_by="sales.contract",
        filter=[["open", ">", "0"]],
    ),
    Daily(_("Purchases of 30 days"), "purchase.order", "amount"),
    Top(_("Most bought products of 30 days"), "purchase.order", by="product", field="amount"),
)
begin_with(
    Todo(_("Add a warehouse"), "masters.warehouse"),
    Todo(_("Import your products"), "masters.product"),
    Todo(_("Add customers and suppliers"), "masters.partner"),
    Todo(_("Add a settlement account"), "masters.account"),
    Todo(_("Invite a colleague"), "org.employee", at_least=3, is_needed=False),
    Todo(_("Link a partner on the chain"), "chain.link", is_needed=False),
)
