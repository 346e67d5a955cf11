"""Tencent Cloud SMS (腾讯云短信, 2021-01-11): signature TC3-HMAC-SHA256, sending, looking up, receipts.

Source: Tencent Cloud, "SMS API 2021-01-11", "Signature method v3", "SMS sending status notification".
"""

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from yunlian.platforms.sms.calls import Calls
from yunlian.platforms.sms.gateway import Fault, Message, Receipt, SmsError, State, e164, mainland, ordered
from yunlian.platforms.sms.reports import rows

PLATFORM: Final = "tencent-sms"
VERSION: Final = "2021-01-11"
CONTENT_TYPE: Final = "application/json"
ACCEPTED: Final = {"result": 0, "errmsg": "OK"}  # the answer to a pushed report
PAGE: Final = 100
CHINA: Final = dt.timezone(dt.timedelta(hours=8))

_CODES: Final[tuple[tuple[Fault, tuple[str, ...]], ...]] = (
    (Fault.FREQUENCY,
     ("LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.PhoneNumberOneHourLimit",
      "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit",
      "LimitExceeded.DeliveryFrequencyLimit", "FailedOperation.MarketingSendTimeConstraint")),
    (Fault.NUMBER,
     ("InvalidParameterValue.IncorrectPhoneNumber", "FailedOperation.PhoneNumberInBlacklist",
      "LimitExceeded.PhoneNumberCountLimit", "UnsupportedOperation.UnsupportedRegion",
      "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
      "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
      "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone")),
    (Fault.CONTENT,
     ("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "FailedOperation.ContainSensitiveWord",
      "InvalidParameterValue.TemplateParameterFormatError", "InvalidParameterValue.TemplateParameterLengthLimit",
      "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter", "InvalidParameterValue.UnsupportedTemplateVariable")),
    (Fault.BALANCE, ("FailedOperation.InsufficientBalanceInSmsPackage", "LimitExceeded.DailyLimit")),
    (Fault.TRANSIENT, ("RequestLimitExceeded", "InternalError", "InternalError.Timeout")),
)  # fmt: skip
FAULTS: Final = {code: fault for fault, codes in _CODES for code in codes}  # all others: CONFIG


def signature(secret: str, timestamp: int, headers: Mapping[str, str], body: bytes) -> str:
    """Hexadecimal signature of a POST; `headers` are those to be signed, named in lower case, with their exact values."""
    lines = "".join(f"{name}:{headers[name].lower()}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{lines}\n{';'.join(sorted(headers))}\n{hashlib.sha256(body).hexdigest()}"
    date, scope = _scope(timestamp)
    said = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret}".encode()
    for step in (date, "sms", "tc3_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return hmac.digest(key, said.encode(), "sha256").hex()


def _scope(timestamp: int) -> tuple[str, str]:
    date = f"{dt.datetime.fromtimestamp(timestamp, dt.UTC):%Y-%m-%d}"
    return date, f"{date}/sms/tc3_request"


def _calls() -> Calls:
    return Calls(PLATFORM)


@dataclass(frozen=True)
class Tencent:
    """One account and its SMS application (`1400…`)."""

    secret_id: str
    app_id: str
    secret_key: str = field(repr=False)
    region: str = "ap-guangzhou"
    base_url: str = "https://sms.tencentcloudapi.com"
    calls: Calls = field(default_factory=_calls, repr=False)

    def send(self, message: Message) -> str:
        """The SerialNo. The values go in the template's order."""
        body = {
            "PhoneNumberSet": [e164(message.phone, PLATFORM)],
            "SmsSdkAppId": self.app_id,
            "SignName": message.template.signature,
            "TemplateId": message.template.code,
            "TemplateParamSet": [value for _, value in ordered(message, PLATFORM)],
            "SessionContext": message.ref,
        }
        return str(self._call("SendSms", body)["SendStatusSet"][0].get("SerialNo", ""))

    def find(self, phone: str, ref: str, day: dt.date) -> Receipt | None:
        """Tencent knows of a message only once the carrier has reported; "None" soon after sending says little."""
        begin = int(dt.datetime.combine(day, dt.time(), CHINA).timestamp())
        offset = 0
        while True:
            body = {
                "PhoneNumber": e164(phone, PLATFORM),
                "SmsSdkAppId": self.app_id,
                "BeginTime": begin,
                "EndTime": begin + 86400,
                "Offset": offset,
                "Limit": PAGE,
            }
            found = self._call("PullSmsSendStatusByPhoneNumber", body).get("PullSmsSendStatusSet") or []
            for each in found:
                if each.get("SessionContext") == ref:
                    return _status(each)
            if len(found) < PAGE:
                return None
            offset += PAGE

    def pull(self) -> list[Receipt]:
        """Receipts not pulled so far, at most 100; must be enabled for the account."""
        body = {"Limit": PAGE, "SmsSdkAppId": self.app_id}
        found = self._call("PullSmsSendStatus", body).get("PullSmsSendStatusSet") or []
        return [_status(each) for each in found]

    def _call(self, action: str, body: Mapping[str, Any]) -> dict[str, Any]:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return self.calls.answer(lambda: self._request(action, content), _read)

    def _request(self, action: str, content: bytes) -> httpx.Request:
        timestamp = int(self.calls.now())
        signed = {"content-type": CONTENT_TYPE, "host": httpx.URL(self.base_url).netloc.decode()}
        proof = signature(self.secret_key, timestamp, signed, content)
        credential = f"{self.secret_id}/{_scope(timestamp)[1]}"
        headers = signed | {
            "x-tc-action": action,
            "x-tc-version": VERSION,
            "x-tc-region": self.region,
            "x-tc-timestamp": str(timestamp),
            "authorization": f"TC3-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host, Signature={proof}",
        }
        return self.calls.http.build_request("POST", f"{self.base_url}/", content=content, headers=headers)


def receipts(body: bytes) -> list[Receipt]:
    """Receipts of a pushed report. It is not signed: serve it at an address nobody can guess.

    Answer ACCEPTED. Raises ValueError for what is no report.
    """
    return [
        Receipt(
            provider_id=str(each.get("sid", "")),
            ref=str(each.get("session_context") or ""),
            phone=str(each.get("mobile", "")),
            state=_state(each.get("report_status")),
            code=str(each.get("errmsg", "")),
            at=str(each.get("user_receive_time", "")),
        )
        for each in rows(body)
    ]


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    """The inside of `Response`; a refusal of the whole call and one of its only number are the same to us."""
    found = answer.get("Response")
    if not isinstance(found, dict):
        raise SmsError(PLATFORM, "Response", "is missing", Fault.CONFIG)
    if error := found.get("Error"):
        raise _refused(error)
    for each in found.get("SendStatusSet") or []:
        if each.get("Code") != "Ok":
            raise _refused(each)
    return found


def _refused(said: Mapping[str, Any]) -> SmsError:
    code = str(said.get("Code", ""))
    return SmsError(PLATFORM, code, str(said.get("Message", "")), FAULTS.get(code, Fault.CONFIG))


def _status(found: Mapping[str, Any]) -> Receipt:
    at = found.get("UserReceiveTime")
    return Receipt(
        provider_id=str(found.get("SerialNo", "")),
        ref=str(found.get("SessionContext") or ""),
        phone=mainland(str(found.get("PhoneNumber", ""))) or str(found.get("PhoneNumber", "")),
        state=_state(found.get("ReportStatus")),
        code=str(found.get("Description", "")),
        at=f"{dt.datetime.fromtimestamp(at, CHINA):%Y-%m-%d %H:%M:%S}" if isinstance(at, int) else "",
    )


def _state(said: object) -> State:
    return State.DELIVERED if said == "SUCCESS" else State.FAILED
