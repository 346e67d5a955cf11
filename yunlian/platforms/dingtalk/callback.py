"""One callback address of DingTalk: what arrives is checked and opened, and answered the way DingTalk accepts.

Serves HTTP push of internal apps, SyncHTTP and the legacy push of third-party apps. The answer is due within a second:
open, store, answer, and work on it later.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from yunlian.platforms.dingtalk.crypto import Undecryptable, decrypt, encrypt, is_signed, signature

SUCCESS: Final = "success"
BODY_BYTES: Final = 1 << 20
FIRST_CHECK: Final = "check_create_suite_url"  # comes before the suite has its key, under a placeholder

REMEDIES: Final = {
    "query": "The request lacks signature, timestamp or nonce: check that the proxy passes the query string on.",
    "body": "The request is not the JSON DingTalk sends: check that the proxy passes the body on unchanged.",
    "signature": "The signature does not fit: copy the Token again into DingTalk's event subscription.",
    "key": "The AES key must have 43 letters and digits: generate it again.",
    "base64": "The encrypted text was cut or changed on its way: check the proxy.",
    "padding": "The AES key does not open the text: copy it again into DingTalk's event subscription.",
    "length": "The AES key does not open the text: copy it again into DingTalk's event subscription.",
    "text": "The AES key does not open the text: copy it again into DingTalk's event subscription.",
    "receive-id": "The event is for another app: compare AppKey, SuiteKey and corp ID with DingTalk's console.",
    "json": "The decrypted text is not JSON: report it with its time to DingTalk.",
}


class CallbackRefused(ValueError):
    """A callback that is not DingTalk's, or not for us. `check` is a key of REMEDIES; `remedy` a msgid to act on."""

    def __init__(self, check: str, text: str) -> None:
        super().__init__(f"{check}: {text}")
        self.check = check
        self.text = text
        self.remedy = REMEDIES[check]


@dataclass(frozen=True, slots=True)
class Receiver:
    """What was typed into DingTalk's console for one address.

    `owner` is the app's key (internal app subscribed in the console), the corp ID (subscribed by API), the SuiteKey or
    the CustomKey.
    """

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    owner: str

    def opened(self, query: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """The decrypted event of a request; feed it to `events.from_push`.

        Old and current names of the query are read. Raises CallbackRefused naming the first check that failed, in the
        order query, body, signature, key, base64, padding, length, text, json, receive-id.
        """
        given = query.get("signature") or query.get("msg_signature")
        timestamp = query.get("timestamp") or query.get("timeStamp")
        nonce = query.get("nonce")
        if not (given and timestamp and nonce):
            raise CallbackRefused("query", "signature, timestamp or nonce is missing")
        encrypted = _encrypted(body)
        if not is_signed(given, self.token, timestamp, nonce, encrypted):
            raise CallbackRefused("signature", "is of another token or text")
        try:
            text, owner = decrypt(self.aes_key, encrypted)
        except Undecryptable as fault:
            raise CallbackRefused(fault.check, str(fault)) from fault
        event = _object(text, "json")
        if owner != self.owner and event.get("EventType") != FIRST_CHECK:
            raise CallbackRefused("receive-id", f"is {owner}")
        return event

    def answer(self, timestamp_ms: int, owner: str = "") -> dict[str, str]:
        """The encrypted `success`, as JSON of a 200. `owner` is the placeholder of a suite's very first check."""
        encrypted = encrypt(self.aes_key, SUCCESS, owner or self.owner)
        timestamp, nonce = str(timestamp_ms), secrets.token_hex(8)
        return {
            "msg_signature": signature(self.token, timestamp, nonce, encrypted),
            "timeStamp": timestamp,
            "nonce": nonce,
            "encrypt": encrypted,
        }


def _encrypted(body: bytes) -> str:
    if len(body) > BODY_BYTES:
        raise CallbackRefused("body", f"has {len(body)} bytes")
    try:
        encrypted = _object(body.decode(), "body").get("encrypt")
    except UnicodeDecodeError as fault:
        raise CallbackRefused("body", "is not UTF-8") from fault
    if not isinstance(encrypted, str):
        raise CallbackRefused("body", "has no text named encrypt")
    return encrypted


def _object(text: str, check: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:  # the second from thousands of nested brackets
        raise CallbackRefused(check, "is not JSON") from fault
    if not isinstance(value, dict):
        raise CallbackRefused(check, "is not an object")
    return value
