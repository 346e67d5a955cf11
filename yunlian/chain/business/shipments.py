"""Goods on their way: our stock-out is the dealer's receipt notice, their stock-in signs our stock-out (flows.md F5).

Quantities travel in the base unit of whoever speaks, with its name; each side converts by its own product. A shipment that
serves several orders is one message per order.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from yunlian.documents.purchasing.order.model import PurchaseOrder, PurchaseOrderLine
from yunlian.documents.stock.purchase_in.model import PurchaseInLine
from yunlian.documents.stock.receipt_notice.model import ReceiptNoticeLine
from yunlian.documents.stock.sales_out.model import SalesOut, SalesOutLine
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.events import before, on
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import LinkRow
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.text import _
from yunlian.masters.lines import CENT
from yunlian.masters.models import Unit
from yunlian.masters.units import find_factors

from .. import receipts
from ..messages import Arrival, Handler, Message, Outgoing, receive, send
from ..models import Origin, Outbox
from . import withdrawals, wording
from .kinship import (
    Share,
    origin_of,
    origins_of,
    owned,
    pair,
    pairs_by_ours,
    require_direction,
    shares,
    sources,
    theirs,
)

OUT, NOTICE, STOCK_IN = "stock.sales_out", "stock.receipt_notice", "stock.purchase_in"
_PRICE = Decimal("0.00000001")
_PATH = ("sales.contract", "sales.intention")


# Upstream: the goods have left


def _sent(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    by_origin: dict[uuid.UUID, list[Share]] = defaultdict(list)
    lines = {line.id: line for line in loaded.lines}
    for share in sorted(shares(loaded.pk, _PATH), key=lambda share: lines[share.ours].no):
        by_origin[share.origin_id].append(share)
    origins = list(Origin.objects.select_related("link").filter(id__in=list(by_origin)).order_by("id"))
    units = wording.base_units(loaded.lines)
    out = loaded.header
    linked = [origin for origin in origins if origin.link.state == "linked"]
    if linked:
        withdrawals.bound(ctx, loaded)
    for part, origin in enumerate(linked):
        data = {
            "number": out.number,
            "date": wording.day(out.date),
            "part": part,
            "logistics": out.logistics,
            "waybill": out.waybill,
            "arrival_date": wording.day(out.arrival_date),
            "lines": [_shipped(lines[share.ours], share, units) for share in by_origin[origin.id]],
        }
        yield Outgoing(
            link_id=origin.link_id,
            thread=origin.thread,
            subject=f"{OUT}/{out.id}",
            subject_version=out.turn + 1,
            data=data,
        )


def _shipped(line: SalesOutLine, share: Share, units: Mapping[uuid.UUID, Unit]) -> dict[str, Any]:
    return {
        "line": str(line.id),
        "order_line": str(share.theirs),
        "product": wording.product_words(line.product),
        "qty": wording.exact(share.qty),
        "unit": wording.unit_words(units[line.product.unit_id]),
    }


send(Message(kind="shipment.sent", on=((OUT, "approve"),), make=_sent, back=withdrawals.not_taken(OUT)))


# The dealer: a receipt notice, approved


def _notice(arrival: Arrival) -> None:
    require_direction(arrival, "downstream")
    order: PurchaseOrder = theirs(arrival, PurchaseOrder, "supplier_id")
    data, lines = arrival.data, wording.lines_of(arrival.data)
    ours = _ordered(arrival.ctx, order)
    reader = wording.Reader(lines)
    reader.learn(arrival.ctx, [each.line.product for each in ours.values()])
    taken = [_noticed(reader, ours, line, no) for no, line in enumerate(lines, 1)]
    reader.finish()
    shipment = arrival.envelope.subject.rpartition("/")[2]
    part = data.get("part") or 0
    made = save(
        NOTICE,
        arrival.ctx,
        {
            "supplier": str(order.supplier_id),
            "date": data.get("date"),
            "warehouse": str(order.warehouse_id),
            "expected_date": data.get("arrival_date"),
            "logistics": str(data.get("logistics") or "")[:60],
            "waybill": str(data.get("waybill") or "")[:60],
            "shipment": f"{shipment}#{part}"[:60] if part else shipment,
            "theirs_number": str(data.get("number") or "")[:60],
            "lines": taken,
        }
        | owned(arrival),
    )
    move(NOTICE, arrival.ctx, made.pk, "approve")
    origin = arrival.remember(NOTICE, made.pk, made.header.number)
    pair(
        origin, zip((wording.line_id(line) for line in lines), (line.id for line in made.lines), strict=True)
    )


@dataclass
class _Ordered:
    """A line of our order, how much of it was announced so far, in base units, and whether its unit still holds as many."""

    line: PurchaseOrderLine
    announced: Decimal
    keeps_unit: bool


def _ordered(ctx: Context, order: PurchaseOrder) -> dict[uuid.UUID, _Ordered]:
    found = PurchaseOrderLine.objects.select_related("product", "unit").filter(order_id=order.id)
    lines = list(found)
    factors = find_factors(ctx, [(line.product, line.unit_id) for line in lines])
    return {
        line.id: _Ordered(
            line, line.linked_noticed_qty, factors.get((line.product_id, line.unit_id)) == line.factor
        )
        for line in lines
    }


def _noticed(
    reader: wording.Reader,
    ours: Mapping[uuid.UUID, _Ordered],
    line: Mapping[str, Any],
    no: int,
) -> dict[str, Any]:
    """One line of the notice: in the unit of the order's line it serves, or what is no whole number of it in base units."""
    known = ours.get(wording.line_id(line, "order_line"))
    if known is None:
        reader.problems.append(Problem("lines", _("This line was not ordered."), no, "unknown"))
        return {}
    ordered = known.line
    base = reader.base_qty(ordered.product, line, no)
    if base is None:
        return {}
    taken = {
        "product": str(ordered.product_id),
        "sources": [{"line": str(ordered.id), "code": "purchase.order"}],
    }
    price = _part_price(known, base)
    known.announced += base
    qty = base / ordered.factor
    if known.keeps_unit and qty == round(qty, ordered.unit.scale or 0):
        return taken | {"unit": str(ordered.unit_id), "qty": qty}
    return taken | {"unit": str(ordered.product.unit_id), "qty": base, "price": price}


def _part_price(ordered: _Ordered, base: Decimal) -> Decimal | None:
    """Return the price per base unit, 8 decimals, at which the next `base` units make the amount so far exact to the cent.

    So the parts of a line cost together what the line does: whatever one was rounded by, the next takes.
    """
    line, announced = ordered.line, ordered.announced
    if line.price is None or not base:
        return None
    since, until = (
        (line.price * qty / line.factor).quantize(CENT, ROUND_HALF_UP)
        for qty in (announced, announced + base)
    )
    price: Decimal = ((until - since) / base).quantize(_PRICE, ROUND_HALF_UP)
    return price


def _require_unsent(ctx: Context, loaded: Loaded) -> None:
    """What the supplier sent stays as they sent it: a difference is told as damaged or short."""
    if origin_of(loaded) is not None:
        message = _(
            "The supplier sent this: receive what arrived, what is damaged by its stock status, and close the notice "
            "over what is missing. If the shipment itself is wrong, let the supplier ask to have it back."
        )
        raise Refused(Problem("state", message, code="sent"))


def _require_asked(ctx: Context, loaded: Loaded) -> None:
    if loaded.header.withdrawal != "asked":
        _require_unsent(ctx, loaded)


def _require_in_force(ctx: Context, loaded: Loaded) -> None:
    """Declined means that the goods are still announced here."""
    if loaded.header.state != "approved" and origin_of(loaded) is not None:
        message = _("Approve the notice again before you decline, or void it to consent.")
        raise Refused(Problem("state", message, code="sent"))


on(NOTICE, "saved", _require_unsent)
for _taken in ("unapprove", "void"):
    before(NOTICE, _taken, _require_asked)
before(NOTICE, "decline_withdrawal", _require_in_force)
receive(Handler(kind="shipment.sent", apply=_notice, verbs=(f"{NOTICE}.edit", f"{NOTICE}.approve")))


# The dealer: what arrived, and in what state


def _received(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """What a stock-in says of each shipment it receives: sound, or damaged."""
    statuses = {line.id: line.status for line in loaded.lines if isinstance(line, PurchaseInLine)}
    notices = sources([loaded.pk], NOTICE)
    rows = LinkRow.objects.filter(target_doc_id=loaded.pk, source_code=NOTICE)
    taken = list(rows.values_list("source_line", "target_line", "qty"))
    for origin in origins_of(notices):
        counts: dict[uuid.UUID, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        pairs = pairs_by_ours(origin)
        for source, target, qty in taken:
            if source in pairs:
                name = "damaged_qty" if statuses[target] == "defect" else "received_qty"
                counts[source][name] += qty
        yield from _counted(loaded, origin, pairs, counts)


def _short(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """Closing a notice of a shipment says that the rest will not be found, reopening it that it may be after all.

    Nothing is received of a closed notice, so both say the same quantities.
    """
    origin = origin_of(loaded)
    if origin is None:
        return ()
    missing = {
        line.id: {"short_qty": line.base_qty - line.received_qty}
        for line in loaded.lines
        if line.base_qty > line.received_qty
    }
    return _counted(loaded, origin, pairs_by_ours(origin), missing)


def _counted(
    loaded: Loaded,
    origin: Origin,
    pairs: Mapping[uuid.UUID, uuid.UUID],
    counts: Mapping[uuid.UUID, Mapping[str, Decimal]],
) -> Iterable[Outgoing]:
    if not counts:
        return
    notice_lines = {line.id: line for line in _notice_lines(counts)}
    lines = [
        {
            "line": str(pairs[id_]),
            "product": wording.product_words(notice_lines[id_].product),
            "unit": wording.unit_words(notice_lines[id_].product.unit),
            **{
                name: wording.exact(count.get(name, Decimal(0)))
                for name in ("received_qty", "short_qty", "damaged_qty")
            },
        }
        for id_, count in counts.items()
    ]
    yield Outgoing(
        link_id=origin.link_id,
        thread=origin.thread,
        subject=f"{loaded.document.code}/{loaded.pk}",
        subject_version=loaded.header.turn + 1,
        data={"shipment": origin.subject.rpartition("/")[2], "number": loaded.header.number, "lines": lines},
    )


def _notice_lines(ids: Iterable[uuid.UUID]) -> list[Any]:
    return list(ReceiptNoticeLine.objects.select_related("product", "product__unit").filter(id__in=list(ids)))


def _report_failed(ctx: Context, row: Outbox) -> None:
    """Show on the notice why the supplier did not take what was reported of their shipment."""
    code, _slash, id_ = row.subject.partition("/")
    about = [uuid.UUID(id_)] if code == NOTICE else list(sources([uuid.UUID(id_)], NOTICE))
    for origin in Origin.objects.filter(doc__in=about, subject=f"{OUT}/{row.data['shipment']}"):
        move(NOTICE, ctx, origin.doc, "partner_reject", reason=receipts.kept_reason(row))


send(Message(kind="shipment.received", on=((STOCK_IN, "approve"),), make=_received, back=_report_failed))
send(
    Message(
        kind="shipment.uncounted",
        on=((STOCK_IN, "unapprove"), (NOTICE, "reopen")),
        make=lambda ctx, loaded: (_short if loaded.document.code == NOTICE else _received)(ctx, loaded),
        back=_report_failed,
    )
)
send(Message(kind="shipment.short", on=((NOTICE, "close"),), make=_short, back=_report_failed))


# Upstream: signed


def _sign(arrival: Arrival) -> None:
    """Count what a stock-in reports, or no longer count what one reported that was taken back."""
    require_direction(arrival, "upstream")
    lines = wording.lines_of(arrival.data)
    out = SalesOut.objects.filter(
        id=wording.line_id(arrival.data, "shipment"), customer_id=arrival.link.partner_id
    ).first()
    if out is None:
        raise Refused(Problem("shipment", _("There is no such shipment here."), code="unknown"))
    ours = {line.id: line for line in SalesOutLine.objects.select_related("product").filter(out_id=out.id)}
    reader = wording.Reader(lines)
    reader.learn(arrival.ctx, [line.product for line in ours.values()])
    counts = []
    for no, line in enumerate(lines, 1):
        known = ours.get(wording.line_id(line))
        if known is None:
            raise Refused(Problem("lines", _("This shipment has no such line."), no, "unknown"))
        said = {
            short: str(reader.base_qty(known.product, line, no, f"{short}_qty") or 0)
            for short in ("received", "short", "damaged")
        }
        counts.append({"line": str(known.id)} | said)
    reader.finish()
    step = "partner_unsigned" if arrival.envelope.kind == "shipment.uncounted" else "partner_signed"
    move(OUT, arrival.ctx, out.id, step, None, lines=counts)
    withdrawals.finish(OUT, arrival.ctx, out.id)
    arrival.concern(OUT, out.number or "")


for _kind in ("shipment.received", "shipment.short", "shipment.uncounted"):
    receive(Handler(kind=_kind, apply=_sign, verbs=(f"{OUT}.partner_signed",)))
