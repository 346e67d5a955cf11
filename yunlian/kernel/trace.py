"""Trace: the documents before and after one document, along the links, with what each link carries."""

import uuid
from collections import defaultdict
from decimal import Decimal
from typing import Any

from . import permission
from .document import REGISTRY, Document, Missing
from .fields import trimmed
from .load import is_direct, load
from .models import LinkRow
from .scope import Context
from .sql import run, table

MAX_DOCUMENTS = 200


def trace(document: Document, ctx: Context, id_: Any) -> dict[str, Any]:
    """Return the nodes and edges around a document; those the member may not view are named by kind only.

    Walks the links up and down, one statement a generation, to at most 200 documents. Raises Missing for a master, which
    stands in no chain.
    """
    if document.flow is None:
        raise Missing(document.code)
    start = load(document, ctx, id_).pk
    codes: dict[uuid.UUID, str] = {start: document.code}
    rows: dict[uuid.UUID, LinkRow] = {}
    shape = table(LinkRow)
    seen: set[uuid.UUID] = set()
    fresh = {start}
    while fresh and len(codes) <= MAX_DOCUMENTS:
        seen |= fresh
        sql = (
            f"SELECT {shape.select('t')} FROM kernel_linkrow t "
            "WHERE t.enterprise_id = %s AND (t.source_doc_id = ANY(%s) OR t.target_doc_id = ANY(%s))"
        )
        for row in map(shape.instance, run(sql, [ctx.enterprise_id, list(fresh), list(fresh)])):
            if is_direct(REGISTRY[row.target_code], row):  # others are counted elsewhere or further up too
                rows[row.id] = row
                codes[row.source_doc_id], codes[row.target_doc_id] = row.source_code, row.target_code
        fresh = set(codes) - seen
    carried: dict[tuple[uuid.UUID, uuid.UUID], Decimal] = defaultdict(Decimal)
    for row in rows.values():
        carried[row.source_doc_id, row.target_doc_id] += row.qty
    return {"nodes": _nodes(codes, start, ctx), "edges": [_edge(pair, qty) for pair, qty in carried.items()]}


def _edge(pair: tuple[uuid.UUID, uuid.UUID], qty: Decimal) -> dict[str, Any]:
    return {"from": pair[0], "to": pair[1], "qty": format(trimmed(qty, 0), "f")}


def _nodes(codes: dict[uuid.UUID, str], start: uuid.UUID, ctx: Context) -> list[dict[str, Any]]:
    by_code: dict[str, list[uuid.UUID]] = defaultdict(list)
    for id_, code in codes.items():
        by_code[code].append(id_)
    nodes = []
    for code, ids in by_code.items():
        document = REGISTRY[code]
        may = permission.may(ctx, code, "view")
        scope, values = permission.row_condition(ctx, document)
        amount = document.sums.split()[:1]
        shown = (
            f', t."{amount[0]}"::text' if amount and not _is_hidden(document, amount[0], ctx) else ", NULL"
        )
        sql = (
            f'SELECT t.id, t.number, t.state, t.date{shown} FROM "{document.header._meta.db_table}" t '
            f"WHERE t.enterprise_id = %s AND t.id = ANY(%s){scope}"
        )
        rows = {row[0]: row for row in run(sql, [ctx.enterprise_id, ids, *values])} if may else {}
        nodes += [_node(document, id_, rows.get(id_), is_current=id_ == start) for id_ in ids]
    return nodes


def _is_hidden(document: Document, name: str, ctx: Context) -> bool:
    guard = document.fields[name].guard
    return bool(guard and permission.hidden(ctx, [guard]))


def _node(document: Document, id_: uuid.UUID, row: Any, *, is_current: bool) -> dict[str, Any]:
    node: dict[str, Any] = {"code": document.code, "label": document.label, "id": id_, "current": is_current}
    if row is None:
        return node | {"number": None, "state": None}
    assert document.flow is not None
    state = document.flow.state(row[2])
    return node | {
        "number": row[1],
        "state": row[2],
        "state_label": state.label,
        "tone": state.tone,
        "date": row[3],
        "amount": row[4],
    }
