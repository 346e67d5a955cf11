"""What the upstream side offers: products with their units and this dealer's prices, told when linked and when changed."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any

from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.events import on_all
from yunlian.kernel.fields import BadValue, Price, normal_code
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Partner, Product
from yunlian.masters.prices import find_prices

from ..letters import store_new
from ..messages import Arrival, Handler, Message, Outgoing, queue_all, queue_message, receive, send
from ..models import Link, Offer
from . import wording
from .kinship import require_direction

AT_ONCE = 100  # products in one message
REQUESTED, UPDATED = "catalogue.requested", "catalogue.updated"
_price = Price()


def _ask(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """The dealer asks for the catalogue once the link is in force."""
    link = loaded.header
    if link.direction == "downstream":
        yield Outgoing(
            link_id=link.id,
            thread=link.invitation,
            subject=f"chain.link/{link.id}",
            data={"number": link.code},
        )


send(Message(kind=REQUESTED, on=(("chain.link", "accept"), ("chain.link", "refresh")), make=_ask))


def _answer(arrival: Arrival) -> None:
    require_direction(arrival, "upstream")
    products = (
        Product.objects.select_related("unit").filter(is_active=True, is_sold=True).exclude(status="stopped")
    )
    for outgoing in _told(arrival.ctx, arrival.link, list(products.order_by("code"))):
        queue_message(arrival.ctx, UPDATED, outgoing)


receive(Handler(kind=REQUESTED, apply=_answer))


def _told(ctx: Context, link: Link, products: Sequence[Product]) -> Iterable[Outgoing]:
    """Messages about products, with the prices this dealer pays for one base unit."""
    partner = Partner.objects.filter(id=link.partner_id).first()
    currency = wording.currency_of(ctx.enterprise_id)
    for some in _batches(products):
        prices = find_prices(ctx, partner, ctx.today, [(p.id, p.unit_id, Decimal(1)) for p in some])
        yield Outgoing(
            link_id=link.id,
            thread=link.invitation,
            subject=f"chain.link/{link.id}",
            data={
                "currency": currency,
                "products": [_words(p, price.value) for p, price in zip(some, prices, strict=True)],
            },
        )


def _batches(products: Sequence[Product]) -> Iterable[Sequence[Product]]:
    return (products[at : at + AT_ONCE] for at in range(0, len(products), AT_ONCE))


def _words(product: Product, price: Decimal | None) -> dict[str, Any]:
    is_offered = product.is_active and product.is_sold and product.status != "stopped"
    return {
        "id": str(product.id),
        "code": product.code,
        "name": product.name,
        "spec": product.specification,
        "unit": wording.unit_words(product.unit),
        "price": wording.exact(price, 2),
        "is_offered": is_offered,
    }


def _products_saved(ctx: Context, found: Sequence[Loaded]) -> None:
    queue_all(ctx, UPDATED, _changed(ctx, [loaded.pk for loaded in found]))


def _prices_saved(ctx: Context, found: Sequence[Loaded]) -> None:
    queue_all(ctx, UPDATED, _changed(ctx, {line.product_id for loaded in found for line in loaded.lines}))


def _changed(ctx: Context, ids: Collection[uuid.UUID]) -> Iterable[Outgoing]:
    """Tell every linked dealer about products that changed."""
    links = list(Link.objects.filter(direction="upstream", state="linked").order_by("id"))
    if not links or not ids:
        return
    products = list(Product.objects.select_related("unit").filter(id__in=list(ids)).order_by("code"))
    for link in links:
        yield from _told(ctx, link, products)


on_all("masters.product", "saved", _products_saved)
on_all("masters.price_list", "saved", _prices_saved)


def _take(arrival: Arrival) -> None:
    """Keep the offers as the partner now says; what we buy already is marked as changed, never overwritten."""
    require_direction(arrival, "downstream")
    given = arrival.data.get("products")
    if not isinstance(given, list) or not all(isinstance(item, dict) and item.get("id") for item in given):
        raise Refused(Problem("products", _("Must be a list of products."), code="invalid"))
    ids = [str(item["id"])[:36] for item in given]
    known = {o.upstream_id: o for o in Offer.objects.filter(link_id=arrival.link.id, upstream_id__in=ids)}
    for id_, item in zip(ids, given, strict=True):
        _keep(arrival, known.get(id_), id_, item)


def _keep(arrival: Arrival, known: Offer | None, id_: str, item: dict[str, Any]) -> None:
    unit = item.get("unit")
    try:
        price = _price.parse(item.get("price"))
    except BadValue as bad:
        raise Refused(Problem("price", bad.message, code=bad.code)) from None
    said: dict[str, Any] = {
        "upstream_code": normal_code(str(item.get("code") or ""))[:60],
        "name": str(item.get("name") or "")[:200],
        "spec": str(item.get("spec") or "")[:200],
        "unit": str(unit.get("name") or unit.get("code") or "")[:60] if isinstance(unit, dict) else "",
        "price": price,
        "currency": str(arrival.data.get("currency") or "")[:3],
    }
    is_offered = item.get("is_offered") is not False
    if known is None:
        if is_offered:
            _store(arrival, id_, said)
        return
    differs = any(getattr(known, name) != value for name, value in said.items())
    state = "off_shelf" if not is_offered else _next_state(known, differs=differs)
    if differs or state != known.state:
        Offer.objects.filter(id=known.id).update(
            **said, state=state, version=known.version + 1, updated_at=arrival.ctx.now
        )


def _next_state(known: Offer, *, differs: bool) -> str:
    if known.state == "off_shelf":
        return "linked" if known.product_id else "new"
    return "changed" if differs and known.product_id else str(known.state)


def _store(arrival: Arrival, id_: str, said: dict[str, Any]) -> None:
    code = f"{said['upstream_code']}@{arrival.link.code}"
    if Offer.objects.filter(code=code).exists():
        code = f"{code}-{id_[-6:].upper()}"
    offer = Offer(
        enterprise_id=arrival.ctx.enterprise_id,
        id=new_id(),
        link_id=arrival.link.id,
        upstream_id=id_,
        code=code,
        **said,
    )
    store_new(arrival.ctx, "chain.product", offer)


receive(Handler(kind=UPDATED, apply=_take))
