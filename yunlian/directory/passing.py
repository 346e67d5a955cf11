"""Customers of WeCom handed from somebody who left to a colleague: asked of the platform, followed until it is decided.

The customer may refuse for a day, and the colleague may have as many as they may: what became of each is a row. Somebody
who is disabled in WeCom is in service there; one who was deleted has left, and their customers are given by another call.
Source: wecom.md 8.3.
"""

import datetime as dt
import itertools
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext

from yunlian.kernel.chores import chore
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import Writing
from yunlian.kernel.text import _
from yunlian.masters.models import PartnerContact
from yunlian.org.context import context_of_communication_user
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import customers
from yunlian.platforms.wecom.client import Client
from yunlian.platforms.wecom.events import CustomerChange
from yunlian.platforms.wecom.refusals import refusal

from . import connections, looks
from .models import PASSING_STATES, Connection, Handover, Match, Passing, Territory
from .theirs import is_fatal
from .wecom import GONE, WeCom

SHOWN = 200
AGAIN = dt.timedelta(hours=1)
# What the platform says of a hand-over, by its number. Source: wecom.md 8.3, transfer_result.
DECIDED: Mapping[int, str] = {1: "done", 2: "asked", 3: "refused", 4: "full"}
NO_TAKER = _("They are not in WeCom with us: sync them first, then try again.")
NOT_KNOWN = PlatformError(
    "wecom", "5", "no record", _("WeCom knows nothing of this hand-over: try again.").words, retry=False
)


def begin(ctx: Context, handover: Handover) -> Job | None:
    """Let the customers of somebody who left go to `handover.to`; None when no WeCom is bound that could be asked.

    Those we know of are noted at once, the others when the platform has named them.
    """
    conn = Connection.objects.filter(platform="wecom", state="on").first()
    if conn is None or not connections.secrets_of(conn).get("customer_secret"):
        return None
    known = PartnerContact.objects.filter(
        follower_id=handover.employee_id, platform="wecom", lost_at=None
    ).exclude(external_id="")
    _note(ctx, conn, handover, known.values_list("external_id", flat=True))
    return enqueue(ctx, "directory.passing", str(handover.id))


def again(ctx: Context, handover: Handover) -> Job:
    """Ask again for what has failed. Raises Refused when nothing was handed over yet, or no WeCom can be asked."""
    if handover.state != "done" or handover.to_id is None:
        raise Refused(Problem("state", _("Hand over first."), code="open"))
    Passing.objects.filter(handover_id=handover.id, state="failed").update(
        state="waiting", error="", error_text="", remedy="", due_at=ctx.now, done_at=None
    )
    made = begin(ctx, handover)
    if made is None:
        raise Refused(
            Problem("customer_secret", _("Fill in the customer contact secret first."), code="required")
        )
    return made


def shown(handover: Handover) -> dict[str, Any]:
    """Return what becomes of the customers: counts by state, and the rows, undecided and failed ones first."""
    rows = Passing.objects.filter(handover_id=handover.id)
    labels = dict(PASSING_STATES)
    counted = rows.values("state").annotate(n=Count("id"))
    order = ["failed", "refused", "full", "waiting", "asked", "done"]
    counts = {each["state"]: each["n"] for each in counted}
    names = _names(handover)
    found = itertools.chain.from_iterable(
        rows.filter(state=state).order_by("customer")[:SHOWN] for state in order if state in counts
    )
    return {
        "counts": [
            {"state": state, "label": str(labels[state]), "count": counts[state]}
            for state in order
            if state in counts
        ],
        "rows": [
            {
                "id": str(each.id), "name": names.get(each.customer, each.customer), "state": each.state, "state_label": str(labels[each.state]),
                "error": each.error or None, "error_text": each.error_text or None,
                "remedy": gettext(each.remedy) if each.remedy else None,
            }
            for each in itertools.islice(found, SHOWN)
        ],
    }  # fmt: skip


def under_way(handover: Handover) -> Any:
    """Return the platform's keys of customers whose hand-over is not decided yet."""
    rows = Passing.objects.filter(handover_id=handover.id, state__in=("waiting", "asked"))
    return rows.values("customer")


def _names(handover: Handover) -> dict[str, str]:
    """Return our contacts' names by the platform's key: those who came to us after the hand-over have one too."""
    there = Passing.objects.filter(handover_id=handover.id).values("customer")
    known = PartnerContact.objects.filter(platform="wecom", external_id__in=there)
    return dict(known.values_list("external_id", "name"))


def _note(ctx: Context, conn: Connection, handover: Handover, found: Iterable[str]) -> None:
    rows = [
        Passing(
            enterprise_id=ctx.enterprise_id, id=new_id(), handover_id=handover.id, connection_id=conn.id,
            customer=customer, due_at=ctx.now,
        )
        for customer in found
    ]  # fmt: skip
    Passing.objects.bulk_create(rows, ignore_conflicts=True)


@job("directory.passing")
def run_passing(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Ask the platform for what waits, and how far the rest is."""
    with tenant(ctx.enterprise_id):
        handover = Handover.objects.get(id=uuid.UUID(made.subject))
        conn = Connection.objects.filter(platform="wecom", state="on").first()
        giver = conn and _account(conn, handover.employee_id)
        taker = conn and handover.to_id and _account(conn, handover.to_id)
        platform = conn and connections.reader_of(conn)
    if conn is None or not isinstance(platform, WeCom) or platform.customers is None or not giver:
        return _counts(ctx, handover)
    if not taker:
        with tenant(ctx.enterprise_id):
            waiting = Passing.objects.filter(handover_id=handover.id, state="waiting")
            waiting.update(
                state="failed", error="no_taker", remedy=NO_TAKER.words, due_at=None, done_at=ctx.now
            )
        return _counts(ctx, handover)
    try:
        _pass(ctx, conn, handover, platform.customers, giver, taker, progress)
    except PlatformError as error:
        with tenant(ctx.enterprise_id):
            Passing.objects.filter(handover_id=handover.id, due_at__isnull=False).update(
                due_at=ctx.now + AGAIN
            )
        raise Failed(f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]) from error
    return _counts(ctx, handover)


def _account(conn: Connection, employee_id: uuid.UUID) -> str:
    """Return who an employee is on the platform, or last was."""
    mine = Match.objects.filter(connection_id=conn.id, employee_id=employee_id).order_by("-since")
    found = mine.filter(ended_at=None).first() or mine.first()
    return found.theirs if found is not None else ""


def _pass(
    ctx: Context, conn: Connection, handover: Handover, client: Client, giver: str, taker: str,
    progress: Progress,
) -> None:  # fmt: skip
    theirs, left = _customers_of(client, giver)
    with tenant(ctx.enterprise_id):
        _note(ctx, conn, handover, theirs)
    # What an earlier try has asked for is under way already; asking twice would be refused.
    told = {each.customer: each.status for each in customers.handed_over(client, giver, taker, left=left)}
    with tenant(ctx.enterprise_id):
        open_ = list(Passing.objects.filter(handover_id=handover.id, state__in=("waiting", "asked")))
        for each in open_:
            each.giver, each.taker = giver, taker
            if (status := DECIDED.get(told.get(each.customer, 0))) is not None:
                _settle(each, status, ctx.now)
            elif each.state == "asked":
                _settle(each, "failed", ctx.now, NOT_KNOWN)
        _store(ctx, open_)
    waiting = [each for each in open_ if each.state == "waiting"]
    for at in range(0, len(waiting), customers.AT_ONCE):
        piece = waiting[at : at + customers.AT_ONCE]
        _ask(ctx, client, piece, giver, taker, left=left)
        fault("directory.passed")
        with tenant(ctx.enterprise_id):
            _store(ctx, piece)
        progress(min(at + customers.AT_ONCE, len(waiting)), len(waiting))


def _customers_of(client: Client, giver: str) -> tuple[list[str], bool]:
    """Return whose customers they are, and whether the member has left the corp."""
    try:
        return customers.ids(client, giver), False
    except PlatformError as error:
        if error.code not in GONE:
            raise
    return [each.customer for each in customers.unassigned(client) if each.user == giver], True


def _ask(
    ctx: Context, client: Client, piece: Sequence[Passing], giver: str, taker: str, *, left: bool
) -> None:
    """Ask for up to a hundred. What is refused for all of them is each one's answer, unless nothing can be asked at all."""
    by_customer = {each.customer: each for each in piece}
    try:
        outcomes = customers.hand_over(client, giver, taker, list(by_customer), left=left)
    except PlatformError as error:
        if is_fatal(error):
            raise
        for each in piece:
            _settle(each, "failed", ctx.now, error)
        return
    for outcome in outcomes:
        each = by_customer[outcome.customer]
        if outcome.code == 0:
            _settle(each, "asked", ctx.now)
        else:
            _settle(each, "failed", ctx.now, refusal(outcome.code, ""))


def _settle(row: Passing, state: str, now: dt.datetime, error: PlatformError | None = None) -> None:
    row.state = state
    row.due_at, row.done_at = (now + AGAIN, None) if state == "asked" else (None, now)
    if error is not None:
        row.error, row.error_text, row.remedy = error.code[:60], error.text[:500], error.remedy[:500]


_TOLD = ("giver", "taker", "state", "error", "error_text", "remedy", "due_at", "done_at")


def _store(ctx: Context, rows: Sequence[Passing]) -> None:
    writing = Writing(ctx.enterprise_id)
    writing.update(rows, _TOLD)
    writing.run()


def _counts(ctx: Context, handover: Handover) -> dict[str, int]:
    with tenant(ctx.enterprise_id):
        return {each["state"]: each["count"] for each in shown(handover)["counts"]}


def _heard(enterprise_id: int, connection_id: uuid.UUID, receiver: str, event: Any) -> None:
    """What WeCom reports of a customer on their way is looked at with the next visit."""
    if isinstance(event, CustomerChange):
        under_way = Passing.objects.filter(
            connection_id=connection_id, customer=event.external_user, state="asked"
        )
        under_way.update(due_at=dt.datetime.now(dt.UTC))


looks.listen(_heard)


@chore("directory.passing", every_s=300)
def visit(now: dt.datetime) -> None:
    """Ask again about hand-overs that are due."""
    for enterprise_id in sorted(
        set(Territory.objects.filter(platform="wecom", is_live=True).values_list("enterprise_id", flat=True))
    ):
        with tenant(enterprise_id):
            due = set(Passing.objects.filter(due_at__lte=now).values_list("handover_id", flat=True))
            if not due:
                continue
            ctx = context_of_communication_user(enterprise_id, now)
            Passing.objects.filter(handover_id__in=due, due_at__lte=now).update(due_at=now + AGAIN)
            for handover_id in sorted(due):
                enqueue(ctx, "directory.passing", str(handover_id))
