"""Callback address of an internal app, set through the API instead of the console; its owner key is the corp ID."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import Json, flag, listed, number, part, several, text


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where DingTalk sends which events. Token 6 to 63 letters and digits, AES key 43."""

    url: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """An event that three attempts did not bring home; `body` is as DingTalk keeps it."""

    tag: str
    at_ms: int
    body: Json


def register(client: Client, subscription: Subscription) -> None:
    """DingTalk calls the address during this call: the server must be answering already."""
    client.act("/call_back/register_call_back", _body(subscription))


def update(client: Client, subscription: Subscription) -> None:
    """As `register`, where there is one already."""
    client.act("/call_back/update_call_back", _body(subscription))


def current(client: Client) -> Subscription:
    """Raises PlatformError 71007 when nothing is registered."""
    found = client.get("/call_back/get_call_back")
    return Subscription(
        text(found, "url"), text(found, "token"), text(found, "aes_key"), several(found, "call_back_tag")
    )


def delete(client: Client) -> None:
    """Stop the events."""
    client.get("/call_back/delete_call_back")


def undelivered(client: Client) -> Iterator[Undelivered]:
    """What was given up. Whether reading removes it is unconfirmed, so events may come again.

    The pass ends when DingTalk says there is no more, or repeats itself.
    """
    seen: list[Json] = []
    while True:
        page = client.get("/call_back/get_call_back_failed_result")
        rows = listed(page, "failed_list")
        if rows == seen:
            return
        for each in rows:
            tag = text(each, "call_back_tag")
            yield Undelivered(tag, number(each, "event_time"), part(each, tag))
        if not flag(page, "has_more"):
            return
        seen = rows


def _body(wanted: Subscription) -> Json:
    tags: Sequence[str] = wanted.tags
    return {"call_back_tag": list(tags), "token": wanted.token, "aes_key": wanted.aes_key, "url": wanted.url}
