"""Tells apps what happened: SyncHTTP rows, single or legacy pushes, Stream frames; encrypted, with DingTalk's retries."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from yunlian.platforms.dingtalk.crypto import Undecryptable, decrypt, encrypt, is_signed, signature
from yunlian.platforms.sandbox.callbacks import Delivery, local
from yunlian.platforms.sandbox.faults import Kind
from yunlian.platforms.sandbox.platform import Sandbox

from .ranges import sees_department, sees_person
from .world import App, Corp, Department, DingTalk, Frame, Install, Mode, Order, Person, Role, Undelivered

ATTEMPTS = 3
# Happening to an app rather than in a corp: told only to that app.
_BIZ_TYPES = {
    "suite_ticket": 2,
    **dict.fromkeys(("org_suite_auth", "org_suite_change", "org_suite_relieve"), 4),
    **dict.fromkeys(
        ("org_micro_app_stop", "org_micro_app_restore", "org_micro_app_remove", "org_micro_app_scope_update"), 7
    ),
    **dict.fromkeys(
        ("user_add_org", "user_modify_org", "user_dept_change", "user_role_change", "user_active_org", "user_leave_org"),
        13,
    ),
    **dict.fromkeys(("org_dept_create", "org_dept_modify", "org_dept_remove"), 14),
    **dict.fromkeys(("org_role_add", "org_role_modify", "org_role_remove"), 15),
    **dict.fromkeys(("org_update", "org_remove"), 16),
    "market_order": 17,
    "market_service_close": 37,
}  # fmt: skip
_HIGH = {2, 4, 7, 17, 37}
# What internal apps are told instead of the suites' names.
_SINGLE = {
    "user_dept_change": "user_modify_org",
    "user_role_change": "label_user_change",
    "org_role_add": "label_conf_add",
    "org_role_modify": "label_conf_modify",
    "org_role_remove": "label_conf_del",
    "org_update": "org_change",
}
_LEGACY = {
    "org_suite_change": "change_auth",
    "org_suite_relieve": "suite_relieve",
    "market_order": "market_buy",
}


@dataclass(frozen=True)
class News:
    """One happening. `subject` is the id SyncHTTP files it under, `detail` the row's body beside `syncAction`."""

    name: str
    subject: str
    detail: dict[str, Any]
    legacy_code: str = ""  # of an install, for old suites


def of_person(name: str, person: Person) -> News:
    """A happening to somebody; a leaver's row says nothing but that."""
    if name == "user_leave_org":
        return News(name, person.userid, {})
    flags = ",".join(f"{each}:{str(each in person.leads).lower()}" for each in person.departments)
    return News(name, person.userid, {
        "errcode": 0, "errmsg": "ok", "userid": person.userid, "unionid": person.unionid, "name": person.name,
        "department": person.departments, "isLeaderInDepts": f"{{{flags}}}",
        "orderInDepts": "{" + ",".join(f"{each}:1" for each in person.departments) + "}",
        "isAdmin": person.level in (1, 2), "isBoss": person.level == 100, "isSenior": False, "isHide": False,
        "active": person.active, "avatar": "", "jobnumber": person.job_number, "position": person.title,
        "stateCode": "86", "mobile": "", "email": "",
        "roles": [{"id": each, "type": 0} for each in person.roles],
    })  # fmt: skip


def of_department(name: str, found: Department) -> News:
    """A happening to a department."""
    if name == "org_dept_remove":
        return News(name, str(found.id), {})
    return News(name, str(found.id), {
        "errcode": 0, "errmsg": "ok", "id": found.id, "name": found.name, "parentid": found.parent_id,
        "order": found.order, "createDeptGroup": False, "autoAddUser": False, "deptHiding": False,
        "outerDept": False, "deptManagerUseridList": "", "deptPermits": "", "deptPerimits": "",
    })  # fmt: skip


def of_role(name: str, role: Role) -> News:
    """A happening to a role label."""
    return News(
        name,
        str(role.id),
        {"role_id": role.id, "role_name": role.name, "group_id": 1, "group_name": role.group},
    )


def of_corp(name: str, corp: Corp) -> News:
    """A happening to the corp itself."""
    return News(name, corp.corp_id, {"corpid": corp.corp_id, "corp_name": corp.name, "industry": ""})


def of_authorisation(name: str, app: App, corp: Corp, install: Install, legacy_code: str = "") -> News:
    """The corp installed the suite or changed its authorisation; both have the same body."""
    admins = [each.userid for each in corp.people.values() if each.level == 1 or each.may_manage_apps]
    return News(name, str(app.suite_id), {
        "auth_corp_info": {
            "corpid": corp.corp_id, "corp_name": corp.name, "full_corp_name": corp.name, "corp_type": 0,
            "corp_type_v2": 0, "is_ecological_corp": "false", "industry": "", "auth_level": 0,
            "is_authenticated": False, "corp_logo_url": "", "invite_code": "", "license_code": "",
        },
        "auth_user_info": {"userId": install.installed_by},
        "auth_info": {"agent": [{
            "agentid": install.agent_id, "appid": app.app_id, "agent_name": app.name, "logo_url": "", "admin_list": admins,
        }]},
        "auth_scope": {
            "errcode": 0, "errmsg": "ok", "condition_field": [], "auth_user_field": ["name", "userid"],
            "auth_org_scopes": {"authed_user": install.users, "authed_dept": install.departments},
        },
        "permanent_code": "", "ch_permanent_code": "",
    }, legacy_code)  # fmt: skip


def of_app(name: str, app: App, install: Install) -> News:
    """The app was stopped, restored, removed or shown to others in the corp."""
    detail: dict[str, Any] = {"agentId": install.agent_id}
    if name == "org_micro_app_scope_update":
        detail |= {
            "userVisibleScopes": json.dumps(install.users),
            "deptVisibleScopes": json.dumps(install.departments),
        }
    return News(name, str(app.app_id), detail)


def of_order(name: str, order: Order, app: App) -> News:
    """Something was bought, or the service of an order was closed."""
    if name == "market_service_close":
        return News(
            name,
            order.order_id,
            {"orderId": order.order_id, "closeType": 3, "refundId": f"r{order.order_id}"},
        )
    return News(name, order.order_id, {
        "orderId": order.order_id, "suiteId": app.suite_id, "suiteKey": app.key, "appId": app.app_id,
        "goodsCode": "FW_GOODS-1", "goodsName": app.name, "itemCode": "standard", "itemName": "标准版",
        "corpId": order.corp_id, "subQuantity": 1, "minOfPeople": 1, "maxOfPeople": order.people_max,
        "serviceStartTime": int(order.starts_at * 1000), "serviceStopTime": int(order.stops_at * 1000),
        "payFee": 0 if order.kind == "TRYOUT" else 100000, "orderType": "BUY" if order.kind == "TRYOUT" else order.kind,
        "orderChargeType": "TRYOUT" if order.kind == "TRYOUT" else "PAY", "orderCreateSource": "APP_STORE",
    })  # fmt: skip


def of_ticket(app: App) -> News:
    """The suite's ticket."""
    return News("suite_ticket", str(app.suite_id), {"suiteTicket": app.ticket})


def in_corp(sandbox: Sandbox, corp: Corp, news: News, *, seen: Callable[[Install], bool]) -> None:
    """Tell every app of the corp; a suite only where it sees whom it happened to."""
    for app, install in sandbox.world.part(DingTalk).installs(corp):
        if not app.is_suite or seen(install):
            tell(sandbox, app, corp, news)


def to_person(sandbox: Sandbox, corp: Corp, name: str, person: Person) -> None:
    """Tell of a happening to somebody."""
    in_corp(sandbox, corp, of_person(name, person), seen=lambda install: sees_person(corp, install, person))


def to_department(sandbox: Sandbox, corp: Corp, name: str, found: Department) -> None:
    """Tell of a happening to a department."""
    near = found.id if found.id in corp.departments else found.parent_id
    in_corp(
        sandbox, corp, of_department(name, found), seen=lambda install: sees_department(corp, install, near)
    )


def tell(sandbox: Sandbox, app: App, corp: Corp, news: News) -> None:
    """Tell one app in the way it listens; call with the world's lock held."""
    match app.receiver.mode:
        case Mode.SYNC:
            _post(sandbox, app, corp, news.name, _row(sandbox, app, corp, news))
        case Mode.LEGACY:
            _post(sandbox, app, corp, news.name, _flat(sandbox, app, corp, news))
        case Mode.PUSH:
            single = _single(sandbox, corp, news)
            if not app.receiver.tags or single["EventType"] in app.receiver.tags:
                _post(sandbox, app, corp, single["EventType"], single)
        case Mode.STREAM:
            put_frame(sandbox, app, "EVENT", _headers(sandbox, app, corp, news), _streamed(app, corp, news))
        case Mode.NONE:
            pass


def _row(sandbox: Sandbox, app: App, corp: Corp, news: News) -> dict[str, Any]:
    biz_type, at_ms = _BIZ_TYPES[news.name], int(sandbox.world.now() * 1000)
    urgent = "HIGH" if biz_type in _HIGH else "MEDIUM"
    return {"EventType": f"SYNC_HTTP_PUSH_{urgent}", "bizData": [{
        "id": sandbox.world.part(DingTalk).number(), "subscribe_id": f"{app.suite_id}_0", "corp_id": corp.corp_id,
        "biz_type": biz_type, "biz_id": news.subject, "open_cursor": 0, "status": 0,
        "biz_data": json.dumps({"syncAction": news.name, **news.detail}, ensure_ascii=False),
        "gmt_create": at_ms, "gmt_modified": at_ms,
    }]}  # fmt: skip


def _flat(sandbox: Sandbox, app: App, corp: Corp, news: News) -> dict[str, Any]:
    at_ms = int(sandbox.world.now() * 1000)
    name = _LEGACY.get(news.name, news.name)
    body: dict[str, Any] = {"EventType": name, "SuiteKey": app.key, "TimeStamp": at_ms}
    if news.name == "suite_ticket":
        return body | {"SuiteTicket": app.ticket}
    if news.name == "org_suite_auth":
        return body | {
            "EventType": "tmp_auth_code",
            "AuthCorpId": corp.corp_id,
            "AuthCode": news.legacy_code,
        }
    if news.name == "market_order":
        return body | news.detail | {"buyCorpId": corp.corp_id}
    agent = {"AgentId": news.detail["agentId"], "AppId": app.app_id} if "agentId" in news.detail else {}
    return body | {"AuthCorpId": corp.corp_id} | agent


def _single(sandbox: Sandbox, corp: Corp, news: News) -> dict[str, Any]:
    state, at_ms = sandbox.world.part(DingTalk), int(sandbox.world.now() * 1000)
    return {
        "EventType": _SINGLE.get(news.name, news.name), "EventTime": at_ms, "CorpId": corp.corp_id,
        "BizId": news.subject, "eventId": f"e-{state.number()}", **_subject(news), "timeStamp": str(at_ms),
    }  # fmt: skip


def _subject(news: News) -> dict[str, Any]:
    biz_type = _BIZ_TYPES.get(news.name, 13)
    if biz_type == 13:
        return {"userId": [news.subject]}
    return {"deptId": [int(news.subject)]} if biz_type == 14 else {}


def _headers(sandbox: Sandbox, app: App, corp: Corp, news: News) -> dict[str, str]:
    state, at_ms = sandbox.world.part(DingTalk), str(int(sandbox.world.now() * 1000))
    return {
        "topic": "*", "contentType": "application/json", "time": at_ms, "eventType": news.name,
        "eventId": f"e-{state.number()}", "eventCorpId": corp.corp_id, "eventBornTime": at_ms, "appId": str(app.app_id),
        "eventUnifiedAppId": app.key,
    }  # fmt: skip


def _streamed(app: App, corp: Corp, news: News) -> dict[str, Any]:
    if news.name in ("org_suite_auth", "org_suite_change"):
        named: dict[str, Any] = _camel(news.detail)
        return named
    return {**_subject(news), **news.detail} if app.is_suite else _subject(news)


def _camel(value: Any) -> Any:
    """Snake names as Stream writes them, all the way down; `agentid` and `appid` stay."""
    if isinstance(value, list):
        return [_camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {_camel_name(name): _camel(each) for name, each in value.items()}


def _camel_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.title() for each in others)


def put_frame(sandbox: Sandbox, app: App, type: str, headers: dict[str, str], data: dict[str, Any]) -> None:
    """Have a frame sent by one of the app's connections, now or when there is one."""
    state, world = sandbox.world.part(DingTalk), sandbox.world
    id = f"m-{state.number()}"
    written = json.dumps(data, ensure_ascii=False)
    state.frames[id] = Frame(id, app.key, type, headers | {"messageId": id}, written, world.now())


def _post(sandbox: Sandbox, app: App, corp: Corp, about: str, body: dict[str, Any]) -> None:
    state, receiver = sandbox.world.part(DingTalk), app.receiver
    owner = corp.corp_id if receiver.by_api else app.key
    wait_s = state.switches.deadline_s
    given_up = _keep_undelivered(sandbox, app, corp, about, body) if receiver.mode is Mode.PUSH else None
    sandbox.courier.post(Delivery(
        "dingtalk", app.key, f"{about} {corp.corp_id}",
        request_of(receiver.url, receiver.token, receiver.aes_key, owner, body, sandbox.world.now),
        lambda answer: complaint(answer, receiver.token, receiver.aes_key, owner),
        wait_s, ATTEMPTS, state.switches.retry_s, growth=3.0, given_up=given_up,
    ))  # fmt: skip


def request_of(
    url: str, token: str, aes_key: str, owner: str, body: dict[str, Any], now: Callable[[], float]
) -> Callable[[frozenset[Kind]], httpx.Request]:
    """Makes the request of an attempt, encrypted and signed afresh, or wrongly where a fault wants it."""

    def made(faults: frozenset[Kind]) -> httpx.Request:
        to = "dingsomebodyelse" if Kind.WRONG_RECEIVE_ID in faults else owner
        encrypted = encrypt(aes_key, json.dumps(body, ensure_ascii=False), to)
        timestamp, nonce = str(int(now() * 1000)), secrets.token_hex(6)
        signed = signature(token, timestamp, nonce, encrypted)
        if Kind.WRONG_SIGNATURE in faults:
            signed = signed[::-1]
        query = {"signature": signed, "msg_signature": signed, "timestamp": timestamp, "nonce": nonce}
        address = httpx.URL(local(url)).copy_merge_params(query)  # what the address carries already stays
        return httpx.Request("POST", address, json={"encrypt": encrypted})

    return made


def complaint(answer: httpx.Response, token: str, aes_key: str, owner: str) -> str:
    """What is wrong with the answer to a callback; it must be the encrypted `success` in JSON, signed, for the owner."""
    if answer.status_code != 200:
        return f"HTTP {answer.status_code}"
    try:
        found = answer.json()
        given = [str(found[name]) for name in ("msg_signature", "nonce", "encrypt")]
        timestamp = str(found.get("timeStamp", found.get("timestamp")))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "the answer is not the JSON with msg_signature, timeStamp, nonce and encrypt"
    sign, nonce, encrypted = given
    if not is_signed(sign, token, timestamp, nonce, encrypted):
        return "the signature of the answer does not fit"
    try:
        text, to = decrypt(aes_key, encrypted)
    except Undecryptable as fault:
        return f"the answer does not decrypt: {fault.check}"
    if text != "success":
        return "the answer is not success"
    return "" if to == owner else f"the answer is for {to}, not for {owner}"


def _keep_undelivered(
    sandbox: Sandbox, app: App, corp: Corp, about: str, body: dict[str, Any]
) -> Callable[[], None]:
    def keep() -> None:
        kept: dict[str, Any] = {"corpid": corp.corp_id}
        kept |= {"userid": body["userId"]} if "userId" in body else {}
        kept |= {"deptid": body["deptId"]} if "deptId" in body else {}
        with sandbox.world.change():
            failed = sandbox.world.part(DingTalk).undelivered
            failed.append(Undelivered(app.key, corp.corp_id, about, sandbox.world.now(), kept))

    return keep
