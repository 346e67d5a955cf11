"""Receipts R2: what became of a message of ours at the receiver, and how a business answer is written down.

R0 and R1 are positions, kept by the sender. A receipt is a message like any other, but is never receipted itself.
Source: chain protocol A6.
"""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from yunlian.kernel.document import Missing, Refused
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.text import Label, _, pack, unpack
from yunlian.org.models import Enterprise

from . import account, envelope
from .messages import KEY_ANNOUNCED, OUTGOING, RECEIPT
from .models import Inbox, Lane, Link, Outbox

_KNOWN = ("applied", "rejected", "quarantined")


def problems_of(answer: Exception) -> list[dict[str, Any]]:
    """Return a business answer as the list of problems the sender will read.

    `message` is in our language, for whoever has no other; `text` in none: the reader says it in theirs.
    """
    if isinstance(answer, Refused):
        return [problem_of(p.message, p.field, p.line, p.code) for p in answer.problems]
    if isinstance(answer, Forbidden):
        message = _("The receiver's role does not allow it: %(what)s.") % {"what": answer}
        return [problem_of(message, code="forbidden")]
    assert isinstance(answer, Missing)
    message = _("The receiver does not have the document: %(what)s.") % {"what": answer}
    return [problem_of(message, code="missing")]


def problem_of(
    message: Label, field: str | None = None, line: int | None = None, code: str = "refused"
) -> dict[str, Any]:
    """Return one problem as it travels."""
    return {"field": field, "line": line, "code": code, "message": str(message), "text": pack(message)}


def reason_of(problems: Iterable[Mapping[str, Any]]) -> str:
    """Return problems as one text in the reader's language, at most 500 characters; what people typed stays as it is."""
    return "；".join(str(unpack(p.get("text")) or p.get("message", "")) for p in problems)[:500]


def take(enterprise_id: int, row: Inbox) -> None:
    """Note the outcome on the message it is about; what it is about must be ours and on the same link."""
    data = envelope.read(row.text or "").data
    try:
        about = uuid.UUID(str(data.get("about")))
    except ValueError:
        return
    lane = Lane.objects.get(id=row.lane_id)
    ours = (
        Outbox.objects.select_for_update().filter(id=about, lane__link_id=lane.link_id).order_by("id").first()
    )
    if ours is None or ours.outcome in ("applied", "rejected") or data.get("outcome") not in _KNOWN:
        return
    ours.outcome, ours.outcome_at = data["outcome"], account.database_now()
    ours.problems = _problems(data)
    ours.save(update_fields=["outcome", "outcome_at", "problems"])
    if ours.kind == KEY_ANNOUNCED and ours.outcome == "applied":
        Lane.objects.filter(id=ours.lane_id).update(key_id=ours.data["key"])
    _tell_business(enterprise_id, lane, ours)


def take_again(enterprise_id: int, about: Iterable[uuid.UUID]) -> None:
    """Note the outcomes of messages that came back after their receipts had been read (a restore)."""
    rows = Inbox.objects.filter(thread__in=list(about), kind=RECEIPT, state="applied").order_by("seq")
    for row in rows:
        take(enterprise_id, row)


def _problems(data: Any) -> list[dict[str, Any]]:
    """A partner's problems, cut to what we show."""
    given = data.get("problems")
    return [
        {
            "field": str(p["field"])[:60] if p.get("field") is not None else None,
            "line": p.get("line") if isinstance(p.get("line"), int) else None,
            "code": str(p.get("code", ""))[:60],
            "message": str(p.get("message", ""))[:500],
            "text": p.get("text") if unpack(p.get("text")) is not None else None,
        }
        for p in (given if isinstance(given, list) else [])[:100]
        if isinstance(p, dict)
    ]


def _tell_business(enterprise_id: int, lane: Lane, ours: Outbox) -> None:
    message = OUTGOING.get(ours.kind)
    call = None if message is None else message.done if ours.outcome == "applied" else message.back
    if call is None or ours.outcome == "quarantined":
        return
    link = Link.objects.get(id=lane.link_id)
    enterprise = Enterprise.objects.get(pk=enterprise_id)
    try:
        with transaction.atomic():
            call(account.acting() or account.system(enterprise, link.partner_name), ours)
    except (Refused, Missing, Forbidden) as answer:
        # Our own document has moved on meanwhile: the outcome is noted all the same, and so is why nothing followed.
        ours.problems = [*ours.problems, *problems_of(answer)]
        ours.save(update_fields=["problems"])
