"""What passed between the partners about one document: computed from rows, never set by hand (chain protocol A6)."""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel import permission
from yunlian.kernel.document import REGISTRY, find_document
from yunlian.kernel.fields import Choice, moment_text
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.scope import Context
from yunlian.kernel.text import Label, _, told

from . import envelope, reasons, receipts
from .messages import RECEIPT
from .models import Inbox, Link, Origin, Outbox

LABELS: dict[str, Label] = {
    "order.placed": _("Order placed"),
    "order.accepted": _("Order accepted"),
    "order.refused": _("Order refused"),
    "order.quoted": _("Quotation"),
    "order.agreed": _("Quotation agreed"),
    "order.disagreed": _("Quotation not agreed"),
    "order.recalled": _("Order recalled"),
    "order.planned": _("Delivery planned"),
    "withdrawal.asked": _("Withdrawal asked for"),
    "withdrawal.granted": _("Withdrawal granted"),
    "withdrawal.declined": _("Withdrawal declined"),
    "shipment.sent": _("Goods sent"),
    "shipment.received": _("Goods received"),
    "shipment.short": _("Goods missing"),
    "shipment.uncounted": _("Stock-in taken back"),
    "shipment.recalled": _("Shipment recalled"),
    "shipment.asked": _("Shipment asked back"),
    "shipment.granted": _("Shipment given back"),
    "shipment.declined": _("Shipment not given back"),
    "payment.sent": _("Payment sent"),
    "payment.recalled": _("Payment recalled"),
    "payment.asked": _("Payment asked back"),
    "payment.granted": _("Payment given back"),
    "payment.declined": _("Payment not given back"),
    "document.progressed": _("Progress"),
    "catalogue.requested": _("Catalogue asked for"),
    "catalogue.updated": _("Catalogue"),
    "key.announced": _("New signing key"),
    "message.receipt": _("Receipt of a message"),
    "message.void": _("Voided message"),
}
# Documents that stand for the whole thread; the others show what was said about themselves.
_WHOLE = ("purchase.order", "sales.intention")
# What the other side proposes beside our own figures: (ours, theirs) on lines.
_BESIDE = {
    "purchase.order": (("qty", "quoted_qty"), ("price", "quoted_price"), ("due_date", "quoted_date")),
    "sales.intention": (("qty", "expected_qty"), ("price", "expected_price"), ("due_date", "expected_date")),
}
MOST = 500  # events shown of one document


def label_of(kind: str) -> str:
    """Return what a kind of message is called."""
    return str(LABELS.get(kind, kind))


def status_of(row: Outbox) -> str:
    """Return where a message of ours is: queued, sent, delivered, applied, rejected, quarantined or voided."""
    if row.is_void:
        return "voided"
    if row.outcome:
        return str(row.outcome)
    if row.delivered_at is not None:
        return "delivered"
    return "sent" if row.sent_at is not None else "queued"


def status_in(row: Inbox) -> str:
    """Return where a message of theirs is with us."""
    return "delivered" if row.state == "new" else str(row.state)


def timeline(code: str, ctx: Context, id_: uuid.UUID) -> dict[str, Any]:
    """Return the chain view of a document the member may see. Raises Missing."""
    loaded = load(find_document(code), ctx, id_)
    origins = list(Origin.objects.filter(doc=loaded.pk))
    sent, got, link = _rows(loaded, origins)
    events = sorted([*map(_ours, sent), *map(_theirs, got)], key=lambda event: event["at"])
    header, track = (
        loaded.header,
        next((f.field for f in loaded.document.tracks if f.field == "collab"), "state"),
    )
    return {
        "partner": None if link is None else {"name": link.partner_name},
        "status": events[-1]["status"] if events else None,
        "ours": {"number": getattr(header, "number", None), "state": getattr(header, track, "")},
        "theirs": None if link is None else _their_document(loaded, got, origins),
        "differences": list(_differences(loaded, ctx)),
        "events": events,
    }


def _rows(loaded: Loaded, origins: list[Origin]) -> tuple[list[Outbox], list[Inbox], Link | None]:
    subject = f"{loaded.document.code}/{loaded.pk}"
    threads = {origin.thread for origin in origins}
    threads |= set(Outbox.objects.filter(subject=subject).values_list("thread", flat=True)[:50])
    sent = Outbox.objects.filter(thread__in=threads).exclude(kind=RECEIPT).select_related("lane__link")
    got = Inbox.objects.filter(thread__in=threads).exclude(kind=RECEIPT).select_related("lane__link")
    ours, theirs = (
        list(sent.order_by("queued_at", "id")[:MOST]),
        list(got.order_by("received_at", "seq")[:MOST]),
    )
    if loaded.document.code not in _WHOLE:
        subjects = {subject, *(origin.subject for origin in origins)}
        ours = [row for row in ours if _speaks_of(row.data, row.subject, subjects, loaded.pk)]
        theirs = [row for row in theirs if _speaks_of(_data(row), row.subject, subjects, loaded.pk)]
    link = next((row.lane.link for row in [*ours, *theirs]), None) or _link_of(loaded)
    return ours, theirs, link


def _speaks_of(data: Any, subject: str, subjects: set[str], id_: uuid.UUID) -> bool:
    ids = {str(id_), *(s.rpartition("/")[2] for s in subjects)}
    return (
        subject in subjects
        or data.get("about") in subjects
        or data.get("shipment") in ids
        or data.get("payment") in ids
    )


def _link_of(loaded: Loaded) -> Link | None:
    """The link with the document's party, even when nothing was said yet."""
    for name, direction in (("supplier_id", "downstream"), ("customer_id", "upstream")):
        partner = getattr(loaded.header, name, None)
        if partner is not None:
            found: Link | None = Link.objects.filter(
                partner_id=partner, direction=direction, state="linked"
            ).first()
            return found
    return None


def _data(row: Inbox) -> dict[str, Any]:
    return dict(envelope.read(row.text or "").data)


def _ours(row: Outbox) -> dict[str, Any]:
    return _event(row, row.id, row.queued_at, "ours", status_of(row), row.data)


def _theirs(row: Inbox) -> dict[str, Any]:
    return _event(row, row.message_id, row.received_at, "theirs", status_in(row), _data(row))


def _event(
    row: Any, message_id: uuid.UUID, at: Any, side: str, status: str, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "at": moment_text(at),
        "side": side,
        "act": row.kind,
        "label": label_of(row.kind),
        "detail": _detail(data),
        "status": status,
        "reason": reason_of(row),
        "message_id": str(message_id),
    }


def _detail(data: dict[str, Any]) -> str:
    code = str(data.get("document") or "")
    words = (
        REGISTRY[code].label if code in REGISTRY and not code.startswith("sales.intention") else "",
        data.get("number"),
        their_words(code, str(data.get("state") or "")),
        data.get("expected_date"),
        told(str(data.get("reason") or "")),
    )
    return " · ".join(str(word) for word in words if word)[:500]


def state_words(code: str, state: str) -> Label:
    """Return what a state of a document is called in the reader's language; a state nobody here knows as it was told."""
    if code not in REGISTRY:
        return state
    flows = sorted(REGISTRY[code].flows, key=lambda flow: flow.field != "collab")
    return next((known.label for flow in flows for known in flow.states if known.name == state), state)


def their_words(code: str, state: str) -> Label:
    """Return what a state of a partner's document is called seen from here: to us their “waiting for the customer” is “quoted”."""
    for document in REGISTRY.values():
        kind = document.fields.get("theirs_state")
        for value, label in kind.options if isinstance(kind, Choice) else ():
            if value == f"{code}.{state}":
                return label
    return state_words(code, state)


def reason_of(row: Any) -> str:
    """Return why a message was refused or stopped, as one text; of one that waits, why its lane stands still."""
    why = receipts.reason_of(row.problems)
    is_waiting = isinstance(row, Outbox) and row.sent_at is None and not row.is_void
    return why or (reasons.words(row.lane.reason) if is_waiting else "")


def _their_document(loaded: Loaded, got: list[Inbox], origins: list[Origin]) -> dict[str, Any] | None:
    """Code, number, state and expected date of their document: what our own document keeps of it, else what was said last.

    Much is said in one thread; a document that came from a partner stands beside the one it was made from.
    """
    header, subjects = loaded.header, {origin.subject for origin in origins}
    told = [row for row in got if row.state == "applied" and _data(row).get("number")]
    row = next(reversed([row for row in told if row.subject in subjects] or told), None)
    data = {} if row is None else _data(row)
    number = getattr(header, "theirs_number", data.get("number"))
    if not number:
        return None
    known = getattr(header, "theirs_state", "") or f"{data.get('document', '')}.{data.get('state', '')}"
    code, _dot, state = known.rpartition(".")
    expected = getattr(header, "expected_date", None)
    return {
        "code": code or (row.subject.partition("/")[0] if row else None),
        "number": number,
        "state": str(their_words(code, state) or (label_of(row.kind) if row else "")),
        "expected_date": expected.isoformat() if expected else data.get("expected_date"),
    }


def _differences(loaded: Loaded, ctx: Context) -> Iterable[dict[str, Any]]:
    """Where their figures differ from ours, line by line; fields behind a guard the member lacks are left out."""
    kinds = loaded.document.line_fields
    hidden = permission.hidden(ctx, loaded.document.guards)
    for line in loaded.lines:
        for name, beside in _BESIDE.get(loaded.document.code, ()):
            ours, theirs = getattr(line, name), getattr(line, beside)
            if theirs is None or ours == theirs or kinds[name].guard in hidden:
                continue
            kind: Any = kinds[name]
            yield {
                "field": name,
                "label": str(kind.label),
                "line": line.no,
                "ours": kind.show(ours),
                "theirs": kind.show(theirs),
            }
