"""Write many documents or masters of one kind in few statements, as `save` writes one.

Whoever calls has taken and judged them already. Documents are written as drafts and numbered at the end all at once, so
that the counter of their series is locked for a moment only.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from . import audit
from .document import Document
from .events import announce
from .faults import fault
from .identity import new_id
from .load import Loaded
from .models import Audit, Doc, Outbox
from .scope import Context
from .search import set_initials, write_tokens
from .sql import Writing, run

_FIXED = frozenset(("enterprise_id", "id", "created_at", "created_by", "number"))


@dataclass
class Prepared:
    """A document that passed every rule. `before` is what it was, None for a new one; `had` its lines then."""

    loaded: Loaded
    before: audit.Picture | None = None
    had: list[Any] = field(default_factory=list)

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Return what would change."""
        if self.before is None:
            return []
        return audit.changes(self.before, audit.Picture(self.loaded), self.loaded.document)


def lock_versions(document: Document, ctx: Context, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Lock rows and return their versions now."""
    sql = (
        f'SELECT t.id, t.version FROM "{document.header._meta.db_table}" t '
        "WHERE t.enterprise_id = %s AND t.id = ANY(%s) ORDER BY t.id FOR NO KEY UPDATE"
    )
    return {row[0]: row[1] for row in run(sql, [ctx.enterprise_id, list(ids)])}


def write(document: Document, ctx: Context, found: Sequence[Prepared]) -> None:
    """Write a piece with one statement. Documents stay drafts until `number` is called."""
    writing = Writing(ctx.enterprise_id)
    new = [p.loaded for p in found if p.before is None]
    old = [p.loaded for p in found if p.before is not None]
    traces: list[Audit] = []
    events: list[Outbox] = []
    for prepared in found:
        made = prepared.changes
        header = prepared.loaded.header
        header.version = 1 if prepared.before is None else prepared.before.header[0]["version"] + 1
        header.updated_at, header.updated_by = ctx.now, ctx.member_id
        if document.is_master:
            set_initials(header)
        trace, event = audit.rows(
            ctx, prepared.loaded, "created" if prepared.before is None else "edited", made
        )
        traces.append(trace)
        events.append(event)
    if not document.is_master:
        writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=each.pk, code=document.code) for each in new])
    writing.insert([each.header for each in new])
    names = [x.attname for x in document.header._meta.concrete_fields if x.attname not in _FIXED]
    writing.update([each.header for each in old], names)
    if document.lines is not None:
        inner = [x.attname for x in document.lines._meta.concrete_fields if x.attname not in _FIXED]
        gone = [line.id for p in found for line in p.had if line not in p.loaded.lines]
        writing.delete(document.lines, gone)
        writing.insert([line for each in new for line in each.lines])
        writing.insert([line for each in old for line in each.lines], upsert=inner)
    if document.is_master:
        renamed = [p.loaded for p in found if p.before is not None and _is_found_otherwise(p)]
        write_tokens(writing, [*new, *renamed], [each.pk for each in renamed])
    writing.insert(traces)
    audit.send(writing, events)
    fault("bulk.before_write")
    writing.run()


def _is_found_otherwise(prepared: Prepared) -> bool:
    """Whether the texts a master is searched by have changed."""
    assert prepared.before is not None
    loaded, was = prepared.loaded, prepared.before.header[0]
    names = {"name", *loaded.document.find.split()}
    return any(was.get(name) != getattr(loaded.header, name) for name in names if name in was)


def number(document: Document, ctx: Context, found: Sequence[Prepared]) -> None:
    """Let written drafts become documents, numbered in their order; the last act of a transaction."""
    assert document.series is not None
    by_head: dict[str, list[Any]] = defaultdict(list)
    width = 1
    for prepared in found:
        head, width = document.series.parts(prepared.loaded.header.date)
        by_head[head].append(prepared.loaded.header)
    for head in sorted(by_head):
        headers = by_head[head]
        sql = (
            "INSERT INTO kernel_counter (enterprise_id, id, series, period, n) VALUES (%s, %s, %s, %s, %s) "
            "ON CONFLICT (enterprise_id, series, period) DO UPDATE SET n = kernel_counter.n + excluded.n RETURNING n"
        )
        ((last,),) = run(
            sql, [ctx.enterprise_id, new_id(), document.series.pattern, head[-10:], len(headers)]
        )
        for n, header in enumerate(headers, last - len(headers) + 1):
            header.number, header.state = f"{head}{n:0{width}}", "created"
    writing = Writing(ctx.enterprise_id)
    writing.update([p.loaded.header for p in found], ["number", "state"])
    writing.run()


def tell(document: Document, ctx: Context, found: Sequence[Prepared]) -> None:
    """Let the subscribers know, in the same transaction."""
    for prepared in found:
        prepared.loaded.header._state.adding = False
        for line in prepared.loaded.lines:
            line._state.adding = False
    announce(ctx, document.code, "saved", *(prepared.loaded for prepared in found))
