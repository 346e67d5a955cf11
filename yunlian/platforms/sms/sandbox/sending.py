"""Takes a message as a gateway does: signature, template, variables, number, frequency, balance; then the receipt."""

import re
import threading
import time
from collections.abc import Mapping
from typing import Any

import httpx

from yunlian.platforms.sandbox.callbacks import Delivery, local
from yunlian.platforms.sandbox.platform import Sandbox
from yunlian.platforms.sms import aliyun, tencent
from yunlian.platforms.sms.gateway import mainland

from .numbers import NO_ANSWER, NOT_DELIVERED
from .world import Account, Sent, Sms, Template, Vendor

PLACEHOLDER = re.compile(r"\$?\{(\w+)\}")
REPORT_TRIES = 3
CHINA_S = 8 * 3600


class Refused(Exception):
    """A business refusal, by the vendor's code."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def rendered(template: Template, values: Mapping[str, str]) -> str | None:
    """The text with its values; None when they are not exactly the template's."""
    if set(PLACEHOLDER.findall(template.text)) != set(values):
        return None
    return PLACEHOLDER.sub(lambda found: values[found[1]], template.text)


def too_often(
    state: Sms, account: Account, vendor: Vendor, phone: str, signature: str, template: Template, now: float
) -> str | None:
    """The code of the limit a message would pass. Aliyun counts per signature, and notices per template too."""
    before = [
        each
        for each in state.sent
        if each.vendor is vendor and each.phone == phone and each.kind is template.kind
        and (vendor is Vendor.TENCENT or each.signature == signature)
        and (template.kind.value == "code" or vendor is Vendor.TENCENT or each.template == template.code)
    ]  # fmt: skip
    for limit in account.limits:
        recent = sum(each.at > now - limit.per_s for each in before)
        if limit.kind is template.kind and recent >= limit.messages:
            return limit.code
    return None


def take(sandbox: Sandbox, vendor: Vendor, sent: dict[str, Any], template: Template, text: str) -> Sent:
    """Keep the message and have its receipt sent; call with the lock held. `sent` has phone, signature, provider_id, ref."""
    state, now = sandbox.world.part(Sms), sandbox.world.now()
    failed = str(sent["phone"]).endswith(NOT_DELIVERED)
    good, bad = ("DELIVERED", "PORT_NOT_REGISTERED") if vendor is Vendor.ALIYUN else ("DELIVRD", "UNDELIV")
    message = Sent(
        **sent, vendor=vendor, template=template.code, kind=template.kind, text=text, at=now,
        reported_at=now + state.switches.receipt_delay_s, delivered=not failed, code=bad if failed else good,
    )  # fmt: skip
    state.sent.append(message)
    state.account(vendor).balance -= 1
    _report(sandbox, message)
    return message


def dawdle(sandbox: Sandbox, phone: str) -> None:
    """To the time-out number the answer comes too late; call without the lock."""
    if phone.endswith(NO_ANSWER):
        time.sleep(sandbox.world.part(Sms).switches.timeout_s)


def digits(phone: str) -> str | None:
    """Mainland numbers as eleven digits, others as the vendor has them; None for what is no number."""
    if found := mainland(phone):
        return found
    bare = phone.removeprefix("+")
    return (
        bare
        if bare.isascii() and bare.isdigit() and 8 <= len(bare) <= 15 and not bare.startswith("1")
        else None
    )


def china(at: float) -> str:
    """A moment as the vendors write it, in China's time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at + CHINA_S))


def _report(sandbox: Sandbox, message: Sent) -> None:
    state = sandbox.world.part(Sms)
    url = state.account(message.vendor).report_url
    if not url:
        return
    delivery = Delivery(
        "sms", message.vendor, f"report {message.provider_id}", lambda _: httpx.Request("POST", local(url), json=[_told(message)]),
        lambda answer: _complaint(message.vendor, answer), 5.0, REPORT_TRIES, 1.0,
    )  # fmt: skip
    if state.switches.receipt_delay_s <= 0:
        sandbox.courier.post(delivery)
    else:
        later = threading.Timer(state.switches.receipt_delay_s, sandbox.courier.post, [delivery])
        later.daemon = True
        later.start()


def _told(message: Sent) -> dict[str, Any]:
    if message.vendor is Vendor.ALIYUN:
        return {
            "phone_number": message.phone, "send_time": china(message.at), "report_time": china(message.reported_at),
            "success": message.delivered, "err_code": message.code, "sms_size": "1",
            "err_msg": "用户接收成功" if message.delivered else "签名未在运营商报备",
            "biz_id": message.provider_id, "out_id": message.ref,
        }  # fmt: skip
    return {
        "user_receive_time": china(message.reported_at), "nationcode": "86", "mobile": message.phone,
        "report_status": "SUCCESS" if message.delivered else "FAIL", "errmsg": message.code,
        "description": "用户短信送达成功" if message.delivered else "短信未送达", "sid": message.provider_id,
    }  # fmt: skip


def _complaint(vendor: Vendor, answer: httpx.Response) -> str:
    wanted = aliyun.ACCEPTED if vendor is Vendor.ALIYUN else tencent.ACCEPTED
    [name] = [each for each in wanted if each in ("code", "result")]
    try:
        accepted = answer.status_code == 200 and answer.json()[name] == wanted[name]
    except (ValueError, KeyError, TypeError):
        accepted = False
    return "" if accepted else f"the answer is not {wanted}"
