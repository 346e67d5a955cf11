"""Opening stock: the suite every document inherits, then what the books begin with."""

from decimal import Decimal

from yunlian.kernel.scope import Context
from yunlian.kernel.testing import FlowSuite, make
from yunlian.ledgers.models import CostBalance, StockBalance


class TestOpeningStock(FlowSuite):
    code = "stock.opening"


def test_the_books_begin_with_what_is_there_at_its_cost(ctx: Context) -> None:
    make("masters.product", ctx, code="P2")
    lines = [
        {"product": "P2", "qty": "1", "cost": "400"},
        {"product": "P2", "qty": "2", "cost": "3.335", "status": "defect"},
    ]
    made = make("stock.opening", ctx, lines=lines, upto="approved")
    assert made.header.amount == Decimal("406.67")
    assert {row.status: row.available for row in StockBalance.objects.all()} == {"good": 1, "defect": 0}
    cost = CostBalance.objects.get()
    assert (cost.qty, cost.value) == (3, Decimal("406.67"))
