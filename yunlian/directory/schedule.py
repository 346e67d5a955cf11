"""The nightly run: whatever callbacks have missed, it finds."""

import datetime as dt
import logging
from zoneinfo import ZoneInfo

from yunlian.kernel.chores import chore
from yunlian.kernel.document import Refused
from yunlian.kernel.scope import tenant
from yunlian.org.context import context_of_communication_user
from yunlian.org.models import Enterprise

from . import runs
from .models import Connection, Run, Territory

log = logging.getLogger("yunlian.directory")
APART = dt.timedelta(hours=20)


@chore("directory.nightly", every_s=60)
def visit(now: dt.datetime) -> None:
    """Begin the nightly run of every connection whose hour it is: it heals, so somebody has applied a first plan before."""
    zones = dict(Enterprise.objects.values_list("id", "time_zone"))
    for territory in Territory.objects.filter(is_live=True):
        hour = now.astimezone(ZoneInfo(zones[territory.enterprise_id])).hour
        with tenant(territory.enterprise_id):
            conn = Connection.objects.filter(
                id=territory.connection_id, state="on", nightly_at=hour, synced_at__isnull=False
            ).first()
            if conn is not None:
                _begin(conn, now)


def _begin(conn: Connection, now: dt.datetime) -> None:
    mine = Run.objects.filter(connection_id=conn.id, trigger="schedule", at__gt=now - APART)
    if mine.exists():
        return
    ctx = context_of_communication_user(conn.enterprise_id, now)
    try:
        runs.begin(ctx, conn, trigger="schedule", is_automatic=True)
    except Refused as refused:  # somebody's own run is at work; we come back in a minute
        log.info("nightly run of %s waits: %s", conn, refused)
