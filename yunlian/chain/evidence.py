"""What proves one message, and what is to be repaired when it was refused (chain protocol A6, A12)."""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel.document import REGISTRY, Missing
from yunlian.kernel.fields import moment_text
from yunlian.kernel.text import Label, _
from yunlian.org.models import Enterprise

from . import hashpath, lanes, operating, receipts
from .messages import RECEIPT
from .models import Attempt, Inbox, Key, Lane, Outbox

MOST = 20  # tries to send that are shown

Row = Inbox | Outbox


def _find(id_: uuid.UUID) -> tuple[Row, Lane]:
    row: Row | None = Outbox.objects.filter(id=id_).first() or Inbox.objects.filter(id=id_).first()
    if row is None:
        raise Missing("chain.message")
    return row, Lane.objects.select_related("link").get(id=row.lane_id)


def evidence(id_: uuid.UUID) -> dict[str, Any]:
    """Return what a message is and what proves it: exact text, signature, hash path, receipts. Raises Missing."""
    row, lane = _find(id_)
    shown = lanes.message(row, lane) | {
        "lane": str(row.lane_id),
        "message_id": str(_message_id(row)),
        "envelope": row.text,
        "digest": row.digest,
        "previous": _previous(row),
        "key": row.key_id,
        "signature": row.signature,
        "problems": [_problem(row, problem) for problem in row.problems],
        "remedies": [{"text": str(text), "code": code} for text, code in dict.fromkeys(_remedies(row, lane))],
    }
    if isinstance(row, Outbox):
        shown["attempts_made"] = _attempts(row)
    return shown | _times(row)


def _message_id(row: Row) -> uuid.UUID:
    return row.id if isinstance(row, Outbox) else row.message_id


def _previous(row: Row) -> str | None:
    """The digest of the message before it on the lane; the first one has the lane's own beginning before it."""
    if row.seq is None:
        return None
    if row.seq == 1:
        return hashpath.start(row.lane_id)
    before = type(row).objects.filter(lane_id=row.lane_id, seq=row.seq - 1)
    return before.values_list("digest", flat=True).first()


def _problem(row: Row, problem: dict[str, Any]) -> dict[str, Any]:
    """One problem for the reader, its field by the label it has on the document the message is about."""
    document = REGISTRY.get(row.subject.partition("/")[0])
    kinds = {} if document is None else document.fields | document.line_fields
    name = problem.get("field")
    return {
        "field": str(kinds[name].label) if name in kinds else name,
        "line": problem.get("line"),
        "code": problem.get("code"),
        "message": receipts.reason_of([problem]),
    }


def _remedies(row: Row, lane: Lane) -> Iterable[tuple[Label, str | None]]:
    """What to do about a refusal, on our side of it, and the code of the list where it is done."""
    if "rejected" not in (getattr(row, "state", ""), getattr(row, "outcome", "")):
        return
    unmapped = [str(problem.get("field")) for problem in row.problems if problem.get("code") == "unmapped"]
    for field in unmapped:
        # A dealer says which product of the brand's its own is; a unit is known by its name on both sides.
        if field == "product" and lane.link.direction == "downstream":
            yield (
                _("See under Upstream products which of ours is linked to it, and link the right one."),
                "chain.product",
            )
        elif field == "product":
            yield _("The partner's product is linked to none of yours: ask them to link the right one, and to send again."), None  # fmt: skip
        elif isinstance(row, Outbox):
            yield _("Ask the partner to add the unit, or use one they have."), None
        else:
            yield _("Add the unit, then ask the partner to send again."), "masters.unit"
    if isinstance(row, Outbox) and operating.is_given_back(row):
        yield (
            _("The document was given back: repair it and send it again from there."),
            row.subject.partition("/")[0],
        )
    elif isinstance(row, Inbox) and not unmapped:
        yield _("Repair what it names, then ask the partner to send again."), None


def _attempts(row: Outbox) -> list[dict[str, Any]]:
    made = Attempt.objects.filter(lane_id=row.lane_id, first_seq__lte=row.seq or 0).order_by("-at")[:MOST]
    return [
        {
            "at": moment_text(one.at),
            "act": one.act,
            "status": one.status,
            "code": one.code,
            "detail": one.detail,
        }
        for one in made
    ]


def _times(row: Row) -> dict[str, str | None]:
    names = (
        ("sent_at", "delivered_at", "outcome_at")
        if isinstance(row, Outbox)
        else ("received_at", "handled_at")
    )
    return {name: None if (at := getattr(row, name)) is None else moment_text(at) for name in names}


def export(id_: uuid.UUID) -> dict[str, Any]:
    """Return a message and its receipt with all that is needed to check them without us. Raises Missing.

    Each as it travelled: `e` the exact text, `k` the key's id, `s` the signature, beside the public key that was pinned
    for it, its digest, and the digest of the message before it that its text names.
    """
    row, lane = _find(id_)
    us = Enterprise.objects.get(pk=row.enterprise_id)
    ours = {"name": us.name, "chain_id": str(us.chain_id)}
    theirs = {"name": lane.link.partner_name, "chain_id": lane.link.partner_chain_id}
    is_ours = isinstance(row, Outbox)
    answers: type[Row] = Inbox if is_ours else Outbox
    receipt = answers.objects.filter(kind=RECEIPT, thread=_message_id(row), lane__link_id=lane.link_id)
    return {
        "sender": ours if is_ours else theirs,
        "recipient": theirs if is_ours else ours,
        "lane": str(row.lane_id),
        "message": _sealed(row, lane),
        "receipt": _sealed(receipt.first(), lane),
        "algorithms": {"digest": "SHA-256", "signature": "Ed25519"},
    } | _times(row)


def _sealed(row: Row | None, lane: Lane) -> dict[str, Any] | None:
    """A message as it travelled, with what proves it; None while it has no number."""
    if row is None or row.seq is None:
        return None
    link_id = None if isinstance(row, Outbox) else lane.link_id
    public = Key.objects.filter(link_id=link_id, key_id=row.key_id).values_list("public", flat=True).first()
    return {
        "e": row.text,
        "k": row.key_id,
        "s": row.signature,
        "public": None if public is None else bytes(public).hex(),
        "sequence": row.seq,
        "digest": row.digest,
        "previous": _previous(row),
    }
