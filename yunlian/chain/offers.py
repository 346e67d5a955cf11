"""Take an upstream product into our own catalogue, or link it to one we have: the code mapping of the chain."""

from collections.abc import Iterable
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.fields import normal_code, uuid_or_none
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Product, Unit


def download(offer: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Link the offer to the product named, or make one under `code`, by default the upstream code.

    The member needs the right to edit products when one is made. The upstream price becomes the purchase reference
    price of a new product; a product we have keeps its own.
    """
    if given["product"]:
        found = _find(given["product"])
        if found is None:
            yield Problem("product", _("There is no such product."), code="unknown")
            return
        taken = type(offer).objects.filter(link_id=offer.link_id, product_id=found.id).exclude(id=offer.id)
        if taken.exists():
            yield Problem("product", _("Another product of this partner is linked to it."), code="taken")
            return
        offer.product_id = found.id
    elif offer.product_id is None:
        offer.product_id = save("masters.product", ctx, _as_product(offer, given["code"], ctx)).pk


def _find(wanted: str) -> Product | None:
    id_ = uuid_or_none(wanted)
    rows = Product.objects.filter(id=id_) if id_ else Product.objects.filter(code=normal_code(wanted))
    found: Product | None = rows.first()
    return found


def _as_product(offer: Any, code: str, ctx: Context) -> dict[str, Any]:
    return {
        "code": code or offer.upstream_code,
        "name": offer.name,
        "specification": offer.spec,
        "unit": _unit(offer.unit, ctx),
        "purchase_price": offer.price,
        "is_bought": True,
        "is_sold": True,
    }


def _unit(name: str, ctx: Context) -> str:
    """Our unit of that name or code; made when we have none."""
    wanted = normal_code(name)
    for unit in Unit.objects.all():
        if wanted in (unit.code, normal_code(unit.name)):
            return str(unit.id)
    return str(save("masters.unit", ctx, {"code": name, "name": name}).pk)
