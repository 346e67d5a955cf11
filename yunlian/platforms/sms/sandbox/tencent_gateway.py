"""Tencent's gateway: JSON at `/`, signature v3, both levels of failure as HTTP 200."""

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from yunlian.platforms.sandbox.faults import Fault
from yunlian.platforms.sandbox.platform import Sandbox
from yunlian.platforms.sms.tencent import signature

from .aliyun_gateway import CODE_MAX, LINK
from .numbers import BLACKLISTED, BUSY_ONCE, NO_BALANCE
from .sending import Refused, dawdle, digits, rendered, take, too_often
from .world import Kind, Sent, Sms, Vendor

CLOCK_S = 300
AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]+)/[0-9-]{10}/sms/tc3_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)


async def endpoint(sandbox: Sandbox, request: Request) -> Response:
    """`POST /` with the action in a header."""
    body = await request.body()
    try:
        return _said(await run_in_threadpool(_answer, sandbox, dict(request.headers), body))
    except Refused as refused:
        return _said({"Error": {"Code": refused.code, "Message": refused.text}})


def throttled(fault: Fault) -> Response:
    """The fault switch."""
    return _said({"Error": {"Code": fault.code or "RequestLimitExceeded", "Message": "沙箱的故障开关"}})


def _said(found: dict[str, Any]) -> Response:
    return JSONResponse({"Response": {**found, "RequestId": "00000000-0000-4000-8000-000000000001"}})


def _answer(sandbox: Sandbox, headers: Mapping[str, str], content: bytes) -> dict[str, Any]:
    with sandbox.world.change():
        _genuine(sandbox, headers, content)
        body = _body(content)
        action = headers.get("x-tc-action", "")
        if action not in ("SendSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"):
            raise Refused("InvalidAction", "接口不存在")
        if body.get("SmsSdkAppId") != sandbox.world.part(Sms).tencent.app_id:
            raise Refused("InvalidParameterValue.SdkAppIdNotExist", "SdkAppId 不存在")
        if action == "PullSmsSendStatus":
            return _pull(sandbox, body)
        if action == "PullSmsSendStatusByPhoneNumber":
            return _find(sandbox, body)
        answers = [_one(sandbox, str(each), body) for each in body.get("PhoneNumberSet") or ()]
    for each in body.get("PhoneNumberSet") or ():
        dawdle(sandbox, str(each))
    return {"SendStatusSet": answers}


def _genuine(sandbox: Sandbox, headers: Mapping[str, str], content: bytes) -> None:
    state = sandbox.world.part(Sms)
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    timestamp = headers.get("x-tc-timestamp", "")
    if found is None or not timestamp.isdecimal():
        raise Refused("AuthFailure.SignatureFailure", "请求签名格式错误")
    key_id, names, given = found.groups()
    if key_id != state.tencent.key_id:
        raise Refused("AuthFailure.SecretIdNotFound", "密钥不存在")
    signed = {name: headers.get(name, "") for name in names.split(";")}
    expected = signature(state.tencent.key_secret, int(timestamp), signed, content)
    if not {"content-type", "host"} <= set(signed) or not hmac.compare_digest(given, expected):
        raise Refused("AuthFailure.SignatureFailure", "请求签名验证失败")
    if abs(int(timestamp) - sandbox.world.now()) > CLOCK_S:
        raise Refused("AuthFailure.SignatureExpire", "签名过期")


def _body(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Refused("InvalidParameter", "请求体不是JSON")
    return found


def _one(sandbox: Sandbox, given: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The status of one number: the second level of failure."""
    answer = {"PhoneNumber": given, "SessionContext": str(body.get("SessionContext") or ""), "IsoCode": "CN"}
    try:
        sent = _send(sandbox, given, body)
    except Refused as refused:
        return answer | {"SerialNo": "", "Fee": 0, "Code": refused.code, "Message": refused.text}
    return answer | {"SerialNo": sent.provider_id, "Fee": 1, "Code": "Ok", "Message": "send success"}


def _send(sandbox: Sandbox, given: str, body: Mapping[str, Any]) -> Sent:
    state, now = sandbox.world.part(Sms), sandbox.world.now()
    account = state.tencent
    sign = str(body.get("SignName") or "")
    if not account.signatures.get(sign):
        raise Refused("FailedOperation.SignatureIncorrectOrUnapproved", "签名未审批或格式错误")
    template = account.templates.get(str(body.get("TemplateId")))
    if template is None or not template.approved:
        raise Refused("FailedOperation.TemplateIncorrectOrUnapproved", "模板未审批或内容不匹配")
    phone = digits(given)
    if phone is None:
        raise Refused("InvalidParameterValue.IncorrectPhoneNumber", "手机号格式错误")
    values = [str(each) for each in body.get("TemplateParamSet") or ()]
    text = rendered(template, {str(at + 1): each for at, each in enumerate(values)})
    if text is None:
        raise Refused("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "模板参数个数不匹配")
    if any(LINK.search(each) for each in values):
        raise Refused("InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "变量禁止使用URL")
    if template.kind is Kind.CODE and not all(each.isdecimal() and len(each) <= CODE_MAX for each in values):
        raise Refused("InvalidParameterValue.TemplateParameterFormatError", "验证码模板参数格式错误")
    if phone.endswith(BLACKLISTED):
        raise Refused("FailedOperation.PhoneNumberInBlacklist", "手机号在黑名单库中")
    if account.balance <= 0 or phone.endswith(NO_BALANCE):
        raise Refused("FailedOperation.InsufficientBalanceInSmsPackage", "套餐包余量不足")
    if phone.endswith(BUSY_ONCE) and state.nonces.setdefault(f"busy-{phone}", now) == now:
        raise Refused("InternalError.Timeout", "请求下发短信超时")
    if code := too_often(state, account, Vendor.TENCENT, phone, sign, template, now):
        raise Refused(code, "下发频率超过限制")
    serial = f"{state.number() % 10000}:{int(now * 1000)}{state.number():06}"
    sent = {
        "phone": phone,
        "signature": sign,
        "provider_id": serial,
        "ref": str(body.get("SessionContext") or ""),
    }
    return take(sandbox, Vendor.TENCENT, sent, template, f"【{sign}】{text}")


def _pull(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    state = sandbox.world.part(Sms)
    if not state.tencent.pull_enabled:
        raise Refused("UnauthorizedOperation", "未开通拉取短信状态")
    limit = int(body.get("Limit") or 0)
    if not 1 <= limit <= 100:
        raise Refused("InvalidParameterValue.LimitValueInvalid", "Limit")
    found = [each for each in _reported(sandbox) if not each.pulled][:limit]
    for each in found:
        each.pulled = True
    return {"PullSmsSendStatusSet": [_status(each) for each in found]}


def _find(sandbox: Sandbox, body: Mapping[str, Any]) -> dict[str, Any]:
    phone = digits(str(body.get("PhoneNumber") or ""))
    begin, end = int(body.get("BeginTime") or 0), int(body.get("EndTime") or sandbox.world.now())
    offset, limit = int(body.get("Offset") or 0), int(body.get("Limit") or 0)
    found = [each for each in _reported(sandbox) if each.phone == phone and begin <= each.at < end]
    return {"PullSmsSendStatusSet": [_status(each) for each in found[offset : offset + limit]]}


def _reported(sandbox: Sandbox) -> list[Sent]:
    now = sandbox.world.now()
    sent = sandbox.world.part(Sms).sent
    return [each for each in sent if each.vendor is Vendor.TENCENT and each.reported_at <= now]


def _status(sent: Sent) -> dict[str, Any]:
    return {
        "UserReceiveTime": int(sent.reported_at), "CountryCode": "86", "SubscriberNumber": sent.phone,
        "PhoneNumber": f"+86{sent.phone}", "SerialNo": sent.provider_id, "SessionContext": sent.ref,
        "ReportStatus": "SUCCESS" if sent.delivered else "FAIL", "Description": sent.code,
    }  # fmt: skip
