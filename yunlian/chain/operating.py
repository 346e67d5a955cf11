"""The operator's buttons: messages are sent again, voided, released, rejected, lanes held and opened (chain protocol A12).

Each leaves a row behind. What may be done is decided in one place, for the buttons and for who comes without them.
"""

import uuid
from typing import Any

from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from . import account, applying, branches, queue
from .messages import OUTGOING, RECEIPT, VOID, Arrival, Handler, receive
from .models import Attempt, Inbox, Lane, Outbox


def acts(row: Inbox | Outbox, lane: Lane) -> list[str]:
    """Return what can be done about a message now. What was refused and given back is sent again from its document."""
    if isinstance(row, Inbox):
        return ["release", "reject"] if row.state == "quarantined" else []
    if lane.state == "closed" or row.is_void or row.outcome in ("applied", "quarantined"):
        return []
    if row.outcome == "rejected":
        return [] if is_given_back(row) else ["resend"]
    if row.kind == RECEIPT and row.seq is not None and row.seq <= lane.delivered:
        return []
    return ["resend", "void"] if row.seq is None else ["resend"]


def is_given_back(row: Outbox) -> bool:
    """Whether the refusal of a message gave its document back to whoever sent it."""
    declared = OUTGOING.get(row.kind)
    return declared is not None and declared.back is not None


def lane_acts(lane: Lane) -> list[str]:
    """Return what can be done about a lane now; of two branches one is chosen instead (branches)."""
    if not lane.is_out:
        return []
    if lane.state in ("held", "suspended", "paused"):
        return ["open", "hold"] if lane.state != "paused" else ["open"]
    return ["hold"] if lane.state == "open" else []


def release(ctx: Context, id_: uuid.UUID, reason: str) -> None:
    """Let a message in quarantine be tried again."""
    row = _found(Inbox, id_)
    applying.release(ctx, id_)
    _record(ctx, row, "release", reason)


def reject(ctx: Context, id_: uuid.UUID, reason: str) -> None:
    """Close a message in quarantine with a reason that goes back to the sender."""
    if not reason:
        raise Refused(Problem("reason", _("Must be filled in."), code="required"))
    row = _found(Inbox, id_)
    applying.reject(ctx, id_, reason)
    _record(ctx, row, "reject", reason)


def resend(ctx: Context, id_: uuid.UUID, reason: str) -> None:
    """Send again. What is on its way is repeated as it is, harmlessly; what was rejected is said anew, as a new message."""
    row = _found(Outbox, id_)
    lane = Lane.objects.select_for_update().get(id=row.lane_id)
    if "resend" not in acts(row, lane):
        message = _("Only what has no answer, or was rejected, can be sent again.")
        if row.outcome == "rejected":
            message = _("The document was given back: repair it and send it again from there.")
        raise Refused(Problem("state", message, code="state"))
    if row.outcome == "rejected":
        queue.put(
            ctx.enterprise_id,
            now=ctx.now,
            link_id=lane.link_id,
            kind=row.kind,
            major=row.major,
            subject=row.subject,
            subject_version=row.subject_version,
            thread=row.thread,
            causation=row.id,
            data=row.data,
        )
    elif row.seq is not None and row.seq <= lane.accepted:
        lane.accepted = row.seq - 1
    lane.next_at = None
    lane.save(update_fields=["accepted", "next_at"])
    _record(ctx, row, "resend", reason)
    queue.wake(ctx.enterprise_id)


def void(ctx: Context, id_: uuid.UUID, reason: str) -> None:
    """Make a queued message say nothing; it keeps its place in its thread, so that what follows is not held up.

    Only before it has a number: after that its bytes are part of the hash path, and the partner may have them.
    """
    row = _found(Outbox, id_)
    if row.seq is not None or row.is_void:
        message = _(
            "It has its number already: its bytes can no longer change. Ask the partner to reject it."
        )
        raise Refused(Problem("state", message, code="state"))
    row.kind, row.data, row.is_void, row.major = VOID, {"reason": reason}, True, 1
    row.save(update_fields=["kind", "data", "is_void", "major"])
    _record(ctx, row, "void", reason)


def hold(ctx: Context, lane_id: uuid.UUID, reason: str) -> None:
    """Number and send nothing more on a lane out until it is opened; what is queued meanwhile can still be voided."""
    lane = _lane(lane_id)
    if not reason:
        raise Refused(Problem("reason", _("Must be filled in."), code="required"))
    if "hold" not in lane_acts(lane):
        raise Refused(Problem("state", _("Only a lane on which we send can be held."), code="state"))
    lane.state, lane.reason = "paused", reason
    lane.save(update_fields=["state", "reason"])
    _record(ctx, lane, "hold", reason)


def thaw(ctx: Context, lane_id: uuid.UUID, reason: str) -> None:
    """Open a held, suspended or frozen lane again, as it is."""
    lane = _lane(lane_id)
    if lane.state not in ("held", "paused", "suspended", "frozen"):
        raise Refused(Problem("state", _("Only a lane that is stopped can be opened."), code="state"))
    lane.state, lane.reason, lane.last_error, lane.next_at = "open", "", "", None
    lane.failures, lane.failing_since = 0, None
    lane.save()
    _record(ctx, lane, "thaw", reason)
    queue.wake(ctx.enterprise_id)


def choose(ctx: Context, lane_id: uuid.UUID, branch: str, reason: str) -> None:
    """Say which of two branches of a frozen lane is the true one, `ours` or `theirs`, and why; the lane then goes on.

    On a lane out hands are shaken next; on a lane in what we hold is put aside at once (see branches).
    """
    lane = _lane(lane_id)
    if not reason:
        raise Refused(Problem("reason", _("Must be filled in."), code="required"))
    if branch not in branches.choices(lane):
        message = _("This branch cannot be chosen here: the lane is not frozen, or the partner must decide.")
        raise Refused(Problem("branch", message, code="state"))
    if not lane.is_out:
        branches.put_aside(lane, account.database_now())
    else:
        (branches.take_theirs if branch == "theirs" else branches.insist)(lane)
        lane.state, lane.next_at, lane.failures, lane.failing_since = "behind", None, 0, None
    lane.save()
    _record(ctx, lane, f"choose {branch}", reason)
    queue.wake(ctx.enterprise_id)


def _lane(id_: uuid.UUID) -> Lane:
    lane: Lane | None = Lane.objects.select_for_update().filter(id=id_).order_by("id").first()
    if lane is None:
        raise Missing("chain.lane")
    return lane


def _found(model: Any, id_: uuid.UUID) -> Any:
    row = model.objects.select_for_update().filter(id=id_).order_by("id").first()
    if row is None:
        raise Missing("chain.message")
    return row


def _record(ctx: Context, row: Any, act: str, reason: str) -> None:
    Attempt.objects.create(
        id=new_id(),
        at=account.database_now(),
        lane_id=getattr(row, "lane_id", row.id),
        act=act,
        first_seq=getattr(row, "seq", None),
        count=1,
        by_name=ctx.member_name,
        detail=reason[:500],
    )


def _say_nothing(arrival: Arrival) -> None:
    """A voided message of theirs: nothing happens."""


receive(Handler(kind=VOID, apply=_say_nothing))
