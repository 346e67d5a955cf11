"""Read the platform's side of a run into `Seen`, in pieces, each piece its own transaction."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Progress
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.sql import table

from .adapters import Reader
from .models import Run, Seen
from .side import Department, Person, Range

PIECE = 1_000


def read_all(run: Run, reader: Reader, progress: Progress) -> Range:
    """Read departments and people of the whole part; returns what the platform said it shows. Raises PlatformError."""
    seen = reader.range()
    departments = list(reader.departments())
    for at in range(0, len(departments), PIECE):
        _keep(run, [_department_row(run, each) for each in departments[at : at + PIECE]])
    count = 0
    rows: list[Seen] = []
    for page in reader.people([each.key for each in departments]):
        count += len(page)
        rows += [_person_row(run, each) for each in page]
        if len(rows) >= PIECE:
            _keep(run, rows)
            rows = []
        progress(count, seen.people)
    _keep(run, rows)
    return seen


def read_part(run: Run, reader: Reader, part: Iterable[Sequence[str]]) -> Range:
    """Read single persons and departments again, and all that stands above them; what is not there is not kept."""
    rows: dict[tuple[str, str], Seen] = {}
    departments: dict[str, Department | None] = {}

    def upward(key: str) -> None:
        while key and key not in departments:
            found = departments[key] = reader.department(key)
            if found is None:
                return
            rows["department", key] = _department_row(run, found)
            key = found.parent

    for kind, key in part:
        if kind == "department":
            upward(key)
            continue
        person = reader.person(key)
        if person is not None:
            rows["person", key] = _person_row(run, person)
            for place in person.departments:
                upward(place)
    _keep(run, list(rows.values()))
    return Range()


def _department_row(run: Run, each: Department) -> Seen:
    return Seen(
        enterprise_id=run.enterprise_id, id=new_id(), run_id=run.id, kind="department", key=each.key,
        name=each.name[:200], parent=each.parent,
    )  # fmt: skip


def _person_row(run: Run, each: Person) -> Seen:
    return Seen(
        enterprise_id=run.enterprise_id, id=new_id(), run_id=run.id, kind="person", key=each.key,
        name=each.name[:200], account=each.account[:100], mobile=each.mobile[:40], position=each.position[:200],
        departments=list(each.departments), has_main=each.has_main, is_active=each.is_active,
        is_admin=each.is_admin, union=each.union,
    )  # fmt: skip


# Somebody in several departments may come once for each: then their departments are put together.
_MERGE = (
    "ON CONFLICT (enterprise_id, run_id, kind, key) DO UPDATE SET departments = directory_seen.departments || ("
    "SELECT coalesce(jsonb_agg(d), '[]') FROM jsonb_array_elements(excluded.departments) d "
    "WHERE NOT directory_seen.departments @> jsonb_build_array(d))"
)


def _keep(run: Run, rows: list[Seen]) -> None:
    """Store a piece. One statement may meet a key once only, so its own doubles are put together first."""
    merged: dict[tuple[str, str], Any] = {}
    for row in rows:
        known = merged.setdefault((row.kind, row.key), row)
        if known is not row:
            known.departments += [key for key in row.departments if key not in known.departments]
    if not merged:
        return
    shape = table(Seen)
    names = ", ".join(f'"{column.name}"' for column in shape.written)
    sql = (
        f"INSERT INTO directory_seen ({names}) SELECT {names} "
        f"FROM json_populate_recordset(NULL::directory_seen, %s::json) {_MERGE}"
    )
    with tenant(run.enterprise_id):
        execute(sql, [shape.rows(list(merged.values()))])
        Run.objects.filter(id=run.id).update(beat_at=dt.datetime.now(dt.UTC))


def forget(run: Run) -> None:
    """Drop what was read, in the transaction of the caller."""
    execute(
        "DELETE FROM directory_seen WHERE enterprise_id = %s AND run_id = %s", [run.enterprise_id, run.id]
    )
