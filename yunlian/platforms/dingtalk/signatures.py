"""The signatures DingTalk asks of us: vendor calls of a third-party app, and pages that use the JSAPI."""

import base64
import hashlib
import hmac
from typing import Literal
from urllib.parse import unquote, urldefrag, urlsplit, urlunsplit


def suite_signature(secret: str, timestamp_ms: str, ticket: str = "") -> str:
    """Base64, not yet percent-encoded, for the `signature` of a `/service/*` call.

    Without a ticket only the timestamp is signed: apps of a kind that has none, and the old QR call.
    Source: DingTalk Open Platform, "Get the corp token of a third-party app".
    """
    said = f"{timestamp_ms}\n{ticket}" if ticket else timestamp_ms
    return base64.b64encode(hmac.digest(secret.encode(), said.encode(), "sha256")).decode()


def jsapi_signature(
    ticket: str, nonce: str, timestamp: str, url: str, digest: Literal["sha1", "sha256"] = "sha256"
) -> str:
    """Hexadecimal signature for `dd.config` on the page at `url`.

    DingTalk's current sample takes SHA-256 and older libraries SHA-1; which one a client accepts is unconfirmed,
    so it is the caller's to set.
    """
    page = urlsplit(urldefrag(url).url)
    page = page._replace(query=unquote(page.query))
    said = f"jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={urlunsplit(page)}"
    return hashlib.new(digest, said.encode()).hexdigest()
