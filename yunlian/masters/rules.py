"""What must hold before a master is saved; the reading it needs stands beside each rule."""

import datetime as dt
import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .models import Category, Partner, PriceLine, PriceList, Product, ProductUnit, Warehouse
from .units import fill_units


def read_ancestors(category: Category, lines: list[Any], ctx: Context) -> set[uuid.UUID]:
    """Return the ids above a category, up to the root."""
    sql = (
        "WITH RECURSIVE above AS (SELECT id, parent_id FROM masters_category WHERE enterprise_id = %s AND id = %s "
        "UNION SELECT c.id, c.parent_id FROM masters_category c JOIN above a ON c.id = a.parent_id "
        "WHERE c.enterprise_id = %s) SELECT id FROM above"
    )
    return {row[0] for row in run(sql, [ctx.enterprise_id, category.parent_id, ctx.enterprise_id])}


def check_category(
    category: Category, lines: list[Any], ctx: Context, above: set[uuid.UUID]
) -> Iterable[Problem]:
    """Yield when a category would stand under itself."""
    if category.id in above:
        yield Problem("parent", _("A category cannot belong to itself."), code="cycle")


def check_product(product: Product, lines: list[ProductUnit], ctx: Context, facts: None) -> Iterable[Problem]:
    """Yield when a unit is named twice."""
    seen = {product.unit_id}
    for line in lines:
        if line.unit_id in seen:
            yield Problem("unit", _("This unit is already there."), line.no, "twice")
        seen.add(line.unit_id)


def check_partner(partner: Partner, lines: list[Any], ctx: Context, facts: None) -> Iterable[Problem]:
    """Yield when a partner is nothing to us."""
    if not partner.is_customer and not partner.is_supplier:
        yield Problem("is_customer", _("A partner is a customer, a supplier, or both."))


def read_other_default(warehouse: Warehouse, lines: list[Any], ctx: Context) -> str | None:
    """Return the code of another default warehouse, if there is one."""
    others = Warehouse.objects.filter(is_default=True).exclude(id=warehouse.id)
    return others.values_list("code", flat=True).first()


def check_single_default(
    warehouse: Warehouse, lines: list[Any], ctx: Context, other: str | None
) -> Iterable[Problem]:
    """Yield when there would be two default warehouses."""
    if warehouse.is_default and other is not None:
        yield Problem("is_default", _("%(code)s is the default already.") % {"code": other}, code="twice")


def fill_price_list(price_list: PriceList, lines: list[PriceLine], ctx: Context) -> None:
    """Put base units where none were given."""
    fill_units(lines)


@dataclass(frozen=True)
class PriceListFacts:
    """Another default list of the same kind, and the units each product may be priced in."""

    other_default: str | None
    units: set[tuple[uuid.UUID, uuid.UUID]]


def read_price_list(price_list: PriceList, lines: list[PriceLine], ctx: Context) -> PriceListFacts:
    """Read what a price list is checked against, with two statements."""
    others = PriceList.objects.filter(is_default=True, kind=price_list.kind).exclude(id=price_list.id)
    products = {line.product_id for line in lines if line.product_id}
    units = ProductUnit.objects.filter(product_id__in=products).values_list("product_id", "unit_id")
    return PriceListFacts(others.values_list("code", flat=True).first(), set(units))


def check_price_list(
    price_list: PriceList, lines: list[PriceLine], ctx: Context, facts: PriceListFacts
) -> Iterable[Problem]:
    """Yield every unit a product is not traded in and every price that is valid together with another."""
    if price_list.is_default and facts.other_default is not None:
        yield Problem(
            "is_default", _("%(code)s is the default already.") % {"code": facts.other_default}, code="twice"
        )
    if price_list.is_default and (price_list.partner_id or price_list.level):
        yield Problem("is_default", _("The default list is for everybody."))
    by_key: dict[tuple[Any, ...], list[PriceLine]] = defaultdict(list)
    for line in lines:
        if line.unit_id != line.product.unit_id and (line.product_id, line.unit_id) not in facts.units:
            yield Problem("unit", _("The product is not traded in this unit."), line.no, "unit")
        if line.valid_from and line.valid_to and line.valid_to < line.valid_from:
            yield Problem("valid_to", _("Ends before it begins."), line.no)
            continue
        by_key[line.product_id, line.unit_id, line.qty_from].append(line)
    for rows in by_key.values():
        yield from _overlaps(rows)


def _overlaps(rows: list[PriceLine]) -> Iterable[Problem]:
    rows = sorted(rows, key=lambda line: line.valid_from or dt.date.min)
    for before, line in itertools.pairwise(rows):
        if (before.valid_to or dt.date.max) >= (line.valid_from or dt.date.min):
            message = _("Valid at the same time as line %(no)s.") % {"no": before.no}
            yield Problem("valid_from", message, line.no, "overlap")
