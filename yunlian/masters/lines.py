"""What lines of documents about goods have in common: a quantity in a unit of the line, and what it is in base units."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.models import Line
from yunlian.kernel.text import _

from .models import Unit

# What a line that buys carries on from the line it is made from, and what of it must still be the same.
BOUGHT = ("product", "unit", "price", "discount", "tax_rate")
SAME = ("product", "discount", "tax_rate")
CENT = Decimal("0.01")


class GoodsLine(Line):
    """A quantity of one product, which the line itself names, in `unit`. `factor` is filled from the product's units."""

    unit = f.Ref(Unit, label=_("Unit"), required=False, hint=_("Blank: the product's base unit."))
    qty = f.Qty(label=_("Quantity"), above="0")
    factor = f.Qty(label=_("Base units per unit"), readonly=True)
    base_qty = f.Qty(label=_("Quantity in base units"), formula="round(qty * factor, 6)")

    class Meta:
        abstract = True


def otherwise_priced(line: Any, source: Any) -> Iterable[str]:
    """Yield `price` when a line does not cost what its source does.

    Of goods ordered by the box, pieces arrive: a line may be in another unit when it costs, to the cent, its part of what
    the source says. Parts are rounded so that together they make the whole.
    """
    if (
        line.price is None
        or source.price is None
        or (line.unit_id, line.factor) == (source.unit_id, source.factor)
    ):
        agrees = line.price == source.price
    else:
        agrees = abs(line.qty * line.price - line.base_qty * source.price / source.factor) <= CENT
    if not agrees:
        yield "price"


class BoughtLine(GoodsLine):
    """Goods with what they cost us: `price` per `unit`, tax included; a `discount` of 0.1 takes a tenth off."""

    price = f.Price(label=_("Price"), guard="purchase.price", required=False)
    discount = f.Rate(
        label=_("Discount"),
        low="0",
        high="1",
        default=Decimal(0),
        initial=Decimal(0),
        null=False,
        guard="purchase.price",
    )
    tax_rate = f.Rate(
        label=_("Tax rate"),
        low="0",
        high="1",
        default=Decimal(0),
        initial=Decimal(0),
        null=False,
        hint=_("0.13 is thirteen per cent, included in the price."),
    )
    amount = f.Amount(
        label=_("Amount"), formula="round(round(qty * price) * (1 - discount))", guard="purchase.price"
    )

    class Meta:
        abstract = True
