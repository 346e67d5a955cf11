"""What DingTalk tells us happened, in one form whichever way it came: HTTP push, SyncHTTP or Stream.

`from_push` takes what `callback.Receiver.opened` returns, `from_stream` a frame's headers and data. An event only says
*what to look at again*: it may come twice, late, out of order or never, so an `id` is there to drop the second one, and
details in it are worth less than asking the API.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.wire import Json, listed, number, numbers, part, several, text

QUOTA_USED_UP: Final = "20001"  # the corp's monthly quota of events; such a message carries no content


@dataclass(frozen=True, slots=True)
class UrlCheck:
    """The address was saved in DingTalk's console; answer success, nothing else."""


@dataclass(frozen=True, slots=True)
class SuiteTicket:
    """The vendor's ticket, about every five hours; keep the one of the newest `Event.at_ms`."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Authorised:
    """A corp installed the app, or changed its authorisation: the same body. Read the scope again.

    `agents` are (agent id, app id, administrators' userids); `departments` and `users` are the visible range as of then.
    """

    corp_name: str
    installed_by: str
    agents: tuple[tuple[int, int, tuple[str, ...]], ...]
    departments: tuple[int, ...]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TemporaryCode:
    """The legacy install: a code to be changed into a permanent one."""

    code: str


@dataclass(frozen=True, slots=True)
class AuthorisationChanged:
    """The legacy change: no detail, read the scope again."""


@dataclass(frozen=True, slots=True)
class Relieved:
    """The corp took its authorisation back; its tokens stop working."""


@dataclass(frozen=True, slots=True)
class AppStopped:
    """The app was switched off (停用) in the corp."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class AppRestored:
    """The app was switched on again; read the scope and the people again."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class AppRemoved:
    """The app was removed (删除) in the corp; the authorisation is kept."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class ScopeChanged:
    """The app's visible range (可见范围) changed; read the scope and the people again."""

    agent_id: int


@dataclass(frozen=True, slots=True)
class UsersChanged:
    """People joined, changed, moved, changed roles or activated: look at them again."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UsersLeft:
    """People left the corp (离职); asking for them now answers "no such user"."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdminsChanged:
    """People became administrators or ceased to be."""

    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DepartmentsChanged:
    """Departments were made, changed or removed: look at them again."""

    departments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RolesChanged:
    """Role labels or who has them changed. `roles` is empty where the way it came does not say which."""

    roles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CorpChanged:
    """Name or certification of the corp changed."""


@dataclass(frozen=True, slots=True)
class CorpRemoved:
    """The corp was dissolved."""


@dataclass(frozen=True, slots=True)
class Order:
    """Bought, renewed or tried in the marketplace; `order_id` comes once per order. Fees are in 分, times in ms."""

    order_id: str
    kind: str  # BUY, RENEW, UPGRADE, RENEW_UPGRADE, RENEW_DEGRADE
    charge: str  # FREE, TRYOUT, anything else is paid
    item: str
    people_max: int
    starts_ms: int
    stops_ms: int
    paid_fen: int


@dataclass(frozen=True, slots=True)
class ServiceClosed:
    """A marketplace order was closed, by a refund for example."""

    order_id: str


@dataclass(frozen=True, slots=True)
class Tryout:
    """A trial began: `enterprise_tryout` or `personal_tryout`."""

    kind: str


@dataclass(frozen=True, slots=True)
class ApprovalChanged:
    """A DingTalk approval, or one of its tasks, moved. `task` is empty for the whole approval."""

    instance: str
    process: str
    task: str
    moved: str  # start, finish, terminate, delete, cancel
    result: str  # agree, refuse, redirect; empty where there is none


@dataclass(frozen=True, slots=True)
class CardPressed:
    """Somebody pressed a button on an interactive card; `params` are the button's own."""

    corp_id: str
    track_id: str
    user: str
    actions: tuple[str, ...]
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class QuotaUsedUp:
    """The corp's monthly quota is used up: events come without content until the month ends."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event this client does not know."""

    body: Mapping[str, Any]


What = (
    UrlCheck | SuiteTicket | Authorised | TemporaryCode | AuthorisationChanged | Relieved
    | AppStopped | AppRestored | AppRemoved | ScopeChanged
    | UsersChanged | UsersLeft | AdminsChanged | DepartmentsChanged | RolesChanged | CorpChanged | CorpRemoved
    | Order | ServiceClosed | Tryout | ApprovalChanged | CardPressed | QuotaUsedUp | Unknown
)  # fmt: skip


class StateKey(NamedTuple):
    """SyncHTTP keeps one row per key: a newer row replaces the older, so they are states and not a history."""

    subscription: str
    corp_id: str
    biz_id: str
    biz_type: int


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `name` is DingTalk's, `at_ms` its own time, `corp_id` empty when it is the vendor's.

    `id` repeats when the event is sent again. `state` is there for SyncHTTP rows: drop one whose `at_ms` is older than
    that of the row stored under the same key.
    """

    name: str
    corp_id: str
    at_ms: int
    id: str
    what: What
    state: StateKey | None = None


def from_push(body: Json) -> list[Event]:
    """Events of one decrypted HTTP request, oldest first; a SyncHTTP request may carry several rows.

    Raises CallbackRefused (`json`) when a SyncHTTP row is not what DingTalk documents.
    """
    name = text(body, "EventType")
    if name.startswith("SYNC_HTTP_PUSH"):
        rows = sorted(
            listed(body, "bizData"), key=lambda row: (number(row, "gmt_modified"), number(row, "id"))
        )
        return [_row(row) for row in rows]
    corp_id = text(body, "CorpId", "AuthCorpId", "corpId", "buyCorpId")
    at_ms = number(body, "EventTime", "TimeStamp", "timeStamp", "eventTime")
    id = text(body, "eventId") or f"{name}/{corp_id}/{at_ms}/{json.dumps(body, sort_keys=True)}"
    return [Event(name, corp_id, at_ms, id, _what(name, body, text(body, "BizId")))]


def from_stream(headers: Json, body: Json) -> Event:
    """The event of one Stream frame of type EVENT."""
    name = text(headers, "eventType")
    what: What = QuotaUsedUp() if text(body, "errcode", "code") == QUOTA_USED_UP else _what(name, body, "")
    return Event(
        name, text(headers, "eventCorpId"), number(headers, "eventBornTime"), text(headers, "eventId"), what
    )


def card_pressed(body: Json) -> CardPressed:
    """The press in the body of a card callback, whether it came by HTTP or by Stream."""
    private = part(_inner(text(body, "content")), "cardPrivateData")
    return CardPressed(
        text(body, "corpId"), text(body, "outTrackId"), text(body, "userId"), several(private, "actionIds"),
        part(private, "params"),
    )  # fmt: skip


def leader_flags(written: str) -> dict[int, bool]:
    """`{1:false,7:true}` as `isLeaderInDepts` writes it: keys without quotes, so not JSON."""
    return {int(dept): value == "true" for dept, value in re.findall(r"(\d+)\s*:\s*(true|false)", written)}


def _row(row: Json) -> Event:
    key = StateKey(
        text(row, "subscribe_id"), text(row, "corp_id"), text(row, "biz_id"), number(row, "biz_type")
    )
    body = _inner(text(row, "biz_data"))
    name = text(body, "syncAction")
    at_ms = number(row, "gmt_modified")
    corp_id = "" if name == "suite_ticket" else key.corp_id
    id = "/".join((*map(str, key), str(at_ms), text(row, "id")))
    return Event(name, corp_id, at_ms, id, _what(name, body, key.biz_id), key)


def _inner(written: str) -> Json:
    try:
        value = json.loads(written)
    except (ValueError, RecursionError) as fault:
        raise CallbackRefused("json", "a text inside is not JSON") from fault
    if not isinstance(value, dict):
        raise CallbackRefused("json", "a text inside is not an object")
    return value


def _what(name: str, body: Json, subject: str) -> What:
    """`subject` is the id beside the body, for the forms whose body does not repeat it."""
    make = MAKERS.get(name)
    return make(body, subject) if make else Unknown(body)


def _users(body: Json, subject: str) -> tuple[str, ...]:
    given = several(body, "userId", "UserId", "userid")
    return given or ((subject,) if subject else ())


def _departments(body: Json, subject: str) -> tuple[int, ...]:
    given = several(body, "deptId", "DeptId", "id") or ((subject,) if subject else ())
    return numbers(given)


def _roles(body: Json, subject: str) -> tuple[int, ...]:
    given = several(body, "role_id", "roleId", "labelId", "id") or ((subject,) if subject else ())
    return numbers(given)


def _authorised(body: Json, _: str) -> Authorised:
    """Reads the names of SyncHTTP (snake) and of Stream (camel) alike."""
    corp = part(body, "auth_corp_info", "authCorpInfo")
    scopes = part(part(body, "auth_scope", "authScope"), "auth_org_scopes", "authOrgScopes")
    agents = listed(part(body, "auth_info", "authInfo"), "agent")
    return Authorised(
        corp_name=text(corp, "corp_name", "corpName"),
        installed_by=text(part(body, "auth_user_info", "authUserInfo"), "userId", "userid"),
        agents=tuple(
            (number(each, "agentid", "agentId"), number(each, "appid", "appId"),
             several(each, "admin_list", "adminList"))
            for each in agents
        ),
        departments=numbers(several(scopes, "authed_dept", "authedDept")),
        users=several(scopes, "authed_user", "authedUser"),
    )  # fmt: skip


def _agent(make: Callable[[int], What]) -> Callable[[Json, str], What]:
    return lambda body, _: make(number(body, "agentId", "AgentId", "agentid"))


def _order(body: Json, subject: str) -> Order:
    return Order(
        order_id=text(body, "orderId") or subject,
        kind=text(body, "orderType"),
        charge=text(body, "orderChargeType"),
        item=text(body, "itemCode"),
        people_max=number(body, "maxOfPeople"),
        starts_ms=number(body, "serviceStartTime"),
        stops_ms=number(body, "serviceStopTime"),
        paid_fen=number(body, "payFee"),
    )


def _approval(body: Json, _: str) -> ApprovalChanged:
    return ApprovalChanged(
        instance=text(body, "processInstanceId"),
        process=text(body, "processCode"),
        task=text(body, "taskId"),
        moved=text(body, "type"),
        result=text(body, "result"),
    )


def _users_changed(body: Json, subject: str) -> UsersChanged:
    return UsersChanged(_users(body, subject))


def _departments_changed(body: Json, subject: str) -> DepartmentsChanged:
    return DepartmentsChanged(_departments(body, subject))


def _roles_changed(body: Json, subject: str) -> RolesChanged:
    return RolesChanged(_roles(body, subject))


MAKERS: Final[dict[str, Callable[[Json, str], What]]] = {
    **dict.fromkeys(
        ("check_url", "check_create_suite_url", "check_update_suite_url"), lambda body, _: UrlCheck()
    ),
    "suite_ticket": lambda body, _: SuiteTicket(text(body, "suiteTicket", "SuiteTicket")),
    "org_suite_auth": _authorised,
    "org_suite_change": _authorised,
    "tmp_auth_code": lambda body, _: TemporaryCode(text(body, "AuthCode")),
    "change_auth": lambda body, _: AuthorisationChanged(),
    **dict.fromkeys(("org_suite_relieve", "suite_relieve"), lambda body, _: Relieved()),
    "org_micro_app_stop": _agent(AppStopped),
    "org_micro_app_restore": _agent(AppRestored),
    "org_micro_app_remove": _agent(AppRemoved),
    "org_micro_app_scope_update": _agent(ScopeChanged),
    **dict.fromkeys(
        ("user_add_org", "user_modify_org", "user_dept_change", "user_role_change", "user_active_org"),
        _users_changed,
    ),
    "user_leave_org": lambda body, subject: UsersLeft(_users(body, subject)),
    **dict.fromkeys(
        ("org_admin_add", "org_admin_remove"), lambda body, subject: AdminsChanged(_users(body, subject))
    ),
    **dict.fromkeys(("org_dept_create", "org_dept_modify", "org_dept_remove"), _departments_changed),
    **dict.fromkeys(
        ("org_role_add", "org_role_modify", "org_role_remove",
         "label_user_change", "label_conf_add", "label_conf_modify", "label_conf_del"),
        _roles_changed,
    ),
    **dict.fromkeys(("org_change", "org_update"), lambda body, _: CorpChanged()),
    "org_remove": lambda body, _: CorpRemoved(),
    **dict.fromkeys(("market_buy", "market_order"), _order),
    "market_service_close": lambda body, subject: ServiceClosed(text(body, "orderId") or subject),
    "goods_tryout": lambda body, _: Tryout(text(body, "tryoutType")),
    **dict.fromkeys(("bpms_instance_change", "bpms_task_change"), _approval),
}  # fmt: skip
