"""The relay: hands what the outbox holds to its consumers, after the commit, at least once.

An enterprise is visited at once when an act there was one that somebody waits for (`Due`); for what was not delivered
then, all are visited in turn, one that had nothing less often, up to every half minute. Consumers run outside any
transaction, so they may call other programs. One that raises is asked again later and holds up nobody else.
"""

import datetime as dt
import logging
import threading
import uuid

from django.apps import apps
from django.conf import settings

from .events import consumers
from .leases import take_lease
from .models import Outbox
from .scope import tenant
from .sql import run

log = logging.getLogger("yunlian.relay")
BATCH = 500
LEASE_S = 30.0
WAIT_S = (1.0, 32.0)  # between two visits of an enterprise: while it is busy, and at most
RETRY_S = (5.0, 3600.0)  # after a consumer failed: at first, and at most


def enterprise_ids() -> list[int]:
    """Return every enterprise of the installation, in order."""
    model = apps.get_model(settings.ENTERPRISE_MODEL)
    return list(model._default_manager.order_by("pk").values_list("pk", flat=True))


class Relay:
    """What one relaying process remembers between visits; losing it only means asking sooner."""

    def __init__(self, holder: uuid.UUID, stop: threading.Event) -> None:
        self.holder, self.stop = holder, stop
        self._renew_at: dt.datetime | None = None
        self._visits: dict[int, tuple[dt.datetime, float]] = {}
        self._failed: dict[uuid.UUID, tuple[dt.datetime, float]] = {}

    def visit(self, now: dt.datetime) -> bool:
        """Deliver a batch for each enterprise whose turn it is; returns whether any may have more."""
        if self._renew_at is None or now >= self._renew_at:
            if not take_lease("relay", self.holder, now, LEASE_S):
                self._renew_at = None
                return False
            self._renew_at = now + dt.timedelta(seconds=LEASE_S / 2)
        has_more = False
        called = {enterprise for (enterprise,) in run("DELETE FROM kernel_due RETURNING enterprise_id", [])}
        for enterprise in enterprise_ids():
            due, wait = self._visits.get(enterprise, (now, WAIT_S[0]))
            if (due > now and enterprise not in called) or self.stop.is_set():
                continue
            count = self.deliver(enterprise, now)
            wait = WAIT_S[0] if count else min(wait * 2, WAIT_S[1])
            self._visits[enterprise] = (now + dt.timedelta(seconds=0 if count == BATCH else wait), wait)
            has_more = has_more or count == BATCH
        return has_more

    def deliver(self, enterprise: int, now: dt.datetime) -> int:
        """Hand over one batch of an enterprise, oldest first; returns how many rows were looked at."""
        later = [id_ for id_, (due, _wait) in self._failed.items() if due > now]
        with tenant(enterprise):
            waiting = Outbox.objects.filter(delivered_at=None).exclude(id__in=later).order_by("id")
            rows = list(waiting[:BATCH])
        delivered = [row.id for row in rows if self._hand_over(enterprise, row, now)]
        if delivered:
            with tenant(enterprise):
                sql = "UPDATE kernel_outbox SET delivered_at = %s WHERE enterprise_id = %s AND id = ANY(%s)"
                run(sql, [now, enterprise, delivered])
        return len(rows)

    def _hand_over(self, enterprise: int, row: Outbox, now: dt.datetime) -> bool:
        try:
            for consumer in consumers(row.code, row.event):
                consumer(enterprise, row)
        except Exception:
            _due, wait = self._failed.get(row.id, (now, RETRY_S[0] / 2))
            wait = min(wait * 2, RETRY_S[1])
            self._failed[row.id] = (now + dt.timedelta(seconds=wait), wait)
            log.exception("a consumer of %s.%s failed; again in %s s", row.code, row.event, wait)
            return False
        self._failed.pop(row.id, None)
        return True
