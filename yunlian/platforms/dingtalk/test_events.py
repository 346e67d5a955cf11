"""The same happening reads the same, whether DingTalk sends it by HTTP push, SyncHTTP or Stream."""

import json
from typing import Any

import pytest

from yunlian.platforms.dingtalk import events
from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.events import Event, StateKey, What, from_push, from_stream

INSTALL = {
    "syncAction": "org_suite_auth",
    "auth_corp_info": {"corpid": "dingcorp0001", "corp_name": "示例企业"},
    "auth_user_info": {"userId": "manager01"},
    "auth_info": {"agent": [{"agentid": 16000, "appid": 1234, "admin_list": ["manager01"]}]},
    "auth_scope": {"auth_org_scopes": {"authed_user": ["u9"], "authed_dept": [1, "7"]}},
}
INSTALL_STREAM = {
    "authCorpInfo": {"corpid": "dingcorp0001", "corpName": "示例企业"},
    "authUserInfo": {"userId": "manager01"},
    "authInfo": {"agent": [{"agentid": 16000, "appid": 1234, "adminList": ["manager01"]}]},
    "authScope": {"authOrgScopes": {"authedUser": ["u9"], "authedDept": [1, "7"]}},
}
AUTHORISED = events.Authorised("示例企业", "manager01", ((16000, 1234, ("manager01",)),), (1, 7), ("u9",))


def row(biz_type: int, biz_id: str, body: dict[str, Any], at_ms: int = 5, id: int = 1) -> dict[str, Any]:
    return {
        "id": id, "subscribe_id": "900001_0", "corp_id": "dingcorp0001", "biz_type": biz_type, "biz_id": biz_id,
        "biz_data": json.dumps(body), "gmt_modified": at_ms,
    }  # fmt: skip


def sync(*rows: dict[str, Any]) -> list[Event]:
    return from_push({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": list(rows)})


def pushed(name: str, **body: Any) -> Event:
    [event] = from_push(
        {"EventType": name, "EventTime": 5, "CorpId": "dingcorp0001", "eventId": "e-1"} | body
    )
    return event


def streamed(name: str, **body: Any) -> Event:
    headers = {"eventType": name, "eventCorpId": "dingcorp0001", "eventBornTime": "5", "eventId": "e-1"}
    return from_stream(headers, body)


def test_an_install_reads_the_same_both_ways() -> None:
    [event] = sync(row(4, "900001", INSTALL))
    assert event == Event(
        "org_suite_auth", "dingcorp0001", 5, "900001_0/dingcorp0001/900001/4/5/1", AUTHORISED,
        StateKey("900001_0", "dingcorp0001", "900001", 4),
    )  # fmt: skip
    assert streamed("org_suite_auth", **INSTALL_STREAM) == Event(
        "org_suite_auth", "dingcorp0001", 5, "e-1", AUTHORISED
    )


@pytest.mark.parametrize(
    ("biz_type", "biz_id", "name", "body", "expected"),
    [
        (4, "900001", "org_suite_change", INSTALL, AUTHORISED),
        (4, "900001", "org_suite_relieve", {}, events.Relieved()),
        (7, "1234", "org_micro_app_stop", {"agentId": 16000}, events.AppStopped(16000)),
        (7, "1234", "org_micro_app_restore", {"agentId": "16000"}, events.AppRestored(16000)),
        (7, "1234", "org_micro_app_remove", {"agentId": 16000}, events.AppRemoved(16000)),
        (7, "1234", "org_micro_app_scope_update", {"agentId": 16000, "deptVisibleScopes": "[1]"},
         events.ScopeChanged(16000)),
        (13, "u1", "user_add_org", {"userid": "u1", "name": "张三"}, events.UsersChanged(("u1",))),
        (13, "u1", "user_modify_org", {"userid": "u1"}, events.UsersChanged(("u1",))),
        (13, "u1", "user_dept_change", {"userid": "u1"}, events.UsersChanged(("u1",))),
        (13, "u1", "user_role_change", {"userid": "u1"}, events.UsersChanged(("u1",))),
        (13, "u1", "user_active_org", {"userid": "u1"}, events.UsersChanged(("u1",))),
        (13, "u1", "user_leave_org", {}, events.UsersLeft(("u1",))),
        (14, "1001", "org_dept_create", {"id": 1001, "name": "华东"}, events.DepartmentsChanged((1001,))),
        (14, "1001", "org_dept_remove", {}, events.DepartmentsChanged((1001,))),
        (15, "8", "org_role_add", {"role_id": 8}, events.RolesChanged((8,))),
        (15, "8", "org_role_remove", {}, events.RolesChanged((8,))),
        (16, "dingcorp0001", "org_update", {"corp_name": "新名"}, events.CorpChanged()),
        (16, "dingcorp0001", "org_remove", {}, events.CorpRemoved()),
        (17, "9001", "market_order",
         {"orderId": 9001, "orderType": "BUY", "orderChargeType": "TRYOUT", "itemCode": "i1", "maxOfPeople": "50",
          "serviceStartTime": 6, "serviceStopTime": 7, "payFee": 0},
         events.Order("9001", "BUY", "TRYOUT", "i1", 50, 6, 7, 0)),
        (37, "9001", "market_service_close", {"closeType": 3}, events.ServiceClosed("9001")),
        (63, "x", "goods_tryout", {"tryoutType": "enterprise_tryout"}, events.Tryout("enterprise_tryout")),
    ],
)  # fmt: skip
def test_rows_of_synchttp(
    biz_type: int, biz_id: str, name: str, body: dict[str, Any], expected: What
) -> None:
    [event] = sync(row(biz_type, biz_id, body | {"syncAction": name}))
    assert (event.name, event.what, event.corp_id) == (name, expected, "dingcorp0001")


def test_a_ticket_is_the_vendors_and_no_corps() -> None:
    [event] = sync(row(2, "900001", {"syncAction": "suite_ticket", "suiteTicket": "tick-001"}))
    assert (event.what, event.corp_id) == (events.SuiteTicket("tick-001"), "")


def test_rows_come_oldest_first() -> None:
    leave = {"syncAction": "user_leave_org"}
    found = sync(
        row(13, "b", leave, at_ms=9), row(13, "a", leave, at_ms=3), row(13, "c", leave, at_ms=9, id=0)
    )
    assert [event.what for event in found] == [events.UsersLeft((each,)) for each in "acb"]


@pytest.mark.parametrize("biz_data", ["", "{", "[]", "[" * 100_000])
def test_a_row_that_is_not_json_is_refused(biz_data: str) -> None:
    with pytest.raises(CallbackRefused) as caught:
        sync(row(13, "u1", {}) | {"biz_data": biz_data})
    assert caught.value.check == "json"


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("user_add_org", {"userId": ["u1", "u2"]}, events.UsersChanged(("u1", "u2"))),
        ("user_leave_org", {"UserId": "u1"}, events.UsersLeft(("u1",))),
        ("user_modify_org", {"userId": ["u1"], "diffInfo": {"curr": {}}}, events.UsersChanged(("u1",))),
        ("org_admin_add", {"userId": ["u1"]}, events.AdminsChanged(("u1",))),
        ("org_admin_remove", {"userId": ["u1"]}, events.AdminsChanged(("u1",))),
        ("org_dept_modify", {"deptId": [1001, "1002"]}, events.DepartmentsChanged((1001, 1002))),
        ("org_dept_remove", {"DeptId": 1001}, events.DepartmentsChanged((1001,))),
        ("label_conf_del", {}, events.RolesChanged(())),
        ("org_change", {}, events.CorpChanged()),
        ("bpms_task_change",
         {"processInstanceId": "p1", "processCode": "PROC", "taskId": 77, "type": "finish", "result": "redirect"},
         events.ApprovalChanged("p1", "PROC", "77", "finish", "redirect")),
        ("bpms_instance_change", {"processInstanceId": "p1", "processCode": "PROC", "type": "terminate"},
         events.ApprovalChanged("p1", "PROC", "", "terminate", "")),
        ("a_new_event", {}, None),
    ],
)  # fmt: skip
def test_single_events_read_the_same_by_push_and_by_stream(
    name: str, body: dict[str, Any], expected: What | None
) -> None:
    for event in (pushed(name, **body), streamed(name, **body)):
        assert (event.name, event.corp_id, event.at_ms, event.id) == (name, "dingcorp0001", 5, "e-1")
        assert event.what == expected or (expected is None and isinstance(event.what, events.Unknown))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"EventType": "check_url"}, events.UrlCheck()),
        ({"EventType": "check_update_suite_url", "Random": "r", "TestSuiteKey": "s"}, events.UrlCheck()),
        ({"EventType": "suite_ticket", "SuiteKey": "s", "SuiteTicket": "t", "TimeStamp": 3}, events.SuiteTicket("t")),
        ({"EventType": "tmp_auth_code", "AuthCode": "c", "AuthCorpId": "d", "TimeStamp": "3"},
         events.TemporaryCode("c")),
        ({"EventType": "change_auth", "AuthCorpId": "d", "TimeStamp": 3}, events.AuthorisationChanged()),
        ({"EventType": "suite_relieve", "AuthCorpId": "d", "TimeStamp": 3}, events.Relieved()),
        ({"EventType": "org_micro_app_stop", "AuthCorpId": "d", "AgentId": "16000", "AppId": 1}, events.AppStopped(16000)),
        ({"EventType": "market_buy", "buyCorpId": "d", "orderId": "9"}, events.Order("9", "", "", "", 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_legacy_pushes(body: dict[str, Any], expected: What) -> None:
    [event] = from_push(body)
    assert event.what == expected
    assert event.corp_id == body.get("AuthCorpId", body.get("buyCorpId", ""))
    assert event.at_ms == int(body.get("TimeStamp", 0))


def test_a_legacy_push_sent_again_has_the_same_id_and_another_has_not() -> None:
    first = {"EventType": "suite_relieve", "AuthCorpId": "d", "TimeStamp": 3}
    assert from_push(first)[0].id == from_push(dict(reversed(first.items())))[0].id
    assert from_push(first)[0].id != from_push(first | {"AuthCorpId": "e"})[0].id


def test_a_quota_used_up_says_so_instead_of_an_empty_event() -> None:
    assert streamed("user_add_org", errcode=20001).what == events.QuotaUsedUp()


def test_a_card_press_names_its_buttons() -> None:
    content = json.dumps({"cardPrivateData": {"actionIds": ["approve"], "params": {"version": "3"}}})
    body = {"type": "actionCallback", "outTrackId": "po-1", "corpId": "d", "userId": "u1", "content": content}
    assert events.card_pressed(body) == events.CardPressed("d", "po-1", "u1", ("approve",), {"version": "3"})


def test_leaders_are_read_from_keys_without_quotes() -> None:
    assert events.leader_flags("{1:false, 1001:true}") == {1: False, 1001: True}
