"""What must hold for a sales intention. No query, clock or write."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .model import SalesIntention, SalesIntentionLine


def check(
    intention: SalesIntention, lines: list[SalesIntentionLine], ctx: Context, facts: None
) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    is_binding = intention.state in ("submitted", "approved")
    for line in lines:
        # What was quoted while it was sold, and is agreed to, holds.
        if line.product.status == "stopped" and intention.collab != "agreed":
            yield Problem(
                "product", _("%(code)s is no longer sold.") % {"code": line.product.code}, line.no, "stopped"
            )
        if is_binding and line.price is None:
            yield Problem("price", _("Must be filled in."), line.no, "required")
