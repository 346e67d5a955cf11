"""The callback doctor: which of URL, proxy, token, key, receive-id, clock, trusted IP, answer format or answer time is wrong.

It looks at the messages that came and failed a check, and sends one of its own through the public address, as the platform
would. Every finding says what to do.
"""

import base64
import datetime as dt
import json
import secrets
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
from django.conf import settings
from django.db.models import Q

from yunlian.kernel.jobs import Progress, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import Label, _
from yunlian.platforms.dingtalk.crypto import Undecryptable, decrypt, encrypt, signature
from yunlian.platforms.wecom.crypto import Box

from . import connections
from .models import Callback, CallbackAddress, Connection, Run, shown_moment

RECENT = dt.timedelta(days=7)
ANSWER_MS = {
    "wecom": 1000,
    "dingtalk": 1000,
}  # a verification of WeCom's is due in 1 s, DingTalk's reports about as soon
TIMEOUT_S = 10.0
# What each check that a message failed means, and whose part it is.
MEANINGS: Mapping[str, tuple[str, Label]] = {
    "query": ("proxy", _("The address arrives without its parameters: let the proxy pass the query string on.")),
    "body": ("proxy", _("The body does not arrive as it was sent: let the proxy pass it on unchanged.")),
    "plus": ("proxy", _("A + arrives as a blank: something decodes the address twice. Let the proxy pass it on as it is.")),
    "encoding": ("proxy", _("The encrypted text arrives cut or changed: let the proxy pass it on unchanged.")),
    "base64": ("proxy", _("The encrypted text arrives cut or changed: let the proxy pass it on unchanged.")),
    "signature": ("token", _("The Token there is not ours: copy it again.")),
    "key": ("key", _("The EncodingAESKey there is not ours: copy it again.")),
    "padding": ("key", _("The EncodingAESKey there is not ours: copy it again.")),
    "length": ("key", _("The EncodingAESKey there is not ours: copy it again.")),
    "text": ("key", _("The EncodingAESKey there is not ours: copy it again.")),
    "receive-id": ("receive_id", _("The messages are for another corp or app: compare the corp ID and the app key.")),
    "clock": ("clock", _("This server's clock is wrong: set it, and let it be set by a time server.")),
    "xml": ("format", _("The message is not what the platform sends: see whether something else calls this address.")),
    "json": ("format", _("The message is not what the platform sends: see whether something else calls this address.")),
}  # fmt: skip
TITLES: Mapping[str, Label] = {
    "url": _("Address"), "proxy": _("Proxy"), "token": _("Token"), "key": _("EncodingAESKey"),
    "receive_id": _("Receive ID"), "clock": _("Clock"), "trusted_ip": _("Trusted IP"),
    "format": _("Form of the answer"), "time": _("Time to answer"),
}  # fmt: skip

ON_THE_WAY = Q(fault__in=[check for check, (title, _remedy) in MEANINGS.items() if title == "proxy"])


@job("directory.doctor", is_stepwise=True)
def run_doctor(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Examine every receiver of a connection."""
    base = settings.PUBLIC_URL or bytes(made.content or b"").decode()
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
    addresses = CallbackAddress.objects.filter(enterprise_id=ctx.enterprise_id, platform=conn.platform)
    receivers, is_well = [], True
    for address in list(addresses.order_by("receiver")):
        # First: what of it fails a check is then among the messages that came.
        found, came_through = _through(address, base)
        # Our own message, made with our own keys, is no proof that the platform has found us.
        addresses.filter(key=address.key).update(verified_at=address.verified_at)
        with tenant(ctx.enterprise_id):
            found = {
                **_history(conn, address, ctx.now, came_through=came_through),
                **found,
                **_trusted_ip(conn),
            }
        is_well = is_well and not found
        receivers.append({"receiver": address.receiver, "findings": _findings(found)})
    return {"receivers": receivers, "base": base, "ok": is_well}


# What is wrong, by title: evidence, remedy, and when it came if it is not from just now.
Wrong = dict[str, tuple[str, Label, dt.datetime | None]]


def _findings(wrong: Wrong) -> list[dict[str, Any]]:
    return [
        {
            "what": what,
            "label": str(label),
            "ok": what not in wrong,
            "evidence": str(wrong[what][0]) if what in wrong else "",
            "at": shown_moment(wrong[what][2]) if what in wrong else None,
            "remedy": str(wrong[what][1]) if what in wrong else "",
        }
        for what, label in TITLES.items()
    ]


def _history(conn: Connection, address: CallbackAddress, now: dt.datetime, *, came_through: bool) -> Wrong:
    """What the messages that came lately tell: a fault counts until a good message came after it.

    `came_through` says that our own message was not refused: messages of its kind are not spoiled on the way any more.
    """
    mine = Callback.objects.filter(connection_id=conn.id, receiver=address.receiver, at__gt=now - RECENT)
    good = mine.filter(fault="").order_by("-id").first()
    bad = mine.exclude(fault="").order_by("-id")
    since = max((at for at in (good and good.at, address.verified_at) if at), default=None)
    if since is not None:
        bad = bad.filter(at__gt=since)
    if came_through:
        bad = bad.exclude(ON_THE_WAY & (Q(body="") if conn.platform == "wecom" else Q()))
    found: Wrong = {}
    for row in bad[:20]:
        title, remedy = MEANINGS.get(row.fault, ("format", MEANINGS["xml"][1]))
        found.setdefault(title, (f"{row.fault}: {row.text[:120]}", remedy, row.at))
    slow = mine.filter(took_ms__gt=ANSWER_MS[conn.platform]).order_by("-id").first()
    if slow is not None:
        found["time"] = (f"{slow.took_ms} ms", SLOW, slow.at)
    return found


SLOW = _("The answer took too long: see what keeps this server busy.")
UNREACHED = _("The address is not reached from here: check the name, the certificate and the firewall.")
NOT_OURS = _("Something else answers at this address: let the proxy pass /callback/ on to this server.")
ALTERED = _("The answer arrives changed: let the proxy pass it on without adding anything.")


def _trusted_ip(conn: Connection) -> Wrong:
    run = Run.objects.filter(connection_id=conn.id).exclude(state="planning").order_by("-id").first()
    if run is None or "60020" not in run.error:
        return {}
    return {
        "trusted_ip": (
            run.error[:200],
            _("Enter this server's public address among the app's trusted IPs."),
            run.at,
        )
    }


def _through(address: CallbackAddress, base: str) -> tuple[Wrong, bool]:
    """Send a message of our own through the public address, and judge what comes back; and whether it passed the checks."""
    began = time.perf_counter()
    try:
        with httpx.Client(timeout=TIMEOUT_S, trust_env=False, follow_redirects=False) as http:
            answer, is_right = _sent(http, address, f"{base}/callback/{address.key}")
    except httpx.HTTPError as error:
        return {"url": (f"{type(error).__name__}: {error}"[:200], UNREACHED, None)}, False
    took_ms = round((time.perf_counter() - began) * 1000)
    if answer.status_code == 403:
        return {}, False  # it came to us and failed a check: the history, which now holds it, says which
    if answer.status_code != 200:
        return {"url": (f"HTTP {answer.status_code}", NOT_OURS, None)}, False
    if not is_right:
        return {"format": (answer.text[:120], ALTERED, None)}, True
    if took_ms > ANSWER_MS[address.platform]:
        return {"time": (f"{took_ms} ms", SLOW, None)}, True
    return {}, True


def _sent(http: httpx.Client, address: CallbackAddress, url: str) -> tuple[httpx.Response, bool]:
    """Verify as the platform does; returns the answer, and whether it is the right one."""
    aes_key, nonce = connections.aes_key(address), secrets.token_hex(5)
    if address.platform == "wecom":
        # A text whose encryption holds a +, which a proxy that decodes twice would turn into a blank.
        sealed = Box(address.token, aes_key, address.receive_id).seal("x", str(int(time.time())), nonce)
        while "+" not in sealed.encrypted:
            word = base64.b64encode(secrets.token_bytes(9)).decode()
            sealed = Box(address.token, aes_key, address.receive_id).seal(word, str(int(time.time())), nonce)
        text = Box(address.token, aes_key, address.receive_id).open(sealed)
        query = (
            f"msg_signature={sealed.signature}&timestamp={sealed.timestamp}&nonce={nonce}"
            f"&echostr={quote(sealed.encrypted, safe='')}"
        )
        answer = http.get(f"{url}?{query}")
        return answer, answer.content == text.encode()
    stamp = str(int(time.time() * 1000))
    encrypted = encrypt(aes_key, json.dumps({"EventType": "check_url"}), address.receive_id)
    query = f"signature={signature(address.token, stamp, nonce, encrypted)}&timestamp={stamp}&nonce={nonce}"
    answer = http.post(f"{url}?{query}", json={"encrypt": encrypted})
    return answer, _is_success(answer, aes_key)


def _is_success(answer: httpx.Response, aes_key: str) -> bool:
    try:
        return decrypt(aes_key, answer.json()["encrypt"])[0] == "success"
    except (ValueError, KeyError, TypeError, Undecryptable):
        return False
