"""Apply a plan, and take it back: jobs that go on from where they were, batch by batch, each its own transaction.

The cursor is the state of the changes themselves, so that a worker killed at any point loses nothing and doubles nothing.
"""

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.faults import fault
from yunlian.kernel.jobs import Progress
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.sql import table
from yunlian.kernel.text import _
from yunlian.org.people import EVERYTHING
from yunlian.platforms.errors import PlatformError

from . import matches
from .adapters import Writer
from .models import Change, Connection, Run
from .ours import Ours, departments_first
from .theirs import Call, Theirs, ties

OURS_BATCH = 500
THEIRS_BATCH = 50


def apply_here(ctx: Context, conn: Connection, run: Run, progress: Progress) -> dict[str, int]:
    """Write what is planned into our tables; returns how many changes ended how."""
    counted: Counter[str] = Counter()
    ctx = for_the_enterprise(ctx)
    done, total = _progress(run)
    while True:
        progress(done, total)
        with tenant(run.enterprise_id):
            batch = _waiting(run, OURS_BATCH)
            if not batch:
                return dict(counted)
            ours = Ours(ctx, conn, run)
            for piece in departments_first(batch):
                for act in ours.write(piece):
                    _settle(act.change, ctx.now, act.problem, act.undo)
            _store(batch)
            counted.update(change.state for change in batch)
            fault("directory.before_batch")
        fault("directory.after_batch")
        done += len(batch)


def apply_there(
    ctx: Context, conn: Connection, run: Run, writer: Writer, progress: Progress
) -> dict[str, int]:
    """Write what is planned to the platform. Raises PlatformError when it cannot be asked; what was done is kept."""
    counted: Counter[str] = Counter()
    done, total = _progress(run)
    with tenant(run.enterprise_id):
        theirs = Theirs(conn, writer)
    while True:
        progress(done, total)
        with tenant(run.enterprise_id):
            batch = _waiting(run, THEIRS_BATCH)
            retried = {change.id for change in batch if change.attempted_at is not None}
            _attempt(batch)
        if not batch:
            return dict(counted)
        fault("directory.attempted")
        for change in batch:
            if change.id not in retried:
                change.attempted_at = None
        calls, error = _call(theirs, batch)
        fault("directory.called")
        with tenant(run.enterprise_id):
            _keep_calls(ctx, conn, calls)
        counted.update(call.change.state for call in calls)
        done += len(calls)
        if error is not None:
            raise error


def _call(theirs: Theirs, batch: Sequence[Change]) -> tuple[list[Call], PlatformError | None]:
    """Make the calls of a batch until one says that the platform cannot be asked."""
    calls: list[Call] = []
    for change in batch:
        try:
            calls.append(theirs.write(change))
        except PlatformError as error:
            return calls, error
    return calls, None


def _keep_calls(ctx: Context, conn: Connection, calls: Sequence[Call]) -> None:
    tied: dict[str, dict[str, Any]] = {}
    wanted = ties(calls)
    for kind in ("department", "person"):
        tied |= {
            f"{kind} {key}": undo
            for key, undo in matches.tie(ctx, conn, [w for w in wanted if w.kind == kind]).items()
        }
    for call in calls:
        change = call.change
        undo = call.undo | {"key": call.key, "matches": tied.get(f"{change.kind} {call.key}", {})}
        if change.kind == "department" and change.act == "disable" and call.error is None:
            undo["matches"] = matches.end_of(ctx, conn, change.kind, change.target)
        problem: Problem | None = None
        if call.is_skipped:
            problem = Problem("department", _("The department it belongs to is not there."), code="parent")
        _settle(change, ctx.now, problem, undo, call.error)
    _store([call.change for call in calls])


def take_back_here(ctx: Context, conn: Connection, run: Run, progress: Progress) -> dict[str, int]:
    """Undo what a pull run has written, last first."""
    counted: Counter[str] = Counter()
    ctx = for_the_enterprise(ctx)
    done, total = 0, _applied(run)
    while True:
        progress(done, total)
        with tenant(run.enterprise_id):
            batch = _waiting(run, OURS_BATCH, state="applied", order="-no")
            if not batch:
                return dict(counted)
            for change, problem in Ours(ctx, conn, run).take_back(batch):
                _settle_undo(change, ctx.now, problem)
            _store(batch)
            counted.update(change.state for change in batch)
        fault("directory.after_undo")
        done += len(batch)


def take_back_there(
    ctx: Context, conn: Connection, run: Run, writer: Writer, progress: Progress
) -> dict[str, int]:
    """Undo what a push run has written, by the reverse calls, last first. Raises PlatformError as applying does."""
    counted: Counter[str] = Counter()
    done, total = 0, _applied(run)
    with tenant(run.enterprise_id):
        theirs = Theirs(conn, writer)
    while True:
        progress(done, total)
        with tenant(run.enterprise_id):
            batch = _waiting(run, THEIRS_BATCH, state="applied", order="-no")
        if not batch:
            return dict(counted)
        ended: list[Change] = []
        failed: PlatformError | None = None
        for change in batch:
            try:
                _settle_undo(change, ctx.now, None, theirs.take_back(change))
            except PlatformError as error:
                failed = error
                break
            ended.append(change)
        with tenant(run.enterprise_id):
            for change in ended:
                if change.state == "undone":
                    matches.untie(ctx, change.undo.get("matches", {}))
            _store(ended)
        counted.update(change.state for change in ended)
        done += len(ended)
        if failed is not None:
            raise failed


def for_the_enterprise(ctx: Context) -> Context:
    """Return a context that acts for the enterprise, in the name of who began: who may sync may do all that syncing does."""
    return dataclasses.replace(ctx, grants=EVERYTHING)


def _progress(run: Run) -> tuple[int, int]:
    with tenant(run.enterprise_id):
        ((done, total),) = execute(
            "SELECT count(*) FILTER (WHERE state <> 'planned'), count(*) FROM directory_change "
            "WHERE enterprise_id = %s AND run_id = %s AND act <> 'conflict'",
            [run.enterprise_id, run.id],
        )
    return int(done), int(total)


def _applied(run: Run) -> int:
    with tenant(run.enterprise_id):
        return int(Change.objects.filter(run_id=run.id, state="applied").count())


def _waiting(run: Run, most: int, *, state: str = "planned", order: str = "no") -> list[Change]:
    """Take the next changes to be made, in order."""
    found = Change.objects.filter(run_id=run.id, state=state).exclude(act="conflict").order_by(order)
    return list(found[:most])


def _attempt(batch: Sequence[Change]) -> None:
    """Note, before anything is asked of the platform, that it is about to be."""
    Change.objects.filter(id__in=[c.id for c in batch], attempted_at=None).update(
        attempted_at=dt.datetime.now(dt.UTC)
    )


def _settle(
    change: Change, now: dt.datetime, problem: Problem | None, undo: Mapping[str, Any],
    error: PlatformError | None = None,
) -> None:  # fmt: skip
    change.done_at = now
    if problem is None and error is None:
        change.state, change.undo = "applied", dict(undo)
        change.error = change.error_text = change.remedy = ""
        return
    change.state = "failed"
    _name(change, problem, error)


def _settle_undo(
    change: Change, now: dt.datetime, problem: Problem | None, error: PlatformError | None = None
) -> None:
    change.done_at = now
    change.state = "undone" if problem is None and error is None else "not_undone"
    _name(change, problem, error)


def _name(change: Change, problem: Problem | None, error: PlatformError | None) -> None:
    if problem is not None:
        change.error, change.remedy = problem.code, str(problem.message)[:500]
    if error is not None:
        change.error, change.error_text, change.remedy = error.code[:60], error.text[:500], error.remedy[:500]


def _store(batch: Sequence[Change]) -> None:
    if not batch:
        return
    shape = table(Change)
    names = ["state", "undo", "error", "error_text", "remedy", "done_at"]
    sets = ", ".join(f'"{name}" = v."{name}"' for name in names)
    execute(
        f"UPDATE directory_change t SET {sets} FROM json_populate_recordset(NULL::directory_change, %s::json) v "
        "WHERE t.enterprise_id = %s AND t.id = v.id",
        [shape.rows(batch, ["id", *names]), batch[0].enterprise_id],
    )
