"""Why a run is held although it could be made. Pure: counts and names in, reasons out.

An administrator may release a held run with a reason, except where it would lock the enterprise out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yunlian.kernel.text import Label, _

from .side import Range

# What a guard says, by its code; the values are its parameters.
WORDS: Mapping[str, Label] = {
    "too_many_vanish": _("%(gone)s of %(of)s people would be disabled; at most %(most)s at a time."),
    "range_shrank": _("The platform no longer shows us: %(names)s."),
    "answered_in_part": _("The platform answered only in part: %(what)s."),
    "administrator": _("An administrator would lose access: %(names)s."),
    "removed_there": _("They were removed on the platform by hand, and would be made there anew: %(names)s."),
    "lock_out": _("Nobody would be left who may do everything. Make another administrator first."),
}
# Not even with a reason.
FINAL = frozenset(("lock_out",))


@dataclass(frozen=True)
class Stock:
    """What is judged: people matched and at work before the run, those it would disable, and those gone lately.

    `lately` counts people whom runs that nobody looked at have disabled within a day: many small steps are one large one.
    `returning` are the names of people whom somebody removed on the platform and an automatic run would make anew.
    `admins` are the names of administrators among those who would go; `admins_left` how many would remain.
    """

    people: int
    gone: int
    lately: int = 0
    returning: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    admins_left: int = 1


def most_that_may_vanish(people: int, share: Decimal, least: int) -> int:
    """Return how many may go at a time: a share of all, and never fewer than `least`."""
    return max(least, int(people * share))


def guards(
    stock: Stock, share: Decimal, least: int, before: Mapping[str, Any], now: Range, people_read: int
) -> list[dict[str, Any]]:
    """Return every reason to hold a run, as {code, params}; `before` is what was seen when a run was last applied."""
    return list(_found(stock, share, least, before, now, people_read))


def _found(
    stock: Stock, share: Decimal, least: int, before: Mapping[str, Any], now: Range, people_read: int
) -> Iterable[dict[str, Any]]:
    most = most_that_may_vanish(stock.people, share, least)
    if stock.gone + stock.lately > most and stock.gone:
        yield _guard("too_many_vanish", gone=stock.gone + stock.lately, of=stock.people, most=most)
    lost = sorted({*before.get("tops", ()), *before.get("singles", ())} - {*now.tops, *now.singles})
    if lost and "1" not in now.tops:
        names = before.get("names", {})
        yield _guard(
            "range_shrank", names="、".join(names.get(key, key) for key in lost[:10]), count=len(lost)
        )
    if now.gaps:
        yield _guard("answered_in_part", what="; ".join(now.gaps[:5]))
    elif now.people is not None and now.people > people_read:
        yield _guard("answered_in_part", what=f"{people_read} / {now.people}")
    if stock.returning:
        yield _guard("removed_there", names="、".join(stock.returning[:10]))
    if stock.admins and stock.admins_left < 1:
        yield _guard("lock_out")
    elif stock.admins:
        yield _guard("administrator", names="、".join(stock.admins[:10]))


def _guard(code: str, **params: Any) -> dict[str, Any]:
    return {"code": code, "params": params}


def worded(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return guards with their sentence in the active language, and whether they can be released."""
    return [
        {
            "code": each["code"],
            "message": str(WORDS[each["code"]]) % each["params"],
            "can_release": each["code"] not in FINAL,
        }
        for each in found
    ]
