"""Money: our payment is the upstream enterprise's receipt, to be confirmed against the bank (flows.md F5)."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction

from yunlian.documents.finance.payment.paying import paid_orders
from yunlian.documents.sales.contract.model import SalesContract
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.events import on
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.load import Loaded
from yunlian.kernel.models import LinkRow
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.steps import move
from yunlian.kernel.text import _

from ..messages import Arrival, Handler, Message, Outgoing, receive, send
from ..models import Origin
from . import withdrawals, wording
from .kinship import find_link, origin_of, owned, require_direction

PAYMENT, RECEIPT = "finance.payment", "finance.receipt"


def _paid(ctx: Context, loaded: Loaded) -> Iterable[Outgoing]:
    """The remittance: the whole amount, and which orders it is for."""
    payment = loaded.header
    link = find_link(payment.supplier_id, "downstream")
    if link is None:
        return
    withdrawals.bound(ctx, loaded)
    orders = [
        {"order": str(order), "amount": wording.exact(amount, 2)}
        for order, amount in sorted(paid_orders(loaded.pk, payment.turn - 1).items())
    ]
    yield Outgoing(
        link_id=link.id,
        thread=loaded.pk if len(orders) != 1 else uuid_or_none(orders[0]["order"]) or loaded.pk,
        subject=f"{PAYMENT}/{loaded.pk}",
        subject_version=payment.turn + 1,
        data={
            "number": payment.number,
            "date": wording.day(payment.date),
            "currency": wording.currency_of(ctx.enterprise_id),
            "amount": wording.exact(payment.amount, 2),
            "reference": payment.reference,
            "orders": orders,
        },
    )


send(Message(kind="payment.sent", on=((PAYMENT, "pay"),), make=_paid, back=withdrawals.not_taken(PAYMENT)))


def _receive(arrival: Arrival) -> None:
    """A receipt handed to finance. What cannot be laid to a contract or intention stays the customer's free money."""
    require_direction(arrival, "upstream")
    data = arrival.data
    if data.get("currency") != wording.currency_of(arrival.ctx.enterprise_id):
        raise Refused(Problem("currency", _("We keep our books in another currency."), code="currency"))
    body = {
        "customer": str(arrival.link.partner_id),
        "date": data.get("date"),
        "amount": data.get("amount"),
        "payer": arrival.link.partner_name[:100],
        "reference": str(data.get("reference") or data.get("number") or "")[:100],
        "note": str(data.get("number") or ""),
    } | owned(arrival)
    made = _saved(arrival, body, _lines(arrival))
    move(RECEIPT, arrival.ctx, made.pk, "submit")
    arrival.remember(RECEIPT, made.pk, made.header.number)


def _saved(arrival: Arrival, body: dict[str, Any], lines: list[dict[str, Any]]) -> Loaded:
    """Save the receipt with its parts; when a part does not fit (paid beyond what is open), without them.

    Why it does not fit then stands in the receipt's note, for finance to lay the money by hand.
    """
    if lines:
        try:
            with transaction.atomic():
                return save(RECEIPT, arrival.ctx, body | {"lines": lines})
        except Refused as refused:
            body |= {"note": f"{body['note']} {refused}".strip()[:500]}
    return save(RECEIPT, arrival.ctx, body | {"lines": []})


def _lines(arrival: Arrival) -> list[dict[str, Any]]:
    """One part per order: for the contract made from it, else for the intention itself."""
    given = arrival.data.get("orders")
    found = []
    for part in given if isinstance(given, list) else []:
        order = uuid_or_none(part.get("order")) if isinstance(part, dict) else None
        origin = Origin.objects.filter(thread=order, link_id=arrival.link.id, code="sales.intention").last()
        if origin is None:
            continue
        made = LinkRow.objects.filter(source_doc_id=origin.doc, target_code="sales.contract")
        in_force = SalesContract.objects.filter(id__in=made.values("target_doc_id"), state="approved")
        contract = in_force.order_by("id").values_list("id", flat=True).first()
        code, doc = ("sales.contract", contract) if contract else ("sales.intention", origin.doc)
        found.append({"amount": part.get("amount"), "sources": [{"line": str(doc), "code": code}]})
    return found


def _require_told(ctx: Context, loaded: Loaded) -> None:
    """A receipt is of what the dealer said they paid, and of that dealer; finance says what it is for, and whether it came."""
    message = _(
        "The customer told this payment: confirm it as it is, or reject it and let them correct theirs. Money that came "
        "besides is a receipt of its own."
    )
    changed = [change["field"] for change in loaded.changes if change["line"] is None]
    problems = [Problem(name, message, code="told") for name in ("amount", "customer") if name in changed]
    if problems and origin_of(loaded) is not None:
        raise Refused(*problems)


on(RECEIPT, "saved", _require_told)
receive(Handler(kind="payment.sent", apply=_receive, verbs=(f"{RECEIPT}.edit", f"{RECEIPT}.submit")))
