"""Units a product is traded in: a line keeps its entry unit, and `factor` base units per unit."""

import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.load import find_rows
from yunlian.kernel.scope import Context, enterprise_id
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .models import Product, Unit

ONE = Decimal(1)
Factors = dict[tuple[uuid.UUID, uuid.UUID], Decimal]


def find_factors(ctx: Context, wanted: Iterable[tuple[Product, uuid.UUID]]) -> Factors:
    """Return base units per unit by (product id, unit id): 1 for the base unit; a unit the product has not is left out.

    At most one statement, none when all are base units.
    """
    pairs = list(wanted)
    factors = {(product.id, product.unit_id): ONE for product, unit in pairs if unit == product.unit_id}
    products = sorted({product.id for product, unit in pairs if unit != product.unit_id})
    if products:
        sql = "SELECT product_id, unit_id, factor FROM masters_productunit WHERE enterprise_id = %s AND product_id = ANY(%s)"
        factors |= {
            (product, unit): factor for product, unit, factor in run(sql, [ctx.enterprise_id, products])
        }
    return factors


def fill_factors(lines: Sequence[Any], ctx: Context) -> Iterable[Problem]:
    """Complete `unit` (the product's base unit when blank) and `factor` of document lines.

    Yields a problem for every unit its product is not traded in, and every quantity with more decimals than its unit has.
    """
    fill_units(lines)
    known = [line for line in lines if line.product_id is not None]
    factors = find_factors(ctx, [(line.product, line.unit_id) for line in known])
    for line in known:
        factor = factors.get((line.product_id, line.unit_id))
        if factor is None:
            line.factor = ONE
            message = _("%(product)s is not traded in %(unit)s.") % {
                "product": line.product.code,
                "unit": line.unit.name,
            }
            yield Problem("unit", message, line.no, "unit")
            continue
        line.factor = factor
        if line.qty is not None and line.qty != round(line.qty, line.unit.scale or 0):
            message = _("%(unit)s takes at most %(n)s decimals.") % {
                "unit": line.unit.name,
                "n": line.unit.scale or 0,
            }
            yield Problem("qty", message, line.no, "precision")


def fill_units(lines: Sequence[Any]) -> None:
    """Put the product's base unit where none was given; one statement when there is any such line."""
    blank = [line for line in lines if line.unit_id is None and line.product_id is not None]
    if not blank:
        return
    units = find_rows(Unit, enterprise_id(), {line.product.unit_id for line in blank})
    for line in blank:
        line.unit_id = line.product.unit_id
        line._state.fields_cache["unit"] = units[line.unit_id]
