"""Aliyun SMS (阿里云短信, Dysmsapi 2017-05-25): signature ACS3-HMAC-SHA256, sending, looking up, receipts.

Source: Aliyun help centre, "SendSms", "QuerySendDetails", "SmsReport", "V3 request body and signature mechanism".
"""

import datetime as dt
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

import httpx

from yunlian.platforms.sms.calls import Calls
from yunlian.platforms.sms.gateway import Fault, Message, Receipt, SmsError, State, e164, mainland, ordered
from yunlian.platforms.sms.reports import rows

PLATFORM: Final = "aliyun-sms"
VERSION: Final = "2017-05-25"
ACCEPTED: Final = {
    "code": 0,
    "msg": "接收成功",
}  # the answer to a pushed report; anything else and it comes again
PAGE: Final = 50

_CODES: Final[tuple[tuple[Fault, tuple[str, ...]], ...]] = (
    (Fault.FREQUENCY, ("isv.BUSINESS_LIMIT_CONTROL",)),
    (Fault.NUMBER,
     ("isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT", "isv.DOMESTIC_NUMBER_NOT_SUPPORTED")),
    (Fault.CONTENT,
     ("isv.TEMPLATE_MISSING_PARAMETERS", "isv.TEMPLATE_PARAMS_ILLEGAL", "isv.INVALID_JSON_PARAM",
      "isv.INVALID_PARAMETERS", "isv.PARAM_NOT_SUPPORT_URL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.SMS_CONTENT_ILLEGAL")),
    (Fault.BALANCE,
     ("isv.OUT_OF_SERVICE", "isv.AMOUNT_NOT_ENOUGH", "isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL")),
    (Fault.TRANSIENT, ("isp.SYSTEM_ERROR", "Throttling.User", "Throttling", "ServiceUnavailable")),
)  # fmt: skip
FAULTS: Final = {code: fault for fault, codes in _CODES for code in codes}  # all others: CONFIG
_STATES: Final = {"1": State.WAITING, "2": State.FAILED, "3": State.DELIVERED}


def canonical_query(query: Mapping[str, str]) -> str:
    """Sorted by name, every name and value encoded as RFC 3986 has it."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(query[name], safe='-_.~')}" for name in sorted(query))


def canonical_hash(
    method: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes = b""
) -> str:
    """Hexadecimal SHA-256 of the canonical request; `headers` are those to be signed, named in lower case."""
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    parts = (method, "/", canonical_query(query), lines, ";".join(sorted(headers)), _hash(body))
    return _hash("\n".join(parts).encode())


def signature(secret: str, request_hash: str) -> str:
    """Hexadecimal HMAC over the hash of the canonical request."""
    return hmac.digest(secret.encode(), f"ACS3-HMAC-SHA256\n{request_hash}".encode(), "sha256").hex()


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _calls() -> Calls:
    return Calls(PLATFORM)


@dataclass(frozen=True)
class Aliyun:
    """One account. The RAM user needs `dysms:SendSms` and `dysms:QuerySendDetails`."""

    key_id: str
    key_secret: str = field(repr=False)
    base_url: str = "https://dysmsapi.aliyuncs.com"
    calls: Calls = field(default_factory=_calls, repr=False)

    def send(self, message: Message) -> str:
        """The BizId. The values' names are the template's own."""
        values = json.dumps(dict(ordered(message, PLATFORM)), ensure_ascii=False, separators=(",", ":"))
        query = {
            "PhoneNumbers": _number(message.phone),
            "SignName": message.template.signature,
            "TemplateCode": message.template.code,
            "OutId": message.ref,
        } | ({"TemplateParam": values} if message.values else {})
        return str(self._call("SendSms", query).get("BizId", ""))

    def find(self, phone: str, ref: str, day: dt.date) -> Receipt | None:
        """Looks through all messages to the number on that day; they are kept for 30 days."""
        page = 1
        while True:
            query = {
                "PhoneNumber": _number(phone),
                "SendDate": f"{day:%Y%m%d}",
                "PageSize": str(PAGE),
                "CurrentPage": str(page),
            }
            answer = self._call("QuerySendDetails", query)
            found = (answer.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
            for each in found:
                if each.get("OutId") == ref:
                    return _detail(each)
            if len(found) < PAGE:
                return None
            page += 1

    def _call(self, action: str, query: Mapping[str, str]) -> dict[str, Any]:
        return self.calls.answer(lambda: self._request(action, query), _read)

    def _request(self, action: str, query: Mapping[str, str]) -> httpx.Request:
        url = httpx.URL(self.base_url)
        at = dt.datetime.fromtimestamp(self.calls.now(), dt.UTC)
        headers = {
            "host": url.netloc.decode(),
            "x-acs-action": action,
            "x-acs-version": VERSION,
            "x-acs-date": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": _hash(b""),
        }
        signed = signature(self.key_secret, canonical_hash("POST", query, headers))
        names = ";".join(sorted(headers))
        headers["authorization"] = (
            f"ACS3-HMAC-SHA256 Credential={self.key_id},SignedHeaders={names},Signature={signed}"
        )
        return self.calls.http.build_request(
            "POST", f"{self.base_url}/?{canonical_query(query)}", headers=headers
        )


def receipts(body: bytes) -> list[Receipt]:
    """Receipts of a pushed report (HTTP 批量推送模式). It is not signed: serve it at an address nobody can guess.

    Answer ACCEPTED. Raises ValueError for what is no report.
    """
    return [
        Receipt(
            provider_id=str(each.get("biz_id", "")),
            ref=str(each.get("out_id") or ""),
            phone=str(each.get("phone_number", "")),
            state=State.DELIVERED if each.get("success") in (True, "true") else State.FAILED,
            code=str(each.get("err_code", "")),
            at=str(each.get("report_time", "")),
        )
        for each in rows(body)
    ]


def _number(phone: str) -> str:
    return mainland(phone) or e164(phone, PLATFORM).removeprefix("+")


def _read(answer: dict[str, Any]) -> dict[str, Any]:
    code = str(answer.get("Code", ""))
    if code != "OK":
        raise SmsError(PLATFORM, code, str(answer.get("Message", "")), FAULTS.get(code, Fault.CONFIG))
    return answer


def _detail(found: dict[str, Any]) -> Receipt:
    return Receipt(
        provider_id="",
        ref=str(found.get("OutId", "")),
        phone=str(found.get("PhoneNum", "")),
        state=_STATES.get(str(found.get("SendStatus")), State.WAITING),
        code=str(found.get("ErrCode") or ""),
        at=str(found.get("ReceiveDate") or found.get("SendDate") or ""),
    )
