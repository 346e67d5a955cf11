"""Both sides out of the database: the trees of departments whole, persons paired with whom they are matched, as a stream.

The platform's side is what the run has read (`Seen`), ours is what stands here. PostgreSQL does the joining, so that a plan
holds one person at a time.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from django.db import connection as database

from yunlian.kernel.sql import run as execute

from .models import Connection, Run, Territory
from .parts import Part
from .planning import FIELDS_OF, Pair, Policy, Position, Rival, Tree, Verdict
from .side import OURS, Department, Person, Rules

PIECE = 1_000


def tree_of(conn: Connection, run: Run, part: Part | None = None) -> Tree:
    """Return the departments of both sides, of a run that has read the platform's."""
    ours, inactive = _ours(conn)
    theirs = _theirs(run)
    matched = {
        str(mine): key
        for mine, key in execute(
            "SELECT department_id, theirs FROM directory_match WHERE enterprise_id = %s AND connection_id = %s "
            "AND kind = 'department' AND ended_at IS NULL",
            [conn.enterprise_id, conn.id],
        )
    }
    foreign = frozenset(_foreign(conn, theirs))
    our_root = str(conn.department_id) if conn.department_id else ""
    if run.direction == "push":
        if part is not None:
            theirs = _unread(conn, part, ours, matched) | theirs
        live = {key: each for key, each in ours.items() if key not in inactive}
        below = _below(live, our_root)
        source = {key: each for key, each in live.items() if key in below}
        return Tree(source, theirs, matched, our_root, conn.root, foreign)
    swapped = {key: mine for mine, key in matched.items()}
    return Tree(theirs, ours, swapped, conn.root, our_root, foreign, inactive)


def _ours(conn: Connection) -> tuple[dict[str, Department], frozenset[str]]:
    rows = execute(
        "SELECT id::text, name, coalesce(parent_id::text, ''), is_active FROM org_department "
        "WHERE enterprise_id = %s ORDER BY code",
        [conn.enterprise_id],
    )
    departments = {key: Department(key, name, parent) for key, name, parent, _active in rows}
    return departments, frozenset(key for key, _name, _parent, is_active in rows if not is_active)


def _theirs(run: Run) -> dict[str, Department]:
    rows = execute(
        "SELECT s.key, coalesce(nullif(s.name, ''), m.told->>'name', ''), s.parent FROM directory_seen s "
        "LEFT JOIN directory_match m ON m.enterprise_id = s.enterprise_id AND m.connection_id = %s "
        "AND m.kind = 'department' AND m.theirs = s.key AND m.ended_at IS NULL "
        "WHERE s.enterprise_id = %s AND s.run_id = %s AND s.kind = 'department' ORDER BY s.id",
        [run.connection_id, run.enterprise_id, run.id],
    )
    return {key: Department(key, name, parent) for key, name, parent in rows}


def _unread(
    conn: Connection, part: Part, ours: Mapping[str, Department], matched: Mapping[str, str]
) -> dict[str, Department]:
    """Return the departments outside a part, as they were last told: people of the part may stand there too."""
    return {
        theirs: Department(theirs, ours[mine].name, matched.get(ours[mine].parent, conn.root))
        for mine, theirs in matched.items()
        if mine in ours and mine not in part.departments
    }


def _below(departments: Mapping[str, Department], root: str) -> set[str]:
    """Return the root and every key below it; with an empty root everything, rings included."""
    if not root:
        return set(departments)
    children: dict[str, list[str]] = defaultdict(list)
    for key, each in departments.items():
        children[each.parent].append(key)
    found, queue = {root}, [root]
    while queue:
        for key in children[queue.pop()]:
            if key not in found:
                found.add(key)
                queue.append(key)
    return found


def _foreign(conn: Connection, theirs: Mapping[str, Department]) -> Iterator[str]:
    """Keys of the platform's departments that are other enterprises' parts of the same corp."""
    others = Territory.objects.filter(platform=conn.platform, corp_id=conn.corp_id, is_live=True).exclude(
        enterprise_id=conn.enterprise_id
    )
    for root in others.values_list("root", flat=True):
        if root != conn.root and root in theirs and root != "1":
            yield from _below(theirs, root)


def policy_of(conn: Connection, run: Run, platform: Rules) -> Policy:
    """Return how the target of a run is written."""
    if run.direction == "push":
        return Policy(platform, frozenset(FIELDS_OF["push"]))
    told = frozenset(FIELDS_OF["pull"]) - platform.untold
    rows = execute(
        "SELECT name, id::text, is_active FROM org_position WHERE enterprise_id = %s ORDER BY is_active, code DESC",
        [conn.enterprise_id],
    )
    return Policy(OURS, told, {name: Position(key, is_active) for name, key, is_active in rows})


_PLAIN = (
    "CASE WHEN length(regexp_replace({0}, '[^0-9]', '', 'g')) = 13 AND regexp_replace({0}, '[^0-9]', '', 'g') LIKE '86%%' "
    "THEN substr(regexp_replace({0}, '[^0-9]', '', 'g'), 3) ELSE regexp_replace({0}, '[^0-9]', '', 'g') END"
)
# Our people. Somebody without a login is known by the employee's code.
_OURS = f"""
SELECT e.id::text AS key, e.name, coalesce(nullif(e.login, ''), lower(e.code)) AS account, e.mobile,
  {_PLAIN.format("e.mobile")} AS plain, coalesce(p.name, '') AS position,
  CASE WHEN e.department_id IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(e.department_id) END AS departments,
  true AS has_main, e.is_active AND e.job = 'employed' AS is_active, a.employee_id IS NOT NULL AS is_admin, '' AS union
FROM org_employee e
LEFT JOIN org_position p ON p.enterprise_id = e.enterprise_id AND p.id = e.position_id
LEFT JOIN (
  SELECT DISTINCT h.employee_id FROM org_employeerole h
  JOIN org_role r ON r.enterprise_id = h.enterprise_id AND r.id = h.role_id AND r.is_active
  JOIN org_roleverb v ON v.enterprise_id = r.enterprise_id AND v.role_id = r.id AND v.code = '*' AND v.verb = '*'
  JOIN org_membership b ON b.enterprise_id = h.enterprise_id AND b.employee_id = h.employee_id AND b.is_active
  WHERE h.enterprise_id = %(enterprise)s
) a ON a.employee_id = e.id
WHERE e.enterprise_id = %(enterprise)s AND e.kind = 'person'
"""
# Somebody of another branch, who has a role here, is on the platform by their own branch.
_NO_GUEST = """
  AND NOT EXISTS (SELECT 1 FROM directory_guest g WHERE g.enterprise_id = e.enterprise_id AND g.employee_id = e.id
    AND g.ended_at IS NULL)
"""
# Theirs. What the platform does not let us read is what it was last told.
_THEIRS = f"""
SELECT s.key, {{name}} AS name, s.account, {{mobile}} AS mobile, {_PLAIN.format("{mobile}")} AS plain,
  {{position}} AS position, s.departments, s.has_main, {{is_active}} AS is_active, s.is_admin, s.union
FROM directory_seen s
LEFT JOIN directory_match m ON m.enterprise_id = s.enterprise_id AND m.connection_id = %(connection)s
  AND m.kind = 'person' AND m.theirs = s.key AND m.ended_at IS NULL
WHERE s.enterprise_id = %(enterprise)s AND s.run_id = %(run)s AND s.kind = 'person'
"""
_PAIRS = """
WITH o AS MATERIALIZED ({ours}), t AS MATERIALIZED ({theirs}),
m AS MATERIALIZED (
  SELECT employee_id::text AS of_o, theirs AS of_t, "union" FROM directory_match
  WHERE enterprise_id = %(enterprise)s AND connection_id = %(connection)s AND kind = 'person' AND ended_at IS NULL
),
paired AS MATERIALIZED (
  SELECT m.of_{s} AS key FROM m JOIN {g} ON {g}.key = m.of_{g}
),
free AS MATERIALIZED (
  SELECT {s}.* FROM {s} LEFT JOIN paired ON paired.key = {s}.key WHERE paired.key IS NULL AND {s}.is_active
),
alike AS (
  SELECT free.key, 'account' AS by, {g}.key AS other FROM free JOIN {g} ON lower({g}.account) = lower(free.account)
    WHERE free.account <> ''
  UNION ALL
  SELECT free.key, 'mobile', {g}.key FROM free JOIN {g} ON {g}.plain = free.plain WHERE free.plain <> ''
  UNION ALL
  SELECT free.key, 'name', {g}.key FROM free JOIN {g} ON {g}.name = free.name
    LEFT JOIN m ON m.of_{g} = {g}.key WHERE m.of_{g} IS NULL
  UNION ALL
  SELECT free.key, 'union', m.of_{g} FROM free JOIN m ON m."union" = free."union" AND m."union" <> ''
    LEFT JOIN {s} x ON x.key = m.of_{s} WHERE x.key IS NULL
),
rivals AS (
  SELECT alike.key, jsonb_agg(jsonb_build_array(alike.by, to_jsonb({g}), m.of_{g} IS NOT NULL) ORDER BY alike.by, {g}.key) AS found
  FROM alike JOIN {g} ON {g}.key = alike.other LEFT JOIN m ON m.of_{g} = {g}.key GROUP BY alike.key
),
twins AS (
  SELECT plain, count(*) - 1 AS n FROM {s} WHERE is_active AND plain <> '' GROUP BY plain HAVING count(*) > 1
),
verdicts AS (
  SELECT key, jsonb_object_agg(topic, jsonb_build_array(what, value)) AS said FROM directory_decision
  WHERE enterprise_id = %(enterprise)s AND connection_id = %(connection)s AND kind = 'person' GROUP BY key
)
SELECT coalesce(m.of_{s}, {s}.key), to_jsonb({s})::text, to_jsonb({g})::text, m.of_{s} IS NOT NULL,
  rivals.found::text, coalesce(twins.n, 0), verdicts.said::text
FROM {s} FULL JOIN m ON m.of_{s} = {s}.key
LEFT JOIN {g} ON {g}.key = m.of_{g}
LEFT JOIN rivals ON rivals.key = {s}.key
LEFT JOIN twins ON twins.plain = {s}.plain
LEFT JOIN verdicts ON verdicts.key = {s}.key
WHERE ({s}.key IS NOT NULL OR m."union" = '' OR NOT EXISTS (
  SELECT 1 FROM free WHERE free."union" = m."union")){part}
ORDER BY 1
"""


def pairs_of(conn: Connection, run: Run, below: Part | None, platform: Rules) -> Iterator[Pair]:
    """Give every person of the source with the one of the target they are, and those of the target left alone.

    Inside one transaction; rows come in pieces from a cursor of the server.
    """
    source, target = ("o", "t") if run.direction == "push" else ("t", "o")
    values: dict[str, Any] = {"enterprise": conn.enterprise_id, "connection": conn.id, "run": run.id}
    part = ""
    if below is not None:
        values["people"] = list(below.people)
        part = " AND (t.key IS NOT NULL OR o.key::uuid = ANY(%(people)s))"
    elif run.part:
        values["part"] = [key for kind, key in run.part if kind == "person"]
        part = f" AND {'m.of_t' if source == 'o' else 'coalesce(m.of_t, t.key)'} = ANY(%(part)s)"
    ours = _OURS
    if run.direction == "push":
        ours += _NO_GUEST
    if run.direction == "push" and conn.department_id:
        ours += " AND (e.department_id = ANY(%(below)s) OR e.department_id IS NULL OR EXISTS (SELECT 1 FROM directory_match m WHERE m.enterprise_id = e.enterprise_id AND m.connection_id = %(connection)s AND m.employee_id = e.id AND m.ended_at IS NULL))"
        values["below"] = [uuid.UUID(key) for key in _below(_ours(conn)[0], str(conn.department_id))]
    theirs = _THEIRS.format(**_told(platform.untold))
    sql = _PAIRS.format(ours=ours, theirs=theirs, s=source, g=target, part=part)
    with database.chunked_cursor() as cursor:
        # Nothing is known of how many rows the parts give, and a loop inside a loop over 20,000 people never ends.
        execute("SET LOCAL enable_nestloop = off", [])
        cursor.execute(sql, values)
        execute("SET LOCAL enable_nestloop = on", [])
        while rows := cursor.fetchmany(PIECE):
            for row in rows:
                yield _pair(*row)


def _told(untold: frozenset[str]) -> dict[str, str]:
    """Return SQL for the fields of a platform's person: read, or else what was last told."""
    found = {
        name: f"coalesce(m.told->>'{name}', s.{name})" if name in untold else f"s.{name}"
        for name in ("name", "mobile", "position")
    }
    found["is_active"] = (
        "coalesce((m.told->>'is_active')::boolean, s.is_active)" if "is_active" in untold else "s.is_active"
    )
    return found


class _Row(msgspec.Struct):
    key: str
    name: str
    account: str
    mobile: str
    position: str
    departments: list[str]
    has_main: bool
    is_active: bool
    is_admin: bool
    union: str

    def person(self) -> Person:
        return Person(
            self.key, self.name, self.account, self.mobile, tuple(self.departments), self.has_main, self.position,
            self.is_active, self.is_admin, self.union,
        )  # fmt: skip


_row = msgspec.json.Decoder(_Row)
_rivals = msgspec.json.Decoder(list[tuple[str, _Row, bool]])
_verdicts = msgspec.json.Decoder(dict[str, tuple[str, str]])


def _pair(
    key: str, source: str | None, target: str | None, is_matched: bool, rivals: str | None, twins: int,
    verdicts: str | None,
) -> Pair:  # fmt: skip
    return Pair(
        key,
        None if source is None else _row.decode(source).person(),
        None if target is None else _row.decode(target).person(),
        is_matched,
        () if rivals is None else tuple(Rival(by, row.person(), m) for by, row, m in _rivals.decode(rivals)),
        twins,
        {} if verdicts is None else {t: Verdict(*said) for t, said in _verdicts.decode(verdicts).items()},
    )
