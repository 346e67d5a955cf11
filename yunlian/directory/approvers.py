"""Who may approve a document, by verb and row scope, and where on their phone they can be told."""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from yunlian.kernel import permission
from yunlian.kernel.document import Document, Missing
from yunlian.kernel.load import load
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.org import second_factor
from yunlian.org.context import member_for

from .models import Connection

MOST = 500  # people asked about one document

# Who holds a role that may approve; with what their login may do, and who they are on each platform that is on.
_CANDIDATES = """
SELECT DISTINCT e.id, c.id, coalesce(x.theirs, i.subject), u.id, u.locale
FROM org_employee e
JOIN org_employeerole h ON h.enterprise_id = e.enterprise_id AND h.employee_id = e.id
JOIN org_role r ON r.enterprise_id = h.enterprise_id AND r.id = h.role_id AND r.is_active
JOIN org_roleverb v ON v.enterprise_id = r.enterprise_id AND v.role_id = r.id
  AND ((v.code = '*' AND v.verb = '*') OR (v.code = %s AND v.verb = 'approve'))
JOIN directory_connection c ON c.enterprise_id = e.enterprise_id AND c.id = ANY(%s)
LEFT JOIN org_membership m ON m.enterprise_id = e.enterprise_id AND m.employee_id = e.id
LEFT JOIN org_user u ON u.id = m.user_id
LEFT JOIN directory_match x ON x.enterprise_id = c.enterprise_id AND x.connection_id = c.id AND x.employee_id = e.id
  AND x.ended_at IS NULL
LEFT JOIN org_identity i ON i.user_id = u.id AND i.provider = c.platform AND i.corp = c.corp_id
WHERE e.enterprise_id = %s AND e.is_active AND e.job = 'employed' AND e.kind = 'person' AND e.id <> %s
  AND (m.id IS NULL OR (m.is_active AND u.is_active)) AND coalesce(x.theirs, i.subject) IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM kernel_preference p WHERE p.enterprise_id = e.enterprise_id AND p.member = e.id
    AND p.key = 'notices' AND p.value @> '{"muted": true}')
ORDER BY e.id LIMIT %s
"""


@dataclass(frozen=True)
class Approver:
    """Somebody who may approve a document, and is `theirs` on a connection.

    `needs_page`: a card's button alone is not enough of a proof for them; they owe a second factor.
    """

    employee_id: uuid.UUID
    connection_id: uuid.UUID
    theirs: str
    needs_page: bool


def find(
    ctx: Context, document: Document, record: uuid.UUID, but: uuid.UUID, connections: Sequence[uuid.UUID]
) -> Iterator[Approver]:
    """Yield who may approve it now, but for whoever submitted it; inside the tenant, `ctx` says when."""
    rows = run(_CANDIDATES, [document.code, list(connections), ctx.enterprise_id, but, MOST])
    known: dict[uuid.UUID, bool | None] = {}
    for employee_id, connection_id, theirs, user_id, _locale in rows:
        if employee_id not in known:
            known[employee_id] = _needs_page(ctx, document, record, employee_id, user_id)
        needs_page = known[employee_id]
        if needs_page is not None:
            yield Approver(employee_id, connection_id, theirs, needs_page)


def _needs_page(
    ctx: Context, document: Document, record: uuid.UUID, employee_id: uuid.UUID, user_id: int | None
) -> bool | None:
    """Return whether they must come to the page to approve; None for who may not approve this document."""
    member = member_for(ctx.enterprise_id, employee_id, ctx.now)
    if member is None or not may_approve(member.ctx, document, record):
        return None
    return member.needs_second_factor or (user_id is not None and second_factor.is_on(user_id))


def may_approve(ctx: Context, document: Document, record: Any) -> bool:
    """Whether a member may see and approve a document."""
    verbs = ("view", "approve")
    if not all(permission.may(ctx, document.code, verb) for verb in verbs):
        return False
    try:
        load(document, ctx, record)
    except Missing:
        return False
    return True


def language_of(connection: Connection, employee_id: uuid.UUID) -> str:
    """Return the language somebody reads, as Django names it."""
    rows = run(
        "SELECT u.locale FROM org_membership m JOIN org_user u ON u.id = m.user_id "
        "WHERE m.enterprise_id = %s AND m.employee_id = %s",
        [connection.enterprise_id, employee_id],
    )
    return str(rows[0][0]).lower() if rows else "zh-hans"
