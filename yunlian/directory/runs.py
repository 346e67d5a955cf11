"""Runs: begin, look, release, apply, undo. One of a connection is at work at a time; the other learns who was first.

A run is at work while its job waits or runs. One whose job has ended without it (cancelled, or its worker killed too often)
is stopped: it can be taken up again, because its changes say how far it got.
"""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from yunlian.kernel.document import Invalid, Missing, Problem, Refused
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org.models import Department
from yunlian.platforms.errors import PlatformError

from . import applying, connections, guards, parts, planned, reading
from .models import Change, Connection, Run

LOOK_AGAIN = dt.timedelta(minutes=1)
AT_WORK = ("planning", "applying", "undoing")
Part = Sequence[tuple[str, str]]


def begin(
    ctx: Context, conn: Connection, *, trigger: str = "hand", part: Part = (), is_automatic: bool = False
) -> Run:
    """Begin a run with its plan. Raises Refused when the connection is not on, or another run is at work."""
    connections.require_on(conn)
    run = Run(
        enterprise_id=ctx.enterprise_id, id=new_id(), connection_id=conn.id, direction=conn.direction,
        trigger=trigger, part=[list(each) for each in part], is_automatic=is_automatic, member=ctx.member_id,
        member_name=ctx.member_name, at=ctx.now,
    )  # fmt: skip
    _put_to_work(ctx, run, "planning", "directory.plan")
    return run


def begin_below(ctx: Context, conn: Connection, department: Any) -> Run:
    """Begin a run over one department of ours and those below it. Raises Invalid; Refused as `begin` does.

    What the platform is right about must be linked before a part of it can be read.
    """
    found = Department.objects.filter(id=uuid_or_none(department)).first()
    if found is None:
        raise Invalid(Problem("department", _("Is not known here."), code="unknown"))
    if conn.direction == "pull" and not parts.find(conn, found.id).top:
        message = _("This department is not linked with the platform: sync the whole once.")
        raise Refused(Problem("department", message, code="unlinked"))
    return begin(ctx, conn, part=[(parts.BELOW, str(found.id))])


def _put_to_work(ctx: Context, run: Run, state: str, kind: str) -> None:
    """Give a run its job. The unique key of runs at work decides who is first."""
    settle(ctx, run.connection_id)
    try:
        with transaction.atomic():
            run.state, run.job, run.error = state, enqueue(ctx, kind, str(run.id)).id, ""
            run.save(force_insert=run._state.adding)
    except IntegrityError:
        other = Run.objects.filter(connection_id=run.connection_id, state__in=AT_WORK).first()
        who = other.member_name if other is not None else "?"
        message = _("Another sync is at work, begun by %(who)s: wait for it, or cancel it.") % {"who": who}
        raise Refused(Problem(None, message, code="at_work")) from None


def settle(ctx: Context, connection_id: uuid.UUID) -> None:
    """Let runs whose job has ended without them be what they are: stopped half-way, or never planned."""
    ended = execute(
        "UPDATE directory_run r SET state = CASE WHEN r.state = 'planning' THEN 'failed' ELSE 'stopped' END "
        "WHERE r.enterprise_id = %s AND r.connection_id = %s AND r.state IN ('planning', 'applying', 'undoing') "
        "AND NOT EXISTS (SELECT 1 FROM kernel_task t WHERE t.id = r.job) RETURNING r.id",
        [ctx.enterprise_id, connection_id],
    )
    for (id_,) in ended:
        execute(
            "DELETE FROM directory_seen WHERE enterprise_id = %s AND run_id = %s", [ctx.enterprise_id, id_]
        )


def find(ctx: Context, id_: Any) -> Run:
    """Return a run, settled; raises Missing."""
    found = Run.objects.filter(id=uuid_or_none(id_)).first()
    if found is None:
        raise Missing("directory.run")
    if found.state in AT_WORK:
        settle(ctx, found.connection_id)
        found = Run.objects.get(id=found.id)
    run: Run = found
    return run


def find_locked(ctx: Context, id_: Any, *states: str) -> Run:
    """Return a run in one of these states, locked. Raises Missing, or Refused when it is elsewhere by now."""
    run = find(ctx, id_)
    execute(
        "SELECT 1 FROM directory_run WHERE enterprise_id = %s AND id = %s FOR UPDATE",
        [ctx.enterprise_id, run.id],
    )
    run.refresh_from_db()
    if run.state not in states:
        label = dict(Run._meta.get_field("state").options)[run.state]
        raise Refused(Problem("state", _("The sync is: %(state)s.") % {"state": label}, code="state"))
    return run


def apply(ctx: Context, id_: Any) -> Run:
    """Apply a plan, or go on with one that stopped half-way."""
    run = find_locked(ctx, id_, "planned", "stopped")
    conn = Connection.objects.get(id=run.connection_id)
    connections.require_on(conn)
    newer = Run.objects.filter(connection_id=conn.id, id__gt=run.id, applied_at__isnull=False).exists()
    if newer and run.state == "planned":
        raise Refused(Problem(None, _("Another sync was applied since: plan again."), code="stale"))
    _put_to_work(ctx, run, "applying", "directory.apply")
    return run


def undo(ctx: Context, id_: Any) -> Run:
    """Take a run back, the newest one first: what came after it stands on it. Raises Refused otherwise."""
    run = find_locked(ctx, id_, "applied", "stopped")
    later = Run.objects.filter(
        connection_id=run.connection_id,
        id__gt=run.id,
        state__in=("applied", "stopped"),
        applied_at__isnull=False,
    )
    if later.exists():
        raise Refused(Problem(None, _("Take back the later sync first."), code="later"))
    connections.require_on(Connection.objects.get(id=run.connection_id))
    _put_to_work(ctx, run, "undoing", "directory.undo")
    return run


def override(ctx: Context, id_: Any, reason: Any) -> Run:
    """Release a held run with a reason. Raises Refused for what nobody may release."""
    if not isinstance(reason, str) or not 4 <= len(reason.strip()) <= 500:
        raise Invalid(Problem("reason", _("Say why, in 4 to 500 characters."), code="required"))
    run = find_locked(ctx, id_, "held")
    final = [each for each in guards.worded(run.guards) if not each["can_release"]]
    if final:
        raise Refused(*(Problem(None, each["message"], code=each["code"]) for each in final))
    run.state, run.override_reason, run.override_name = "planned", reason.strip(), ctx.member_name
    run.save(update_fields=["state", "override_reason", "override_name"])
    return run


def drop(ctx: Context, id_: Any) -> Run:
    """Put a plan aside for good."""
    run = find_locked(ctx, id_, "planned", "held", "failed")
    run.state = "dropped"
    run.save(update_fields=["state"])
    return run


def leave_out(ctx: Context, id_: Any, changes: Any, *, is_out: bool) -> int:
    """Leave changes of a plan out, or take them in again; returns how many."""
    run = find_locked(ctx, id_, "planned", "held")
    if not isinstance(changes, list) or len(changes) > 5_000:
        raise Invalid(Problem("changes", _("Must be a list of changes."), code="invalid"))
    ids = [uuid_or_none(each) for each in changes]
    found = Change.objects.filter(
        run_id=run.id, id__in=[each for each in ids if each], state__in=("planned", "left_out")
    )
    return int(found.exclude(act="conflict").update(state="left_out" if is_out else "planned"))


@job("directory.plan")
def run_plan(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Read the platform and plan; an automatic run that is not held is applied at once."""
    run, conn = _opened(ctx, made)
    with tenant(run.enterprise_id):
        part = parts.part_of(conn, run)
    try:
        reader = connections.reader_of(conn, part.top or part.within if part is not None else "")
        if part is not None:
            seen = reading.read_below(run, conn, reader, part, progress)
        elif run.part:
            seen = reading.read_part(run, reader, run.part)
        else:
            seen = reading.read_all(run, reader, progress)
        with tenant(run.enterprise_id):
            planned.make_plan(ctx, conn, run, part, reader.rules, seen)
    except PlatformError as error:
        _stop(run, "failed", error)
    if run.is_automatic and run.state == "planned":
        with tenant(run.enterprise_id):
            run.state = "applying"
            run.save(update_fields=["state"])
        return _applied(ctx, conn, run, progress)
    return {"run": str(run.id), "state": run.state, "tally": run.tally}


@job("directory.apply")
def run_apply(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Apply what is planned; killed or stopped, it goes on where it was."""
    run, conn = _opened(ctx, made)
    return _applied(ctx, conn, run, progress)


def _applied(ctx: Context, conn: Connection, run: Run, progress: Progress) -> Mapping[str, Any]:
    with tenant(run.enterprise_id):
        Run.objects.filter(id=run.id, applied_at=None).update(applied_at=ctx.now)
    waited_s = 0.0
    try:
        if run.direction == "push":
            writer = connections.writer_of(conn)
            counted = applying.apply_there(ctx, conn, run, writer, progress)
            waited_s = writer.waited_s
        else:
            counted = applying.apply_here(ctx, conn, run, progress)
    except PlatformError as error:
        _stop(run, "stopped", error)
    with tenant(run.enterprise_id):
        Run.objects.filter(id=run.id).update(state="applied")
        if not run.part:
            _remember(conn, run)
    return {"run": str(run.id), "state": "applied", "counts": counted, "waited_s": round(waited_s, 1)}


@job("directory.undo")
def run_undo(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Take back what a run has done."""
    run, conn = _opened(ctx, made)
    try:
        if run.direction == "push":
            counted = applying.take_back_there(ctx, conn, run, connections.writer_of(conn), progress)
        else:
            counted = applying.take_back_here(ctx, conn, run, progress)
    except PlatformError as error:
        _stop(run, "stopped", error)
    with tenant(run.enterprise_id):
        Run.objects.filter(id=run.id).update(state="undone", undone_at=ctx.now)
        if not run.part:
            before = Run.objects.filter(connection_id=conn.id, id__lt=run.id, state="applied", part=[])
            _remember(conn, before.order_by("-id").first())
    return {"run": str(run.id), "state": "undone", "counts": counted}


def _remember(conn: Connection, run: Run | None) -> None:
    """Note on the connection the last whole run that stands, and what it saw; none: as if there had been none."""
    seen, at = (
        (run.seen, Run.objects.values_list("applied_at", flat=True).get(id=run.id)) if run else ({}, None)
    )
    Connection.objects.filter(id=conn.id).update(seen=seen, synced_at=at)


def _opened(ctx: Context, made: Job) -> tuple[Run, Connection]:
    with tenant(ctx.enterprise_id):
        run = Run.objects.get(id=uuid.UUID(made.subject))
        if run.state == "planning":
            reading.forget(run)
            Change.objects.filter(run_id=run.id).delete()
        return run, Connection.objects.get(id=run.connection_id)


def _stop(run: Run, state: str, error: PlatformError) -> None:
    """Note why the platform could not be asked, and end the job with it."""
    words = f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]
    with tenant(run.enterprise_id):
        reading.forget(run)
        Run.objects.filter(id=run.id).update(state=state, error=words)
        if run.trigger == "callback" and state == "failed":
            _look_again(run)
    raise Failed(words, {"run": str(run.id), "code": error.code})


def _look_again(run: Run) -> None:
    """Note the part of a run that could not read the platform once more, for a little later."""
    now = dt.datetime.now(dt.UTC)
    for kind, key in run.part or [["all", "*"]]:
        execute(
            "INSERT INTO directory_look (enterprise_id, id, connection_id, kind, key, due_at, tries, error) "
            "VALUES (%s, %s, %s, %s, %s, %s, 1, '') ON CONFLICT (enterprise_id, connection_id, kind, key) "
            "DO UPDATE SET tries = directory_look.tries + 1",
            [run.enterprise_id, new_id(), run.connection_id, kind, key, now + LOOK_AGAIN],
        )
