"""Messages of an app: text, text cards, template cards; changing and recalling them.

Source: developer.work.weixin.qq.com, 发送应用消息 (90236), 更新模版卡片消息. A member gets at most 30 a minute and 1000 an
hour of one app, and WeCom silently drops more: to named members we wait for room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .client import Client

EVERYBODY = "@all"
DUPLICATES_S = 1800


@dataclass(frozen=True)
class To:
    """The recipients: members, departments, tags (up to 1000, 100 and 100), or everybody in the visible range."""

    users: tuple[str, ...] = ()
    departments: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()
    everybody: bool = False


@dataclass(frozen=True)
class Sent:
    """A message that went out, and whom it did not reach (accounts in lower case)."""

    id: str
    response_code: str | None
    unreached_users: tuple[str, ...]
    unreached_departments: tuple[str, ...]
    unreached_tags: tuple[str, ...]
    unlicensed_users: tuple[str, ...]


@dataclass(frozen=True)
class Button:
    """A button of a card. `key` comes back in the event, at most 1024 bytes; style 1 is the chief one, 3 red."""

    text: str
    key: str
    style: int = 1


@dataclass(frozen=True)
class Card:
    """An approval card: what it is about, up to 6 facts, up to 6 buttons, and the page a tap opens.

    `task` has up to 128 of letters, digits, `_`, `-`, `@`, and is used once per app.
    """

    task: str
    title: str
    text: str
    url: str
    facts: tuple[tuple[str, str], ...] = ()
    buttons: tuple[Button, ...] = ()
    source: str = ""


def send(client: Client, to: To, kind: str, content: Mapping[str, Any], *, once: bool = False) -> Sent:
    """Send a message of a kind (`text`, `textcard`, `template_card`, ...) with its content as WeCom has it.

    `once` lets WeCom drop the same request within half an hour. Refused with 81013 when nobody can be reached; part
    of them is not an error.
    """
    for user in to.users:
        client.wait_for_person(user)
    asked = {**_targets(to), "msgtype": kind, "agentid": client.agent, kind: dict(content)}
    if once:
        asked |= {"enable_duplicate_check": 1, "duplicate_check_interval": DUPLICATES_S}
    answer = client.post("message/send", asked)
    return Sent(
        answer["msgid"],
        answer.get("response_code"),
        *(
            _names(answer.get(name))
            for name in ("invaliduser", "invalidparty", "invalidtag", "unlicenseduser")
        ),
    )


def text(client: Client, to: To, content: str) -> Sent:
    """Plain text, up to 2048 bytes."""
    return send(client, to, "text", {"content": content})


def link(client: Client, to: To, title: str, description: str, url: str, button: str = "详情") -> Sent:
    """A text card that opens a page; title up to 128 bytes, description up to 512, the rest is cut."""
    content = {"title": title, "description": description, "url": url, "btntxt": button}
    return send(client, to, "textcard", content)


def card(client: Client, to: To, card: Card) -> Sent:
    """A card with buttons; what is pressed comes as a `CardAnswered` event."""
    return send(client, to, "template_card", template(card))


@dataclass(frozen=True)
class Linked:
    """Recipients in linked corps: (corp, account), (linked id, department), or everybody the app may see there."""

    users: tuple[tuple[str, str], ...] = ()
    departments: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    everybody: bool = False


@dataclass(frozen=True)
class Unreached:
    """Whom a message to linked corps did not reach, as WeCom names them: `CORPID/USERID`, `LINKEDID/DEPTID`."""

    users: tuple[str, ...]
    departments: tuple[str, ...]
    tags: tuple[str, ...]


def send_linked(client: Client, to: Linked, kind: str, content: Mapping[str, Any]) -> Unreached:
    """Send a message to people of linked corps 互联企业; lists here where `send` has joined text. Refused like `send`.

    Source: developer.work.weixin.qq.com, 互联企业消息推送 (90250).
    """
    asked = {
        "touser": ["/".join(each) for each in to.users], "toparty": ["/".join(each) for each in to.departments],
        "totag": list(to.tags), "toall": int(to.everybody), "msgtype": kind, "agentid": client.agent,
        kind: dict(content),
    }  # fmt: skip
    answer = client.post("linkedcorp/message/send", asked)
    return Unreached(
        *(tuple(answer.get(name) or ()) for name in ("invaliduser", "invalidparty", "invalidtag"))
    )


def settle(client: Client, users: list[str], response_code: str, words: str) -> list[str]:
    """Replace the buttons of a card by words, for these members; a response code works once, so use it at once.

    Gives those who could not be reached. Refused with 60140 when the code is used or over.
    """
    asked = {
        "userids": users, "agentid": client.agent, "response_code": response_code, "button": {"replace_name": words},
    }  # fmt: skip
    return list(client.post("message/update_template_card", asked).get("invaliduser") or ())


def replace(client: Client, users: list[str], response_code: str, content: Mapping[str, Any]) -> list[str]:
    """Replace a whole card by another, as WeCom has them."""
    asked = {
        "userids": users, "agentid": client.agent, "response_code": response_code, "template_card": dict(content),
    }  # fmt: skip
    return list(client.post("message/update_template_card", asked).get("invaliduser") or ())


def recall(client: Client, id: str) -> None:
    """Take a message back, within 24 hours (42052)."""
    client.post("message/recall", {"msgid": id})


def template(card: Card) -> dict[str, Any]:
    """The `button_interaction` card as WeCom has it."""
    found: dict[str, Any] = {
        "card_type": "button_interaction",
        "task_id": card.task,
        "main_title": {"title": card.title, "desc": card.text},
        "horizontal_content_list": [{"keyname": name, "value": value} for name, value in card.facts],
        "card_action": {"type": 1, "url": card.url},
        "button_list": [
            {"type": 0, "text": each.text, "style": each.style, "key": each.key} for each in card.buttons
        ],
    }
    if card.source:
        found["source"] = {"desc": card.source, "desc_color": 0}
    return found


def _targets(to: To) -> dict[str, str]:
    if to.everybody:
        return {"touser": EVERYBODY}
    lists = {"touser": to.users, "toparty": to.departments, "totag": to.tags}
    return {name: "|".join(str(each) for each in found) for name, found in lists.items() if found}


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(each for each in (text or "").split("|") if each)
