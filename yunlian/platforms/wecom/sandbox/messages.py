"""message/*: what apps send, who gets it, and cards that are pressed and changed."""

import json
import re
from typing import Any

import httpx

from ...sandbox.platform import Sandbox
from ..crypto import Box, CallbackRefused, Envelope
from ..markup import cdata, parse
from .callbacks import event, tell_app
from .calls import APP, DOWNSTREAM, Call, Refused, api, fresh
from .ranges import Range, below
from .state import Corp, Message, Response, Wecom

WHO = frozenset({APP, DOWNSTREAM})
USERS, PARTIES, TAGS = 1000, 100, 100
DAY_S, RESPONSE_S = 86_400, 72 * 3600
MINUTE_MOST, HOUR_MOST = 30, 1000
KEPT = 5000  # messages; older ones go first
TEXT_BYTES = 2048
TASK = re.compile(r"[A-Za-z0-9_\-@]{1,128}")
KINDS = {
    "text", "image", "voice", "video", "file", "textcard", "news", "mpnews", "markdown", "miniprogram_notice",
    "template_card",
}  # fmt: skip
CARDS = {"text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction"}
INTERACTIVE = CARDS - {"text_notice", "news_notice"}


@api("POST", "message/send", WHO)
def _send(call: Call) -> dict[str, Any]:
    body, agent = call.body, call.number("agentid", 40056)
    if agent != call.token.agent:
        raise Refused(301002, "the agentid is of another app")
    users, invalid = _recipients(call)
    kind = body.get("msgtype")
    if kind not in KINDS or not isinstance(body.get(kind), dict):
        raise Refused(40008, "invalid message type")
    content = checked(call, str(kind), body[kind])
    if body.get("enable_duplicate_check") and (before := _the_same(call)):
        return {**invalid, "msgid": before.id}
    message = Message(
        fresh("msg"), call.corp.id, agent, str(kind), content, _not_too_many(call, users), call.now
    )
    call.state.messages[message.id] = message
    while len(call.state.messages) > KEPT:
        del call.state.messages[next(iter(call.state.messages))]
    answer = {**invalid, "msgid": message.id}
    if kind == "template_card":
        if content.get("task_id"):
            call.state.tasks[f"{call.corp.id}/{agent}/{content['task_id']}"] = message.id
        if content["card_type"] in INTERACTIVE:
            answer["response_code"] = _response(call.state, message, "", call.now + RESPONSE_S)
    return answer


def _recipients(call: Call) -> tuple[list[str], dict[str, str]]:
    """Accounts that get it, and the lists of those who do not, as the answer has them."""
    body, corp, seen = call.body, call.corp, Range(call)
    inside = [each for each in corp.people.values() if seen.sees(each) and each.status != 5]
    if body.get("touser") == "@all":
        return [each.user for each in inside], {"invaliduser": "", "invalidparty": "", "invalidtag": ""}
    users, parties, tags = (
        [each for each in str(body.get(name) or "").split("|") if each]
        for name in ("touser", "toparty", "totag")
    )
    if not (users or parties or tags):
        raise Refused(82001, "no recipients")
    for given, most, code in ((users, USERS, 81014), (parties, PARTIES, 82002), (tags, TAGS, 82003)):
        if len(given) > most:
            raise Refused(code, "too many recipients")
    visible = {each.user.lower(): each.user for each in inside}
    good_parties = [each for each in parties if each.isdigit() and int(each) in seen.departments]
    good_tags = [each for each in tags if each.isdigit() and int(each) in corp.tags]
    wanted = below(corp, [int(each) for each in good_parties])
    carried = {user.lower() for each in good_tags for user in corp.tags[int(each)].users}
    found = {visible[each.lower()]: None for each in users if each.lower() in visible}
    found |= {each.user: None for each in inside if not wanted.isdisjoint(each.departments)}
    found |= {each.user: None for each in inside if each.user.lower() in carried}
    if not found and not good_parties and not good_tags:
        raise Refused(81013, "user & party & tag all invalid")
    return list(found), {
        "invaliduser": "|".join(each.lower() for each in users if each.lower() not in visible),
        "invalidparty": "|".join(each for each in parties if each not in good_parties),
        "invalidtag": "|".join(each for each in tags if each not in good_tags),
    }


def _not_too_many(call: Call, users: list[str]) -> list[str]:
    """What is beyond 30 a minute and 1000 an hour for one member from one app is silently dropped."""
    counts: dict[str, list[int]] = {user: [0, 0] for user in users}
    for each in reversed(call.state.messages.values()):
        if each.at < call.now - 3600:
            break
        if (each.corp, each.agent) == (call.corp.id, call.token.agent):
            for user in counts.keys() & set(each.users):
                counts[user][0] += each.at > call.now - 60
                counts[user][1] += 1
    return [user for user, (minute, hour) in counts.items() if minute < MINUTE_MOST and hour < HOUR_MOST]


def _the_same(call: Call) -> Message | None:
    """A message with the same whole request within the interval."""
    seconds = min(4 * 3600, int(call.body.get("duplicate_check_interval") or 1800))
    wanted = json.dumps(call.body, sort_keys=True)
    for each in call.state.messages.values():
        if each.at > call.now - seconds and each.body.get("_request") == wanted:
            return each
    return None


def checked(call: Call, kind: str, content: dict[str, Any]) -> dict[str, Any]:
    """The content as it is kept. Refused when it is not as its kind demands."""
    if kind == "text" and len(str(content.get("content", "")).encode()) > TEXT_BYTES:
        raise Refused(45002, "content too long")
    if kind == "textcard":
        for name in ("title", "description", "url"):
            if not content.get(name):
                raise Refused(40063, f"missing {name}")
        content = {
            **content,
            "title": _cut(content["title"], 128),
            "description": _cut(content["description"], 512),
        }
    if kind == "template_card":
        _check_card(call, content)
    if call.body.get("enable_duplicate_check"):
        content = {**content, "_request": json.dumps(call.body, sort_keys=True)}
    return content


def _cut(text: object, size: int) -> str:
    return str(text).encode()[:size].decode(errors="ignore")


def _check_card(call: Call, card: dict[str, Any]) -> None:
    kind, task = card.get("card_type"), card.get("task_id")
    if kind not in CARDS:
        raise Refused(42031, "invalid card_type")
    if kind in INTERACTIVE or card.get("action_menu"):
        if not isinstance(task, str) or not TASK.fullmatch(task):
            raise Refused(42030, "invalid task_id")
        if f"{call.corp.id}/{call.token.agent}/{task}" in call.state.tasks:
            raise Refused(call.state.options.duplicate_task, "task_id was used before")
    if not (card.get("main_title") or {}).get("title") and not (
        kind == "text_notice" and card.get("sub_title_text")
    ):
        raise Refused(42033, "missing main_title.title")
    for name, most, code in (
        ("horizontal_content_list", 6, 42035), ("vertical_content_list", 4, 42036), ("jump_list", 3, 42042),
    ):  # fmt: skip
        if len(card.get(name) or []) > most:
            raise Refused(code, f"{name} has at most {most}")
    if kind in ("text_notice", "news_notice") and (card.get("card_action") or {}).get("type") not in (1, 2):
        raise Refused(42045, "invalid card_action")
    if kind == "button_interaction":
        _check_buttons(card.get("button_list") or [])
    if kind in ("vote_interaction", "multiple_interaction") and not (card.get("submit_button") or {}).get(
        "key"
    ):
        raise Refused(42039, "missing submit_button.key")


def _check_buttons(buttons: list[dict[str, Any]]) -> None:
    if not 1 <= len(buttons) <= 6:
        raise Refused(42038, "button_list has 1 to 6")
    for each in buttons:
        if not each.get("text"):
            raise Refused(42038, "missing button text")
        if each.get("type", 0) == 0 and not 1 <= len(str(each.get("key", "")).encode()) <= 1024:
            raise Refused(42039, "invalid button key")


def _response(state: Wecom, message: Message, user: str, ends: float) -> str:
    text = fresh("rc")
    state.responses[text] = Response(message.id, user, ends)
    return text


@api("POST", "message/update_template_card", WHO)
def _update(call: Call) -> dict[str, Any]:
    if call.number("agentid", 40056) != call.token.agent:
        raise Refused(301002, "the agentid is of another app")
    response = call.state.responses.get(call.text("response_code", 60140))
    message = call.state.messages.get(response.message) if response else None
    if response is None or message is None or response.used or response.ends <= call.now:
        raise Refused(60140, "invalid response_code")
    if (message.corp, message.agent) != (call.corp.id, call.token.agent):
        raise Refused(60140, "invalid response_code")
    button, card = call.body.get("button"), call.body.get("template_card")
    if not (isinstance(button, dict) and button.get("replace_name")) and not isinstance(card, dict):
        raise Refused(40058, "neither button nor template_card")
    if isinstance(card, dict) and card.get("card_type") not in CARDS:
        raise Refused(42031, "invalid card_type")
    response.used = True
    users = call.body.get("userids") or (message.users if call.body.get("atall") else [])
    got = {each.lower(): each for each in message.users}
    for user in users:
        if user.lower() in got:
            shown = {**message.body, "replaced": str(button["replace_name"])} if button else dict(card or {})
            message.cards[got[user.lower()]] = shown
    return {"invaliduser": [each for each in users if each.lower() not in got]}


@api("POST", "message/recall", WHO)
def _recall(call: Call) -> dict[str, Any]:
    message = call.state.messages.get(call.text("msgid", 40058))
    if message is None or (message.corp, message.agent) != (call.corp.id, call.token.agent):
        raise Refused(40058, "invalid msgid")
    if call.now - message.at > DAY_S:
        raise Refused(42052, "recall after 24 h")
    message.recalled = True
    return {}


def pressed(
    sandbox: Sandbox, corp: Corp, message: Message, user: str, key: str, selected: dict[str, list[str]]
) -> None:
    """A member presses a button of a card: the app is told, and may answer at once with other words for it."""
    state, now = sandbox.world.part(Wecom), sandbox.world.now()
    message.pressed[user] = key
    app = corp.apps[message.agent]
    code = _response(state, message, user, now + 3600 * state.options.card_answer_hours)
    xml = event(
        "template_card_event", EventKey=key, TaskId=message.body.get("task_id", ""),
        CardType=message.body.get("card_type", ""), ResponseCode=code,
    ) + _selected(selected, "OpitonId" if state.options.spelled_opiton else "OptionId")  # fmt: skip
    box = Box(app.receiver.token, app.receiver.aes_key, corp.id)

    def answered(answer: httpx.Response) -> str:
        if answer.status_code != 200:
            return f"answered {answer.status_code}"
        return _passive(sandbox, box, message, user, answer.text)

    tell_app(sandbox, corp, app, xml, user, answered)


def _passive(sandbox: Sandbox, box: Box, message: Message, user: str, text: str) -> str:
    """An empty answer is right; another must be an encrypted reply that replaces the buttons. What is wrong with it."""
    if not text.strip():
        return ""
    try:
        outer = parse(text)
        inner = parse(
            box.open(Envelope(*(outer[name] for name in ("MsgSignature", "TimeStamp", "Nonce", "Encrypt"))))
        )
    except CallbackRefused as refused:
        return f"answered neither nothing nor an encrypted reply: {refused}"
    words = inner.child("Button")["ReplaceName"]
    if inner["MsgType"] != "update_button" or not words:
        return f"answered with a reply of kind {inner['MsgType']}"
    with sandbox.world.change():
        message.cards[user] = {**message.body, "replaced": words}
    return ""


def _selected(selected: dict[str, list[str]], option: str) -> str:
    if not selected:
        return ""
    items = "".join(
        f"<SelectedItem><QuestionKey>{cdata(question)}</QuestionKey><{option}s>"
        + "".join(f"<{option}>{cdata(each)}</{option}>" for each in options)
        + f"</{option}s></SelectedItem>"
        for question, options in selected.items()
    )
    return f"<SelectedItems>{items}</SelectedItems>"
