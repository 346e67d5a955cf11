"""People who left: they lose access at once and keep their history; what they own waits to be handed over."""

import uuid
from collections import defaultdict
from collections.abc import Sequence

from yunlian.kernel import events, ownership
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context

from .models import Handover


def follow(ctx: Context, found: Sequence[Loaded]) -> None:
    """After employees were saved: whoever left, by a sync or by hand, has a hand-over, until they own nothing any more."""
    left = [each.pk for each in found if each.header.kind == "person" and each.header.job == "left"]
    if not left:
        return
    states = defaultdict(set)
    for employee_id, state in Handover.objects.filter(employee_id__in=left).values_list(
        "employee_id", "state"
    ):
        states[employee_id].add(state)
    due = [id_ for id_ in left if id_ not in states]
    due += [id_ for id_, known in states.items() if "open" not in known and ownership.owned(ctx, id_)]
    Handover.objects.bulk_create(
        Handover(enterprise_id=ctx.enterprise_id, id=new_id(), employee_id=id_, left_at=ctx.now)
        for id_ in due
    )


events.on_all("org.employee", "saved", follow)


def opened_by(ctx: Context, employees: Sequence[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the hand-overs that this act has opened, by employee."""
    mine = Handover.objects.filter(employee_id__in=employees, state="open", left_at=ctx.now)
    return dict(mine.values_list("employee_id", "id"))
