"""Interactive cards (互动卡片): made from a template, delivered to a person, changed when the matter is decided.

A press comes back as `events.CardPressed`, by Stream or to the address of `register`; what we answer changes the card at
once. Source: DingTalk Open Platform, "Interactive cards" and "Card callbacks" (signature of the request, answer).
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.events import CardPressed, card_pressed
from yunlian.platforms.dingtalk.signatures import suite_signature
from yunlian.platforms.dingtalk.wire import Json

SIGNATURE: Final = "x-ddpaas-signature"
TIMESTAMP: Final = "x-ddpaas-signature-timestamp"
CLOCK_S: Final = 300.0  # a request signed longer ago is somebody's who has kept it


@dataclass(frozen=True, slots=True)
class Card:
    """One card of ours. `track_id` (at most 100 characters) names it for good; the values of `data` fill the template."""

    template_id: str
    track_id: str
    data: Mapping[str, str]
    callback: Literal["STREAM", "HTTP"] = "STREAM"
    route: str = ""  # of `register`, for HTTP


def deliver(client: Client, card: Card, user_id: str, robot_code: str) -> None:
    """Make the card and put it into the talk between the person and the app's robot."""
    body: Json = {
        "cardTemplateId": card.template_id,
        "outTrackId": card.track_id,
        "userId": user_id,
        "userIdType": 1,
        "cardData": {"cardParamMap": dict(card.data)},
        "callbackType": card.callback,
        "openSpaceId": f"dtv1.card//IM_ROBOT.{user_id}",
        "imRobotOpenSpaceModel": {"supportForward": False},
        "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": robot_code},
    }
    if card.callback == "HTTP":
        body["callbackRouteKey"] = card.route
    client.new("POST", "/v1.0/card/instances/createAndDeliver", body=body)


def update(client: Client, track_id: str, data: Mapping[str, str]) -> None:
    """Change what a card shows to everybody; keys that are not named stay."""
    body = {
        "outTrackId": track_id,
        "cardData": {"cardParamMap": dict(data)},
        "cardUpdateOptions": {"updateCardDataByKey": True},
    }
    client.new("PUT", "/v1.0/card/instances", body=body)


def register(client: Client, route: str, url: str, secret: str) -> None:
    """Name the address that presses of cards with this `route` go to; replaces the former one."""
    body = {"callbackRouteKey": route, "callbackUrl": url, "apiSecret": secret, "forceUpdate": True}
    client.new("POST", "/v1.0/card/callbacks/register", body=body)


def opened(secret: str, headers: Mapping[str, str], body: bytes, now_s: float) -> CardPressed:
    """The press in a request to the address of `register`. Raises CallbackRefused (`query`, `signature` or `json`).

    The signature is over the moment alone, so the address must be one that nobody guesses.
    """
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not (timestamp.isdecimal() and len(timestamp) == 13 and given):
        raise CallbackRefused("query", "signature or timestamp is missing")
    if not hmac.compare_digest(suite_signature(secret, timestamp).encode(), given.encode()):
        raise CallbackRefused("signature", "is of another secret")
    if abs(int(timestamp) / 1000 - now_s) > CLOCK_S:
        raise CallbackRefused("signature", "is too old")
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as fault:
        raise CallbackRefused("json", "is not JSON") from fault
    if not isinstance(found, dict):
        raise CallbackRefused("json", "is not an object")
    return card_pressed(found)


def change(data: Mapping[str, str] | None) -> dict[str, Any]:
    """The answer to a press: what the card shows from now on, or nothing new."""
    if not data:
        return {}
    return {"cardUpdateOptions": {"updateCardDataByKey": True}, "cardData": {"cardParamMap": dict(data)}}
