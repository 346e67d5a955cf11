"""Receipts R2: what became of a message of ours at the receiver, and how a business answer is written down.

R0 and R1 are positions, kept by the sender. A receipt is a message like any other, but is never receipted itself.
Source: chain protocol A6.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.db import transaction

from yunlian.kernel.document import Missing, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.permission import Forbidden
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run
from yunlian.kernel.text import Label, _, keep, pack, unpack
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


def kept_reason(row: Outbox) -> str:
    """Return why the partner did not take a message of ours, as a document keeps it (`text.told`)."""
    said = [unpack(p.get("text")) or str(p.get("message", "")) for p in row.problems]
    return keep(*(said or [_("The other side could not process it.")]))


# Receipts that may be read now: each the next of its thread, nothing before it open. A thread is one message of ours.
_WAITING = """
SELECT i.id, i.lane_id, i.thread, i.thread_version, i.text, l.link_id FROM chain_inbox i
JOIN chain_lane l ON l.enterprise_id = i.enterprise_id AND l.id = i.lane_id
LEFT JOIN chain_thread t ON t.enterprise_id = i.enterprise_id AND t.lane_id = i.lane_id AND t.thread = i.thread
WHERE i.enterprise_id = %s AND i.state = 'new' AND i.kind = %s
AND (i.next_at IS NULL OR i.next_at <= clock_timestamp())
AND coalesce(t.version, 0) = i.thread_version - 1 AND t.is_stopped IS NOT TRUE
AND NOT EXISTS (SELECT 1 FROM chain_inbox e WHERE e.enterprise_id = i.enterprise_id AND e.lane_id = i.lane_id
  AND e.thread = i.thread AND e.seq < i.seq AND e.state IN ('new', 'quarantined'))
AND NOT EXISTS (SELECT 1 FROM chain_stray s WHERE s.enterprise_id = i.enterprise_id AND s.lane_id = i.lane_id
  AND s.message_id = i.message_id)
ORDER BY i.id LIMIT %s FOR UPDATE OF i SKIP LOCKED
"""
_OURS = """
SELECT o.id, o.kind, o.outcome, l.link_id FROM chain_outbox o
JOIN chain_lane l ON l.enterprise_id = o.enterprise_id AND l.id = o.lane_id
WHERE o.enterprise_id = %s AND o.id = ANY(%s) ORDER BY o.id FOR NO KEY UPDATE OF o
"""
# Outcomes on our messages, the end of the receipts, and the places of their threads, together.
_TAKE = """
WITH noted AS (
  UPDATE chain_outbox o SET outcome = v.outcome, outcome_at = clock_timestamp(), problems = v.problems::jsonb
  FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS v (id, outcome, problems)
  WHERE o.enterprise_id = %s AND o.id = v.id RETURNING 1
), read AS (
  UPDATE chain_inbox i SET state = 'applied', handled_at = clock_timestamp(), next_at = NULL
  FROM unnest(%s::uuid[]) AS v (id) WHERE i.enterprise_id = %s AND i.id = v.id RETURNING 1
)
INSERT INTO chain_thread (enterprise_id, id, lane_id, thread, version, is_stopped)
SELECT %s, v.id, v.lane_id, v.thread, v.version, false
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::int[]) AS v (id, lane_id, thread, version)
ON CONFLICT (enterprise_id, lane_id, thread) DO UPDATE SET version = excluded.version
RETURNING 1
"""
AT_ONCE = 200  # receipts read in one transaction


def take_many(enterprise_id: int) -> int:
    """Read the receipts that nothing of the business follows, all in one transaction; returns how many.

    They change our own messages only, so they need no transaction each (A5 asks one for each business effect). What a
    business act follows, or a new key, is left to be applied by itself.
    """
    with tenant(enterprise_id):
        rows = run(_WAITING, [enterprise_id, RECEIPT, AT_ONCE])
        if not rows:
            return 0
        said = {row[0]: _said(row[4]) for row in rows}
        about = [each[0] for each in said.values() if each is not None]
        ours = {row[0]: row[1:] for row in run(_OURS, [enterprise_id, about])}
        read, noted = [], []
        for row in rows:
            answer = said[row[0]]
            kind, outcome, link = ours.get(answer[0], ("", "", None)) if answer else ("", "", None)
            is_news = answer is not None and link == row[5] and outcome not in ("applied", "rejected")
            if answer is not None and is_news:
                if _is_followed(kind, answer[1]):
                    continue
                noted.append(answer)
            read.append(row)
        if read:
            _store(enterprise_id, read, noted)
        fault("chain.while_taking")
    fault("chain.after_taking")
    return len(read)


Said = tuple[uuid.UUID, str, list[dict[str, Any]]]


def _said(text: str) -> Said | None:
    """What a receipt says: the message it is about, the outcome and the problems; None when it says nothing we know."""
    data = envelope.read(text).data
    about = uuid_or_none(data.get("about"))
    if about is None or data.get("outcome") not in _KNOWN:
        return None
    return about, data["outcome"], _problems(data)


def _is_followed(kind: str, outcome: str) -> bool:
    """Whether something of ours follows an outcome: a business act, or the new key that is used from now on."""
    return (kind == KEY_ANNOUNCED and outcome == "applied") or _follower(kind, outcome) is not None


def _follower(kind: str, outcome: str) -> Callable[[Context, Outbox], None] | None:
    message = OUTGOING.get(kind)
    if message is None or outcome == "quarantined":
        return None
    return message.done if outcome == "applied" else message.back


def _store(enterprise_id: int, read: list[Any], noted: list[Said]) -> None:
    texts = [json.dumps(problems, ensure_ascii=False) for _about, _outcome, problems in noted]
    run(
        _TAKE,
        [
            *([each[0] for each in noted], [each[1] for each in noted], texts, enterprise_id),
            *([row[0] for row in read], enterprise_id),
            *(enterprise_id, [new_id() for _row in read]),
            *([row[1] for row in read], [row[2] for row in read], [row[3] for row in read]),
        ],
    )


def take(enterprise_id: int, row: Inbox) -> None:
    """Note the outcome on the message it is about; what it is about must be ours and on the same link."""
    said = _said(row.text or "")
    if said is None:
        return
    about, outcome, problems = said
    lane = Lane.objects.get(id=row.lane_id)
    ours = (
        Outbox.objects.select_for_update().filter(id=about, lane__link_id=lane.link_id).order_by("id").first()
    )
    if ours is None or ours.outcome in ("applied", "rejected"):
        return
    ours.outcome, ours.outcome_at, ours.problems = outcome, account.database_now(), problems
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
    call = _follower(ours.kind, ours.outcome)
    if call is None:
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
