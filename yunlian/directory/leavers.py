"""People who left: they lose access at once and keep their history; what they own waits to be handed over."""

import uuid
from collections.abc import Sequence
from typing import Any

from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing

from .models import Handover


def note(ctx: Context, employees: Sequence[Any]) -> dict[uuid.UUID, uuid.UUID]:
    """Open a hand-over for people who have just left; returns its id by employee."""
    if not employees:
        return {}
    open_ = set(
        Handover.objects.filter(employee_id__in=[e.id for e in employees], state="open").values_list(
            "employee_id", flat=True
        )
    )
    made = {e.id: new_id() for e in employees if e.id not in open_}
    writing = Writing(ctx.enterprise_id)
    writing.insert(
        [
            Handover(enterprise_id=ctx.enterprise_id, id=id_, employee_id=employee, left_at=ctx.now)
            for employee, id_ in made.items()
        ]
    )
    writing.run()
    return made
