"""Requests to a receiver: what opens, and which check the others fail."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pytest

from .callback import AGE_S, BODY_BYTES, opened, received, replaced_button, reply, verified
from .crypto import Box, CallbackRefused, Check, Envelope
from .events import CustomerChange, MemberChange, Message
from .markup import cdata, parse

VECTORS = {each["name"]: each for each in json.loads(Path(__file__).with_name("vectors.json").read_text())}
BOX = Box("chanerp2024", "upq9IlCGRGBdYGqXZlWZihGIVa0kTFk4x6DFIAKjykk", "ww0123456789abcdef")
NOW = 1717200000


def query_of(vector: dict[str, str], **more: str) -> dict[str, str]:
    return {name: vector[name] for name in ("msg_signature", "timestamp", "nonce")} | more


def body_of(encrypted: str) -> bytes:
    return f"<xml><ToUserName>x</ToUserName><Encrypt>{cdata(encrypted)}</Encrypt></xml>".encode()


def box_of(vector: dict[str, str]) -> Box:
    return Box(vector["token"], vector["key"], vector["receiveid"])


def sealed(xml: str, at: int = NOW) -> tuple[dict[str, str], bytes]:
    found = BOX.seal(xml, str(at), "7")
    return {"msg_signature": found.signature, "timestamp": str(at), "nonce": "7"}, body_of(found.encrypted)


def refusal(query: dict[str, str], body: bytes, now: float = NOW, box: Box = BOX) -> Check:
    with pytest.raises(CallbackRefused) as refused:
        received(box, query, body, now)
    return refused.value.check


@pytest.mark.parametrize("name", ["A-verify", "B-verify", "D"])
def test_verification(name: str) -> None:
    vector = VECTORS[name]
    query = query_of(vector, echostr=vector["encrypted"])
    through_http = {key: values[0] for key, values in parse_qs(urlencode(query)).items()}
    assert verified(box_of(vector), through_http, int(vector["timestamp"])) == vector["plaintext"]
    unescaped = "&".join(f"{key}={value}" for key, value in query.items())
    broken = {key: values[0] for key, values in parse_qs(unescaped).items()}
    if "+" in vector["encrypted"]:
        with pytest.raises(CallbackRefused) as refused:
            verified(box_of(vector), broken, int(vector["timestamp"]))
        assert refused.value.check is Check.PLUS


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce", "echostr"])
def test_a_parameter_that_is_missing(name: str) -> None:
    query = query_of(VECTORS["D"], echostr=VECTORS["D"]["encrypted"])
    del query[name]
    with pytest.raises(CallbackRefused) as refused:
        verified(BOX, query, NOW)
    assert refused.value.check is Check.QUERY
    assert name in refused.value.text


def test_events_of_the_vectors() -> None:
    vector = VECTORS["E"]
    found = received(BOX, query_of(vector), body_of(vector["encrypted"]), NOW)
    assert isinstance(found, MemberChange)
    assert (found.user, found.name, found.departments, found.leads) == (
        "zhangsan",
        "张三",
        (2, 7),
        (True, False),
    )
    assert (found.header.corp, found.header.at, found.mobile) == ("ww0123456789abcdef", 1717200060, None)
    vector = VECTORS["F"]
    found = received(box_of(vector), query_of(vector), body_of(vector["encrypted"]), int(vector["timestamp"]))
    assert isinstance(found, CustomerChange)
    assert (found.user, found.state, found.welcome_code) == ("lisi", "store-0042", "WELCOMECODE")
    vector = VECTORS["A-post"]
    found = received(box_of(vector), query_of(vector), body_of(vector["encrypted"]), int(vector["timestamp"]))
    assert isinstance(found, Message)
    assert (found.user, found.text, found.header.key) == ("mycreate", "hello", "4561255354251345929")


def test_a_clock_too_far_off_is_refused_and_retries_are_not() -> None:
    vector = VECTORS["E"]
    at = int(vector["timestamp"])
    for now in (at - AGE_S, at, at + AGE_S):
        assert isinstance(received(BOX, query_of(vector), body_of(vector["encrypted"]), now), MemberChange)
    for now in (at - AGE_S - 1, at + AGE_S + 1):
        assert refusal(query_of(vector), body_of(vector["encrypted"]), now) is Check.CLOCK


def test_a_timestamp_that_is_no_number_but_signed() -> None:
    found = BOX.seal("<xml/>", "tomorrow", "7")
    query = {"msg_signature": found.signature, "timestamp": "tomorrow", "nonce": "7"}
    assert refusal(query, body_of(found.encrypted)) is Check.CLOCK


def test_bodies_that_are_none() -> None:
    query, body = sealed("<xml><MsgType>event</MsgType><Event>subscribe</Event></xml>")
    assert refusal(query, b"x" * (BODY_BYTES + 1)) is Check.BODY
    assert refusal(query, b"<xml><Other>1</Other></xml>") is Check.BODY
    assert refusal(query, b"<xml><Encrypt></Encrypt></xml>") is Check.BODY
    assert refusal(query, b"\xff\xfe") is Check.TEXT
    assert refusal(query, b"not xml") is Check.XML
    assert refusal(query, body[:-3]) is Check.XML
    assert refusal(query, b"") is Check.XML
    assert received(BOX, query, body, NOW).header.name == "subscribe"


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + at)} "{("&" + chr(97 + at) + ";") * 10}">' for at in range(9))
    + "]><xml><Encrypt>&j;</Encrypt></xml>"
)
FOREIGN = '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>'
EMPTY_TYPE = "<!DOCTYPE xml><xml><Encrypt>x</Encrypt></xml>"


@pytest.mark.parametrize("bomb", [BOMB, FOREIGN, EMPTY_TYPE], ids=["billion laughs", "foreign file", "empty"])
def test_a_document_type_is_refused_outside_and_inside(bomb: str) -> None:
    query, body = sealed(bomb)
    assert refusal(query, bomb.encode()) is Check.XML
    assert refusal(query, body) is Check.XML


def test_an_undefined_entity_and_deep_nesting_are_refused() -> None:
    query, body = sealed("<xml><MsgType>event</MsgType><Event>&e;</Event></xml>")
    assert refusal(query, body) is Check.XML
    query, body = sealed("<x>" * 100 + "</x>" * 100)
    assert refusal(query, body) is Check.XML
    assert parse("<x>" * 12 + "</x>" * 12).name == "x"


def test_text_that_is_no_event_is_refused() -> None:
    for text in ("hello", "<xml></xml>", "<xml><MsgType>event</MsgType></xml>", ""):
        query, body = sealed(text)
        assert refusal(query, body) is Check.XML


def test_an_event_with_a_number_that_is_none_is_refused() -> None:
    xml = "<xml><MsgType>event</MsgType><Event>change_contact</Event><ChangeType>create_party</ChangeType><Id>{}</Id></xml>"
    query, body = sealed(xml.format("x"))
    assert refusal(query, body) is Check.XML
    query, body = sealed(xml.format("7"))
    assert received(BOX, query, body, NOW).header.name == "change_contact"


def test_what_is_kept_can_be_read_later() -> None:
    query, body = sealed("<xml><MsgType>event</MsgType><Event>subscribe</Event></xml>")
    assert opened(BOX, query, body, NOW) == "<xml><MsgType>event</MsgType><Event>subscribe</Event></xml>"


def test_a_passive_reply_opens_again() -> None:
    xml = replaced_button("ww0123456789abcdef", "lisi", NOW, "已同意 ]]> <b>")
    outer = parse(reply(BOX, xml, str(NOW), "9"))
    envelope = Envelope(outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
    inner = parse(BOX.open(envelope))
    assert inner.child("Button")["ReplaceName"] == "已同意 ]]> <b>"
    assert (inner["ToUserName"], inner["MsgType"]) == ("lisi", "update_button")
