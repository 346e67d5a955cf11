"""The price of a line when nobody typed one (flows.md F15, steps 2 to 6 as far as masters exist).

Order: a list only for this partner, lists for the partner's level, lists for everybody, the default list, the product's
reference price. Among equals the higher priority goes first. Inside a list: valid on the day, the same unit before
another one converted, the highest quantity tier that is reached.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.fields import trimmed
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import Label, _

from .models import Partner

Wanted = tuple[uuid.UUID, uuid.UUID, Decimal]
PLACES = Decimal("0.0001")


@dataclass(frozen=True)
class Price:
    """A price per wanted unit, tax included, and why: partner, level, list, default, reference or none.

    `source` is the code of the price list, `qty_from` the tier that was reached. `value` is None when there is no price
    at all.
    """

    value: Decimal | None
    reason: str
    source: str = ""
    qty_from: Decimal = Decimal(0)

    @property
    def words(self) -> str:
        """The reason as a line keeps it: `list WHOLESALE ≥10`; the first tier is not named, without a price it is empty."""
        if self.value is None:
            return ""
        tier = f"≥{trimmed(self.qty_from, 0):f}" if self.qty_from > 1 else ""
        return " ".join(word for word in (self.reason, self.source, tier) if word)


@dataclass(frozen=True)
class _Tier:
    """One line of a price list that could apply."""

    rank: int
    priority: int
    code: str
    unit: uuid.UUID
    qty_from: Decimal
    price: Decimal


_REASONS = ("partner", "level", "list", "default")
# Why a line's price is what it is, beside what the kernel says itself; `quoted` is set by a step.
PRICE_REASONS: tuple[tuple[str, Label], ...] = (
    ("partner", _("Price of this partner")),
    ("level", _("Price of the partner's level")),
    ("list", _("Price list")),
    ("default", _("Default price list")),
    ("reference", _("Reference price of the product")),
    ("quoted", _("The supplier's quotation")),
)


def price_reason(guard: str) -> f.Reason:
    """Return the field of a traded line that says why its `price` is what it is."""
    label = _("Reason of the price")
    return f.Reason(label=label, of="price", by="product unit qty", choices=PRICE_REASONS, guard=guard)


def fill_prices(
    lines: Iterable[Any], ctx: Context, partner: Partner | None, date: dt.date, *, kind: str = "sales"
) -> None:
    """Put price and reason where a line has a product and no price; without a quantity, as for one unit."""
    blank = [line for line in lines if line.price is None and line.product_id and line.unit_id]
    wanted = [(line.product_id, line.unit_id, line.qty or Decimal(1)) for line in blank]
    for line, price in zip(blank, find_prices(ctx, partner, date, wanted, kind=kind), strict=True):
        line.price, line.price_reason = price.value, price.words


def find_prices(
    ctx: Context, partner: Partner | None, date: dt.date, wanted: Sequence[Wanted], *, kind: str = "sales"
) -> list[Price]:
    """Return the price of each (product id, unit id, quantity in that unit), in order, with three statements.

    A price converted from another unit is rounded half up to 4 decimals. A unit the product is not traded in has no price.
    """
    products = sorted({product for product, _unit, _qty in wanted})
    if not products:
        return []
    tiers = _find_tiers(ctx, partner, date, products, kind)
    factors, references = _find_products(ctx, products, kind)
    return [
        _price(tiers[product], factors, references.get(product), (product, unit, qty))
        for product, unit, qty in wanted
    ]


def _find_tiers(
    ctx: Context, partner: Partner | None, date: dt.date, products: list[uuid.UUID], kind: str
) -> dict[uuid.UUID, list[_Tier]]:
    sql = (
        "SELECT p.product_id, CASE WHEN l.partner_id IS NOT NULL THEN 0 WHEN l.level <> '' THEN 1 "
        "WHEN NOT l.is_default THEN 2 ELSE 3 END, l.priority, l.code, p.unit_id, p.qty_from, p.price "
        "FROM masters_priceline p JOIN masters_pricelist l ON l.enterprise_id = p.enterprise_id AND l.id = p.price_list_id "
        "WHERE p.enterprise_id = %s AND p.product_id = ANY(%s) AND l.kind = %s AND l.is_active "
        "AND (l.partner_id IS NULL OR l.partner_id = %s) AND (l.level = '' OR l.level = %s) "
        "AND (p.valid_from IS NULL OR p.valid_from <= %s) AND (p.valid_to IS NULL OR p.valid_to >= %s)"
    )
    whose = None if partner is None else partner.id
    level = "" if partner is None else partner.level
    found: dict[uuid.UUID, list[_Tier]] = defaultdict(list)
    for product, *tier in run(sql, [ctx.enterprise_id, products, kind, whose, level, date, date]):
        found[product].append(_Tier(*tier))
    return found


def _find_products(
    ctx: Context, products: list[uuid.UUID], kind: str
) -> tuple[dict[tuple[uuid.UUID, uuid.UUID], Decimal], dict[uuid.UUID, Decimal | None]]:
    """Return factors by (product, unit) and reference prices per base unit by product."""
    column = "list_price" if kind == "sales" else "purchase_price"
    sql = f"SELECT id, unit_id, {column} FROM masters_product WHERE enterprise_id = %s AND id = ANY(%s)"
    rows = run(sql, [ctx.enterprise_id, products])
    factors = {(product, unit): Decimal(1) for product, unit, _price in rows}
    sql = "SELECT product_id, unit_id, factor FROM masters_productunit WHERE enterprise_id = %s AND product_id = ANY(%s)"
    factors |= {(product, unit): factor for product, unit, factor in run(sql, [ctx.enterprise_id, products])}
    return factors, {product: price for product, _unit, price in rows}


def _price(
    tiers: Iterable[_Tier],
    factors: dict[tuple[uuid.UUID, uuid.UUID], Decimal],
    reference: Decimal | None,
    wanted: Wanted,
) -> Price:
    product, unit, qty = wanted
    factor = factors.get((product, unit))
    if factor is None:
        return Price(None, "none")
    best: tuple[tuple[int, int, str, bool, Decimal], _Tier, Decimal] | None = None
    for tier in tiers:
        theirs = factors.get((product, tier.unit))
        # A unit since taken off the product cannot be converted.
        if theirs is None or qty * factor < tier.qty_from * theirs:
            continue
        key = (tier.rank, -tier.priority, tier.code, tier.unit != unit, -tier.qty_from * theirs)
        if best is None or key < best[0]:
            best = key, tier, theirs
    if best is not None:
        _key, tier, theirs = best
        value = tier.price if tier.unit == unit else _rounded(tier.price * factor / theirs)
        return Price(value, _REASONS[tier.rank], tier.code, tier.qty_from)
    if reference is None:
        return Price(None, "none")
    return Price(reference if factor == 1 else _rounded(reference * factor), "reference")


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(PLACES, ROUND_HALF_UP)
