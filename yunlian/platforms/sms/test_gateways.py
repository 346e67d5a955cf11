"""Both clients against the sandbox's gateways: sent once, refused by kind, and told what became of it."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from yunlian.platforms.errors import NO_ANSWER, UNREADABLE
from yunlian.platforms.sandbox.testing import Received, Running, receiver, running
from yunlian.platforms.sms import aliyun, tencent
from yunlian.platforms.sms.aliyun import Aliyun
from yunlian.platforms.sms.calls import Calls
from yunlian.platforms.sms.gateway import (
    Fault,
    Gateway,
    Message,
    Receipt,
    SmsError,
    State,
    Template,
    e164,
    send_once,
)
from yunlian.platforms.sms.sandbox import PLATFORM
from yunlian.platforms.sms.sandbox.world import Sms
from yunlian.platforms.sms.tencent import Tencent

PHONE = "13800000000"
CODES = {
    "aliyun": Template("云链", "SMS_100000001", ("code",)),
    "tencent": Template("云链", "1000001", ("code", "minutes")),
}
NOTICES = {
    "aliyun": Template("云链", "SMS_100000002", ("number",)),
    "tencent": Template("云链", "1000002", ("number",)),
}
VENDORS = ("aliyun", "tencent")
CHINA = dt.timezone(dt.timedelta(hours=8))


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running([PLATFORM]) as started:
        yield started


@pytest.fixture
def sandbox(server: Running) -> Running:
    server.control("/reset")
    server.control("/sms/switches", receipt_delay_s=0)
    return server


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def gateway(sandbox: Running, vendor: str) -> Gateway:
    calls = Calls(f"{vendor}-sms", sleep=lambda _: None)
    if vendor == "aliyun":
        base = f"{sandbox.base_url}/sms/aliyun"
        return Aliyun("sandbox-access-key-id", "sandbox-access-key-secret", base, calls)
    base = f"{sandbox.base_url}/sms/tencent"
    return Tencent("sandbox-secret-id", "1400000000", "sandbox-secret-key", base_url=base, calls=calls)


def code(vendor: str, phone: str = PHONE, ref: str = "outbox-1", **values: str) -> Message:
    given = {"code": "123456"} | ({"minutes": "5"} if vendor == "tencent" else {}) | values
    return Message(phone, CODES[vendor], given, ref)


def notice(vendor: str, phone: str = PHONE, ref: str = "outbox-2", number: str = "PO-1") -> Message:
    return Message(phone, NOTICES[vendor], {"number": number}, ref)


def sent(sandbox: Running) -> list[str]:
    return [each.text for each in sandbox.sandbox.world.part(Sms).sent]


def today(sandbox: Running) -> dt.date:
    return dt.datetime.fromtimestamp(sandbox.sandbox.world.now(), CHINA).date()


def refused(gateway: Gateway, message: Message) -> SmsError:
    with pytest.raises(SmsError) as caught:
        gateway.send(message)
    return caught.value


def test_a_code_is_sent_and_found(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    assert gateway.send(code(vendor))
    assert sent(sandbox) == ["【云链】您的验证码为123456，5分钟内有效，请勿告诉他人。"]
    found = gateway.find(PHONE, "outbox-1", today(sandbox))
    assert found is not None
    assert (found.ref, found.phone, found.state) == ("outbox-1", PHONE, State.DELIVERED)
    assert gateway.find(PHONE, "outbox-9", today(sandbox)) is None
    assert gateway.find(PHONE, "outbox-1", today(sandbox) - dt.timedelta(days=1)) is None


def test_a_message_not_reported_so_far_waits(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    sandbox.control("/sms/switches", receipt_delay_s=60)
    gateway.send(code(vendor))
    found = gateway.find(PHONE, "outbox-1", today(sandbox))
    assert (found.state if found else None) == (State.WAITING if vendor == "aliyun" else None)
    sandbox.control("/time", advance_s=61)
    later = replace_clock(gateway, sandbox).find(PHONE, "outbox-1", today(sandbox))
    assert later is not None
    assert later.state is State.DELIVERED


def replace_clock(gateway: Any, sandbox: Running) -> Gateway:
    """The gateway with the sandbox's clock, after it has travelled."""
    made: Gateway = replace(gateway, calls=replace(gateway.calls, now=sandbox.sandbox.world.now))
    return made


@pytest.mark.parametrize("spelt", ["13800000000", "+8613800000000", "8613800000000", "008613800000000"])
def test_a_mainland_number_is_one_however_it_is_spelt(
    sandbox: Running, gateway: Gateway, vendor: str, spelt: str
) -> None:
    gateway.send(code(vendor, spelt))
    [kept] = sandbox.sandbox.world.part(Sms).sent
    assert kept.phone == PHONE


def test_a_foreign_number_needs_its_plus() -> None:
    assert e164("+85251234567", "x") == "+85251234567"
    for wrong in ("85251234567", "12345", "1380000000", "+86123", "abc", ""):
        with pytest.raises(SmsError) as caught:
            e164(wrong, "x")
        assert caught.value.fault is Fault.NUMBER


def test_every_refusal_has_its_kind(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    bad_sign = Message(PHONE, replace(CODES[vendor], signature="待审签名"), code(vendor).values, "r")
    bad_template = Message(PHONE, replace(CODES[vendor], code="1000009"), code(vendor).values, "r")
    cases = [
        (bad_sign, Fault.CONFIG),
        (bad_template, Fault.CONFIG),
        (code(vendor, "1234"), Fault.NUMBER),
        (code(vendor, code="1234567"), Fault.CONTENT),
        (notice(vendor, number="https://example.com"), Fault.CONTENT),
        (Message(PHONE, CODES[vendor], {}, "r"), Fault.CONTENT),
        (code(vendor, "13800009993"), Fault.BALANCE),
    ]
    for message, fault in cases:
        error = refused(gateway, message)
        assert (error.fault, error.retry) == (fault, False)
        assert error.remedy
    assert sent(sandbox) == []
    assert refused(gateway, code(vendor, "13800009992")).fault is (
        Fault.CONTENT if vendor == "aliyun" else Fault.NUMBER
    )


def test_frequency_is_the_gateways_to_say_and_never_repeated(
    sandbox: Running, gateway: Gateway, vendor: str
) -> None:
    gateway.send(code(vendor))
    before = len(sandbox.sandbox.world.journal)
    error = refused(gateway, code(vendor))
    assert (error.fault, error.retry) == (Fault.FREQUENCY, False)
    assert len(sandbox.sandbox.world.journal) == before + 1
    sandbox.control("/time", advance_s=61)
    assert replace_clock(gateway, sandbox).send(code(vendor))
    for _ in range(3):
        sandbox.control("/time", advance_s=61)
        replace_clock(gateway, sandbox).send(code(vendor))
    sandbox.control("/time", advance_s=61)
    assert refused(replace_clock(gateway, sandbox), code(vendor)).fault is Fault.FREQUENCY  # five in an hour
    assert len(sent(sandbox)) == 5


def test_another_number_is_not_held_back(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    gateway.send(code(vendor))
    gateway.send(code(vendor, "13800000001"))
    assert len(sent(sandbox)) == 2


def test_an_empty_account_says_so(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    sandbox.control("/sms/account", vendor=vendor, balance=1)
    gateway.send(code(vendor))
    assert refused(gateway, code(vendor, "13800000001")).fault is Fault.BALANCE
    sandbox.control("/sms/account", vendor=vendor, balance=5)
    assert gateway.send(code(vendor, "13800000001"))


def test_a_busy_gateway_is_asked_again(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    assert gateway.send(code(vendor, "13800009995"))
    assert len(sent(sandbox)) == 1


@pytest.mark.parametrize("times", [2, 3])
def test_busy_is_tried_thrice_in_all(sandbox: Running, gateway: Gateway, vendor: str, times: int) -> None:
    fault = {"platform": "sms", "where": "answer", "kind": "throttled", "times": times}
    sandbox.control("/faults", **fault)
    if times == 2:
        assert gateway.send(code(vendor))
    else:
        assert refused(gateway, code(vendor)).fault is Fault.TRANSIENT


def test_a_lost_answer_is_looked_for_and_not_sent_again(sandbox: Running, gateway: Any, vendor: str) -> None:
    hasty: Gateway = replace(
        gateway, calls=replace(gateway.calls, http=httpx.Client(timeout=0.5, trust_env=False))
    )
    sandbox.control("/sms/switches", timeout_s=1.5)
    assert send_once(hasty, code(vendor, "13800009994"), today(sandbox)) == (
        "" if vendor == "aliyun" else sandbox.sandbox.world.part(Sms).sent[0].provider_id
    )
    assert len(sent(sandbox)) == 1


def test_a_lost_answer_of_a_message_nobody_knows_stays_open(
    sandbox: Running, gateway: Gateway, vendor: str
) -> None:
    sandbox.control("/faults", platform="sms", where="answer", kind="down", times=1)
    with pytest.raises(SmsError) as caught:
        send_once(gateway, code(vendor), today(sandbox))
    assert (caught.value.fault, caught.value.code, caught.value.retry) == (
        Fault.UNANSWERED,
        UNREADABLE,
        False,
    )
    assert sent(sandbox) == []


def test_a_gateway_that_is_not_there_was_not_reached(vendor: str, gateway: Any) -> None:
    nowhere: Gateway = replace(gateway, base_url="http://127.0.0.1:1")
    error = refused(nowhere, code(vendor))
    assert (error.fault, error.code) == (Fault.TRANSIENT, "unreachable")
    assert error.code != NO_ANSWER


def test_a_wrong_secret_or_clock_is_configuration(sandbox: Running, gateway: Any, vendor: str) -> None:
    secret = {"key_secret": "wrong"} if vendor == "aliyun" else {"secret_key": "wrong"}
    wrong = refused(replace(gateway, **secret), code(vendor))
    name = {"key_id": "unknown"} if vendor == "aliyun" else {"secret_id": "unknown"}
    unknown = refused(replace(gateway, **name), code(vendor))
    sandbox.control("/time", advance_s=16 * 60)
    late = refused(gateway, code(vendor))
    found = [each.code for each in (wrong, unknown, late)]
    assert found == (
        ["SignatureDoesNotMatch", "InvalidAccessKeyId.NotFound", "InvalidTimeStamp.Expired"]
        if vendor == "aliyun"
        else ["AuthFailure.SignatureFailure", "AuthFailure.SecretIdNotFound", "AuthFailure.SignatureExpire"]
    )
    assert {each.fault for each in (wrong, unknown, late)} == {Fault.CONFIG}
    assert replace_clock(gateway, sandbox).send(code(vendor))


def test_a_request_cannot_be_played_again_at_aliyun(sandbox: Running) -> None:
    gateway = Aliyun("sandbox-access-key-id", "sandbox-access-key-secret", f"{sandbox.base_url}/sms/aliyun")
    query = {
        "PhoneNumbers": PHONE,
        "SignName": "云链",
        "TemplateCode": "SMS_100000001",
        "TemplateParam": '{"code":"1"}',
    }
    request = gateway._request("SendSms", query)
    with httpx.Client(trust_env=False) as wire:
        assert wire.send(request).json()["Code"] == "OK"
        again = wire.send(request)
    assert (again.status_code, again.json()["Code"]) == (400, "SignatureNonceUsed")


def test_receipts_are_pushed_and_pushed_again(sandbox: Running, gateway: Gateway, vendor: str) -> None:
    read, accepted = (
        (aliyun.receipts, aliyun.ACCEPTED) if vendor == "aliyun" else (tencent.receipts, tencent.ACCEPTED)
    )
    answers = ["busy", json.dumps(accepted), json.dumps(accepted)]

    def answer(_: Received) -> tuple[int, str]:
        return 200, answers.pop(0)

    with receiver(answer) as ours:
        sandbox.control("/sms/account", vendor=vendor, report_url=ours.url)
        good = gateway.send(code(vendor))
        sandbox.settle()
        bad = gateway.send(code(vendor, "13800009991", ref="outbox-3"))
        sandbox.settle()
        found: list[Receipt] = [each for got in ours.got for each in read(got.body)]
    assert [(each.provider_id, each.state) for each in found] == [
        (good, State.DELIVERED), (good, State.DELIVERED), (bad, State.FAILED),
    ]  # fmt: skip
    assert {each.ref for each in found} == ({"outbox-1", "outbox-3"} if vendor == "aliyun" else {""})


def test_tencents_receipts_are_pulled_once(sandbox: Running) -> None:
    base = f"{sandbox.base_url}/sms/tencent"
    gateway = Tencent("sandbox-secret-id", "1400000000", "sandbox-secret-key", base_url=base)
    id = gateway.send(code("tencent"))
    [receipt] = gateway.pull()
    assert (receipt.provider_id, receipt.ref, receipt.phone, receipt.state) == (
        id,
        "outbox-1",
        PHONE,
        State.DELIVERED,
    )
    assert gateway.pull() == []


def test_secrets_do_not_show(gateway: Any) -> None:
    assert "secret-key" not in repr(gateway)
    assert "access-key-secret" not in repr(gateway)


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    with running([PLATFORM], tmp_path) as first:
        base = f"{first.base_url}/sms/aliyun"
        Aliyun("sandbox-access-key-id", "sandbox-access-key-secret", base).send(code("aliyun"))
        first.control("/sms/signatures", vendor="tencent", name="新签名", approved=False)
        before = first.sandbox.world.part(Sms)
    with running([PLATFORM], tmp_path) as second:
        kept = second.sandbox.world.part(Sms)
        assert kept == before
        assert kept is not before
