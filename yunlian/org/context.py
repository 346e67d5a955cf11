"""Who acts: a member's roles, departments and business date, read in one statement each time somebody acts.

Nothing of it outlives the transaction, so a right that was taken away is gone with the next request. Only the folding of
one and the same answer of the database is remembered.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from yunlian.kernel.document import Missing
from yunlian.kernel.scope import Context, Grants
from yunlian.kernel.sql import run

# The row of RoleVerb that grants everything: verb `*` on code `*`.
EVERYTHING = "*.*"
SCOPES = ("own", "department", "tree", "all")

# One JSON object per role: what RoleVerb, RoleScope and RoleGuard say.
_ROLES = """
SELECT coalesce(json_agg(json_build_object(
  'verbs', ARRAY(SELECT v.code || '.' || v.verb FROM org_roleverb v
                 WHERE v.enterprise_id = r.enterprise_id AND v.role_id = r.id ORDER BY 1),
  'scopes', ARRAY(SELECT ARRAY[s.code, s.scope] FROM org_rolescope s
                  WHERE s.enterprise_id = r.enterprise_id AND s.role_id = r.id ORDER BY 1),
  'guards', ARRAY(SELECT ARRAY[g.guard, g.can_write::text] FROM org_roleguard g
                  WHERE g.enterprise_id = r.enterprise_id AND g.role_id = r.id ORDER BY 1)
) ORDER BY r.id), '[]')::text
FROM org_role r
"""

_ACTS = """
WITH RECURSIVE me AS (
  SELECT e.enterprise_id, e.id, e.name, e.department_id FROM org_employee e
  WHERE e.enterprise_id = %s AND e.id = {who} AND e.is_active AND e.job = 'employed'
), tree AS (
  SELECT me.department_id AS id FROM me WHERE me.department_id IS NOT NULL
  UNION
  SELECT d.id FROM tree JOIN org_department d ON d.enterprise_id = %s AND d.parent_id = tree.id
)
SELECT me.name, me.department_id, ARRAY(SELECT id FROM tree ORDER BY id),
  (coalesce(%s::timestamptz, clock_timestamp()) AT TIME ZONE n.time_zone)::date,
  ({roles} JOIN org_employeerole h ON h.enterprise_id = r.enterprise_id AND h.role_id = r.id
    WHERE r.enterprise_id = me.enterprise_id AND h.employee_id = me.id AND r.is_active), me.id, {more}
FROM me JOIN org_enterprise n ON n.id = me.enterprise_id
"""
_MEMBER = _ACTS.format(
    who="%s",
    roles=_ROLES,
    more=(
        "EXISTS (SELECT 1 FROM org_employeerole h JOIN org_role r ON r.enterprise_id = h.enterprise_id "
        "AND r.id = h.role_id WHERE h.enterprise_id = me.enterprise_id AND h.employee_id = me.id "
        "AND r.is_active AND r.needs_second_factor)"
    ),
)
_COMMUNICATION = _ACTS.format(
    who="(SELECT c.communication_id FROM org_enterprise c WHERE c.id = %s)",
    roles=_ROLES,
    more=(
        "EXISTS (SELECT 1 FROM org_employeerole h JOIN org_role r ON r.enterprise_id = h.enterprise_id "
        "AND r.id = h.role_id WHERE h.enterprise_id = me.enterprise_id AND h.employee_id = me.id "
        "AND r.code = %s AND r.is_active), coalesce(%s::timestamptz, clock_timestamp())"
    ),
)


@dataclass(frozen=True)
class Member:
    """Somebody who works in an enterprise: how they act, and whether a role of theirs asks for a second factor."""

    ctx: Context
    needs_second_factor: bool


def member_for(
    enterprise_id: int,
    employee_id: uuid.UUID,
    now: dt.datetime,
    *,
    user_id: int | None = None,
    is_chain: bool = False,
) -> Member | None:
    """Return a member, inside `tenant(enterprise_id)`; None when they no longer work there.

    One statement: grants united over the active roles, the department and all below it, the date where the
    enterprise is.
    """
    rows = run(_MEMBER, [enterprise_id, employee_id, enterprise_id, now])
    if not rows:
        return None
    ctx = _context(enterprise_id, rows[0], now, user_id=user_id, is_chain=is_chain)
    return Member(ctx, needs_second_factor=rows[0][-1])


def context_for(
    enterprise_id: int,
    employee_id: uuid.UUID,
    now: dt.datetime,
    *,
    user_id: int | None = None,
    is_chain: bool = False,
) -> Context | None:
    """Return the context of a member, inside `tenant(enterprise_id)`; None when they no longer work there."""
    member = member_for(enterprise_id, employee_id, now, user_id=user_id, is_chain=is_chain)
    return None if member is None else member.ctx


def _context(
    enterprise_id: int, row: tuple[Any, ...], now: dt.datetime, *, user_id: int | None, is_chain: bool
) -> Context:
    name, department_id, tree, today, roles, employee_id, _more = row
    return Context(
        enterprise_id=enterprise_id, member_id=employee_id, member_name=name, department_id=department_id,
        tree=tuple(tree), grants=united(roles), now=now, today=today, user_id=user_id, is_chain=is_chain,
    )  # fmt: skip


def context_of_communication_user(enterprise_id: int, now: dt.datetime) -> Context:
    """Return the context in which jobs of nobody act, inside `tenant(enterprise_id)`. Raises Missing."""
    rows = run("SELECT communication_id FROM org_enterprise WHERE id = %s", [enterprise_id])
    ctx = context_for(enterprise_id, rows[0][0], now, is_chain=True) if rows and rows[0][0] else None
    if ctx is None:
        raise Missing("communication user")
    return ctx


def communication_user(enterprise_id: int, now: dt.datetime | None, role: str) -> tuple[Context, bool] | None:
    """Return the context in which the chain acts, inside `tenant(enterprise_id)`, and whether it holds a role.

    None when there is no communication user or it no longer works there. One statement, and the database's clock unless
    a moment is given.
    """
    return communication_read(enterprise_id, run(*communication_statement(enterprise_id, now, role)))


def communication_statement(enterprise_id: int, now: dt.datetime | None, role: str) -> tuple[str, list[Any]]:
    """Return the statement of `communication_user`, to be run with others."""
    return _COMMUNICATION, [enterprise_id, enterprise_id, enterprise_id, now, role, now]


def communication_read(enterprise_id: int, rows: list[tuple[Any, ...]]) -> tuple[Context, bool] | None:
    """Return what the statement of `communication_user` found."""
    if not rows:
        return None
    *columns, is_held, now = rows[0]
    return _context(enterprise_id, (*columns, is_held), now, user_id=None, is_chain=True), bool(is_held)


def grants_of_employees(enterprise_id: int, employees: Iterable[uuid.UUID]) -> Grants:
    """Return what the active roles of employees grant together, whether or not they work at present."""
    sql = (
        f"{_ROLES} JOIN org_employeerole h ON h.enterprise_id = r.enterprise_id AND h.role_id = r.id "
        "WHERE r.enterprise_id = %s AND h.employee_id = ANY(%s) AND r.is_active"
    )
    return united(run(sql, [enterprise_id, list(employees)])[0][0])


def grants_of_roles(enterprise_id: int, roles: Iterable[uuid.UUID]) -> Grants:
    """Return what these roles grant together, active or not."""
    sql = f"{_ROLES} WHERE r.enterprise_id = %s AND r.id = ANY(%s)"
    return united(run(sql, [enterprise_id, list(roles)])[0][0])


@lru_cache(maxsize=2048)
def united(roles: str) -> Grants:
    """Unite what several roles grant, given as the JSON text of `_ROLES`.

    A row scope widens only the codes its own role may touch: finance, who sees every receipt, does not make a guide
    see every contract.
    """
    found = [_Role(role) for role in msgspec.json.decode(roles)]
    scopes: dict[str, str] = {}
    for code in {code for role in found for code in role.codes}:
        for role in found:
            if code in role.codes or role.is_everything:
                scopes[code] = wider(scopes.get(code), role.scopes.get(code) or role.scopes.get("*"))
    return Grants(
        verbs=frozenset(verb for role in found for verb in role.verbs),
        scopes=scopes,
        read_guards=frozenset(guard for role in found for guard in role.guards),
        write_guards=frozenset(
            guard for role in found for guard, write in role.guards.items() if write == "true"
        ),
    )


class _Role:
    """What one role grants; `codes` are those it may touch, or, when it may everything, those whose rows it names."""

    def __init__(self, role: Mapping[str, Any]) -> None:
        self.is_everything = EVERYTHING in role["verbs"]
        self.verbs = {"*"} if self.is_everything else set(role["verbs"])
        self.scopes: dict[str, str] = dict(role["scopes"])
        self.guards: dict[str, str] = dict(role["guards"])
        self.codes = {verb.rpartition(".")[0] for verb in self.verbs}
        if self.is_everything:
            self.codes = {"*", *self.scopes}


def wider(one: str | None, other: str | None) -> str:
    """Return the wider of two row scopes."""
    return max(one or "own", other or "own", key=SCOPES.index)


def covers(mine: Grants, theirs: Grants) -> bool:
    """Whether somebody with these grants may give those: nobody gives more than they have."""
    if "*" not in mine.verbs and not theirs.verbs <= mine.verbs:
        return False
    guards = ((mine.read_guards, theirs.read_guards), (mine.write_guards, theirs.write_guards))
    if any("*" not in have and not given <= have for have, given in guards):
        return False
    return all(
        wider(_scope(mine, code), scope) == _scope(mine, code) for code, scope in theirs.scopes.items()
    )


def _scope(grants: Grants, code: str) -> str:
    return grants.scopes.get(code) or grants.scopes.get("*") or "own"
