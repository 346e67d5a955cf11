"""Give what one member owns to another, many documents at once, each with its line in the log."""

import uuid
from collections.abc import Mapping

import msgspec

from .document import REGISTRY, Document
from .identity import new_id
from .scope import Context
from .sql import run

# A document still asks something of its owner until it is voided, or approved and closed.
OPEN = "t.state <> 'voided' AND (t.state <> 'approved' OR t.close = 'open')"


def owned(ctx: Context, member: uuid.UUID) -> dict[str, int]:
    """Return how many open documents a member owns, by code."""
    found = {}
    for code, document in REGISTRY.items():
        if document.flow is not None:
            ((count,),) = run(
                f'SELECT count(*) FROM "{document.header._meta.db_table}" t '
                f"WHERE t.enterprise_id = %s AND t.owner_id = %s AND {OPEN}",
                [ctx.enterprise_id, member],
            )
            if count:
                found[code] = int(count)
    return found


def give(ctx: Context, member: uuid.UUID, to: uuid.UUID, names: Mapping[uuid.UUID, str]) -> dict[str, int]:
    """Make another member the owner of every open document; returns how many, by code.

    `names` are those of the two, for the log. Whoever calls has checked that the caller may.
    """
    given = {}
    for code, document in REGISTRY.items():
        if document.flow is not None and (count := _give(ctx, document, member, to, names)):
            given[code] = count
    return given


def _give(
    ctx: Context, document: Document, member: uuid.UUID, to: uuid.UUID, names: Mapping[uuid.UUID, str]
) -> int:
    rows = run(
        f'UPDATE "{document.header._meta.db_table}" t SET owner_id = %s, version = version + 1, updated_at = %s, '
        f"updated_by = %s WHERE t.enterprise_id = %s AND t.owner_id = %s AND {OPEN} RETURNING t.id, t.version",
        [to, ctx.now, ctx.member_id, ctx.enterprise_id, member],
    )
    if not rows:
        return 0
    old, new = ({"id": str(id_), "code": "", "name": names.get(id_, "")} for id_ in (member, to))
    change = [{"field": "owner", "line": None, "old": old, "new": new}]
    ids, versions = [row[0] for row in rows], [row[1] for row in rows]
    run(
        "INSERT INTO kernel_audit (enterprise_id, id, at, code, record, version, act, by, by_name, changes, note) "
        "SELECT %s, v.id, %s, %s, v.record, v.version, 'handed_over', %s, %s, %s::jsonb, '' "
        "FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS v(id, record, version)",
        [
            ctx.enterprise_id, ctx.now, document.code, ctx.member_id, ctx.member_name,
            msgspec.json.encode(change).decode(), [new_id() for _id in ids], ids, versions,
        ],
    )  # fmt: skip
    run(
        "INSERT INTO kernel_outbox (enterprise_id, id, at, code, record, version, event) "
        "SELECT %s, v.id, %s, %s, v.record, v.version, 'handed_over' "
        "FROM unnest(%s::uuid[], %s::uuid[], %s::int[]) AS v(id, record, version)",
        [ctx.enterprise_id, ctx.now, document.code, [new_id() for _id in ids], ids, versions],
    )
    return len(ids)
