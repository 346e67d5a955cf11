"""What an approved purchase order adds to the ledgers. Values only: the kernel writes them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from yunlian.ledgers.models import StockEntry


def post(order: Any, lines: list[Any], facts: None) -> Iterable[StockEntry]:
    """Expect each line in the order's warehouse: + quantity on order."""
    for line in lines:
        yield _on_order(order, line, line.base_qty)


def rest(order: Any, lines: list[Any], closing: bool) -> Iterable[StockEntry]:
    """Expect what no notice has announced yet no more; or again, when the order is reopened."""
    for line in lines:
        left = line.base_qty - line.noticed_qty
        if left > 0:
            yield _on_order(order, line, -left if closing else left)


def _on_order(order: Any, line: Any, qty: Decimal) -> StockEntry:
    return StockEntry(
        line_no=line.no,
        product_id=line.product_id,
        warehouse_id=order.warehouse_id,
        status="good",
        on_order=qty,
    )
