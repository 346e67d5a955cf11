"""Work notices (工作通知): send, look at what became of them, recall.

The same content reaches a person once a day, and an app has 500 (third-party: 50) a person and day. Beyond that the
call still succeeds: `outcome` tells. Source: DingTalk Open Platform, "Work notifications".
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.wire import Json, listed, number, part, several, text

USERS_MAX: Final = 100
DEPARTMENTS_MAX: Final = 20
TEMPLATE_USERS_MAX: Final = 5000
TEMPLATE_DEPARTMENTS_MAX: Final = 500
_BASE: Final = "/topapi/message/corpconversation/"


@dataclass(frozen=True, slots=True)
class Text:
    """A plain text."""

    content: str

    def wire(self) -> Json:
        return {"msgtype": "text", "text": {"content": self.content}}


@dataclass(frozen=True, slots=True)
class Markdown:
    """A text with DingTalk's part of Markdown; `title` shows in the list of talks."""

    title: str
    text: str

    def wire(self) -> Json:
        return {"msgtype": "markdown", "markdown": {"title": self.title, "text": self.text}}


@dataclass(frozen=True, slots=True)
class Link:
    """A title, a line of text and a picture that open a page."""

    title: str
    text: str
    url: str
    picture_url: str

    def wire(self) -> Json:
        body = {"title": self.title, "text": self.text, "messageUrl": self.url, "picUrl": self.picture_url}
        return {"msgtype": "link", "link": body}


@dataclass(frozen=True, slots=True)
class Form:
    """A document in facts (`oa`): a coloured head, pairs of label and value, a page behind it.

    Its status bar can be changed later by `set_status`. `colour` is eight hexadecimal digits, opacity first.
    """

    head: str
    title: str
    facts: tuple[tuple[str, str], ...]
    url: str
    pc_url: str
    colour: str = "FF1F6FEB"

    def wire(self) -> Json:
        form = [{"key": key, "value": value} for key, value in self.facts]
        body = {
            "message_url": self.url, "pc_message_url": self.pc_url,
            "head": {"bgcolor": self.colour, "text": self.head},
            "body": {"title": self.title, "form": form},
        }  # fmt: skip
        return {"msgtype": "oa", "oa": body}


@dataclass(frozen=True, slots=True)
class Button:
    """A button that opens a page."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ActionCard:
    """A text in Markdown over one or several buttons."""

    title: str
    markdown: str
    buttons: tuple[Button, ...]

    def wire(self) -> Json:
        card: Json = {"title": self.title, "markdown": self.markdown}
        if len(self.buttons) == 1:
            card |= {"single_title": self.buttons[0].title, "single_url": self.buttons[0].url}
        else:
            rows = [{"title": each.title, "action_url": each.url} for each in self.buttons]
            card |= {"btn_orientation": "1", "btn_json_list": rows}
        return {"msgtype": "action_card", "action_card": card}


Message = Text | Markdown | Link | Form | ActionCard


@dataclass(frozen=True, slots=True)
class Forbidden:
    """One person who was not told, and DingTalk's reason: `143105` daily limit, `143106` same content again."""

    user_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a notice, person by person."""

    read: tuple[str, ...]
    unread: tuple[str, ...]
    failed: tuple[str, ...]
    invalid_users: tuple[str, ...]
    invalid_departments: tuple[int, ...]
    forbidden: tuple[Forbidden, ...]


def send(
    client: Client,
    agent_id: int,
    message: Message,
    *,
    users: Sequence[str] = (),
    departments: Sequence[int] = (),
) -> int:
    """Send, and the task id to ask about it. Without an answer it is not sent again: it may have gone.

    Raises ValueError beyond 100 users or 20 departments, or without either.
    """
    receivers = _receivers(users, departments, USERS_MAX, DEPARTMENTS_MAX)
    body = {"agent_id": agent_id, "msg": message.wire()} | receivers
    return number(client.act(f"{_BASE}asyncsend_v2", body), "task_id")


def send_template(
    client: Client,
    agent_id: int,
    template_id: str,
    data: Mapping[str, str],
    *,
    users: Sequence[str] = (),
    departments: Sequence[int] = (),
) -> int:
    """As third-party apps made after 2020-11-27 must. Raises ValueError beyond 5000 users or 500 departments."""
    receivers = _receivers(users, departments, TEMPLATE_USERS_MAX, TEMPLATE_DEPARTMENTS_MAX)
    written = json.dumps(dict(data), ensure_ascii=False)
    body = {"agent_id": agent_id, "template_id": template_id, "data": written} | receivers
    return number(client.act(f"{_BASE}sendbytemplate", body), "task_id")


def progress_percent(client: Client, agent_id: int, task_id: int) -> int:
    """How far a notice has gone, 0 to 100."""
    answer = client.read(f"{_BASE}getsendprogress", {"agent_id": agent_id, "task_id": task_id})
    return number(part(answer, "progress"), "progress_in_percent")


def outcome(client: Client, agent_id: int, task_id: int) -> Outcome:
    """Who got it, who read it, and who did not get it and why."""
    answer = client.read(f"{_BASE}getsendresult", {"agent_id": agent_id, "task_id": task_id})
    found = part(answer, "send_result")
    forbidden = tuple(
        Forbidden(user, text(each, "code"))
        for each in listed(found, "forbidden_list")
        for user in several(each, "userid")
    )
    return Outcome(
        read=several(found, "read_user_id_list"),
        unread=several(found, "unread_user_id_list"),
        failed=several(found, "failed_user_id_list"),
        invalid_users=several(found, "invalid_user_id_list"),
        invalid_departments=tuple(int(each) for each in several(found, "invalid_dept_id_list")),
        forbidden=forbidden,
    )


def recall(client: Client, agent_id: int, task_id: int) -> None:
    """Take a notice back, within 24 hours. Doing so twice does no harm."""
    client.read(f"{_BASE}recall", {"agent_id": agent_id, "msg_task_id": task_id})


def set_status(client: Client, agent_id: int, task_id: int, status: str, colour: str) -> None:
    """Change the status bar of a Form, say to 已同意. Doing so twice does no harm."""
    body = {"agent_id": agent_id, "task_id": task_id, "status_value": status, "status_bg": colour}
    client.read(f"{_BASE}status_bar/update", body)


def _receivers(
    users: Sequence[str], departments: Sequence[int], users_max: int, departments_max: int
) -> dict[str, str]:
    if not users and not departments:
        raise ValueError("a notice for nobody")
    if len(users) > users_max or len(departments) > departments_max:
        raise ValueError(f"at most {users_max} users and {departments_max} departments")
    found = {}
    if users:
        found["userid_list"] = ",".join(users)
    if departments:
        found["dept_id_list"] = ",".join(map(str, departments))
    return found
