"""Make a run's plan out of what it has read: write its changes, count them, and judge whether it is held."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run as execute
from yunlian.kernel.sql import table

from . import guards, pairing, planning, reading
from .models import Change, Connection, Run
from .parts import Part
from .side import Range, Rules

PIECE = 1_000


def make_plan(ctx: Context, conn: Connection, run: Run, part: Part | None, rules: Rules, seen: Range) -> None:
    """Write the plan of a run that has read the platform, and set its state: planned or held. Inside one transaction."""
    tree = pairing.tree_of(conn, run, part)
    policy = pairing.policy_of(conn, run, rules)
    found = planning.plan(tree, pairing.pairs_of(conn, run, part, rules), policy)
    if part is not None:
        found = _below(run, part, tree, found)
    elif run.part:
        found = _of_part(run, tree, found)
    tally: Counter[str] = Counter()
    gone_admins: list[str] = []
    returning: list[str] = []
    for no, piece in enumerate(_pieces(_counted(found, tally, gone_admins, returning))):
        _write(run, piece, no * PIECE)
    read = _count_read(run)
    run.tally = {"acts": dict(tally), "read": read}
    run.seen = _remembered(seen, tree)
    stock = guards.Stock(
        people=_matched(conn, part), gone=tally["person.disable"], lately=_gone_lately(conn, run, ctx),
        returning=tuple(returning) if run.is_automatic else (), admins=tuple(gone_admins), admins_left=_admins(conn) - len(gone_admins),
    )  # fmt: skip
    before = _seen_before(conn, run, part)
    run.guards = guards.guards(stock, conn.vanish_share, conn.vanish_min, before, seen, read["person"])
    run.state = "held" if run.guards else "planned"
    run.save(update_fields=["tally", "seen", "guards", "state"])
    reading.forget(run)


def _of_part(run: Run, tree: planning.Tree, found: Iterable[planning.Change]) -> Iterator[planning.Change]:
    """Keep what concerns the keys a run looked at; other departments were read only to know where they stand.

    One that a person stands in and that we do not have yet is made with them.
    """
    wanted = {key for kind, key in run.part if kind == "department"}
    for change in found:
        if change.kind == "person":
            yield change
        elif run.direction == "push":
            if tree.matched.get(change.source) in wanted:
                yield change
        elif change.source in wanted or change.act in ("add", "none"):
            yield change


def _below(
    run: Run, part: Part, tree: planning.Tree, found: Iterable[planning.Change]
) -> Iterator[planning.Change]:
    """Keep what concerns one department of ours; of those above it, what must be made for it to have a place."""
    for change in found:
        if change.kind != "department":
            yield change
            continue
        mine, other = (
            (change.source, change.target) if run.direction == "push" else (change.target, change.source)
        )
        is_inside = mine in part.departments if mine else _lies_in(tree, other, part.top)
        if is_inside or (change.act in ("add", "none") and (mine in part.above or not mine)):
            yield change


def _lies_in(tree: planning.Tree, key: str, top: str) -> bool:
    """Whether a department of the source lies below another."""
    passed: set[str] = set()
    while key in tree.source and key not in passed:
        if key == top:
            return True
        passed.add(key)
        key = tree.source[key].parent
    return False


def _seen_before(conn: Connection, run: Run, part: Part | None) -> Mapping[str, Any]:
    """Return what the platform must still show: of one department, that department."""
    if part is None:
        return {} if run.part else conn.seen
    return {"tops": [part.top], "names": {part.top: part.name}} if part.top else {}


def _counted(
    found: Iterable[planning.Change], tally: Counter[str], admins: list[str], returning: list[str]
) -> Iterator[planning.Change]:
    for change in found:
        tally[f"{change.kind}.{change.act}"] += 1
        if change.act == "disable" and change.params.get("is_admin"):
            admins.append(change.name)
        if change.kind == "person" and change.reason == "gone_there":
            returning.append(change.name)
        yield change


def _pieces(found: Iterable[planning.Change]) -> Iterator[list[planning.Change]]:
    piece: list[planning.Change] = []
    for change in found:
        piece.append(change)
        if len(piece) == PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _write(run: Run, piece: list[planning.Change], first: int) -> None:
    rows = [
        Change(
            enterprise_id=run.enterprise_id, id=new_id(), run_id=run.id, no=no, kind=c.kind, act=c.act,
            source=c.source, target=c.target, name=c.name[:200], place=c.place[:200], reason=c.reason,
            params=dict(c.params), fields=dict(c.fields), wanted=dict(c.wanted), was=dict(c.was),
        )
        for no, c in enumerate(piece, first)
    ]  # fmt: skip
    shape = table(Change)
    names = ", ".join(f'"{column.name}"' for column in shape.written)
    execute(
        f"INSERT INTO directory_change ({names}) SELECT {names} "
        "FROM json_populate_recordset(NULL::directory_change, %s::json)",
        [shape.rows(rows)],
    )


def _count_read(run: Run) -> dict[str, int]:
    rows = execute(
        "SELECT kind, count(*) FROM directory_seen WHERE enterprise_id = %s AND run_id = %s GROUP BY kind",
        [run.enterprise_id, run.id],
    )
    return {"person": 0, "department": 0} | dict(rows)


def _remembered(seen: Range, tree: planning.Tree) -> dict[str, Any]:
    theirs = {**tree.source, **tree.target}
    names = {key: theirs[key].name for key in seen.tops if key in theirs}
    return {"tops": list(seen.tops), "singles": list(seen.singles), "people": seen.people, "names": names}


def _matched(conn: Connection, part: Part | None) -> int:
    """How many people are matched and at work, of a department or of all: a share of them may go."""
    only, ids = ("", []) if part is None else ("AND m.employee_id = ANY(%s) ", [list(part.people)])
    # Employees are looked up one by one: joined, a planner that knows nothing yet of new tables compares all with all.
    ((count,),) = execute(
        "SELECT count(*) FROM directory_match m WHERE m.enterprise_id = %s AND m.connection_id = %s AND m.ended_at IS NULL "
        f"AND m.employee_id IS NOT NULL {only}AND (m.told->>'is_active' = 'true' OR EXISTS (SELECT FROM org_employee e "
        "WHERE e.enterprise_id = m.enterprise_id AND e.id = m.employee_id AND e.is_active AND e.job = 'employed'))",
        [conn.enterprise_id, conn.id, *ids],
    )
    return int(count)


def _gone_lately(conn: Connection, run: Run, ctx: Context) -> int:
    """How many people automatic runs have disabled within a day."""
    if not run.is_automatic:
        return 0
    ((count,),) = execute(
        "SELECT count(*) FROM directory_change c JOIN directory_run r ON r.enterprise_id = c.enterprise_id "
        "AND r.id = c.run_id WHERE c.enterprise_id = %s AND r.connection_id = %s AND r.is_automatic "
        "AND c.kind = 'person' AND c.act = 'disable' AND c.state = 'applied' AND c.done_at > %s - interval '1 day'",
        [conn.enterprise_id, conn.id, ctx.now],
    )
    return int(count)


def _admins(conn: Connection) -> int:
    """How many people may enter and do everything."""
    ((count,),) = execute(
        "SELECT count(DISTINCT e.id) FROM org_membership m "
        "JOIN org_user u ON u.id = m.user_id AND u.is_active "
        "JOIN org_employee e ON e.enterprise_id = m.enterprise_id AND e.id = m.employee_id AND e.is_active "
        "AND e.job = 'employed' "
        "JOIN org_employeerole h ON h.enterprise_id = e.enterprise_id AND h.employee_id = e.id "
        "JOIN org_role r ON r.enterprise_id = h.enterprise_id AND r.id = h.role_id AND r.is_active "
        "JOIN org_roleverb v ON v.enterprise_id = r.enterprise_id AND v.role_id = r.id AND v.code = '*' AND v.verb = '*' "
        "WHERE m.enterprise_id = %s AND m.is_active",
        [conn.enterprise_id],
    )
    return int(count)
