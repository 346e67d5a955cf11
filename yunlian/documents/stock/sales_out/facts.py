"""What a stock-out decides on: which of its lines come from a notice."""

import uuid

from yunlian.kernel.load import load_sources
from yunlian.kernel.scope import Context

from .model import SalesOut, SalesOutLine


def facts(out: SalesOut, lines: list[SalesOutLine], ctx: Context) -> set[uuid.UUID] | None:
    """Return the lines that have a source; None while it is only being saved."""
    if out.state not in ("submitted", "approved"):
        return None
    return set(load_sources(ctx, out.id))
