"""Work notices, interactive cards and to-dos: taken as DingTalk takes them, and shown on the phone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from .asking import Ask, Flat, How, Path, Refused, new, old
from .ranges import sees_department, sees_person, subtree
from .world import App, Card, Corp, Forbidden, Install, Notice, Todo

CHINA = timedelta(hours=8)
KINDS = ("text", "image", "voice", "file", "link", "oa", "markdown", "action_card")
RECALL_S = 86400.0


def _send(ask: Ask) -> Any:
    app, corp, install = _sender(ask)
    message = ask.body.get("msg")
    if isinstance(message, str):
        message = _parsed(message)
    if not isinstance(message, dict) or message.get("msgtype") not in KINDS:
        raise Refused("400002", "msg")
    if message["msgtype"] not in message:
        raise Refused("400002", f"msg.{message['msgtype']}")
    return _taken(ask, app, corp, install, message, 100, 20)


def _send_template(ask: Ask) -> Any:
    app, corp, install = _sender(ask)
    message = {
        "msgtype": "template",
        "template": {"id": ask.text("template_id"), "data": _parsed(ask.text("data"))},
    }
    return _taken(ask, app, corp, install, message, 5000, 500)


def _sender(ask: Ask) -> tuple[App, Corp, Install]:
    app, corp, install = ask.caller()
    if ask.number("agent_id") != install.agent_id:
        raise Refused("400002", "agent_id不属于该应用")
    return app, corp, install


def _parsed(written: str) -> dict[str, Any]:
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("400002", "不是JSON")
    return found


def _taken(
    ask: Ask,
    app: App,
    corp: Corp,
    install: Install,
    message: dict[str, Any],
    users_max: int,
    departments_max: int,
) -> Any:
    users, departments = _names(ask, "userid_list"), _names(ask, "dept_id_list")
    everybody = ask.body.get("to_all_user") in (True, "true")
    if not (users or departments or everybody):
        raise Refused("400002", "userid_list, dept_id_list, to_all_user")
    if len(users) > users_max or len(departments) > departments_max:
        raise Refused("400002", "接收者过多")
    reached, bad_users, bad_departments = _receivers(corp, install, users, departments, everybody=everybody)
    forbidden = [
        Forbidden(each, code)
        for each in reached
        if (code := _limited(ask, app, corp, each, message)) is not None
    ]
    kept_back = {each.userid for each in forbidden}
    notice = Notice(
        900000000000 + ask.state.number(), app.key, corp.corp_id, install.agent_id, ask.now, message,
        [each for each in reached if each not in kept_back], bad_users, bad_departments, forbidden,
    )  # fmt: skip
    ask.state.notices[notice.task_id] = notice
    return Flat(task_id=notice.task_id)


def _names(ask: Ask, name: str) -> list[str]:
    value = ask.body.get(name) or ""
    return [each for each in str(value).split(",") if each]


def _receivers(
    corp: Corp, install: Install, users: list[str], departments: list[str], *, everybody: bool
) -> tuple[list[str], list[str], list[int]]:
    """Who gets it, and the named people and departments that do not."""
    good = [each for each in users if each in corp.people and sees_person(corp, install, corp.people[each])]
    bad = [each for each in users if each not in good]
    wanted: set[int] = set()
    bad_departments = []
    for each in departments:
        dept_id = int(each) if each.isdecimal() else 0
        if dept_id in corp.departments and sees_department(corp, install, dept_id):
            wanted |= subtree(corp, dept_id)
        else:
            bad_departments.append(dept_id)
    inside = [
        person.userid
        for person in corp.people.values()
        if (everybody and sees_person(corp, install, person)) or wanted.intersection(person.departments)
    ]
    return list(dict.fromkeys([*good, *inside])), bad, bad_departments


def _limited(ask: Ask, app: App, corp: Corp, userid: str, message: dict[str, Any]) -> int | None:
    """Beyond the limits the call succeeds and the person hears nothing."""
    today = _day(ask.now)
    had = [
        each.message
        for each in ask.state.notices.values()
        if each.app_key == app.key
        and each.corp_id == corp.corp_id
        and userid in each.users
        and _day(each.at) == today
    ]
    if message in had:
        return 143106
    return 143105 if len(had) >= (50 if app.is_suite else 500) else None


def _day(at: float) -> str:
    return (datetime.fromtimestamp(at, UTC) + CHINA).strftime("%Y%m%d")


def _notice(ask: Ask, name: str = "task_id") -> Notice:
    app, corp, _ = _sender(ask)
    found = ask.state.notices.get(ask.number(name))
    if found is None or (found.app_key, found.corp_id) != (app.key, corp.corp_id):
        raise Refused("400002", name)
    return found


def _progress(ask: Ask) -> Any:
    _notice(ask)
    return Flat(progress={"progress_in_percent": 100, "status": 2})


def _result(ask: Ask) -> Any:
    found = _notice(ask)
    return Flat(send_result={
        "invalid_user_id_list": found.invalid_users,
        "invalid_dept_id_list": found.invalid_departments,
        "forbidden_user_id_list": [each.userid for each in found.forbidden],
        "forbidden_list": [{"code": str(each.code), "count": 1, "userid": each.userid} for each in found.forbidden],
        "failed_user_id_list": [],
        "read_user_id_list": found.read,
        "unread_user_id_list": [each for each in found.users if each not in found.read],
    })  # fmt: skip


def _recall(ask: Ask) -> Any:
    found = _notice(ask, "msg_task_id")
    if ask.now - found.at > RECALL_S:
        raise Refused("400002", "超过24小时，不能撤回")
    found.recalled = True
    return Flat()


def _status_bar(ask: Ask) -> Any:
    found = _notice(ask)
    if found.message.get("msgtype") != "oa":
        raise Refused("400002", "只有OA消息有状态栏")
    found.status, found.status_colour = ask.text("status_value"), str(ask.body.get("status_bg") or "")
    return Flat()


def _create_card(ask: Ask) -> Any:
    return _card(ask, delivered=False)


def _create_and_deliver(ask: Ask) -> Any:
    return _card(ask, delivered=True)


def _card(ask: Ask, *, delivered: bool) -> Any:
    app, corp, _ = ask.caller()
    track = ask.text("outTrackId")
    if len(track) > 100:
        raise Refused("param.error", "outTrackId")
    if track in ask.state.cards:
        raise Refused("param.error", "outTrackId已存在")
    space = str(ask.body.get("openSpaceId") or "")
    userid = space.rpartition(".")[2] if space else str(ask.body.get("userId") or "")
    if delivered and userid not in corp.people:
        raise Refused("param.error", "接收者不存在")
    route = str(ask.body.get("callbackRouteKey") or "")
    kind = str(ask.body.get("callbackType") or "HTTP")
    if kind == "HTTP" and route and route not in app.card_routes:
        raise Refused("param.error", "callbackRouteKey未注册")
    ask.state.cards[track] = Card(
        track,
        ask.text("cardTemplateId"),
        app.key,
        corp.corp_id,
        userid,
        ask.now,
        _card_data(ask),
        kind,
        route,
        delivered,
    )
    return {
        "success": True,
        "result": {"outTrackId": track, "deliverResults": [{"success": True, "spaceId": userid}]},
    }


def _deliver_card(ask: Ask) -> Any:
    card = _own_card(ask)
    space = str(ask.body.get("openSpaceId") or "")
    card.userid, card.delivered = space.rpartition(".")[2] or card.userid, True
    return {"success": True, "result": [{"success": True, "spaceId": card.userid}]}


def _update_card(ask: Ask) -> Any:
    card = _own_card(ask)
    options = ask.body.get("cardUpdateOptions") or {}
    data = _card_data(ask)
    card.data = card.data | data if options.get("updateCardDataByKey") else data
    return {"success": True, "result": True}


def _own_card(ask: Ask) -> Card:
    app, corp, _ = ask.caller()
    found = ask.state.cards.get(ask.text("outTrackId"))
    if found is None or (found.app_key, found.corp_id) != (app.key, corp.corp_id):
        raise Refused("param.error", "卡片不存在")
    return found


def _card_data(ask: Ask) -> dict[str, str]:
    found = (ask.body.get("cardData") or {}).get("cardParamMap") or {}
    if not all(isinstance(each, str) for each in found.values()):
        raise Refused("param.error", "cardParamMap的值必须是字符串")
    return dict(found)


def _register_cards(ask: Ask) -> Any:
    app, _, _ = ask.caller()
    route = ask.text("callbackRouteKey")
    if route in app.card_routes and not ask.body.get("forceUpdate"):
        raise Refused("param.error", "callbackRouteKey已存在")
    app.card_routes[route] = ask.text("callbackUrl")
    app.card_secrets[route] = str(ask.body.get("apiSecret") or "")
    return {
        "success": True,
        "result": {"callbackUrl": app.card_routes[route], "apiSecret": str(ask.body.get("apiSecret") or "")},
    }


def _create_todo(ask: Ask) -> Any:
    app, corp, _ = ask.caller()
    source, subject = ask.text("sourceId"), ask.text("subject")
    if len(subject) > 1024 or len(str(ask.body.get("description") or "")) > 4096:
        raise Refused("todo.taskCreate.paramError", "过长")
    if any(
        (each.app_key, each.corp_id, each.source_id) == (app.key, corp.corp_id, source)
        for each in ask.state.todos.values()
    ):
        raise Refused("todo.taskCreate.paramError", "task exist")
    found = Todo(
        id=f"task{ask.state.number()}", app_key=app.key, corp_id=corp.corp_id, source_id=source, subject=subject,
        creator=ask.text("creatorId"), executors=[str(each) for each in ask.body.get("executorIds") or ()],
        url=str((ask.body.get("detailUrl") or {}).get("appUrl") or ""), at=ask.now,
        description=str(ask.body.get("description") or ""), priority=int(ask.body.get("priority") or 20),
    )  # fmt: skip
    ask.state.todos[found.id] = found
    return _told(found)


def _update_todo(ask: Ask) -> Any:
    found = _todo(ask)
    if "done" in ask.body:
        found.done = bool(ask.body["done"])
    found.subject = str(ask.body.get("subject") or found.subject)
    return {"result": True}


def _executor_status(ask: Ask) -> Any:
    found = _todo(ask)
    for each in ask.body.get("executorStatusList") or ():
        done = set(found.done_by)
        (done.add if each.get("isDone") else done.discard)(str(each.get("id")))
        found.done_by = sorted(done)
    found.done = found.done or set(found.executors) <= set(found.done_by)
    return {"result": True}


def _delete_todo(ask: Ask) -> Any:
    del ask.state.todos[_todo(ask).id]
    return {"result": True}


def _todo(ask: Ask) -> Todo:
    app, corp, _ = ask.caller()
    found = ask.state.todos.get(ask.at["task_id"])
    if found is None or (found.app_key, found.corp_id) != (app.key, corp.corp_id):
        raise Refused("todo.taskUpdate.paramError", "task not exist")
    return found


def _told(found: Todo) -> dict[str, Any]:
    return {
        "id": found.id, "sourceId": found.source_id, "subject": found.subject, "creatorId": found.creator,
        "executorIds": found.executors, "done": found.done, "priority": found.priority,
    }  # fmt: skip


_TALK = "/topapi/message/corpconversation"
_TODO = "/v1.0/todo/users/{union_id}/tasks"
PATHS: tuple[Path, ...] = (
    old(f"{_TALK}/asyncsend_v2", _send, How.ACT),
    old(f"{_TALK}/sendbytemplate", _send_template, How.ACT),
    old(f"{_TALK}/getsendprogress", _progress),
    old(f"{_TALK}/getsendresult", _result),
    old(f"{_TALK}/recall", _recall, How.ACT),
    old(f"{_TALK}/status_bar/update", _status_bar, How.ACT),
    new("POST", "/v1.0/card/instances", _create_card, How.ACT),
    new("PUT", "/v1.0/card/instances", _update_card, How.ACT),
    new("POST", "/v1.0/card/instances/deliver", _deliver_card, How.ACT),
    new("POST", "/v1.0/card/instances/createAndDeliver", _create_and_deliver, How.ACT),
    new("POST", "/v1.0/card/callbacks/register", _register_cards, How.ACT),
    new("POST", _TODO, _create_todo, How.ACT),
    new("PUT", f"{_TODO}/{{task_id}}", _update_todo, How.ACT),
    new("PUT", f"{_TODO}/{{task_id}}/executorStatus", _executor_status, How.ACT),
    new("DELETE", f"{_TODO}/{{task_id}}", _delete_todo, How.ACT),
)
