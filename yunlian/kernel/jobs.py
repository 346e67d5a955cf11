"""Long work: what waits, what runs, how far it is, and how it ended.

A kind of work is a function declared with `@job("export")`. A worker calls it outside any transaction, as the member who
asked for it, with the job and a `Task`; it opens its own transactions and returns its result. What it says with
`task.keep` commits together with what it wrote, and only while the job is its worker's; killed, it is begun anew and goes
on from what was kept: see docs/decisions/0005-jobs.md. `@whole` lays it in one transaction, its end included: it then happens
once or not at all, however often its worker is killed. `worker` finds and runs them.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol

from django.utils import translation

from . import sheets
from .api import Answer, Request, TooMany, route
from .document import Missing, Problem, Refused
from .fields import moment_text, uuid_or_none
from .identity import new_id
from .models import Job
from .scope import Context, tenant
from .shapes import ID, MOMENT, TEXT, WHOLE, describes, maybe, named, pages, record
from .sql import run
from .text import Label, _

LISTED = 50
MAX_WAITING = 50  # jobs of one enterprise that wait or run


class Progress(Protocol):
    """Told to a job: report what is done, and learn that it must stop."""

    def __call__(self, done: int, total: int | None = None) -> None:
        """Note the progress. Raises when the job was cancelled, lost to another worker, or the worker must end."""


class Task(Progress, Protocol):
    """The job as its worker holds it: what commits with the work's own transactions."""

    def keep(self, result: Mapping[str, Any]) -> None:
        """Note how far the work is, last in a transaction of its enterprise, so that both commit or neither does.

        Raises when the job is not this worker's to go on with.
        """

    def end(self, result: Mapping[str, Any]) -> None:
        """Note the result and that the work is done, as `keep` does."""


class Failed(Exception):
    """The work cannot be done as asked; nothing was changed. `message` is for the member, `result` is kept."""

    def __init__(self, message: Label, result: Mapping[str, Any] | None = None) -> None:
        super().__init__(str(message))
        self.message, self.result = message, result


Work = Callable[[Context, Job, Progress], Mapping[str, Any]]
Run = Callable[[Context, Job, Task], Mapping[str, Any] | None]
WORKS: dict[str, Run] = {}


def job(kind: str) -> Callable[[Run], Run]:
    """Declare how a kind of job is done: `work(ctx, job, task)` returns its result, or None when it told `end`.

    It raises Failed when it cannot be done. `job.result` is what it kept when it was begun before.
    """

    def wrap(work: Run) -> Run:
        if kind in WORKS:
            raise ValueError(f"Job {kind} is declared twice.")
        WORKS[kind] = work
        return work

    return wrap


def whole(work: Work) -> Run:
    """Lay work in one transaction, with the mark that it is done: it happens once or not at all."""

    @wraps(work)
    def once(ctx: Context, made: Job, task: Task) -> None:
        with tenant(ctx.enterprise_id):
            task.end(work(ctx, made, task))

    return once


def enqueue(
    ctx: Context, kind: str, subject: str = "", content: bytes | None = None, total: int | None = None
) -> Job:
    """Put work into the queue, in the transaction of the caller; a worker begins it after the commit.

    `total` is how much there is to do, as far as that is known.

    Raises TooMany when the enterprise has fifty jobs there already.
    """
    ((waiting,),) = run("SELECT count(*) FROM kernel_task WHERE enterprise_id = %s", [ctx.enterprise_id])
    if waiting >= MAX_WAITING:
        raise TooMany(_("Many jobs are waiting already: let some of them end first."), 30)
    made = Job(
        enterprise_id=ctx.enterprise_id,
        id=new_id(),
        kind=kind,
        subject=subject,
        member=ctx.member_id,
        user_id=ctx.user_id,
        locale=translation.get_language() or "",
        content=content,
        total=total,
        created_at=ctx.now,
    )
    made.save(force_insert=True)
    run("INSERT INTO kernel_task (id, enterprise_id, attempts, is_cancelled) VALUES (%s, %s, 0, false)",
        [made.id, ctx.enterprise_id])  # fmt: skip
    return made


def cancel(ctx: Context, made: Job) -> None:
    """Stop a job: at once when it waits, soon when it runs; what it did since it last kept something is taken back.

    One that has ended stays so.
    """
    if run("DELETE FROM kernel_task WHERE id = %s AND holder IS NULL RETURNING 1", [made.id]):
        made.state = "cancelled"
        made.save(update_fields=["state"])
        return
    run("UPDATE kernel_task SET is_cancelled = true WHERE id = %s", [made.id])


def find_mine(ctx: Context, id_: Any) -> Job:
    """Return a job of the member; raises Missing for anybody else's."""
    found = Job.objects.defer("content").filter(id=uuid_or_none(id_), member=ctx.member_id).first()
    if found is None:
        raise Missing("job")
    mine: Job = found
    return mine


def show_job(made: Job, *, is_whole: bool = True) -> dict[str, Any]:
    """Return a job as the API answers it; lists leave out the result's errors, which may be thousands."""
    result: dict[str, Any] | None = made.result
    if result is not None:
        aside = {"sight"} if is_whole else {"sight", "errors"}
        result = {name: value for name, value in result.items() if name not in aside}
    return {
        "id": str(made.id),
        "kind": made.kind,
        "code": made.subject,
        "state": made.state,
        "done": made.done,
        "total": made.total,
        "result": result,
        "error": made.error or None,
        "created_at": moment_text(made.created_at),
    }


JOB = named(
    "Job",
    record(
        id=ID, kind=TEXT, code=TEXT, state={"enum": ["queued", "running", "done", "failed", "cancelled"]}, done=WHOLE,
        total=maybe(WHOLE), result=maybe({"type": "object"}), error=maybe(TEXT), created_at=MOMENT,
    ),
)  # fmt: skip


@route("GET", "/api/jobs", needs="signed", schema=describes(pages(JOB)))
def list_jobs(request: Request) -> Any:
    """My jobs, newest first."""
    rows = Job.objects.defer("content").filter(member=request.ctx.member_id).order_by("-id")[:LISTED]
    return {"rows": [show_job(row, is_whole=False) for row in rows], "next": None}


@route("GET", "/api/jobs/{id}", needs="signed", schema=describes(JOB))
def get_job(request: Request, id: str) -> Any:
    """How far a job of mine is, and how it ended."""
    return show_job(find_mine(request.ctx, id))


@route("POST", "/api/jobs/{id}/cancel", needs="signed", schema=describes(JOB))
def cancel_job(request: Request, id: str) -> Any:
    """Stop a job of mine; what it did is taken back, but for what was kept."""
    made = find_mine(request.ctx, id)
    cancel(request.ctx, made)
    return show_job(made)


@route("GET", "/api/jobs/{id}/errors.xlsx", needs="signed")
def get_errors(request: Request, id: str) -> Any:
    """What went wrong, as a workbook: the uploaded one with its bad cells marked, or the rows that were refused."""
    made = find_mine(request.ctx, id)
    errors = (made.result or {}).get("errors", ())
    if made.kind == "batch" and errors:
        rows = [[e["name"], e["message"]] for e in errors]
        return download(
            sheets.write([str(_("Number")), str(_("Reason"))], rows), f"{made.subject}-errors.xlsx"
        )
    errors = [e for e in errors if e.get("row")]
    if made.content is None or not errors:
        raise Refused(Problem(None, _("This job has no errors to show."), code="no_errors"))
    marked = [(e["row"], e.get("heading"), e["message"]) for e in errors]
    data = sheets.errors_workbook(bytes(made.content), marked, reason=str(_("Reason")))
    return download(data, f"{made.subject}-errors.xlsx")


def download(data: bytes, name: str) -> Answer:
    """Answer a workbook as a file to keep, never to be shown as a page (ASVS 3.2.1)."""
    safe = "".join(c for c in name if c.isalnum() or c in "._-")[:100]
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return Answer(data, headers=headers, content_type=sheets.CONTENT_TYPE)
