"""One department of ours with all below it, as what a run looks at: who of ours that is, and where it lies on the platform."""

import uuid
from dataclasses import dataclass

from yunlian.kernel.sql import run as execute

from .models import Connection, Run

BELOW = "below"
_DEPARTMENTS = """
WITH RECURSIVE down AS (
  SELECT id FROM org_department WHERE enterprise_id = %(enterprise)s AND id = %(id)s
  UNION SELECT d.id FROM org_department d JOIN down ON d.parent_id = down.id WHERE d.enterprise_id = %(enterprise)s
), up AS (
  SELECT id, parent_id, 0 AS n FROM org_department WHERE enterprise_id = %(enterprise)s AND id = %(id)s
  UNION SELECT d.id, d.parent_id, up.n + 1 FROM org_department d JOIN up ON up.parent_id = d.id
    WHERE d.enterprise_id = %(enterprise)s AND up.n < 100
)
SELECT id::text, true, 0 FROM down UNION ALL SELECT id::text, false, n FROM up WHERE n > 0 ORDER BY 3
"""


@dataclass(frozen=True)
class Part:
    """A department of ours and what lies below it.

    `departments` are ids of ours; `above` those over them, nearest first. `top` is the platform's key of the department,
    empty while it has none; `places` those of all that have one, `within` that of the nearest above which has. `people` are ids of who of ours works there,
    `keys` by what the platform knows them, or would.
    """

    name: str
    top: str
    within: str
    places: tuple[str, ...]
    departments: frozenset[str]
    above: tuple[str, ...]
    people: tuple[uuid.UUID, ...]
    keys: tuple[str, ...]


def department_of(run: Run) -> str | None:
    """Return which department of ours a run is over; None for a whole one, and for what a callback named."""
    return next((key for kind, key in run.part if kind == BELOW), None)


def part_of(conn: Connection, run: Run) -> Part | None:
    """Return the department a run is over, as it stands; inside the tenant."""
    id_ = department_of(run)
    return None if id_ is None else find(conn, uuid.UUID(id_))


def find(conn: Connection, id_: uuid.UUID) -> Part:
    """Return a department of ours with all below it."""
    values = {"enterprise": conn.enterprise_id, "connection": conn.id, "id": id_}
    rows = execute(_DEPARTMENTS, values)  # type: ignore[arg-type]  # named, where the signature knows lists only
    departments = frozenset(key for key, is_below, _n in rows if is_below)
    above = tuple(key for key, is_below, _n in rows if not is_below)
    ((name,),) = execute(
        "SELECT name FROM org_department WHERE enterprise_id = %s AND id = %s", [conn.enterprise_id, id_]
    )
    matched = {
        str(ours): theirs
        for ours, theirs in execute(
            "SELECT department_id, theirs FROM directory_match WHERE enterprise_id = %s AND connection_id = %s "
            "AND kind = 'department' AND ended_at IS NULL AND department_id = ANY(%s) ORDER BY since, id",
            [conn.enterprise_id, conn.id, [uuid.UUID(key) for key in (*departments, *above)]],
        )
    }
    if conn.department_id is not None:
        matched.setdefault(str(conn.department_id), conn.root)
    people = execute(
        "SELECT e.id, coalesce(m.theirs, nullif(e.login, ''), lower(e.code)) FROM org_employee e "
        "LEFT JOIN directory_match m ON m.enterprise_id = e.enterprise_id AND m.employee_id = e.id "
        "AND m.connection_id = %s AND m.ended_at IS NULL "
        "WHERE e.enterprise_id = %s AND e.kind = 'person' AND e.department_id = ANY(%s) ORDER BY e.id",
        [conn.id, conn.enterprise_id, [uuid.UUID(key) for key in departments]],
    )
    places = tuple(theirs for ours, theirs in matched.items() if ours in departments)
    within = next((matched[key] for key in above if key in matched), conn.root)
    return Part(
        name, matched.get(str(id_), ""), within, places, departments, above, tuple(id_ for id_, _key in people),
        tuple(key for _id, key in people),
    )  # fmt: skip
