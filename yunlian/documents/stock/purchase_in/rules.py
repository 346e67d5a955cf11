"""What must hold before a stock-in is saved or approved. No query, clock or write."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import PurchaseIn, PurchaseInLine


def check(stock_in: PurchaseIn, lines: list[PurchaseInLine], ctx: Context, facts: Facts) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    for line in lines:
        if line.price is None:
            yield Problem("price", _("Must be filled in."), line.no, "required")
