"""People who left: they lose access at once and keep their history; what they own waits to be handed over."""

import uuid
from collections.abc import Sequence

from yunlian.kernel import events, ownership
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context

from .models import Handover


def follow(ctx: Context, loaded: Loaded) -> None:
    """After an employee was saved: whoever left, by a sync or by hand, has a hand-over, until they own nothing any more."""
    employee = loaded.header
    if employee.kind != "person" or employee.job != "left":
        return
    known = Handover.objects.filter(employee_id=employee.id)
    if known.filter(state="open").exists() or (known.exists() and not ownership.owned(ctx, employee.id)):
        return
    Handover.objects.create(id=new_id(), employee_id=employee.id, left_at=ctx.now)


events.on("org.employee", "saved", follow)


def opened_by(ctx: Context, employees: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the hand-overs that this act has opened, by employee."""
    mine = Handover.objects.filter(employee_id__in=employees, state="open", left_at=ctx.now)
    return dict(mine.values_list("employee_id", "id"))
