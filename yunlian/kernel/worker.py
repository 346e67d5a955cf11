"""The worker: finds jobs over all enterprises and runs them, one enterprise after the other; relays events; tidies up.

Workers find work with a plain read of the installation's table of tasks and hold a task by a lease that a second thread
renews. A worker that is killed renews nothing, so another takes the task over. Who lost the lease cannot commit, because
asking for the task, by its holder's name, is the last thing the work's own transaction does.
"""

import datetime as dt
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction
from django.utils import translation

from . import chores, leases, relay, retention
from .api import Identity, gate, is_disk_full, may_heal
from .document import Missing, Refused
from .faults import fault
from .jobs import WORKS, Failed
from .models import Job
from .permission import Forbidden
from .refusals import problem_of
from .scope import Context, tenant
from .sql import run
from .text import Label, _

log = logging.getLogger("yunlian.worker")
LEASE_S = 20.0  # without a beat for so long, a task is taken over
BEAT_S = 1.0
POLL_S = 0.5
MAX_ATTEMPTS = 3
STOP_LIMIT_S = 8.0  # for a running job to notice that the worker ends


class Cancelled(Exception):
    """The member no longer wants the job."""


class Lost(Exception):
    """Another worker has taken the task over; whatever was done here is rolled back."""


class Stopping(Exception):
    """The worker ends; the task goes back to the queue."""


@dataclass
class Held:
    """A task this worker holds. Calling it reports progress and raises when the work must stop."""

    id: uuid.UUID
    enterprise_id: int
    holder: uuid.UUID
    attempt: int
    stop: threading.Event = field(default_factory=threading.Event)
    is_cancelled: bool = False
    is_lost: bool = False
    done: int = 0
    total: int | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """See jobs.Progress."""
        self.done, self.total = done, self.total if total is None else total
        if self.is_lost:
            raise Lost
        if self.is_cancelled:
            raise Cancelled
        if self.stop.is_set():
            raise Stopping

    def keep(self, result: Mapping[str, Any]) -> None:
        """See jobs.Task."""
        fault("job.before_keep")
        # What gets on is begun anew as often as need be: only what does not is given up.
        self._ask(f"UPDATE kernel_task SET attempts = 1 {_OURS} AND NOT is_cancelled RETURNING 1")
        self.attempt = 1
        Job.objects.filter(id=self.id).update(result=result, done=self.done, total=self.total)

    def end(self, result: Mapping[str, Any]) -> None:
        """See jobs.Task."""
        fault("job.before_end")
        self._ask(f"DELETE FROM kernel_task {_OURS} AND NOT is_cancelled RETURNING 1")
        Job.objects.filter(id=self.id).update(
            state="done", result=result, error="", done=self.done, total=self.total
        )

    def _ask(self, sql: str) -> None:
        """Touch the task as its holder; raises Lost, or Cancelled, when it is not ours."""
        ours = [self.id, self.holder]
        if not run(sql, ours):
            raise Cancelled if run(f"SELECT 1 FROM kernel_task {_OURS}", ours) else Lost


_OURS = "WHERE id = %s AND holder = %s"


def claim(after: int, holder: uuid.UUID, now: dt.datetime) -> Held | None:
    """Take the next task that nobody holds: of an enterprise that has nothing running, the one next after `after`.

    So that each enterprise has one job per turn, however many another has put in the queue.
    """
    sql = (
        "UPDATE kernel_task SET holder = %s, until = %s, attempts = attempts + 1 WHERE id = ("
        "SELECT t.id FROM kernel_task t WHERE t.holder IS NULL OR t.until < %s ORDER BY "
        "EXISTS (SELECT 1 FROM kernel_task o WHERE o.enterprise_id = t.enterprise_id AND o.until >= %s), "
        "t.enterprise_id <= %s, t.enterprise_id, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED) "
        "RETURNING id, enterprise_id, attempts, is_cancelled"
    )
    with transaction.atomic():
        rows = run(sql, [holder, now + dt.timedelta(seconds=LEASE_S), now, now, after])
        if not rows:
            return None
        id_, enterprise, attempt, is_cancelled = rows[0]
        with tenant(enterprise):
            Job.objects.filter(id=id_).update(state="running", attempts=attempt, beat_at=now)
    return Held(id_, enterprise, holder, attempt, is_cancelled=is_cancelled)


def beat(held: Held, now: dt.datetime) -> None:
    """Renew the lease, show the progress, and learn whether the task is lost or cancelled."""
    until = now + dt.timedelta(seconds=LEASE_S)
    sql = "UPDATE kernel_task SET until = %s WHERE id = %s AND holder = %s RETURNING is_cancelled"
    rows = run(sql, [until, held.id, held.holder])
    if not rows:
        held.is_lost = True
        return
    held.is_cancelled = held.is_cancelled or rows[0][0]
    with tenant(held.enterprise_id):
        Job.objects.filter(id=held.id, state="running").update(done=held.done, total=held.total, beat_at=now)


def perform(held: Held) -> None:
    """Do one task to its end: done, failed, cancelled, or given back to the queue. Raises only what is no answer."""
    try:
        if held.attempt > MAX_ATTEMPTS:
            raise Failed(_("It was begun %(n)s times and never came to an end.") % {"n": MAX_ATTEMPTS})
        held(0)
        _work(held)
    except Lost:
        log.warning("lost %s to another worker", held.id)
    except Cancelled:
        _end(held, "cancelled")
    except Stopping:
        _give_back(held)
    except Failed as failed:
        _end(held, "failed", failed.message, failed.result)
    except Refused as refused:
        _end(held, "failed", "; ".join(str(problem.message) for problem in refused.problems))
    except (Forbidden, Missing):
        _end(held, "failed", _("Your roles do not allow this."))
    except IntegrityError as error:
        # Somebody wrote the same meanwhile; begun anew, the work sees it.
        if held.attempt < MAX_ATTEMPTS:
            _give_back(held, is_counted=True)
        else:
            problem = problem_of(error)
            _end(held, "failed", BROKEN if problem is None else problem.message)
    except OSError as error:
        if not is_disk_full(error):
            raise
        _end(held, "failed", DISK_FULL)
    except OperationalError as error:
        if is_disk_full(error):
            _end(held, "failed", DISK_FULL)
        elif may_heal(error) and held.attempt < MAX_ATTEMPTS:
            _give_back(held, is_counted=True)
        else:
            raise


DISK_FULL = _("The disk of the server is full. Nothing was changed; try again when there is room.")
BROKEN = _("Something went wrong on our side; it has been recorded. Nothing was changed.")


def _work(held: Held) -> None:
    """Do the work, from what it kept to its end."""
    with tenant(held.enterprise_id):
        job, ctx = _opened(held)
    with translation.override(job.locale or None):
        result = WORKS[job.kind](ctx, job, held)
    if result is not None:
        with tenant(held.enterprise_id):
            held.end(result)
    fault("job.after_end")


def _opened(held: Held) -> tuple[Job, Context]:
    job = Job.objects.get(id=held.id)
    held.total = job.total if held.total is None else held.total
    identity = Identity(job.user_id, held.enterprise_id, job.member)
    ctx = gate().context(identity, dt.datetime.now(dt.UTC))
    if ctx is None:
        raise Failed(_("The member who asked for it no longer works here."))
    return job, ctx


def _end(held: Held, state: str, message: Label = "", result: Mapping[str, Any] | None = None) -> None:
    """Close a task whose work was rolled back."""
    with tenant(held.enterprise_id):
        if not run(f"DELETE FROM kernel_task {_OURS} RETURNING 1", [held.id, held.holder]):
            return
        job = Job.objects.defer("content").get(id=held.id)
        with translation.override(job.locale or None):
            error = str(message)[:500]
        kept = {} if result is None else {"result": result}  # what was kept stays
        Job.objects.filter(id=held.id).update(
            state=state, error=error, done=held.done, total=held.total, **kept
        )


def _give_back(held: Held, *, is_counted: bool = False) -> None:
    """Let the task go: the next worker begins it anew. Stopping on purpose is no attempt."""
    with tenant(held.enterprise_id):
        sql = "UPDATE kernel_task SET holder = NULL, until = NULL, attempts = attempts - %s WHERE id = %s AND holder = %s"
        run(sql, [0 if is_counted else 1, held.id, held.holder])
        Job.objects.filter(id=held.id, state="running").update(state="queued", done=0)


class Worker:
    """One process: threads that do jobs, one that renews leases, one that relays events and tidies up."""

    def __init__(self, threads: int = 2) -> None:
        self.id = uuid.uuid4()
        self.threads, self.stop = threads, threading.Event()
        self.held: dict[uuid.UUID, Held] = {}
        self._after = 0

    def run(self) -> None:
        """Work until `stop` is set; returns when everything running has ended or gone back to the queue."""
        bodies = [*[self._do_jobs] * self.threads, self._do_chores]
        threads = [threading.Thread(target=body, daemon=True) for body in bodies]
        for thread in threads:
            thread.start()
        while not self.stop.wait(BEAT_S):
            self._beat_all()
        for held in list(self.held.values()):
            held.stop.set()
        deadline = time.monotonic() + STOP_LIMIT_S
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        leases.give_back(self.id)
        connection.close()

    def do_next(self) -> bool:
        """Do one task, if there is one."""
        now = dt.datetime.now(dt.UTC)
        held = claim(self._after, uuid.uuid4(), now)
        if held is None:
            return False
        self._after = held.enterprise_id
        held.stop = self.stop
        self.held[held.id] = held
        started = time.perf_counter()
        try:
            perform(held)
        except Exception:
            log.exception("job %s broke", held.id)
            _let_go()
            _end(held, "failed", BROKEN)
        finally:
            self.held.pop(held.id, None)
            log.info("job %s of %s took %.1fs", held.id, held.enterprise_id, time.perf_counter() - started)
        return True

    def _do_jobs(self) -> None:
        self._repeat(self.do_next)

    def _repeat(self, act: Any) -> None:
        """Act again and again, at once while there is something to do; a database that is away is waited for."""
        while not self.stop.is_set():
            try:
                has_more = act()
            except DatabaseError:
                log.exception("the database did not answer")
                has_more = False
            if not has_more:
                _let_go()
                self.stop.wait(POLL_S)
        _let_go()

    def _beat_all(self) -> None:
        for held in list(self.held.values()):
            try:
                beat(held, dt.datetime.now(dt.UTC))
            except DatabaseError:
                log.exception("no beat for %s", held.id)
        connection.close()

    def _do_chores(self) -> None:
        rounds = relay.Relay(self.id, self.stop)
        tidying = retention.Tidying(self.id, self.stop)

        others = chores.Chores(self.id)

        def visit() -> bool:
            tidying.visit(dt.datetime.now(dt.UTC))
            others.visit(dt.datetime.now(dt.UTC))
            return rounds.visit(dt.datetime.now(dt.UTC))

        self._repeat(visit)


def _let_go() -> None:
    """Give the connection back, so that a broken one is not met again."""
    if not connection.in_atomic_block:
        connection.close()


def run_worker() -> None:
    """Do background jobs until told to stop."""
    worker = Worker(int(os.environ.get("YUNLIAN_JOB_THREADS", "2")))
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: worker.stop.set())
    worker.run()
