"""Slowed guessing, the same for every way in: a try is counted before it is judged, and taken back when it succeeds.

Failures are counted per name that is tried and per address; after the free ones the wait doubles. Every try that was
judged leaves a row with way, name, address, device and outcome.
"""

import datetime as dt
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import transaction

from yunlian.kernel import retention
from yunlian.kernel.api import TooMany
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .models import Attempt, Throttle

log = logging.getLogger("yunlian.org")

# Failures before guessing is slowed; after them the wait doubles with each, up to DELAY_MAX_S.
FREE_BY_NAME, FREE_BY_ADDRESS = 5, 20
DELAY_MAX_S = 900
FORGET = dt.timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """When and from where somebody knocks; `replaced` is the session token they came with, which ends."""

    now: dt.datetime
    address: str = ""
    device: str = ""
    replaced: str | None = None


@dataclass
class Attempting:
    """A try while it is judged: the way and name it is recorded under, and whose it turned out to be.

    `is_step`: going well is only a step on the way, and not recorded.
    """

    way: str
    name: str
    user_id: int | None = None
    is_step: bool = False


@contextmanager
def attempt(way: str, name: str, asked: Asked, *, key: str = "") -> Iterator[Attempting]:
    """Count a try before it is judged, and take it back when it succeeds; raises TooMany instead of judging it.

    `key` is what guesses are counted under besides the address; without one the address alone is. Tries that are free
    set the next moment to the past: two devices that sign in at once, whose clocks were read in either order, do not
    slow each other.
    """
    now, trying = asked.now, Attempting(way, name)
    keys = [(key, FREE_BY_NAME)] if key else []
    keys += [(f"address:{asked.address}", FREE_BY_ADDRESS)] if asked.address else []
    with transaction.atomic():
        for each, free in sorted(keys):
            _count(each, free, now)
    succeeded = False
    try:
        yield trying
        succeeded = True
    finally:
        if succeeded:
            Throttle.objects.filter(key=key).delete()
            run(
                "UPDATE org_throttle SET failures = greatest(failures - 1, 0), next_at = %s WHERE key = %s",
                [now - FORGET, f"address:{asked.address}"],
            )
        if not (succeeded and trying.is_step):
            _record(trying, asked, succeeded=succeeded)


def _record(trying: Attempting, asked: Asked, *, succeeded: bool) -> None:
    Attempt.objects.create(
        at=asked.now, login=trying.name[:100], address=asked.address[:60], device=printable(asked.device)[:300],
        way=trying.way, user_id=trying.user_id, succeeded=succeeded,
    )  # fmt: skip
    outcome = "done" if succeeded else "refused"
    log.info("%s of %r from %s: %s", trying.way, trying.name, asked.address, outcome)


def _count(key: str, free: int, now: dt.datetime) -> None:
    failures = "CASE WHEN t.at < %(forget)s THEN 1 ELSE t.failures + 1 END"
    counted = run(
        "INSERT INTO org_throttle AS t (key, failures, at, next_at) VALUES (%(key)s, 1, %(now)s, %(forget)s) "
        f"ON CONFLICT (key) DO UPDATE SET failures = {failures}, at = %(now)s, next_at = "
        f"CASE WHEN {failures} <= %(free)s THEN %(forget)s ELSE %(now)s + "
        f"make_interval(secs => least(power(2, least({failures} - %(free)s, 20)), %(most)s)) END "
        "WHERE t.next_at <= %(now)s RETURNING 1",
        {"key": key, "free": free, "now": now, "forget": now - FORGET, "most": DELAY_MAX_S},  # type: ignore[arg-type]
    )
    if not counted:
        raise _wait_for(key, now)


def ration(key: str, per_day: int, gap: dt.timedelta, now: dt.datetime) -> None:
    """Take one of what may be had `per_day` times a day and once in `gap`; raises TooMany when it may not be now."""
    is_new_day = "t.at < %(day)s"
    taken = run(
        "INSERT INTO org_throttle AS t (key, failures, at, next_at) VALUES (%(key)s, 1, %(now)s, %(next)s) "
        f"ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN {is_new_day} THEN 1 ELSE t.failures + 1 END, "
        f"at = CASE WHEN {is_new_day} THEN %(now)s ELSE t.at END, next_at = %(next)s "
        f"WHERE t.next_at <= %(now)s AND ({is_new_day} OR t.failures < %(most)s) RETURNING 1",
        {"key": key, "now": now, "day": now - FORGET, "next": now + gap, "most": per_day},  # type: ignore[arg-type]
    )
    if not taken:
        raise _wait_for(key, now, per_day)


def _wait_for(key: str, now: dt.datetime, per_day: int | None = None) -> TooMany:
    kept = Throttle.objects.get(key=key)
    until = kept.next_at
    if per_day is not None and kept.failures >= per_day:
        until = max(until, kept.at + FORGET)
    seconds = max(1, math.ceil((until - now).total_seconds()))
    return TooMany(_("Too many tries: wait %(n)s seconds.") % {"n": seconds}, seconds)


def printable(text: str) -> str:
    """Return text without anything that could begin a line of its own in a log or a list."""
    return "".join(c if c.isprintable() else " " for c in text)


# A ration of two days ago is forgotten as well: `at` is when its day began.
retention.keep(retention.Kept("org_throttle", days=FORGET.days, by="at"))
retention.keep(retention.Kept("org_attempt", days=30, by="at"))
