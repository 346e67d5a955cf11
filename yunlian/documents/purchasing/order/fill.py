"""Completes a purchase order before its amounts are computed: units, purchase prices, the warehouse, dates."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.masters.prices import fill_prices
from yunlian.masters.units import fill_factors
from yunlian.masters.warehouses import fill_warehouse

from .model import PurchaseOrder, PurchaseOrderLine


def fill(order: PurchaseOrder, lines: list[PurchaseOrderLine], ctx: Context) -> Iterable[Problem]:
    """Put base units, the supplier's list prices, the default warehouse and the order's due date where nothing was given."""
    yield from fill_factors(lines, ctx)
    fill_prices(lines, ctx, order.supplier, order.date, kind="purchase")
    fill_warehouse(order)
    for line in lines:
        line.due_date = line.due_date or order.due_date
