"""The record of what happened to the ways into an account: for its owner to see, and for whoever asks later."""

from typing import Any

from yunlian.kernel import retention
from yunlian.kernel.fields import moment_text

from .attempts import Asked, printable
from .models import AccountEvent, User

SHOWN = 50


def note(user_id: int, act: str, asked: Asked, *, detail: str = "", by: int | None = None) -> None:
    """Record an act on an account, in the transaction of the act; `by` is the user who did it, when another."""
    AccountEvent.objects.create(
        at=asked.now, user_id=user_id, act=act, detail=detail[:200], by_user_id=by, address=asked.address[:60],
        device=printable(asked.device)[:300],
    )  # fmt: skip


def latest(user_id: int) -> list[dict[str, Any]]:
    """The last fifty events of an account, newest first; `by` names another user who did it."""
    rows = AccountEvent.objects.filter(user_id=user_id).order_by("-at", "-id")[:SHOWN]
    names = dict(
        User.objects.filter(id__in=[row.by_user_id for row in rows if row.by_user_id]).values_list(
            "id", "name"
        )
    )
    return [
        {
            "at": moment_text(row.at),
            "act": row.act,
            "detail": row.detail,
            "by": names.get(row.by_user_id) if row.by_user_id else None,
            "address": row.address,
            "device": row.device,
        }
        for row in rows
    ]


retention.keep(retention.Kept("org_accountevent", days=3 * 365, by="at"))
