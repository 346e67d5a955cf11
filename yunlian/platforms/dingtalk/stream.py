"""DingTalk's Stream: events and card presses over a WebSocket that we open, so nothing of ours needs a public address.

Source: DingTalk Open Platform, "Stream mode", and `open-dingtalk/developerpedia`.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from yunlian.platforms.dingtalk.api import Api, Owner
from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.cards import change
from yunlian.platforms.dingtalk.client import App
from yunlian.platforms.dingtalk.events import CardPressed, Event, card_pressed, from_stream
from yunlian.platforms.dingtalk.wire import Json, part, text
from yunlian.platforms.errors import PlatformError

log = logging.getLogger(__name__)
EVENTS: Final = {"type": "EVENT", "topic": "*"}
CARD_TOPIC: Final = "/v1.0/card/instances/callback"
LOOK_S: Final = 0.5  # how often to look whether we are to stop
SILENCE_S: Final = 120.0  # DingTalk pings more often; a connection this quiet is dead
PAUSE_MAX_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Ears:
    """What to do with what is heard; both are called one at a time, in the thread that runs the Stream.

    `event` keeps an event and returns; it may come twice. When it raises, DingTalk is asked to send the event later.
    `pressed` returns what the card shows from now on, or None to leave it.
    """

    event: Callable[[Event], None]
    pressed: Callable[[CardPressed], dict[str, str] | None] | None = None


class Stream:
    """Listens for one app, across all its corps, until told to stop; connects again whenever the connection ends."""

    def __init__(self, api: Api, app: App, ears: Ears, *, agent: str = "yunlian") -> None:
        self._api = api
        self._app = app
        self._ears = ears
        self._agent = agent

    def run(self, stop: threading.Event) -> None:
        """Listen until `stop` is set; returns within a second of that.

        Raises PlatformError when DingTalk refuses the app (a wrong secret). What may pass, as an outage, is waited
        for: one second, two, up to thirty.
        """
        pause = 1.0
        while not stop.is_set():
            try:
                with self._connected() as socket:
                    pause = 1.0
                    self._listen(socket, stop)
            except PlatformError as error:
                if not error.retry:
                    raise
                log.warning("the Stream cannot be opened: %s", error)
            except (OSError, WebSocketException) as fault:
                log.warning("the Stream broke: %s", type(fault).__name__)
            else:
                continue  # told to come again, or to stop
            stop.wait(pause)
            pause = min(2 * pause, PAUSE_MAX_S)

    @contextmanager
    def _connected(self) -> Iterator[ClientConnection]:
        topics = [EVENTS] + ([{"type": "CALLBACK", "topic": CARD_TOPIC}] if self._ears.pressed else [])
        body = {
            "clientId": self._app.key, "clientSecret": self._app.secret, "ua": self._agent, "subscriptions": topics,
        }  # fmt: skip
        found = self._api.new(Owner(self._app.key), "POST", "/v1.0/gateway/connections/open", body=body)
        address = f"{text(found, 'endpoint')}?{urlencode({'ticket': text(found, 'ticket')})}"
        with connect(address) as socket:
            yield socket

    def _listen(self, socket: ClientConnection, stop: threading.Event) -> None:
        """Answer frames until DingTalk tells us to connect again, the connection is silent, or we stop."""
        heard = time.monotonic()
        while not stop.is_set() and time.monotonic() - heard < SILENCE_S:
            try:
                frame = _object(socket.recv(LOOK_S))
            except TimeoutError:
                continue
            except ConnectionClosed:
                return
            heard = time.monotonic()
            headers = part(frame, "headers")
            if text(frame, "type") == "SYSTEM" and text(headers, "topic") == "disconnect":
                return
            code, said = self._answer(text(frame, "type"), headers, text(frame, "data"))
            socket.send(_answer(code, text(headers, "messageId"), said))

    def _answer(self, kind: str, headers: Json, data: str) -> tuple[int, str]:
        match kind:
            case "SYSTEM":
                return 200, data  # a ping wants its own words back
            case "EVENT":
                return 200, json.dumps({"status": self._hear(headers, data), "message": ""})
            case "CALLBACK" if text(headers, "topic") == CARD_TOPIC and self._ears.pressed:
                return self._press(self._ears.pressed, data)
        return 404, "{}"

    def _hear(self, headers: Json, data: str) -> str:
        """SUCCESS, or LATER when it could not be kept: then it comes again, so nothing is lost by going on."""
        try:
            self._ears.event(from_stream(headers, _object(data)))
        except Exception:
            log.exception("an event of DingTalk's could not be kept: %s", text(headers, "eventId"))
            return "LATER"
        return "SUCCESS"

    def _press(self, pressed: Callable[[CardPressed], dict[str, str] | None], data: str) -> tuple[int, str]:
        """500 when the press could not be taken: the person sees that, and presses again."""
        try:
            shown = pressed(card_pressed(_object(data)))
        except Exception:
            log.exception("a press on a card could not be taken")
            return 500, "{}"
        return 200, json.dumps({"response": change(shown)}, ensure_ascii=False)


def _answer(code: int, message_id: str, data: str) -> str:
    headers = {"messageId": message_id, "contentType": "application/json"}
    said = {"code": code, "message": "OK" if code == 200 else "refused", "headers": headers, "data": data}
    return json.dumps(said, ensure_ascii=False)


def _object(written: str | bytes) -> Json:
    """Raises CallbackRefused for what is no JSON object: not DingTalk's."""
    try:
        found = json.loads(written)
    except (ValueError, RecursionError) as fault:
        raise CallbackRefused("json", "a frame is not JSON") from fault
    if not isinstance(found, dict):
        raise CallbackRefused("json", "a frame is not an object")
    return found
