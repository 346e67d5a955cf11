"""Interactive cards (互动卡片): made from a template, delivered to a person, changed when the matter is decided.

A press comes back as `events.CardPressed`, by Stream or to the address of `register`. Source: DingTalk Open Platform,
"Interactive cards".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import Json


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
