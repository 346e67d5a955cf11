"""Requests to a receiver of WeCom's callbacks: checked, opened, answered.

Answer a verification within 1 s with the bare text, an event within 5 s with an empty 200; work on it afterwards.
"""

from collections.abc import Mapping

from .crypto import Box, CallbackRefused, Check, Envelope
from .events import Event, event
from .markup import cdata, parse

BODY_BYTES = 1 << 20
# Five minutes of difference between two clocks, and the time of three attempts of 5 s.
AGE_S = 300 + 3 * 5


def verified(box: Box, query: Mapping[str, str], now: float) -> str:
    """The text to answer a URL verification (GET) with: no quotes, no newline.

    `query` is decoded once; `now` in seconds since 1970. Raises CallbackRefused.
    """
    return _timely(box, _envelope(query, _given(query, "echostr")), now)


def received(box: Box, query: Mapping[str, str], body: bytes, now: float) -> Event:
    """The event of a delivery (POST). Raises CallbackRefused."""
    return event(opened(box, query, body, now))


def opened(box: Box, query: Mapping[str, str], body: bytes, now: float) -> str:
    """The decrypted XML of a delivery, to be kept first and read later. Raises CallbackRefused."""
    if len(body) > BODY_BYTES:
        raise CallbackRefused(Check.BODY, f"{len(body)} bytes")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise CallbackRefused(Check.TEXT, str(error)) from error
    encrypted = parse(text).find("Encrypt")
    if not encrypted:
        raise CallbackRefused(Check.BODY, "no <Encrypt>")
    return _timely(box, _envelope(query, encrypted), now)


def reply(box: Box, xml: str, timestamp: str, nonce: str) -> str:
    """The body of a passive reply to an app's message or event, encrypted."""
    sealed = box.seal(xml, timestamp, nonce)
    return (
        f"<xml><Encrypt>{cdata(sealed.encrypted)}</Encrypt><MsgSignature>{cdata(sealed.signature)}</MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce>{cdata(nonce)}</Nonce></xml>"
    )


def replaced_button(corp: str, user: str, timestamp: int, text: str) -> str:
    """The passive reply to a pressed card that replaces its buttons, for the person who pressed only."""
    return (
        f"<xml><ToUserName>{cdata(user)}</ToUserName><FromUserName>{cdata(corp)}</FromUserName>"
        f"<CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[update_button]]></MsgType>"
        f"<Button><ReplaceName>{cdata(text)}</ReplaceName></Button></xml>"
    )


def _envelope(query: Mapping[str, str], encrypted: str) -> Envelope:
    return Envelope(
        _given(query, "msg_signature"), _given(query, "timestamp"), _given(query, "nonce"), encrypted
    )


def _timely(box: Box, envelope: Envelope, now: float) -> str:
    text = box.open(envelope)
    if not (envelope.timestamp.isascii() and envelope.timestamp.isdigit()):
        raise CallbackRefused(Check.CLOCK, "the timestamp is no number")
    off_s = int(now) - int(envelope.timestamp)
    if abs(off_s) > AGE_S:
        raise CallbackRefused(Check.CLOCK, f"{off_s} s between our clock and the callback's")
    return text


def _given(query: Mapping[str, str], name: str) -> str:
    found = query.get(name)
    if not found:
        raise CallbackRefused(Check.QUERY, f"no {name} in the address")
    return found
