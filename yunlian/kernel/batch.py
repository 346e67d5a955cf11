"""One step for everything a filter finds: a job that takes it row by row and names each row that was refused.

A piece of rows is one transaction, committed together with how far the job is; so a killed worker's successor goes on
where it stopped, and nothing is done twice. What is done when the job is cancelled stays done.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from django.db import IntegrityError, transaction

from . import permission
from .api import Answer, Request, route
from .document import Document, Invalid, Missing, Problem, Refused, Step, find_document
from .jobs import JOB, Progress, Task, enqueue, job, show_job
from .listing import COUNT_CAP, Query, matching
from .models import Job
from .refusals import problem_of
from .scope import Context, tenant
from .shapes import TEXT, describes, record
from .sql import Row, run
from .steps import move
from .text import Label, _

PIECE = 20  # rows of one transaction: their locks are held until the last of them is done


class Asked(msgspec.Struct):
    """What is to be done to which rows; a list's `filter` and `search` as they stand in its address.

    A field somebody forgot must not mean everything there is, so all rows are asked for by `[]`.
    """

    step: str
    filter: str = ""
    search: str = ""

    @property
    def query(self) -> Query:
        return Query(filter=self.filter, search=self.search)


_ASKED = record({"filter": TEXT | {"description": "As in a list; [] for all rows."}, "search": TEXT}) | {
    "anyOf": [{"required": ["filter"]}, {"required": ["search"]}]
}


@route(
    "POST",
    "/api/{code}/batch/{step}",
    needs="{code}.{step}",
    schema=describes(record(job=JOB), status=202, body=_ASKED),
)
def post_batch(request: Request, code: str, step: str) -> Any:
    """Take one step of everything a filter finds; a worker does it, row by row."""
    document, ctx = find_document(code), request.ctx
    declared = _step(document, step)
    asked = Asked(step, *request.texts("filter", "search"))
    if not asked.filter.strip() and not asked.search.strip():
        raise Invalid(
            Problem("filter", _("Say which rows are meant; [] means all of them."), code="required")
        )
    count = _count(document, ctx, asked, declared)
    if count > COUNT_CAP:
        message = _("More than %(n)s rows: narrow the filter.") % {"n": COUNT_CAP}
        raise Invalid(Problem("filter", message, code="too_many"))
    made = enqueue(ctx, "batch", code, msgspec.json.encode(asked), total=count)
    return Answer({"job": show_job(made)}, 202)


def _step(document: Document, name: str) -> Step:
    if name not in document.steps:
        raise Missing(f"{document.code}.{name}")
    _flow, step = document.steps[name]
    if step.is_partner:
        raise permission.Forbidden(f"{document.code}.{name} is taken by the chain.")
    if any(kind.required for kind in step.input):
        message = _("%(step)s asks for something: take it one by one.") % {"step": step.label}
        raise Invalid(Problem(None, message, code="input"))
    return step


def _where(document: Document, ctx: Context, asked: Asked, step: Step) -> tuple[str, list[Any]]:
    """Return the condition over `t`: what the filter finds, in a state from which the step leads on."""
    flow, _step = document.steps[asked.step]
    sql, values = matching(document, ctx, asked.query)
    return f'{sql} AND t."{flow.field}" = ANY(%s)', [*values, list(step.from_)]


def _count(document: Document, ctx: Context, asked: Asked, step: Step) -> int:
    sql, values = _where(document, ctx, asked, step)
    table = document.header._meta.db_table
    counting = f'SELECT count(*) FROM (SELECT 1 FROM "{table}" t WHERE {sql} LIMIT %s) x'
    ((count,),) = run(counting, [*values, COUNT_CAP + 1], is_planned_anew=True)
    return int(count)


@job("batch")
def run_batch(ctx: Context, made: Job, task: Task) -> Mapping[str, Any]:
    """Do piece after piece; the result counts what is done and names, under `errors`, every row that was refused."""
    document = find_document(made.subject)
    asked = msgspec.json.decode(bytes(made.content or b""), type=Asked)
    so_far: Mapping[str, Any] = made.result or {"done": 0, "errors": [], "after": str(uuid.UUID(int=0))}
    while True:
        with tenant(ctx.enterprise_id):
            # What is made after the job was asked for has a later id, and is not meant.
            rows = _next(document, ctx, asked, (uuid.UUID(so_far["after"]), made.id))
            so_far = _piece(document, ctx, asked.step, rows, so_far, task)
            task.keep(so_far)
        if len(rows) < PIECE:
            return so_far


def _piece(
    document: Document,
    ctx: Context,
    step: str,
    rows: Sequence[Row],
    before: Mapping[str, Any],
    progress: Progress,
) -> Mapping[str, Any]:
    """Take the step of some rows; returns the result with them."""
    refused = []
    for at, (id_, name) in enumerate(rows, 1):
        message = _taken(document, ctx, step, id_)
        if message is not None:
            refused.append({"id": str(id_), "name": name or "", "message": str(message)})
        progress(before["done"] + len(before["errors"]) + at)
    return {
        "done": before["done"] + len(rows) - len(refused),
        "errors": [*before["errors"], *refused],
        "after": str(rows[-1][0]) if rows else before["after"],
    }


def _next(
    document: Document, ctx: Context, asked: Asked, between: tuple[uuid.UUID, uuid.UUID]
) -> Sequence[Row]:
    sql, values = _where(document, ctx, asked, _step(document, asked.step))
    name = "number" if "number" in document.fields else "code"
    picking = (
        f'SELECT t.id, t."{name}" FROM "{document.header._meta.db_table}" t '
        f"WHERE {sql} AND t.id > %s AND t.id < %s ORDER BY t.id LIMIT %s"
    )
    return run(picking, [*values, *between, PIECE], is_planned_anew=True)


def _taken(document: Document, ctx: Context, step: str, id_: uuid.UUID) -> Label | None:
    """Take the step of one row; returns why not, when it is refused, and then nothing of it has changed."""
    try:
        with transaction.atomic():
            move(document.code, ctx, id_, step)
    except Refused as refused:
        return "; ".join(problem.words(ctx.grants) for problem in refused.problems)
    except Missing:
        return _("There is no such thing here.")
    except IntegrityError as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return problem.message
    return None
