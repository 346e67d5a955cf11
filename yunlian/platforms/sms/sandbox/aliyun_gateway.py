"""Aliyun's gateway: RPC at `/`, signature V3, business refusals as HTTP 200 and framework refusals as 4xx."""

import datetime as dt
import hashlib
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
from yunlian.platforms.sms.aliyun import canonical_hash, signature

from .numbers import BLACKLISTED, BUSY_ONCE, NO_BALANCE
from .sending import Refused, china, dawdle, digits, rendered, take, too_often
from .world import Kind, Sent, Sms, Vendor

CLOCK_S = 15 * 60
CODE_MAX = 6
LINK = re.compile(r"https?://|www\.", re.I)
AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})"
)


class Framework(Exception):
    """A refusal before the business is looked at."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status


async def endpoint(sandbox: Sandbox, request: Request) -> Response:
    """`POST /` or `GET /`; parameters are in the query."""
    query = dict(request.query_params)
    body = await request.body()
    try:
        found = await run_in_threadpool(_answer, sandbox, request.method, query, dict(request.headers), body)
    except Framework as refused:
        return _said(
            {"Code": refused.code, "Message": refused.text, "HostId": "sandbox", "Recommend": ""},
            refused.status,
        )
    except Refused as refused:
        return _said({"Code": refused.code, "Message": refused.text})
    return _said({"Code": "OK", "Message": "OK", **found})


def throttled(fault: Fault) -> Response:
    """The fault switch."""
    return _said({"Code": fault.code or "Throttling.User", "Message": "沙箱的故障开关"}, 400)


def _said(body: dict[str, Any], status: int = 200) -> Response:
    return JSONResponse({"RequestId": "00000000-0000-4000-8000-000000000000"} | body, status_code=status)


def _answer(
    sandbox: Sandbox, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    with sandbox.world.change():
        _genuine(sandbox, method, query, headers, body)
        action = headers.get("x-acs-action", "")
        if action == "QuerySendDetails":
            return _details(sandbox, query)
        if action != "SendSms":
            raise Framework("InvalidAction.NotFound", "Specified api is not found", 404)
        sent = _send(sandbox, query)
    dawdle(sandbox, sent.phone)
    return {"BizId": sent.provider_id}


def _genuine(
    sandbox: Sandbox, method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes
) -> None:
    state, now = sandbox.world.part(Sms), sandbox.world.now()
    found = AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if found is None:
        raise Framework("MissingAuthorization", "Authorization is mandatory")
    key_id, names, given = found.groups()
    if key_id != state.aliyun.key_id:
        raise Framework("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
    signed = {name: headers.get(name, "") for name in names.split(";")}
    needed = {
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    }
    expected = signature(state.aliyun.key_secret, canonical_hash(method, query, signed, body))
    whole = headers.get("x-acs-content-sha256") == hashlib.sha256(body).hexdigest()
    if not (needed <= set(signed) and whole and hmac.compare_digest(given, expected)):
        raise Framework("SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")
    if abs(_at(headers["x-acs-date"]) - now) > CLOCK_S:
        raise Framework("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
    nonce = headers["x-acs-signature-nonce"]
    state.nonces = {each: at for each, at in state.nonces.items() if at > now - CLOCK_S}
    if nonce in state.nonces:
        raise Framework("SignatureNonceUsed", "Specified signature nonce was used already.")
    state.nonces[nonce] = now


def _at(written: str) -> float:
    try:
        return dt.datetime.strptime(written, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    except ValueError:
        raise Framework(
            "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted."
        ) from None


def _send(sandbox: Sandbox, query: Mapping[str, str]) -> Sent:
    state, now = sandbox.world.part(Sms), sandbox.world.now()
    account = state.aliyun
    phone = digits(query.get("PhoneNumbers", ""))
    if phone is None:
        raise Refused("isv.MOBILE_NUMBER_ILLEGAL", "无效号码")
    sign = query.get("SignName", "")
    if not account.signatures.get(sign):
        raise Refused("isv.SMS_SIGNATURE_ILLEGAL", "该账号下找不到对应签名，或签名未审核通过")
    template = account.templates.get(query.get("TemplateCode", ""))
    if template is None or not template.approved:
        raise Refused("isv.SMS_TEMPLATE_ILLEGAL", "该账号下找不到对应模板，或模板未审核通过")
    values = _values(query.get("TemplateParam", "{}"))
    text = rendered(template, values)
    if text is None:
        raise Refused("isv.TEMPLATE_MISSING_PARAMETERS", "模板变量缺少对应参数值")
    if any(LINK.search(each) for each in values.values()):
        raise Refused("isv.PARAM_NOT_SUPPORT_URL", "变量不支持传入URL")
    if template.kind is Kind.CODE and any(len(each) > CODE_MAX for each in values.values()):
        raise Refused("isv.TEMPLATE_PARAMS_ILLEGAL", "验证码变量过长")
    if phone.endswith(BLACKLISTED):
        raise Refused("isv.BLACK_KEY_CONTROL_LIMIT", "黑名单管控")
    if account.balance <= 0 or phone.endswith(NO_BALANCE):
        raise Refused("isv.AMOUNT_NOT_ENOUGH", "账户余额不足")
    if phone.endswith(BUSY_ONCE) and state.nonces.setdefault(f"busy-{phone}", now) == now:
        raise Refused("isp.SYSTEM_ERROR", "请重试接口调用")
    if code := too_often(state, account, Vendor.ALIYUN, phone, sign, template, now):
        raise Refused(code, "触发号码天级流控" if code.endswith("CONTROL") else code)
    sent = {
        "phone": phone,
        "signature": sign,
        "provider_id": f"{int(now)}{state.number():06}^0",
        "ref": query.get("OutId", ""),
    }
    return take(sandbox, Vendor.ALIYUN, sent, template, f"【{sign}】{text}")


def _values(written: str) -> dict[str, str]:
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise Refused("isv.INVALID_JSON_PARAM", "参数格式错误，请修改为字符串值")
    return found


def _details(sandbox: Sandbox, query: Mapping[str, str]) -> dict[str, Any]:
    state = sandbox.world.part(Sms)
    phone, day = digits(query.get("PhoneNumber", "")), query.get("SendDate", "")
    size, page = int(query.get("PageSize", "10")), int(query.get("CurrentPage", "1"))
    if phone is None or not 1 <= size <= 50:
        raise Refused("isv.INVALID_PARAMETERS", "参数异常")
    found = [
        each
        for each in state.sent
        if each.vendor is Vendor.ALIYUN and each.phone == phone and china(each.at)[:10].replace("-", "") == day
        and query.get("BizId") in (None, "", each.provider_id)
    ]  # fmt: skip
    rows = [_detail(state, each, sandbox.world.now()) for each in found[(page - 1) * size : page * size]]
    return {"TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


def _detail(state: Sms, sent: Sent, now: float) -> dict[str, Any]:
    switches, known = state.switches, sent.reported_at <= now
    status = switches.aliyun_waiting
    if known:
        status = switches.aliyun_delivered if sent.delivered else switches.aliyun_failed
    found = {
        "PhoneNum": sent.phone, "Content": sent.text, "TemplateCode": sent.template, "SendDate": china(sent.at),
        "SendStatus": status, "OutId": sent.ref,
    }  # fmt: skip
    return found | ({"ReceiveDate": china(sent.reported_at), "ErrCode": sent.code} if known else {})
