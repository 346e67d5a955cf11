"""What follows an agreed order upstream: number, state and expected date, shown on the dealer's order (flows.md F5).

It moves no quantity and no money of the dealer's.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.documents.finance.payment.model import Payment
from yunlian.documents.purchasing.order.model import PurchaseOrder
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move

from ..messages import Arrival, Handler, Message, Outgoing, receive, send
from . import wording
from .kinship import origins_of, require_direction, sources, theirs

ORDER = "purchase.order"
CONTRACT, DISPATCH = "sales.contract", "stock.dispatch_notice"
RECEIPT, PAYMENT = "finance.receipt", "finance.payment"


def _about(loaded: Loaded, intentions: Iterable[uuid.UUID], expected: Any) -> Iterable[Outgoing]:
    """One message for every order behind the document; each state it passes is a version of its own.

    States travel as codes: whoever reads names them.
    """
    header = loaded.header
    for origin in origins_of(intentions):
        yield Outgoing(
            link_id=origin.link_id,
            thread=origin.thread,
            subject=f"{loaded.document.code}/{header.id}",
            subject_version=header.version,
            data={
                "about": origin.subject,
                "document": loaded.document.code,
                "number": header.number,
                "state": header.state,
                "close": header.close,
                "expected_date": wording.day(expected),
            },
        )


def _contract(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    return _about(loaded, sources([loaded.pk], "sales.intention"), loaded.header.due_date)


def _planned(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    contracts = sources([loaded.pk], CONTRACT)
    return _about(loaded, sources(contracts, "sales.intention"), loaded.header.ship_date)


def _money(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """Finance's decision about a payment; tells the dealer that it was found at the bank, or not."""
    return _about(loaded, [loaded.pk], None)


send(
    Message(
        kind="document.progressed",
        on=(
            *((CONTRACT, step) for step in ("approve", "unapprove", "void", "close", "reopen")),
            *((RECEIPT, step) for step in ("approve", "return", "unapprove")),
        ),
        make=lambda ctx, loaded: (_money if loaded.document.code == RECEIPT else _contract)(ctx, loaded),
    )
)
send(Message(kind="order.planned", on=((DISPATCH, "approve"),), make=_planned))


def _hear(arrival: Arrival) -> None:
    """Note number and state of the contract on our order, of the receipt on our payment; other things show in timelines."""
    require_direction(arrival, "downstream")
    data = arrival.data
    if data.get("document") == RECEIPT:
        _hear_of_receipt(arrival)
        return
    order: PurchaseOrder = theirs(arrival, PurchaseOrder, "supplier_id")
    is_contract = data.get("document") == CONTRACT
    move(
        ORDER,
        arrival.ctx,
        order.id,
        "partner_progress",
        None,
        theirs_number=str(data.get("number") or "")[:60] if is_contract else "",
        theirs_state=wording.state_of(data) if is_contract else "",
        expected_date=data.get("expected_date"),
    )
    arrival.concern(ORDER, order.number or "")


def _hear_of_receipt(arrival: Arrival) -> None:
    code, _slash, id_ = str(arrival.data.get("about") or "").partition("/")
    payment = Payment.objects.filter(id=uuid_or_none(id_), supplier_id=arrival.link.partner_id).first()
    if code != PAYMENT or payment is None or payment.state != "approved":
        return
    told = {
        "theirs_number": str(arrival.data.get("number") or "")[:60],
        "theirs_state": wording.state_of(arrival.data),
    }
    move(PAYMENT, arrival.ctx, payment.id, "partner_progress", None, **told)
    arrival.concern(PAYMENT, payment.number or "")


for _kind in ("document.progressed", "order.planned"):
    receive(Handler(kind=_kind, apply=_hear, verbs=(f"{ORDER}.partner_progress",)))
