"""What must hold before a receipt notice is saved or approved."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import ReceiptNotice, ReceiptNoticeLine


def check(
    notice: ReceiptNotice, lines: list[ReceiptNoticeLine], ctx: Context, facts: Facts
) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    if facts.same_shipment is not None:
        message = _("%(number)s is about this shipment already.") % {"number": facts.same_shipment}
        yield Problem("shipment", message, code="twice")
