"""Take an upstream product into our own catalogue, or link it to one we have: the code mapping of the chain."""

from collections.abc import Iterable
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.fields import normal_code
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Unit


def download(offer: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Make a product of ours for the offer under `code`, by default the upstream code, unless it has one already.

    The member needs the right to edit products when one is made; the upstream price becomes its purchase reference price.
    """
    if offer.product_id is None:
        offer.product_id = save("masters.product", ctx, _as_product(offer, given["code"], ctx)).pk
    return ()


def map_to(offer: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Say which product of ours the offer is, also when it was said wrong before; our product keeps its own price."""
    product = given["product"]
    taken = type(offer).objects.filter(link_id=offer.link_id, product_id=product.id).exclude(id=offer.id)
    if taken.exists():
        yield Problem("product", _("Another product of this partner is linked to it."), code="taken")
    offer.product_id = product.id
    offer._state.fields_cache.pop("product", None)  # the row it led to before


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
