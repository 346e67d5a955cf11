"""The vectors of both gateways' signatures, and what a receipt says."""

import hashlib
import json
from typing import Any

import pytest

from yunlian.platforms.sms import aliyun, tencent
from yunlian.platforms.sms.gateway import Receipt, State

ECS = {
    "host": "ecs.cn-shanghai.aliyuncs.com",
    "x-acs-action": "RunInstances",
    "x-acs-version": "2014-05-26",
    "x-acs-date": "2023-10-26T10:22:32Z",
    "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
    "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
}
ECS_QUERY = {
    "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd",
    "RegionId": "cn-shanghai",
}
SMS = {
    "host": "dysmsapi.aliyuncs.com",
    "x-acs-action": "SendSms",
    "x-acs-version": "2017-05-25",
    "x-acs-date": "2026-01-02T03:04:05Z",
    "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef",
    "x-acs-content-sha256": hashlib.sha256(b"").hexdigest(),
}
SMS_QUERY = {
    "PhoneNumbers": "13800000000",
    "SignName": "测试签名",
    "TemplateCode": "SMS_100000001",
    "TemplateParam": '{"code":"123456"}',
}
SMS_HASH = "42c2d77e1cbfa793c1cea8611655155c63897c0d52a49ff29070ec6653c77be9"
BODY = (
    '{"PhoneNumberSet":["+8613800000000"],"SmsSdkAppId":"1400000000","SignName":"测试签名",'
    '"TemplateId":"1000001","TemplateParamSet":["123456","5"]}'
).encode()
TWO = {"content-type": "application/json", "host": "sms.tencentcloudapi.com"}
THREE = TWO | {"content-type": "application/json; charset=utf-8", "x-tc-action": "sendsms"}


@pytest.mark.parametrize(
    ("query", "headers", "secret", "hashed", "signed"),
    [
        (ECS_QUERY, ECS, "YourAccessKeySecret",
         "7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259",
         "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"),
        (SMS_QUERY, SMS, "fake-access-key-secret", SMS_HASH,
         "1eb0ecf5692f7e5e46c9626c2eea719e13c5e5f6332e33fe28aaeb88cc13aef3"),
    ],
    ids=["published", "SendSms"],
)  # fmt: skip
def test_aliyun_vectors(
    query: dict[str, str], headers: dict[str, str], secret: str, hashed: str, signed: str
) -> None:
    assert aliyun.canonical_hash("POST", query, headers) == hashed
    assert aliyun.signature(secret, hashed) == signed
    assert aliyun.signature(secret + "x", hashed) != signed


@pytest.mark.parametrize("name", SMS_QUERY)
def test_aliyun_signs_every_parameter(name: str) -> None:
    assert aliyun.canonical_hash("POST", SMS_QUERY | {name: SMS_QUERY[name] + "x"}, SMS) != SMS_HASH


@pytest.mark.parametrize("name", SMS)
def test_aliyun_signs_every_header(name: str) -> None:
    assert aliyun.canonical_hash("POST", SMS_QUERY, SMS | {name: SMS[name] + "x"}) != SMS_HASH
    assert aliyun.canonical_hash("POST", SMS_QUERY, {k: v for k, v in SMS.items() if k != name}) != SMS_HASH


def test_aliyun_encodes_as_rfc_3986_has_it() -> None:
    assert aliyun.canonical_query({"b": "a b*~/+", "a": "张"}) == "a=%E5%BC%A0&b=a%20b%2A~%2F%2B"


def test_tencent_vectors_hash_their_body() -> None:
    assert (
        hashlib.sha256(BODY).hexdigest() == "9ffd49105a5d32931a4da6ccf0cc14b6c90701923edbcc44b0c542409737c887"
    )


@pytest.mark.parametrize(
    ("headers", "signed"),
    [
        (TWO, "1c8516f861b93faec3a7eff4f3d4df674c8e980d80223c4297a82f01dd3050c6"),
        (THREE, "af074f90fa48b22307e9d0a05a2f5dcf3469a280052f544adf3a916a434c82d9"),
    ],
    ids=["two headers", "three headers"],
)
def test_tencent_vectors(headers: dict[str, str], signed: str) -> None:
    assert tencent.signature("fake-secret-key", 1767323045, headers, BODY) == signed
    for at in range(len(BODY)):
        changed = BODY[:at] + bytes([BODY[at] ^ 1]) + BODY[at + 1 :]
        assert tencent.signature("fake-secret-key", 1767323045, headers, changed) != signed
    assert tencent.signature("fake-secret-kez", 1767323045, headers, BODY) != signed
    assert tencent.signature("fake-secret-key", 1767323046, headers, BODY) != signed


def test_tencent_signs_its_headers() -> None:
    changed = TWO | {"host": "sms.tencentcloudapi.con"}
    assert (
        tencent.signature("fake-secret-key", 1767323045, changed, BODY)
        != "1c8516f861b93faec3a7eff4f3d4df674c8e980d80223c4297a82f01dd3050c6"
    )


ALIYUN_REPORT = {
    "phone_number": "13800000000", "send_time": "2026-01-02 11:04:05", "report_time": "2026-01-02 11:04:09",
    "success": True, "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1",
    "biz_id": "100000000000000001^0", "out_id": "outbox-1",
}  # fmt: skip
TENCENT_REPORT = {
    "user_receive_time": "2026-01-02 11:04:09", "nationcode": "86", "mobile": "13800000000",
    "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功",
    "sid": "5000:1000000000000000001",
}  # fmt: skip


def test_an_aliyun_report_is_read() -> None:
    body = json.dumps([ALIYUN_REPORT, ALIYUN_REPORT | {"success": False, "err_code": "PORT_NOT_REGISTERED"}])
    good = Receipt(
        "100000000000000001^0", "outbox-1", "13800000000", State.DELIVERED, "DELIVERED", "2026-01-02 11:04:09"
    )
    bad = Receipt(good.provider_id, good.ref, good.phone, State.FAILED, "PORT_NOT_REGISTERED", good.at)
    assert aliyun.receipts(body.encode()) == [good, bad]


def test_a_tencent_report_is_read() -> None:
    body = json.dumps([TENCENT_REPORT, TENCENT_REPORT | {"report_status": "FAIL", "errmsg": "UNDELIV"}])
    good = Receipt(
        "5000:1000000000000000001", "", "13800000000", State.DELIVERED, "DELIVRD", "2026-01-02 11:04:09"
    )
    bad = Receipt(good.provider_id, "", good.phone, State.FAILED, "UNDELIV", good.at)
    assert tencent.receipts(body.encode()) == [good, bad]


@pytest.mark.parametrize("read", [aliyun.receipts, tencent.receipts])
@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\xff", b"[" * 100_000])
def test_what_is_no_report_is_refused(read: Any, body: bytes) -> None:
    with pytest.raises(ValueError, match="a report is a list of objects"):
        read(body)
