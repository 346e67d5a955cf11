"""What to look at again: made of callbacks, worked off by reading the platform anew and running the ordinary plan on that part.

A callback never carries data into our tables. Lost ones are healed by the nightly run, doubled ones are one look, and late
or reordered ones find the platform as it is when it is looked at.
"""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from yunlian.kernel.chores import chore
from yunlian.kernel.document import Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import enqueue
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.org.context import context_of_communication_user
from yunlian.platforms.dingtalk import events as dingtalk
from yunlian.platforms.dingtalk.callback import CallbackRefused as DingTalkRefused
from yunlian.platforms.wecom import events as wecom
from yunlian.platforms.wecom.crypto import CallbackRefused as WeComRefused

from . import runs
from .models import Callback, Connection, Look, Territory

BATCH = 500
PART = 200  # keys of one run
SETTLE = dt.timedelta(seconds=2)  # reports of one act come in a bunch
CONTACTS_AGAIN = dt.timedelta(minutes=1)  # should the job that reads them not come to its end
Found = Iterator[tuple[str, str]]
Listener = Callable[[int, uuid.UUID, str, Any], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Let `listener(enterprise_id, connection_id, receiver, event)` hear every event after it was stored.

    It is called in the transaction that marks the callback as looked at: what it writes happens once.
    """
    _listeners.append(listener)


@chore("directory.callbacks", every_s=2)
def visit(now: dt.datetime) -> None:
    """Turn what platforms have reported into looks, and begin runs for looks that are due."""
    for enterprise_id in sorted(set(Territory.objects.values_list("enterprise_id", flat=True))):
        handle(enterprise_id, now)
        begin_due(enterprise_id, now)


def handle(enterprise_id: int, now: dt.datetime) -> int:
    """Read what was stored and not looked at; returns how many messages that were."""
    with tenant(enterprise_id):
        rows = list(
            Callback.objects.filter(handled_at=None).order_by("id").select_related("connection")[:BATCH]
        )
        for row in rows:
            events = list(_events(row))
            for event in events:
                ask(enterprise_id, row.connection_id, _looks(event), now)
                for listener in _listeners:
                    listener(enterprise_id, row.connection_id, row.receiver, event)
            names = "; ".join(dict.fromkeys(_name(event) for event in events))[:60]
            Callback.objects.filter(id=row.id).update(handled_at=now, event=names)
        return len(rows)


def hear(enterprise_id: int, connection_id: uuid.UUID, event: dingtalk.Event, now: dt.datetime) -> None:
    """Take an event that came over a connection of ours: kept with what is to be looked at; one that comes twice is one."""
    with tenant(enterprise_id):
        conn = Connection.objects.get(id=connection_id)
        if event.corp_id not in ("", conn.corp_id):
            return
        kept = execute(
            "INSERT INTO directory_callback (enterprise_id, id, connection_id, receiver, digest, at, fault, event, query, body, "
            "text, address, took_ms, handled_at) VALUES (%s, %s, %s, 'app', %s, %s, '', %s, '{}', '', %s, 'Stream', 0, %s) "
            "ON CONFLICT (enterprise_id, connection_id, receiver, digest) DO NOTHING RETURNING 1",
            [
                enterprise_id, new_id(), connection_id, hashlib.sha256(event.id.encode()).digest(), now, event.name[:60],
                str(event.what), now,
            ],
        )  # fmt: skip
        if kept:
            ask(enterprise_id, connection_id, _looks(event), now)
            for listener in _listeners:
                listener(enterprise_id, connection_id, "app", event)


def _events(row: Callback) -> Iterable[Any]:
    """Return what a stored message says, typed; one that nobody understands says nothing."""
    try:
        if row.connection.platform == "wecom":
            return [wecom.event(row.text)]
        found = dingtalk.from_push(json.loads(row.text))
    except (WeComRefused, DingTalkRefused) as refused:
        Callback.objects.filter(id=row.id).update(fault=str(refused)[:40])
        return []
    return [each for each in found if each.corp_id in ("", row.connection.corp_id)]


def _name(event: Any) -> str:
    if isinstance(event, dingtalk.Event):
        return event.name
    change = getattr(event, "change", "")
    return f"{event.header.name}.{change}" if change else str(event.header.name)


def _looks(event: Any) -> Found:
    """What an event says is to be looked at, as (kind, key)."""
    if isinstance(event, dingtalk.Event):
        yield from _dingtalk_looks(event.what)
    elif isinstance(event, wecom.MemberChange):
        yield "person", event.user
        if event.new_user:
            yield "person", event.new_user
    elif isinstance(event, wecom.DepartmentChange):
        yield "department", str(event.id)
    elif isinstance(event, wecom.CustomerChange):
        yield "contact", event.external_user
    elif isinstance(event, wecom.CustomerTagChange):
        yield "contact", "*"


def _dingtalk_looks(what: dingtalk.What) -> Found:
    if isinstance(what, dingtalk.UsersChanged | dingtalk.UsersLeft | dingtalk.AdminsChanged):
        yield from (("person", user) for user in what.users)
    elif isinstance(what, dingtalk.DepartmentsChanged):
        yield from (("department", str(key)) for key in what.departments)
    elif isinstance(what, dingtalk.Authorised | dingtalk.AuthorisationChanged | dingtalk.ScopeChanged):
        yield "all", "*"
    elif isinstance(what, dingtalk.AppRestored):
        yield "state", "*"
        yield "all", "*"
    elif isinstance(
        what, dingtalk.AppStopped | dingtalk.AppRemoved | dingtalk.Relieved | dingtalk.CorpRemoved
    ):
        yield "state", "*"


def ask(
    enterprise_id: int, connection_id: uuid.UUID, found: Iterable[tuple[str, str]], now: dt.datetime
) -> None:
    """Note what to look at, inside the tenant; what is noted already stays one look."""
    for kind, key in found:
        execute(
            "INSERT INTO directory_look (enterprise_id, id, connection_id, kind, key, due_at, tries, error) "
            "VALUES (%s, %s, %s, %s, %s, %s, 0, '') ON CONFLICT (enterprise_id, connection_id, kind, key) "
            "DO UPDATE SET due_at = least(directory_look.due_at, excluded.due_at)",
            [enterprise_id, new_id(), connection_id, kind, key[:130], now + SETTLE],
        )


def begin_due(enterprise_id: int, now: dt.datetime) -> None:
    """Begin what is due, as the enterprise's own account; what cannot begin now stays noted."""
    with tenant(enterprise_id):
        if not Look.objects.filter(due_at__lte=now).exists():
            return
        ctx = context_of_communication_user(enterprise_id, now)
        for conn in Connection.objects.filter(
            id__in=Look.objects.filter(due_at__lte=now).values("connection_id")
        ):
            _begin(ctx, conn, now)


def _begin(ctx: Context, conn: Connection, now: dt.datetime) -> None:
    due = Look.objects.filter(connection_id=conn.id, due_at__lte=now).order_by("due_at")
    if due.filter(kind="contact").exists() and conn.state == "on":
        enqueue(ctx, "directory.contacts", str(conn.id))
        due.filter(kind="contact").update(due_at=now + CONTACTS_AGAIN)
    if due.filter(kind="state").exists():
        enqueue(ctx, "directory.state", str(conn.id))
        due.filter(kind="state").delete()
    if conn.state != "on":
        due.exclude(kind="contact").delete()
        return
    people = list(due.filter(kind__in=["person", "department", "all"])[:PART])
    if not people:
        return
    is_whole = any(each.kind == "all" for each in people)
    part = () if is_whole else [(each.kind, each.key) for each in people]
    try:
        runs.begin(ctx, conn, trigger="callback", part=part, is_automatic=True)
    except Refused:  # another run is at work, which may not see this: we look when it has ended
        due.filter(id__in=[each.id for each in people]).update(due_at=now + 5 * SETTLE)
        return
    gone = [each.id for each in people]
    Look.objects.filter(id__in=gone).delete()
    if is_whole:
        Look.objects.filter(connection_id=conn.id, kind__in=["person", "department"]).delete()
