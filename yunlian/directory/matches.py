"""Who of ours is who of theirs: tie, untie, and what the platform was last told. Unique both ways while it lasts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.sql import table

from .models import Connection, Match


@dataclass(frozen=True)
class Wanted:
    """That one of ours shall be one of theirs. `told` is None when nothing was told."""

    kind: str
    ours: uuid.UUID
    theirs: str
    told: dict[str, Any] | None = None
    union: str = ""


def departments(conn: Connection) -> dict[str, uuid.UUID]:
    """Return our departments by the platform's key."""
    return dict(
        execute(
            "SELECT theirs, department_id FROM directory_match WHERE enterprise_id = %s AND connection_id = %s "
            "AND kind = 'department' AND ended_at IS NULL",
            [conn.enterprise_id, conn.id],
        )
    )


def tie(ctx: Context, conn: Connection, wanted: Sequence[Wanted]) -> dict[str, dict[str, Any]]:
    """Match many; what contradicts a new match ends. Returns by the platform's key what untying needs."""
    if not wanted:
        return {}
    ours, theirs = [each.ours for each in wanted], [each.theirs for each in wanted]
    rows = execute(
        "SELECT to_jsonb(m)::text FROM directory_match m WHERE m.enterprise_id = %s AND m.connection_id = %s "
        "AND m.ended_at IS NULL AND (coalesce(m.employee_id, m.department_id) = ANY(%s) OR (m.kind = %s AND m.theirs = ANY(%s))) "
        "FOR NO KEY UPDATE",
        [conn.enterprise_id, conn.id, ours, wanted[0].kind, theirs],
    )
    known = [msgspec.json.decode(text) for (text,) in rows]
    kept = {(row["employee_id"] or row["department_id"], row["theirs"]): row for row in known}
    undo: dict[str, dict[str, Any]] = {}
    ending: list[str] = []
    made: list[Match] = []
    told: list[dict[str, Any]] = []
    for each in wanted:
        same = kept.get((str(each.ours), each.theirs))
        clash = [
            row for row in known
            if row is not same and (row["theirs"] == each.theirs or (row["employee_id"] or row["department_id"]) == str(each.ours))
        ]  # fmt: skip
        ending += [row["id"] for row in clash]
        back: dict[str, Any] = {"old": clash + ([same] if same else [])}
        if same is None:
            row = _row(ctx, conn, each)
            made.append(row)
            back["new"] = str(row.id)
        elif each.told is not None or each.union:
            told.append(
                {
                    "id": same["id"],
                    "told": (same["told"] | (each.told or {})),
                    "union": each.union or same["union"],
                }
            )
        undo[each.theirs] = back
    _write(ctx, ending, made, told)
    return undo


def _row(ctx: Context, conn: Connection, each: Wanted) -> Match:
    return Match(
        enterprise_id=ctx.enterprise_id, id=new_id(), connection_id=conn.id, kind=each.kind,
        employee_id=each.ours if each.kind == "person" else None,
        department_id=each.ours if each.kind == "department" else None,
        theirs=each.theirs, union=each.union, told=each.told or {}, since=ctx.now,
    )  # fmt: skip


def _write(ctx: Context, ending: list[str], made: list[Match], told: list[dict[str, Any]]) -> None:
    if ending:
        end(ctx, [uuid.UUID(id_) for id_ in ending])
    if told:
        execute(
            'UPDATE directory_match m SET told = v.told, "union" = v."union" '
            'FROM json_to_recordset(%s::json) AS v(id uuid, told jsonb, "union" text) '
            "WHERE m.enterprise_id = %s AND m.id = v.id",
            [msgspec.json.encode(told).decode(), ctx.enterprise_id],
        )
    if made:
        shape = table(Match)
        names = ", ".join(f'"{column.name}"' for column in shape.written)
        execute(
            f"INSERT INTO directory_match ({names}) SELECT {names} "
            "FROM json_populate_recordset(NULL::directory_match, %s::json)",
            [shape.rows(made)],
        )


def end(ctx: Context, ids: Sequence[uuid.UUID]) -> None:
    """End matches; they are kept."""
    execute(
        "UPDATE directory_match SET ended_at = %s WHERE enterprise_id = %s AND id = ANY(%s) AND ended_at IS NULL",
        [ctx.now, ctx.enterprise_id, list(ids)],
    )


def untie(ctx: Context, undo: dict[str, Any]) -> None:
    """Take a tie back: the row it made goes, those it changed or ended are as they were."""
    if "new" in undo:
        execute(
            "DELETE FROM directory_match WHERE enterprise_id = %s AND id = %s",
            [ctx.enterprise_id, undo["new"]],
        )
    for row in undo.get("old", ()):
        columns = [key for key in row if key not in ("enterprise_id", "id")]
        sets = ", ".join(f'"{column}" = v."{column}"' for column in columns)
        execute(
            f"UPDATE directory_match m SET {sets} FROM json_populate_record(NULL::directory_match, %s::json) v "
            "WHERE m.enterprise_id = %s AND m.id = v.id",
            [msgspec.json.encode(row).decode(), ctx.enterprise_id],
        )


def end_of(ctx: Context, conn: Connection, kind: str, theirs: str) -> dict[str, Any]:
    """End the match of something that is gone on the platform; returns what untying needs."""
    rows = execute(
        "SELECT m.id, to_jsonb(m)::text FROM directory_match m WHERE m.enterprise_id = %s AND m.connection_id = %s "
        "AND m.kind = %s AND m.theirs = %s AND m.ended_at IS NULL",
        [conn.enterprise_id, conn.id, kind, theirs],
    )
    end(ctx, [id_ for id_, _row in rows])
    return {"old": [msgspec.json.decode(text) for _id, text in rows]}
