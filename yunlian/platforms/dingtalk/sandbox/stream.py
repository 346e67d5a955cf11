"""The Stream gateway: a ticket, a WebSocket, events and callbacks as frames that are sent again until answered."""

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from yunlian.platforms.sandbox.faults import Kind, Where, struck
from yunlian.platforms.sandbox.platform import Sandbox
from yunlian.platforms.sandbox.world import Entry

from .asking import Ask, How, Path, Refused, new
from .world import DingTalk, Frame, StreamTicket, secret

TICKET_S = 90.0
POLL_S = 0.05
CARD_TOPIC = "/v1.0/card/instances/callback"
REFUSED = 4001  # of the WebSocket: a ticket that is none


def _open(ask: Ask) -> Any:
    app = ask.state.apps.get(ask.text("clientId"))
    if app is None or app.secret != ask.text("clientSecret"):
        raise Refused("authFailed", "鉴权失败", 401)
    topics = [
        str(each.get("topic")) for each in ask.body.get("subscriptions") or () if isinstance(each, dict)
    ]
    if not topics:
        raise Refused("invalidParameter", "subscriptions")
    ticket = secret("t")
    ask.state.stream_tickets[ticket] = StreamTicket(app.key, ask.now + TICKET_S, topics)
    return {"endpoint": f"ws://{ask.headers['host']}/dingtalk/connect", "ticket": ticket}


PATHS: tuple[Path, ...] = (new("POST", "/v1.0/gateway/connections/open", _open, How.ACT),)


class Connection:
    """One WebSocket of one app."""

    def __init__(self, sandbox: Sandbox, websocket: WebSocket, ticket: StreamTicket) -> None:
        self._sandbox = sandbox
        self._websocket = websocket
        self._app_key = ticket.app_key
        self._topics = set(ticket.topics)
        self._id = secret("c")

    async def run(self) -> None:
        """Until the client goes, or is told to."""
        await self._websocket.accept()
        reading, writing = asyncio.create_task(self._read()), asyncio.create_task(self._write())
        _, pending = await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
        for each in pending:
            each.cancel()
        done = await asyncio.gather(reading, writing, return_exceptions=True)
        for fault in done:
            if isinstance(fault, Exception) and not isinstance(fault, WebSocketDisconnect | RuntimeError):
                raise fault

    async def _write(self) -> None:
        state, world = self._state(), self._sandbox.world
        asked = state.disconnects.get(self._app_key, 0)
        ping_at = world.now() + state.switches.stream_ping_s
        while self._state().disconnects.get(self._app_key, 0) == asked:
            for frame in self._taken():
                await self._send(frame.type, frame.headers | {"connectionId": self._id}, frame.data)
            if world.now() >= ping_at:
                ping_at = world.now() + state.switches.stream_ping_s
                await self._system("ping", {"opaque": secret()})
            await asyncio.sleep(POLL_S)
        await self._system("disconnect", {"reason": "connection is expired"})
        await asyncio.sleep(state.switches.stream_close_s)
        await self._websocket.close()

    def _taken(self) -> list[Frame]:
        """The frames that are due; whichever connection asks first has them."""
        state, world = self._state(), self._sandbox.world
        with world.lock:
            now = world.now()
            due = [
                each
                for each in state.frames.values()
                if each.app_key == self._app_key and each.due <= now and self._hears(each)
            ]
            if not due:
                return []
            with world.change():
                return [frame for each in due for frame in self._struck(each)]

    def _struck(self, frame: Frame) -> list[Frame]:
        """The frame as often as it is to be sent; sent or lost, it comes again unless answered."""
        world, switches = self._sandbox.world, self._state().switches
        hit = struck(world, "dingtalk", Where.CALLBACK, self._app_key) if frame.sent == 0 else {}
        frame.sent += 1
        if Kind.LATE in hit:
            frame.due = world.now() + hit[Kind.LATE].seconds
            return []
        frame.due = world.now() + switches.stream_again_s
        if Kind.LOST in hit:
            return []
        return [frame, frame] if Kind.DOUBLED in hit else [frame]

    def _hears(self, frame: Frame) -> bool:
        return "*" in self._topics if frame.type == "EVENT" else frame.headers["topic"] in self._topics

    async def _system(self, topic: str, data: dict[str, str]) -> None:
        headers = {"topic": topic, "messageId": secret("s"), "contentType": "application/json"}
        await self._send("SYSTEM", headers, json.dumps(data))

    async def _send(self, type: str, headers: dict[str, str], data: str) -> None:
        said = {"specVersion": "1.0", "type": type, "headers": headers, "data": data}
        await self._websocket.send_text(json.dumps(said, ensure_ascii=False))

    async def _read(self) -> None:
        while True:
            self._answered(_object(await self._websocket.receive_text()))

    def _answered(self, answer: dict[str, Any]) -> None:
        state, world = self._state(), self._sandbox.world
        id = str((answer.get("headers") or {}).get("messageId"))
        with world.change():
            frame = state.frames.get(id)
            if frame is None:
                return
            said = _object(str(answer.get("data") or "{}"))
            what = frame.headers.get("eventType", frame.headers["topic"])
            code = answer["code"] if isinstance(answer.get("code"), int) else 0
            world.note(
                Entry(
                    world.now(),
                    "dingtalk",
                    "callback",
                    f"{self._app_key}: {what} (Stream)",
                    code,
                    str(answer.get("data"))[:300],
                    0,
                )
            )
            if frame.type == "EVENT" and said.get("status") == "LATER":
                frame.due = world.now() + state.switches.stream_again_s
                return
            if code == 200 or frame.type == "CALLBACK":
                del state.frames[id]
            if frame.type == "CALLBACK" and code == 200:
                updated(state, frame.data, said.get("response"))

    def _state(self) -> DingTalk:
        return self._sandbox.world.part(DingTalk)


def updated(state: DingTalk, pressed: str, response: Any) -> None:
    """Change the pressed card as the answer to the press says."""
    card = state.cards.get(str(_object(pressed).get("outTrackId")))
    if card is None or not isinstance(response, dict):
        return
    data = (response.get("cardData") or {}).get("cardParamMap") or {}
    by_key = (response.get("cardUpdateOptions") or {}).get("updateCardDataByKey")
    if data:
        card.data = {
            **(card.data if by_key else {}),
            **{str(name): str(value) for name, value in data.items()},
        }


async def connect(sandbox: Sandbox, websocket: WebSocket) -> None:
    """A client that comes with its ticket, which is good once."""
    with sandbox.world.change():
        ticket = sandbox.world.part(DingTalk).stream_tickets.pop(
            websocket.query_params.get("ticket", ""), None
        )
    if ticket is None or ticket.expires_at <= sandbox.world.now():
        await websocket.close(REFUSED)
        return
    await Connection(sandbox, websocket, ticket).run()


def _object(written: str) -> dict[str, Any]:
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
