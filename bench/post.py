"""Saving and approving one purchase order of ten lines, against the same rows by prepared statements.

The floor writes, in one transaction over psycopg, exactly the rows that our save and approval leave behind: identity, header,
lines, counter, ledger entries, balances, both audit rows, both events; each table by one prepared statement over arrays.
Nothing is checked, looked up, computed or locked ahead there.
"""

import datetime as dt
import json
import random
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection

from bench.measure import Result, compared, in_turns
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import Table, table
from yunlian.kernel.steps import save_and_move
from yunlian.kernel.testing import Statements, context, data, make

LINES = 10


@dataclass
class Desk:
    """A buyer, and the body of an order to type."""

    ctx: Context
    bodies: list[dict[str, Any]]


def desk(enterprise: int, products: int = 40) -> Desk:
    """Make a supplier, a warehouse and products, and twenty different orders of them."""
    with tenant(enterprise):
        ctx = context(enterprise, make("org.employee", context(enterprise)).pk)
        body = data("purchase.order", ctx, lines=products, lines__price="12.50")
        rng = random.Random(7)
        bodies = [body | {"lines": rng.sample(body["lines"], LINES)} for _ in range(20)]
    return Desk(ctx, bodies)


def post_order(where: Desk, rounds: int) -> list[Result]:
    """Measure `post_order` and `post_statements`."""
    ours = _ours(where)
    floor = _floor(where, rounds)
    for _ in range(20):
        ours()
        floor()
    mine, theirs = in_turns(rounds, ours, floor)
    return [
        compared("post_order", mine, theirs, note="save + approve, 10 lines; floor: the same rows, prepared"),
        _statements(where),
    ]


def _ours(where: Desk) -> Callable[[], Any]:
    turn = iter(range(10**9))

    def act() -> None:
        body = where.bodies[next(turn) % len(where.bodies)]
        with tenant(where.ctx.enterprise_id):
            save_and_move("purchase.order", where.ctx, body, "approve")

    return act


def _statements(where: Desk) -> Result:
    counts = []
    for lines in (1, LINES, 500):
        rows = [row for _ in range(500) for row in where.bodies[0]["lines"]][:lines]
        with tenant(where.ctx.enterprise_id), Statements() as counted:
            save_and_move("purchase.order", where.ctx, where.bodies[0] | {"lines": rows}, "approve")
        counts.append(counted.count)
    same = len(set(counts)) == 1
    note = f"1, 10, 500 lines: {counts}" + ("" if same else " NOT FIXED")
    return Result("post_statements", counts[1], "statements", counts[0], max(counts) / min(counts), note)


def _floor(where: Desk, rounds: int) -> Callable[[], Any]:
    """Return an act that writes the rows of one more order; rows are made beforehand, outside what is timed."""
    with tenant(where.ctx.enterprise_id):
        made = save_and_move("purchase.order", where.ctx, where.bodies[0], "approve")
        pattern = list(_left_behind(made.pk, where.ctx.enterprise_id))
    prepared = iter([_renewed(pattern, made.pk) for _ in range(rounds + 40)])
    raw = psycopg.connect(_address())
    cursor = raw.cursor()
    cursor.execute("SET plan_cache_mode = auto")
    raw.commit()
    enterprise = where.ctx.enterprise_id

    def act() -> None:
        cursor.execute(f"SET LOCAL app.enterprise_id = '{enterprise}'")
        for sql, params in next(prepared):
            cursor.execute(sql, params, prepare=True)
        raw.commit()

    return act


def _address() -> str:
    d = settings.DATABASES["default"]
    return psycopg.conninfo.make_conninfo(
        host=d["HOST"], port=d["PORT"], dbname=d["NAME"], user=d["USER"], password=d["PASSWORD"]
    )


Statement = tuple[str, list[Any]]


def _left_behind(order: uuid.UUID, enterprise: int) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Yield every table an order left rows in, with the rows."""
    from yunlian.documents.purchasing.order.model import PurchaseOrder, PurchaseOrderLine
    from yunlian.kernel.models import Audit, Doc, Outbox
    from yunlian.ledgers.models import StockEntry

    for model, column in (
        (Doc, "id"),
        (PurchaseOrder, "id"),
        (PurchaseOrderLine, "order_id"),
        (StockEntry, "doc_id"),
        (Audit, "record"),
        (Outbox, "record"),
    ):
        shape = table(model)
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT {shape.select("t")} FROM "{shape.name}" t WHERE t.enterprise_id = %s AND t."{column}" = %s',
                [enterprise, order],
            )
            names = [c.name for c in shape.columns]
            yield shape, [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


_number = iter(range(1, 10**9))


def _renewed(pattern: list[tuple[Table, list[dict[str, Any]]]], order: uuid.UUID) -> list[Statement]:
    """Return the statements that write the pattern's rows as another order."""
    ids: dict[Any, uuid.UUID] = {order: new_id()}
    for shape, rows in pattern:
        if shape.name in ("purchasing_purchaseorderline",):
            ids |= {row["id"]: new_id() for row in rows}
    statements: list[Statement] = []
    for shape, rows in pattern:
        fresh = []
        for row in rows:
            new = {
                name: ids.get(value, value) if isinstance(value, uuid.UUID) else value
                for name, value in row.items()
            }
            if row["id"] not in ids:
                new["id"] = new_id()
            if "number" in new:
                new["number"] = f"FLOOR-{next(_number)}"
            fresh.append(new)
        statements.append(_insert(shape, fresh))
        if shape.name == "ledgers_stockentry":
            statements.append(_balances(fresh))
    statements.append(
        (
            "INSERT INTO kernel_counter (enterprise_id, id, series, period, n) VALUES (%s, %s, 'floor', '1', 1) "
            "ON CONFLICT (enterprise_id, series, period) DO UPDATE SET n = kernel_counter.n + 1",
            [pattern[0][1][0]["enterprise_id"], new_id()],
        )
    )
    return statements


def _insert(shape: Table, rows: list[dict[str, Any]]) -> Statement:
    names = ", ".join(f'"{c.name}"' for c in shape.columns)
    arrays = ", ".join(f"%s::{c.type}[]" for c in shape.columns)
    values = [[_plain(row[c.name], c.is_json) for row in rows] for c in shape.columns]
    return f'INSERT INTO "{shape.name}" ({names}) SELECT * FROM unnest({arrays})', values


def _plain(value: Any, is_json: bool) -> Any:
    if is_json and not isinstance(value, str):
        return json.dumps(value, default=str)
    return value


def _balances(entries: list[dict[str, Any]]) -> Statement:
    entries = sorted(entries, key=lambda row: str(row["product_id"]))
    return (
        "UPDATE ledgers_stockbalance b SET on_order = b.on_order + v.qty FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::numeric[]) "
        "v (product_id, warehouse_id, status, qty) WHERE b.enterprise_id = %s AND b.product_id = v.product_id "
        "AND b.warehouse_id = v.warehouse_id AND b.status = v.status",
        [
            *(
                [row[name] for row in entries]
                for name in ("product_id", "warehouse_id", "status", "on_order")
            ),
            entries[0]["enterprise_id"],
        ],
    )


def post_history(enterprise: int, entries: int, rounds: int) -> Result:
    """Measure posting after many ledger rows of the enterprise against posting into one that has none."""
    empty, full = desk(enterprise), desk(enterprise + 1)
    _fill(full, entries)
    acts = (_ours(full), _ours(empty))
    for _ in range(20):
        for act in acts:
            act()
    mine, theirs = in_turns(rounds, *acts)
    return compared("post_history", mine, theirs, note=f"after {entries:,} ledger rows; floor: after none")


TURNS = 25_000


def _fill(where: Desk, entries: int) -> None:
    """Repeat posted orders' ledger rows, as if taken back and approved over years, until there are enough."""
    from yunlian.ledgers.models import StockEntry

    enterprise = where.ctx.enterprise_id
    shape = table(StockEntry)
    names = ", ".join(f'"{c.name}"' for c in shape.columns if c.name not in ("id", "turn", "date"))
    for _ in range(0, entries, TURNS * LINES):
        with tenant(enterprise):
            made = save_and_move("purchase.order", where.ctx, where.bodies[0], "approve")
        with tenant(enterprise), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '600s'")
            cursor.execute(
                f'INSERT INTO "{shape.name}" (id, turn, date, {names}) '
                f"SELECT gen_random_uuid(), g + 1, %s::date - g %% 900, {names} FROM "
                f'"{shape.name}" t, generate_series(1, %s) g WHERE t.enterprise_id = %s AND t.doc_id = %s AND t.turn = 0',
                [dt.date(2026, 11, 1), min(TURNS, entries // LINES), enterprise, made.pk],
            )
