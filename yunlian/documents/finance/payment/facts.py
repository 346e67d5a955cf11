"""What a payment decides on: what each line is for, and how much of that may still be paid, under lock."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from yunlian.kernel.load import load_sources
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context

from .owing import Owing, lock_unclaimed
from .paying import named


@dataclass
class Facts:
    """`sources` is the link of each line, by its id; `debts` what may be paid beside other approved payments."""

    is_binding: bool = False
    sources: dict[uuid.UUID, LinkRow] = field(default_factory=dict)
    debts: Owing | None = None


def facts(payment: Any, lines: list[Any], ctx: Context) -> Facts:
    """Read nothing while it is only being saved; links when it is submitted; what is owed, locked, when approved."""
    if payment.state not in ("submitted", "approved"):
        return Facts()
    found = Facts(True, {line: rows[0] for line, rows in load_sources(ctx, payment.id).items()})
    if payment.state == "approved" and found.sources:
        found.debts = lock_unclaimed(payment.supplier_id, named(found.sources.values()), payment.id)
    return found
