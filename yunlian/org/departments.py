"""The tree of departments stays a tree."""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .models import Department


def read_ancestors(department: Department, lines: list[Any], ctx: Context) -> set[uuid.UUID]:
    """Return the ids of the parent and all above it.

    The enterprise's row is locked first: two departments moved under one another at once would close a ring.
    """
    if department.parent_id is None:
        return set()
    run("SELECT 1 FROM org_enterprise WHERE id = %s FOR NO KEY UPDATE", [ctx.enterprise_id])
    rows = run(
        "WITH RECURSIVE above AS (SELECT id, parent_id FROM org_department WHERE enterprise_id = %s AND id = %s "
        "UNION SELECT d.id, d.parent_id FROM org_department d JOIN above a ON d.id = a.parent_id "
        "WHERE d.enterprise_id = %s) SELECT id FROM above",
        [ctx.enterprise_id, department.parent_id, ctx.enterprise_id],
    )
    return {row[0] for row in rows}


def check(department: Department, lines: list[Any], ctx: Context, above: set[uuid.UUID]) -> Iterable[Problem]:
    """A department belongs to no department below it, nor to itself."""
    if department.id in above:
        yield Problem("parent", _("A department cannot belong to itself."), code="cycle")
