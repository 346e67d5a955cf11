"""Where platforms report to: a message is checked, stored and answered, and nothing else is done before the answer.

The path key finds the enterprise, the receiver's own token and key prove the sender. The row is committed before the
answer leaves, so what was answered is never lost; what was not answered the platform sends again. A message that comes twice
is one row, looked at once more: two events of one second may be alike to the letter, and looking again does no harm. Messages that fail a check are kept too, a few, for who must find out what is wrong.
"""

import datetime as dt
import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Missing
from yunlian.kernel.faults import fault
from yunlian.kernel.identity import new_id
from yunlian.kernel.scope import tenant
from yunlian.kernel.sealing import unseal
from yunlian.kernel.sql import run as execute
from yunlian.platforms.dingtalk import callback as dingtalk
from yunlian.platforms.dingtalk import events as dingtalk_events
from yunlian.platforms.wecom import callback as wecom
from yunlian.platforms.wecom.crypto import Box
from yunlian.platforms.wecom.crypto import CallbackRefused as WeComRefused

from . import suites
from .models import Installed, Territory

MAX_BODY = 256 * 1024
KEPT_FAULTS = 50  # of one receiver within an hour: a stranger cannot fill the table
PURPOSE = "directory secrets"


@dataclass(frozen=True, slots=True)
class Address:
    """One receiver, as the path key found it."""

    key: str
    enterprise_id: int | None
    connection_id: uuid.UUID | None
    platform: str
    receiver: str
    token: str
    aes_key: str
    receive_id: str


def _find(key: str) -> Address:
    rows = execute(
        "SELECT enterprise_id, connection_id, platform, receiver, token, wrapped, receive_id "
        "FROM directory_callbackaddress WHERE key = %s",
        [key],
    )
    if not rows or len(key) > 60:
        raise Missing("callback")
    enterprise, conn, platform, receiver, token, wrapped, receive_id = rows[0]
    aes_key = unseal(PURPOSE, key, bytes(wrapped)).decode()
    return Address(key, enterprise, conn, platform, receiver, token, aes_key, receive_id)


def find_address(key: str, platform: str) -> Address:
    """Return an address of ours by its path key. Raises Missing for one of another platform."""
    address = _find(key)
    if address.platform != platform:
        raise Missing("callback")
    return address


class Wrong(Exception):
    """A message failed a check; `check` names the first."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check, self.text = check, text


@route("GET", "/callback/{key}", needs="public")
def verify(request: Request, key: str) -> Answer:
    """The platform tries an address: the answer proves that we hold its token and key."""
    address, began = _find(key), time.perf_counter()
    if address.platform != "wecom":
        raise Missing("callback")
    query = request.http.GET.dict()
    try:
        box = Box(address.token, address.aes_key, address.receive_id)
        text = wecom.verified(box, query, request.now.timestamp())
    except WeComRefused as refused:
        _keep_fault(address, request, query, b"", str(refused.check), refused.text, began)
        return Answer(b"", status=403, content_type="text/plain")
    execute("UPDATE directory_callbackaddress SET verified_at = %s WHERE key = %s", [request.now, key])
    return Answer(text.encode(), content_type="text/plain; charset=utf-8")


@route("POST", "/callback/{key}", needs="public", takes="any")
def receive(request: Request, key: str) -> Answer:
    """The platform reports something; it is stored, then answered in the platform's own form."""
    address, began = _find(key), time.perf_counter()
    query, body = request.http.GET.dict(), request.http.body
    try:
        if len(body) > MAX_BODY:
            raise Wrong("body", "is too large")
        if address.platform == "wecom":
            return _receive_wecom(address, request, query, body, began)
        return _receive_dingtalk(address, request, query, body, began)
    except Wrong as wrong:
        _keep_fault(address, request, query, body[:MAX_BODY], wrong.check, wrong.text, began)
        return Answer(b"", status=403, content_type="text/plain")


def _receive_wecom(
    address: Address, request: Request, query: Mapping[str, str], body: bytes, began: float
) -> Answer:
    box = Box(address.token, address.aes_key, address.receive_id)
    try:
        text = wecom.opened(box, query, body, request.now.timestamp())
    except WeComRefused as refused:
        raise Wrong(str(refused.check), refused.text) from refused
    _store(address, request, query, body, text, began)
    return Answer(b"", content_type="text/plain")


def _receive_dingtalk(
    address: Address, request: Request, query: Mapping[str, str], body: bytes, began: float
) -> Answer:
    receiver = dingtalk.Receiver(address.token, address.aes_key, address.receive_id)
    try:
        event = receiver.opened(query, body)
        if address.enterprise_id is None:
            _store_suite(address, request, event, began)
        elif event.get("EventType") == "check_url":
            execute(
                "UPDATE directory_callbackaddress SET verified_at = %s WHERE key = %s",
                [request.now, address.key],
            )
        else:
            _store(
                address, request, query, body, json.dumps(event, ensure_ascii=False, sort_keys=True), began
            )
    except dingtalk.CallbackRefused as refused:
        raise Wrong(refused.check, refused.text) from refused
    return Answer(receiver.answer(int(request.now.timestamp() * 1000)))


_INSERT = """
INSERT INTO directory_callback (enterprise_id, id, connection_id, receiver, digest, at, fault, event, query, body, text,
  address, took_ms, handled_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, '', %s::jsonb, %s, %s, %s, %s, %s)
ON CONFLICT (enterprise_id, connection_id, receiver, digest) DO UPDATE SET handled_at = excluded.handled_at
"""
_query = msgspec.json.Encoder()


def _row(
    address: Address, request: Request, query: Mapping[str, str], body: bytes, text: str, check: str, began: float,
    digest: bytes,
) -> list[Any]:  # fmt: skip
    return [
        address.enterprise_id, new_id(), address.connection_id, address.receiver, digest, request.now, check,
        _query.encode(query).decode(), body.decode("utf-8", "replace").replace("\x00", ""), text,
        request.http.META.get("REMOTE_ADDR", "")[:60], round((time.perf_counter() - began) * 1000),
        request.now if check else None,
    ]  # fmt: skip


def _store(
    address: Address, request: Request, query: Mapping[str, str], body: bytes, text: str, began: float
) -> None:
    assert address.enterprise_id is not None
    digest = hashlib.sha256(text.encode()).digest()
    with tenant(address.enterprise_id):
        execute(_INSERT, _row(address, request, query, body, text, "", began, digest))
        fault("directory.callback_stored")
    fault("directory.callback_committed")


def _keep_fault(
    address: Address,
    request: Request,
    query: Mapping[str, str],
    body: bytes,
    check: str,
    text: str,
    began: float,
) -> None:
    """Keep a message that failed a check, unless a number of them was kept just now."""
    if address.enterprise_id is None:
        return
    with tenant(address.enterprise_id):
        ((lately,),) = execute(
            "SELECT count(*) FROM directory_callback WHERE enterprise_id = %s AND connection_id = %s AND receiver = %s "
            "AND fault <> '' AND at > %s",
            [
                address.enterprise_id,
                address.connection_id,
                address.receiver,
                request.now - dt.timedelta(hours=1),
            ],
        )
        if lately < KEPT_FAULTS:
            digest = hashlib.sha256(_query.encode(query) + body).digest()
            execute(_INSERT, _row(address, request, query, body, text, check[:40], began, digest))


def _store_suite(address: Address, request: Request, event: dict[str, Any], began: float) -> None:
    """Keep what the marketplace tells of all its corps: each corp's rows with the enterprise that is bound to it."""
    for each in dingtalk_events.from_push(event):
        what = each.what
        if isinstance(what, dingtalk_events.SuiteTicket):
            suites.keep_ticket(address.receive_id, what.ticket, request.now)
        elif each.corp_id:
            suites.note(address.receive_id, each, request.now)
            _store_for(address, request, each, event, began)


def _store_for(
    address: Address, request: Request, each: dingtalk_events.Event, event: dict[str, Any], began: float
) -> None:
    bound = Territory.objects.filter(platform=address.platform, corp_id=each.corp_id)
    suite = Installed.objects.filter(suite_key=address.receive_id, corp_id=each.corp_id)
    if not suite.exists():
        return
    text = json.dumps(event, ensure_ascii=False, sort_keys=True)
    for territory in bound:
        here = Address(
            address.key, territory.enterprise_id, territory.connection_id, address.platform, "app", "", "", ""
        )
        digest = hashlib.sha256(each.id.encode()).digest()
        with tenant(territory.enterprise_id):
            execute(_INSERT, _row(here, request, {}, b"", text, "", began, digest))
