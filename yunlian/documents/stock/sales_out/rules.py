"""What must hold before goods leave. No query, clock or write."""

import uuid
from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .model import SalesOut, SalesOutLine


def check(
    out: SalesOut, lines: list[SalesOutLine], ctx: Context, facts: set[uuid.UUID] | None
) -> Iterable[Problem]:
    """Yield every reason to refuse. Whether the stock suffices is the ledger's to say."""
    for line in lines:
        if facts is not None and line.id not in facts:
            yield Problem(
                "sources", _("Goods leave by a dispatch notice: choose its line."), line.no, "required"
            )
