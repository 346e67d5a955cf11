"""The communication user 云链通信账号: under whose name and rights messages are written, and the role it must hold."""

import datetime as dt
import uuid
from zoneinfo import ZoneInfo

from django.db import connection

from yunlian.kernel.scope import Context, Grants, enterprise_id
from yunlian.org.context import communication_user
from yunlian.org.models import Enterprise

ROLE = "COLLABORATION"  # code of the preset role 业务协同


def database_now() -> dt.datetime:
    """Return the database's clock, which alone judges validity."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None
    now: dt.datetime = row[0]
    return now


def acting(now: dt.datetime | None = None) -> Context | None:
    """Return the communication user as one who acts now; None unless it is active and holds the role 业务协同."""
    found = communication_user(enterprise_id(), now, ROLE)
    return found[0] if found is not None and found[1] else None


def system(enterprise: Enterprise, name: str, *verbs: str) -> Context:
    """Return a context for what a partner's letter does by itself: no member, only the verbs named."""
    now = database_now()
    return Context(
        enterprise_id=enterprise.pk,
        member_id=uuid.UUID(int=0),
        member_name=name,
        department_id=None,
        tree=(),
        grants=Grants(verbs=frozenset(verbs), scopes={"*": "all"}),
        now=now,
        today=now.astimezone(ZoneInfo(enterprise.time_zone)).date(),
        is_chain=True,
    )
