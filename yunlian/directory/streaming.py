"""DingTalk's Stream: where DingTalk cannot reach us by HTTP, we open a connection and hear events and presses over it.

For apps of a corp's own, in an office whose server has no public address; our app of the marketplace is at home where there is
one. Several workers may listen at once: each event goes to one of them, and one that comes twice is known by its id. What
is heard is kept before it is acknowledged; a press is answered with what the card shows from then on.
Source: dingtalk.md 6.7.
"""

import datetime as dt
import logging
import threading
import uuid
from dataclasses import dataclass, field

import httpx
from django.db import connection

from yunlian.kernel.chores import chore
from yunlian.kernel.scope import tenant
from yunlian.platforms.dingtalk.api import Api
from yunlian.platforms.dingtalk.client import InternalApp
from yunlian.platforms.dingtalk.events import CardPressed, Event
from yunlian.platforms.dingtalk.stream import Ears, Stream
from yunlian.platforms.errors import PlatformError

from . import dingtalk, looks, pressing
from .connections import secrets_of
from .dingtalk_cards import is_reachable
from .models import Connection, Territory

log = logging.getLogger("yunlian.directory")
_HTTP = httpx.Client(timeout=15, trust_env=False)


@dataclass(frozen=True)
class Heard:
    """Which app of which enterprise is listened for; another key or secret is another app."""

    enterprise_id: int
    connection_id: uuid.UUID
    corp_id: str
    app: InternalApp


@dataclass
class _Listening:
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


_running: dict[Heard, _Listening] = {}


@chore("directory.streams", every_s=30)
def visit(now: dt.datetime) -> None:
    """Listen for every app that wants it, and no longer for those that do not."""
    wanted = set() if is_reachable() else set(_wanted())
    for gone in set(_running) - wanted:
        _running.pop(gone).stop.set()
    for each in wanted:
        running = _running.get(each)
        if running is None or running.thread is None or not running.thread.is_alive():
            _running[each] = made = _Listening()
            made.thread = threading.Thread(target=listen, args=(each, made.stop), daemon=True)
            made.thread.start()


def _wanted() -> list[Heard]:
    found = []
    for territory in Territory.objects.filter(platform="dingtalk", is_live=True):
        with tenant(territory.enterprise_id):
            conn = Connection.objects.filter(id=territory.connection_id, state="on", origin="own").first()
            if conn is not None:
                found.append(heard(conn))
    return found


def heard(conn: Connection) -> Heard:
    """Return what is listened for of a connection, inside the tenant."""
    app = InternalApp(conn.settings.get("app_key", ""), secrets_of(conn).get("app_secret", ""))
    return Heard(conn.enterprise_id, conn.id, conn.corp_id, app)


def listen(each: Heard, stop: threading.Event) -> None:
    """Listen until told to stop, or until DingTalk refuses the app: then the chore comes again."""

    def event(what: Event) -> None:
        try:
            looks.hear(each.enterprise_id, each.connection_id, what, dt.datetime.now(dt.UTC))
        finally:
            _let_go()

    def pressed(what: CardPressed) -> dict[str, str] | None:
        try:
            return pressing.press(each.enterprise_id, each.connection_id, what)
        finally:
            _let_go()

    api = Api(dingtalk.bases(), http=_HTTP)
    try:
        Stream(api, each.app, Ears(event, pressed)).run(stop)
    except PlatformError as error:
        log.warning("the Stream of %s was refused: %s %s", each.corp_id, error.code, error.text)


def _let_go() -> None:
    """Give the thread's database connection back between two events, which may be hours apart."""
    if not connection.in_atomic_block:
        connection.close()
