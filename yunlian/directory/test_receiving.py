"""Callbacks: checked, stored, answered; then looked at, whatever was lost, doubled, reordered or late."""

import datetime as dt
import json
import time
from urllib.parse import urlencode

import pytest
from django.test import Client

from yunlian.kernel import faults
from yunlian.kernel.scope import tenant
from yunlian.platforms.dingtalk.callback import Receiver
from yunlian.platforms.dingtalk.crypto import decrypt, encrypt, signature
from yunlian.platforms.wecom.crypto import Box

from . import connections, looks, schedule, suites
from .models import Callback, CallbackAddress, Installed, Look, Run, Suite

NOW = dt.datetime.now(dt.UTC)
CLIENT = Client(raise_request_exception=False)


def address(stage, receiver: str) -> CallbackAddress:
    return CallbackAddress.objects.get(enterprise_id=stage.id, receiver=receiver)


class WeComSender:
    """What WeCom does with the address, token and key it was given."""

    def __init__(self, stage, receiver: str = "contacts") -> None:
        self.address = address(stage, receiver)
        self.corp = stage.conn.corp_id
        self.box = Box(self.address.token, connections.aes_key(self.address), self.corp)

    def event(self, change: str, **fields: str) -> str:
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in fields.items())
        return (
            f"<xml><ToUserName>{self.corp}</ToUserName><FromUserName>sys</FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType>event</MsgType><Event>change_contact</Event>"
            f"<ChangeType>{change}</ChangeType>{inner}</xml>"
        )

    def send(
        self, text: str, *, at: int | None = None, box: Box | None = None, key: str = "", **altered: str
    ):
        sealed = (box or self.box).seal(text, str(at or int(time.time())), "n0nce")
        query = {
            "msg_signature": sealed.signature,
            "timestamp": sealed.timestamp,
            "nonce": sealed.nonce,
        } | altered
        body = f"<xml><ToUserName>{self.corp}</ToUserName><Encrypt><![CDATA[{sealed.encrypted}]]></Encrypt></xml>"
        path = f"/callback/{key or self.address.key}?{urlencode(query)}"
        return CLIENT.generic("POST", path, body.encode(), "text/xml")

    def verify(self, text: str, **altered: str):
        sealed = self.box.seal(text, str(int(time.time())), "n0nce")
        query = {
            "msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce,
            "echostr": sealed.encrypted,
        }  # fmt: skip
        return CLIENT.get(f"/callback/{self.address.key}?{urlencode(query | altered)}")


class DingTalkSender:
    """What DingTalk does with the address it was given."""

    def __init__(self, stage) -> None:
        self.address = address(stage, "app")
        self.key, self.owner = connections.aes_key(self.address), self.address.receive_id
        self.corp = stage.conn.corp_id

    def send(self, body: dict, owner: str = ""):
        sealed = encrypt(self.key, json.dumps(body), owner or self.owner)
        stamp = str(int(time.time() * 1000))
        query = {
            "signature": signature(self.address.token, stamp, "n1", sealed),
            "timestamp": stamp,
            "nonce": "n1",
        }
        return CLIENT.generic(
            "POST",
            f"/callback/{self.address.key}?{urlencode(query)}",
            json.dumps({"encrypt": sealed}),
            "application/json",
        )

    def report(self, name: str, **fields):
        body = {"EventType": name, "EventTime": int(time.time() * 1000), "CorpId": self.corp} | fields
        return self.send(body)


def stored(stage) -> list[Callback]:
    with tenant(stage.id):
        return list(Callback.objects.order_by("id"))


def look(stage, at: dt.datetime | None = None) -> None:
    """Let the worker notice what came, and do what follows."""
    now = at or dt.datetime.now(dt.UTC)
    looks.handle(stage.id, now)
    looks.begin_due(stage.id, now + dt.timedelta(minutes=1))
    stage.work()


def looked_at(stage) -> list[tuple[str, str]]:
    with tenant(stage.id):
        return sorted((each.kind, each.key) for each in Look.objects.all())


def test_wecom_finds_its_address_good(push) -> None:
    sender = WeComSender(push)
    answer = sender.verify("1616140317555161061")
    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    sender.address.refresh_from_db()
    assert sender.address.verified_at is not None
    assert sender.verify("x", nonce="other").status_code == 403


def test_an_event_is_stored_and_answered_with_nothing(push) -> None:
    sender = WeComSender(push)
    text = sender.event("update_user", UserID="zhangsan")
    answer = sender.send(text)
    assert (answer.status_code, answer.content) == (200, b"")
    (row,) = stored(push)
    assert (row.text, row.fault, row.receiver, row.handled_at) == (text, "", "contacts", None)


def test_the_same_event_twice_is_one_and_looked_at_again(push) -> None:
    sender = WeComSender(push)
    text = sender.event("update_user", UserID="zhangsan")
    assert [sender.send(text).status_code for _again in range(3)] == [200, 200, 200]
    looks.handle(push.id, NOW)
    (row,) = stored(push)
    assert row.handled_at is not None
    # Perhaps another event of the same second: what it says is to be looked at, and nothing else.
    sender.send(text)
    (again,) = stored(push)
    assert (again.id, again.handled_at) == (row.id, None)


@pytest.mark.parametrize(
    ("altered", "check"),
    [({"msg_signature": "0" * 40}, "signature"), ({"nonce": "other"}, "signature"), ({"nonce": ""}, "query")],
)
def test_an_event_that_was_altered_is_refused_and_kept_with_the_check_it_failed(push, altered, check) -> None:
    sender = WeComSender(push)
    assert sender.send(sender.event("delete_user", UserID="zhangsan"), **altered).status_code == 403
    (row,) = stored(push)
    assert (row.fault, row.handled_at is not None) == (check, True)
    look(push)
    assert looked_at(push) == []


def test_what_is_sealed_for_another_or_long_ago_is_refused(push) -> None:
    sender = WeComSender(push)
    text = sender.event("update_user", UserID="zhangsan")
    box = sender.box
    assert sender.send(text, box=Box(box.token, box.aes_key, "ww-other")).status_code == 403
    assert sender.send(text, box=Box(box.token, "A" * 43, box.receive_id)).status_code == 403
    assert sender.send(text, at=int(time.time()) - 4000).status_code == 403
    assert {row.fault for row in stored(push)} == {"receive-id", "padding", "clock"}
    assert sender.send(text).status_code == 200


def test_an_address_nobody_was_given_does_not_exist(push) -> None:
    sender = WeComSender(push)
    assert sender.send("<xml/>", key="no-such-key").status_code == 404
    assert CLIENT.get("/callback/no-such-key?echostr=1").status_code == 404
    assert stored(push) == []


def test_a_stranger_cannot_fill_the_table(push) -> None:
    path = f"/callback/{address(push, 'contacts').key}"
    for n in range(60):
        assert CLIENT.generic("POST", f"{path}?n={n}", b"junk", "text/plain").status_code == 403
    assert len(stored(push)) == 50


def test_each_receiver_has_a_token_and_a_key_of_its_own(push) -> None:
    mine = list(CallbackAddress.objects.filter(enterprise_id=push.id))
    assert sorted(each.receiver for each in mine) == ["app", "contacts", "customers"]
    assert len({each.token for each in mine}) == len({connections.aes_key(each) for each in mine}) == 3
    assert all(len(connections.aes_key(each)) == 43 and connections.aes_key(each).isalnum() for each in mine)
    contacts = WeComSender(push)
    other = address(push, "customers")
    assert contacts.send(contacts.event("update_user", UserID="x"), key=other.key).status_code == 403


def test_what_was_answered_is_not_lost_when_the_process_dies(push) -> None:
    sender = WeComSender(push)

    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    faults.arm("directory.callback_committed", die)
    try:
        with pytest.raises(Killed):
            sender.send(sender.event("update_user", UserID="zhangsan"))
    finally:
        faults.disarm()
    assert len(stored(push)) == 1


def test_dingtalk_gets_the_encrypted_success(pull) -> None:
    sender = DingTalkSender(pull)
    answer = sender.report("user_add_org", userId=["u9"])
    body = answer.json()
    text, owner = decrypt(sender.key, body["encrypt"])
    assert (answer.status_code, text, owner) == (200, "success", sender.owner)
    assert body["msg_signature"] == signature(
        sender.address.token, body["timeStamp"], body["nonce"], body["encrypt"]
    )
    assert sender.send({"EventType": "user_add_org"}, owner="dingother").status_code == 403
    assert [row.fault for row in stored(pull)] == ["", "receive-id"]


def test_the_check_of_the_address_is_answered_and_stores_nothing(pull) -> None:
    sender = DingTalkSender(pull)
    assert sender.send({"EventType": "check_url"}).status_code == 200
    sender.address.refresh_from_db()
    assert sender.address.verified_at is not None
    assert stored(pull) == []


def test_reports_of_one_person_are_one_look_and_bring_what_is_there_now(pull) -> None:
    pull.sync()
    sender = DingTalkSender(pull)
    pull.platform.change_person("u1", name="张三丰", departments=("11",))
    pull.platform.members["u9"] = type(pull.platform.members["u1"])(
        "u9", "赵六", "u9", "13600000009", ("11",)
    )
    for n in range(3):
        sender.report("user_modify_org", userId=["u1"], timeStamp=n)
    sender.report("user_add_org", userId=["u9"])
    looks.handle(pull.id, NOW)
    assert looked_at(pull) == [("person", "u1"), ("person", "u9")]
    look(pull)
    found = pull.employees()
    assert (found["U1"].name, found["U1"].department.name, found["U9"].name) == ("张三丰", "设计", "赵六")
    assert looked_at(pull) == []
    with tenant(pull.id):
        run = Run.objects.order_by("-id")[0]
        assert (run.trigger, run.state, run.is_automatic) == ("callback", "applied", True)


def test_a_report_in_the_wrong_order_or_too_late_does_no_harm(pull) -> None:
    pull.sync()
    before = pull.rows()
    sender = DingTalkSender(pull)
    # They left and came back; the reports arrive the other way round, and twice.
    for name in ("user_add_org", "user_leave_org", "user_leave_org"):
        sender.report(name, userId=["u1"])
    look(pull)
    assert pull.rows() == before


def test_who_left_loses_access_by_a_report(pull) -> None:
    pull.sync()
    sender = DingTalkSender(pull)
    del pull.platform.members["u1"]
    sender.report("user_leave_org", userId=["u1"])
    look(pull)
    assert {code: e.job for code, e in pull.employees().items()} == {
        "0001": "employed", "U1": "left", "U2": "employed", "U3": "employed",
    }  # fmt: skip


def test_a_department_is_looked_at_alone_and_the_others_stay(pull) -> None:
    pull.sync()
    sender = DingTalkSender(pull)
    pull.platform.change_department("11", name="设计部")
    sender.report("org_dept_modify", deptId=[11])
    look(pull)
    assert sorted(pull.departments()) == sorted(["云上家居", "销售", "设计部"])
    assert all(each.is_active for each in pull.departments().values())


def test_many_leavers_one_by_one_are_held_like_many_at_once(pull) -> None:
    pull.platform.members |= {
        f"m{n}": type(pull.platform.members["u1"])(f"m{n}", f"人{n}", f"m{n}", f"1360000{n:04}", ("10",))
        for n in range(20)
    }
    pull.sync()
    sender = DingTalkSender(pull)
    for n in range(12):
        del pull.platform.members[f"m{n}"]
        sender.report("user_leave_org", userId=[f"m{n}"])
        look(pull)
    gone = [e for e in pull.employees().values() if e.job == "left"]
    assert len(gone) == 5
    with tenant(pull.id):
        assert Run.objects.filter(state="held").count() == 7


def test_a_platform_that_is_down_when_looked_at_is_looked_at_again(pull) -> None:
    pull.sync()
    sender = DingTalkSender(pull)
    del pull.platform.members["u1"]
    sender.report("user_leave_org", userId=["u1"])
    pull.platform.down_after = 0
    look(pull)
    assert looked_at(pull) == [("person", "u1")]
    pull.platform.down_after = None
    look(pull, dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5))
    assert pull.employees()["U1"].job == "left"


def test_a_lost_report_is_healed_at_night(pull) -> None:
    pull.sync()
    del pull.platform.members["u1"]
    night = dt.datetime.now(dt.UTC).replace(hour=19, minute=30)  # half past three in Shanghai
    schedule.visit(night.replace(hour=12))
    pull.work()
    assert pull.employees()["U1"].job == "employed"
    for _again in range(2):
        schedule.visit(night)
        pull.work()
    assert pull.employees()["U1"].job == "left"
    with tenant(pull.id):
        assert Run.objects.filter(trigger="schedule").count() == 1


def test_the_night_begins_nothing_before_somebody_has_applied_a_first_plan(pull) -> None:
    night = dt.datetime.now(dt.UTC).replace(hour=19, minute=30)
    schedule.visit(night)
    with tenant(pull.id):
        assert not Run.objects.exists()
    pull.sync()
    schedule.visit(night)
    with tenant(pull.id):
        assert Run.objects.filter(trigger="schedule").count() == 1


def test_a_report_in_a_push_puts_right_what_was_changed_there_by_hand(push) -> None:
    push.sync()
    push.platform.change_person("zhangsan", name="有人改了")
    sender = WeComSender(push)
    sender.send(sender.event("update_user", UserID="zhangsan"))
    look(push)
    assert push.platform.members["zhangsan"].name == "张三"
    assert len(push.platform.members) == 3


def test_whom_somebody_removed_there_is_not_made_anew_without_being_asked(push) -> None:
    push.sync()
    del push.platform.members["e2"]
    sender = WeComSender(push)
    sender.send(sender.event("delete_user", UserID="e2"))
    look(push)
    assert "e2" not in push.platform.members
    with tenant(push.id):
        run = Run.objects.order_by("-id")[0]
        assert (run.state, [g["code"] for g in run.guards]) == ("held", ["removed_there"])
    # Begun by hand, somebody has looked at it.
    push.sync()
    assert push.platform.members["e2"].name == "李四"


def test_who_was_renamed_there_is_asked_about_and_not_doubled(push) -> None:
    push.sync()
    push.platform.change_person("e2", account="lisi")
    run = push.begin()
    assert [(c.act, c.name, c.reason) for c in push.changes(run)] == [("conflict", "李四", "same_mobile")]


def test_a_report_about_a_stranger_does_nothing(push) -> None:
    push.sync()
    push.platform.members["stranger"] = type(push.platform.members["e2"])(
        "stranger", "陌生人", "stranger", "", ("1",)
    )
    sender = WeComSender(push)
    sender.send(sender.event("create_user", UserID="stranger"))
    before = push.platform.picture()
    look(push)
    assert push.platform.picture() == before


SUITE = "suitekey0001"
PATH = "the-path-of-the-suite"
AES = "ZmFrZS10ZXN0LWtleS0wMTIzNDU2Nzg5LWFiY2RlZmc"


@pytest.fixture
def market(db):
    suites.keep("dingtalk", SUITE, "suite-secret", token="tok123", aes_key=AES, path=PATH, now=NOW)
    receiver = Receiver("tok123", AES, SUITE)

    def send(*rows: dict, corp: str = "dingnew"):
        biz = [
            {"id": n, "subscribe_id": "1_0", "corp_id": corp, "biz_type": 4, "biz_id": "1", "gmt_modified": at,
             "biz_data": json.dumps(row), "open_cursor": 0, "status": 0, "gmt_create": at}
            for n, (at, row) in enumerate((row.pop("at", 1_700_000_000_000), row) for row in rows)
        ]  # fmt: skip
        sealed = encrypt(AES, json.dumps({"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": biz}), SUITE)
        query = {
            "signature": signature("tok123", "1700000000000", "n", sealed),
            "timestamp": "1700000000000",
            "nonce": "n",
        }
        answer = CLIENT.generic(
            "POST",
            f"/callback/{PATH}?{urlencode(query)}",
            json.dumps({"encrypt": sealed}),
            "application/json",
        )
        assert decrypt(AES, answer.json()["encrypt"]) == ("success", SUITE)
        return answer

    assert receiver.owner == SUITE
    return send


def test_the_suites_ticket_is_kept_sealed(market) -> None:
    market({"syncAction": "suite_ticket", "suiteTicket": "tick-1"})
    market({"syncAction": "suite_ticket", "suiteTicket": "tick-2"})
    assert suites.ticket_of(SUITE) == "tick-2"
    assert b"tick" not in bytes(Suite.objects.get().ticket)


def test_a_corp_that_installs_is_written_down_and_gives_nobody_anything(market, pull) -> None:
    market({"syncAction": "org_suite_auth", "auth_corp_info": {"corpid": "dingnew", "corp_name": "新企业"},
            "auth_user_info": {"userId": "manager01"}, "auth_info": {"agent": [{"agentid": 16000, "appid": 1}]}})  # fmt: skip
    row = Installed.objects.get()
    assert (row.corp_id, row.corp_name, row.agent_id, row.admin, row.state) == (
        "dingnew", "新企业", "16000", "manager01", "on",
    )  # fmt: skip
    assert stored(pull) == []


def test_a_state_that_comes_late_does_not_overwrite_a_newer_one(market) -> None:
    auth = {"syncAction": "org_suite_auth", "auth_corp_info": {"corpid": "dingnew", "corp_name": "新企业"}}
    market({**auth, "at": 1_700_000_001_000})
    market({"syncAction": "org_micro_app_stop", "agentId": 1, "at": 1_700_000_009_000})
    market({"syncAction": "org_micro_app_restore", "agentId": 1, "at": 1_700_000_005_000})
    assert Installed.objects.get().state == "stopped"
    market({"syncAction": "org_micro_app_restore", "agentId": 1, "at": 1_700_000_010_000})
    assert Installed.objects.get().state == "on"
