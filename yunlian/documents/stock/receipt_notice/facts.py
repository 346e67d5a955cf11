"""What a receipt notice must know of the orders it is made from, and of the other notices of its supplier."""

import uuid
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import find_document
from yunlian.kernel.models import LinkRow
from yunlian.kernel.scope import Context

ZERO = Decimal(0)


@dataclass(frozen=True)
class Facts:
    """`ordered`: base quantity by line that orders still expect. `same_shipment`: number of another notice of it."""

    ordered: dict[uuid.UUID, Decimal]
    same_shipment: str | None


def read_facts(notice: Any, lines: list[Any], ctx: Context) -> Facts:
    """Read in bulk what rules and posting need."""
    return Facts(find_ordered(notice.id), _same_shipment(notice))


def find_ordered(notice_id: uuid.UUID) -> dict[uuid.UUID, Decimal]:
    """Return, by line of a notice, the base quantity it takes from orders.

    Orders closed by hand are left out: they expect nothing any more.
    """
    links = LinkRow.objects.filter(target_doc_id=notice_id, source_code="purchase.order")
    rows = list(links.values_list("target_line", "source_doc_id", "qty"))
    if not rows:
        return {}
    orders = find_document("purchase.order").header.objects
    closed = set(orders.filter(id__in={row[1] for row in rows}, close="manual").values_list("id", flat=True))
    found: dict[uuid.UUID, Decimal] = defaultdict(lambda: ZERO)
    for line, order, qty in rows:
        if order not in closed:
            found[line] += qty
    return found


def _same_shipment(notice: Any) -> str | None:
    if not notice.shipment:
        return None
    others = type(notice).objects.filter(supplier_id=notice.supplier_id, shipment=notice.shipment)
    number: str | None = (
        others.exclude(id=notice.id).exclude(state="voided").values_list("number", flat=True).first()
    )
    return number
