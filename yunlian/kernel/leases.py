"""Leases: one process at a time does a chore of the installation. An optimisation: nothing breaks when two do."""

import datetime as dt
import uuid

from .sql import run


def take_lease(name: str, holder: uuid.UUID, now: dt.datetime, seconds: float) -> bool:
    """Take or renew a lease; returns whether we hold it."""
    sql = (
        "INSERT INTO kernel_lease (name, holder, until) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE "
        "SET holder = excluded.holder, until = excluded.until "
        "WHERE kernel_lease.holder = excluded.holder OR kernel_lease.until < %s RETURNING 1"
    )
    return bool(run(sql, [name, holder, now + dt.timedelta(seconds=seconds), now]))


def give_back(holder: uuid.UUID) -> None:
    """Give up every lease somebody holds, so that who comes next need not wait for them to run out."""
    run("DELETE FROM kernel_lease WHERE holder = %s", [holder])
