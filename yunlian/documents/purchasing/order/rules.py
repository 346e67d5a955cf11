"""What must hold before a purchase order is saved or approved. No query, clock or write."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .model import PurchaseOrder, PurchaseOrderLine


def check(
    order: PurchaseOrder, lines: list[PurchaseOrderLine], ctx: Context, facts: None
) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    if order.due_date is not None and order.due_date < order.date:
        yield Problem("due_date", _("Due before the order date."))
    for line in lines:
        if line.product.status == "stopped":
            message = _("%(code)s is no longer bought.") % {"code": line.product.code}
            yield Problem("product", message, line.no, "stopped")
        if line.price is None:
            yield Problem("price", _("Must be filled in."), line.no, "required")
        if line.due_date is not None and line.due_date < order.date:
            yield Problem("due_date", _("Due before the order date."), line.no)
