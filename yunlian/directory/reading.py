"""Read the platform's side of a run into `Seen`, in pieces, each piece its own transaction."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Progress
from yunlian.kernel.scope import tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.sql import table

from . import connections
from .adapters import Reader
from .models import Connection, Run, Seen
from .parts import Part
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


def read_below(run: Run, conn: Connection, reader: Reader, part: Part, progress: Progress) -> Range:
    """Read one department of ours on the platform, and its people who stand elsewhere there; nothing of the rest.

    `reader` reads below `part.top`. A department of ours that lies elsewhere there is read where it is; what is not there
    yet is looked for below the nearest one above that is. Raises PlatformError.
    """
    departments = _read_departments(run, reader, part.top or part.within)
    inside = dict(departments) if part.top else {}
    wanted = {key.casefold() for key in part.keys}
    found = _read_people(run, reader, inside, wanted, progress)
    for key in part.places:
        if key not in departments:
            elsewhere = connections.reader_of(conn, key)
            there = _read_departments(run, elsewhere, key)
            departments |= there
            found |= _read_people(run, elsewhere, there, wanted, progress)
    missing = [("person", key) for key in part.keys if key.casefold() not in found]
    above = [("department", each.parent) for each in departments.values() if each.parent not in departments]
    read_part(run, reader, [*missing, *(above if run.direction == "pull" else ())])
    return Range(tops=(part.top,) if part.top in departments else ())


def _read_departments(run: Run, reader: Reader, root: str) -> dict[str, Department]:
    """Keep what lies below a root; nothing when it is not there, or not for us."""
    if reader.department(root) is None:
        return {}
    found = {each.key: each for each in reader.departments()}
    rows = [_department_row(run, each) for each in found.values()]
    for at in range(0, len(rows), PIECE):
        _keep(run, rows[at : at + PIECE])
    return found


def _read_people(
    run: Run, reader: Reader, places: Mapping[str, Department], wanted: Set[str], progress: Progress
) -> set[str]:
    """Keep who stands in these departments, or is wanted; returns their keys, in lower case."""
    found: set[str] = set()
    if not places:
        return found
    for page in reader.people(list(places)):
        here = [p for p in page if p.key.casefold() in wanted or not places.keys().isdisjoint(p.departments)]
        found |= {each.key.casefold() for each in here}
        _keep(run, [_person_row(run, each) for each in here])
        progress(len(found))
    return found


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
