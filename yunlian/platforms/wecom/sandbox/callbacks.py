"""Tells receivers what happened: encrypted, signed, tried three times within 5 s each. And verifies their addresses."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import httpx

from ...sandbox.callbacks import Delivery, local
from ...sandbox.faults import Kind
from ...sandbox.platform import Sandbox
from ..crypto import Box, CallbackRefused
from ..markup import cdata
from .calls import Refused
from .state import App, Corp, Receiver, Wecom

NAME = "wecom"
TIMEOUT_S = 5.0
VERIFY_S = 1.0
ATTEMPTS = 3
STRANGER = "ww0000000000000000"  # the receive-id of the fault


def _complaint(answer: httpx.Response) -> str:
    return "" if answer.status_code == 200 else f"answered {answer.status_code}"


def tell(
    sandbox: Sandbox,
    corp: Corp,
    name: str,
    receiver: Receiver,
    xml: str,
    agent: str = "",
    user: str = "sys",
    complaint: Callable[[httpx.Response], str] = _complaint,
) -> None:
    """Deliver an event: `xml` is what stands beside the shared head. Without a receiver nothing happens.

    `complaint` says what is wrong with an answer.
    """
    if not receiver.url:
        return
    whole = (
        f"<xml><ToUserName>{cdata(corp.id)}</ToUserName><FromUserName>{cdata(user)}</FromUserName>"
        f"<CreateTime>{int(sandbox.world.now())}</CreateTime><MsgType><![CDATA[event]]></MsgType>{xml}"
        f"{f'<AgentID>{agent}</AgentID>' if agent else ''}</xml>"
    )
    box = Box(receiver.token, receiver.aes_key, corp.id)
    delivery = Delivery(
        platform=NAME,
        receiver=name,
        about=_about(xml),
        request=partial(_request, sandbox, receiver.url, box, whole, agent),
        complaint=complaint,
        timeout_s=TIMEOUT_S,
        attempts=ATTEMPTS,
        pause_s=sandbox.world.part(Wecom).options.retry_pause_s,
    )
    sandbox.courier.post(delivery)


def tell_app(
    sandbox: Sandbox,
    corp: Corp,
    app: App,
    xml: str,
    user: str = "sys",
    complaint: Callable[[httpx.Response], str] = _complaint,
) -> None:
    """Deliver an event to a self-built app."""
    tell(sandbox, corp, f"app/{app.agent}", app.receiver, xml, str(app.agent), user, complaint)


def event(name: str, change: str = "", **fields: object) -> str:
    """The XML of an event; fields that are None are absent."""
    parts = [f"<Event>{cdata(name)}</Event>", f"<ChangeType>{cdata(change)}</ChangeType>" if change else ""]
    parts += [f"<{key}>{_value(value)}</{key}>" for key, value in fields.items() if value is not None]
    return "".join(parts)


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return cdata(",".join(str(each) for each in value))
    return cdata(str(value))


def _about(xml: str) -> str:
    """The names of the event and its change, for the journal."""
    return " ".join(
        xml.partition(f"<{tag}>")[2].partition("</")[0].removeprefix("<![CDATA[").removesuffix("]]>")
        for tag in ("Event", "ChangeType", "UserID", "Id")
    ).strip()


def _request(
    sandbox: Sandbox, url: str, box: Box, xml: str, agent: str, faults: frozenset[Kind]
) -> httpx.Request:
    if Kind.WRONG_RECEIVE_ID in faults:
        box = replace(box, receive_id=STRANGER)
    sealed = box.seal(xml, str(int(sandbox.world.now())), str(secrets.randbelow(10**9)))
    signature = sealed.signature
    if Kind.WRONG_SIGNATURE in faults:
        signature = ("0" if signature[0] != "0" else "1") + signature[1:]
    body = (
        f"<xml><ToUserName>{cdata(box.receive_id)}</ToUserName><AgentID>{cdata(agent)}</AgentID>"
        f"<Encrypt>{cdata(sealed.encrypted)}</Encrypt></xml>"
    )
    query = {"msg_signature": signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce}
    return httpx.Request(
        "POST", _with(url, query), content=body.encode(), headers={"content-type": "text/xml"}
    )


def _with(url: str, query: dict[str, str]) -> httpx.URL:
    """The address with the query added to its own."""
    return httpx.URL(url).copy_merge_params(query)


def verify(sandbox: Sandbox, corp: Corp, receiver: Receiver) -> str:
    """Ask the address as the admin console does on saving; "" when its answer is right, else what is wrong."""
    try:
        local(receiver.url)
        plain = str(secrets.randbits(63))
        box = Box(receiver.token, receiver.aes_key, corp.id)
        sealed = box.seal(plain, str(int(sandbox.world.now())), str(secrets.randbelow(10**9)))
    except (ValueError, CallbackRefused) as error:
        return str(error)
    query = {
        "msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce,
        "echostr": sealed.encrypted,
    }  # fmt: skip
    try:
        answer = httpx.get(_with(receiver.url, query), timeout=VERIFY_S, trust_env=False)
    except httpx.HTTPError as error:
        return f"{type(error).__name__} within {VERIFY_S:.0f} s: {error}"
    if answer.status_code != 200:
        return f"answered {answer.status_code}"
    if answer.content != plain.encode():
        return f"answered {answer.text[:80]!r} instead of the bare text"
    return ""


def need_receiver(callback: object, corp: Corp) -> None:
    """The receiver a batch job names; refused with 40057 when it cannot be one."""
    if not isinstance(callback, dict) or not callback.get("url"):
        raise Refused(43012, "callback url missing")
    try:
        local(str(callback["url"]))
        Box(str(callback.get("token", "")), str(callback.get("encodingaeskey", "")), corp.id).seal(
            "", "1", "1"
        )
    except (ValueError, CallbackRefused) as error:
        raise Refused(40057, f"invalid callback: {error}") from error
