"""What stock may look like (flows.md F9): refusals with exact numbers, before the database's CHECKs would speak."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from yunlian.kernel import permission
from yunlian.kernel.document import Problem
from yunlian.kernel.fields import trimmed
from yunlian.kernel.figures import Asked
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import Label, _
from yunlian.masters.models import Product, Warehouse

from .models import ReservationBalance, StockBalance, StockEntry


def available(ctx: Context, asked: Asked) -> Mapping[uuid.UUID, Decimal | None] | None:
    """Return what is available of products, in the warehouse of the document's header, or in all of them."""
    if not permission.may(ctx, "stock.balance", "view"):
        return None
    warehouse = asked.header.get("warehouse")
    sql = (
        "SELECT product_id, sum(available) FROM ledgers_stockbalance WHERE enterprise_id = %s AND product_id = ANY(%s)"
        f"{' AND warehouse_id = %s' if warehouse else ''} GROUP BY product_id"
    )
    found: dict[uuid.UUID, Decimal] = dict(
        run(sql, [ctx.enterprise_id, list(asked.ids), *([warehouse] if warehouse else [])])
    )
    return {id_: found.get(id_, Decimal(0)) for id_ in asked.ids}


def open_rows(entries: list[StockEntry], balances: dict[tuple[Any, ...], StockBalance]) -> None:
    """Copy the warehouse's permission to go below zero onto balances that begin with these entries."""
    fresh = [balance for balance in balances.values() if balance._state.adding]
    if not fresh:
        return
    wanted = {balance.warehouse_id for balance in fresh}
    allowed = set(Warehouse.objects.filter(id__in=wanted, may_be_negative=True).values_list("id", flat=True))
    for balance in fresh:
        balance.may_be_negative = balance.warehouse_id in allowed


def check_stock(balance: StockBalance, entries: list[StockEntry]) -> Iterable[Problem]:
    """Yield why the quantities of a balance cannot become what the entries make them."""
    for name, label in _EXPECTED:
        now = getattr(balance, name)
        if now < 0:
            took = -sum((getattr(entry, name) for entry in entries), Decimal(0))
            yield _short(balance, entries, label, have=now + took, need=took)
            return
    if balance.may_be_negative:
        return
    took = -sum((entry.on_hand for entry in entries), Decimal(0))
    if balance.on_hand < 0:
        yield _short(balance, entries, _("on hand"), have=balance.on_hand + took, need=took)
    elif balance.status == "good" and (left := _left(balance)) < 0:
        need = took + sum((entry.reserved + entry.pending_out for entry in entries), Decimal(0))
        yield _short(balance, entries, _("available"), have=left + need, need=need)
    elif balance.reserved > balance.on_hand:
        need = sum((entry.reserved for entry in entries), Decimal(0)) + took
        yield _short(
            balance, entries, _("on hand"), have=balance.on_hand - balance.reserved + need, need=need
        )


def _left(balance: StockBalance) -> Decimal:
    """Return what is available after the entries, which the database's own column does not know yet."""
    left: Decimal = balance.on_hand - balance.reserved - balance.pending_out
    return left


_EXPECTED: tuple[tuple[str, Label], ...] = (
    ("reserved", _("reserved")),
    ("pending_out", _("pending out")),
    ("in_transit", _("in transit")),
    ("on_order", _("on order")),
)


def check_reservation(balance: ReservationBalance, entries: list[StockEntry]) -> Iterable[Problem]:
    """Yield when more is taken from a contract line's reservation than it has."""
    if balance.reserved < 0:
        took = -sum((entry.reserved for entry in entries), Decimal(0))
        yield _short(balance, entries, _("reserved"), have=balance.reserved + took, need=took)


def _short(balance: Any, entries: list[StockEntry], what: Label, *, have: Decimal, need: Decimal) -> Problem:
    first = entries[0]
    product = Product.objects.filter(id=first.product_id).values_list("code", "name").first() or ("?", "?")
    warehouse = Warehouse.objects.filter(id=first.warehouse_id).values_list("name", flat=True).first()
    message = _("%(code)s %(name)s in %(warehouse)s: %(have)s %(what)s, %(need)s needed.") % {
        "code": product[0],
        "name": product[1],
        "warehouse": warehouse,
        "have": trimmed(have, 0),
        "what": what,
        "need": trimmed(need, 0),
    }
    return Problem("qty", message, first.line_no or None, "short")
