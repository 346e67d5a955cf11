"""What the sandbox knows of the two SMS gateways: an account each, signatures, templates, limits, and every message.

Source of the limits: the vendors' pages on sending frequency; Tencent's numbers are unconfirmed, so all can be set.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Vendor(StrEnum):
    """The two gateways."""

    ALIYUN = "aliyun"
    TENCENT = "tencent"


class Kind(StrEnum):
    """Of a template."""

    CODE = "code"  # 验证码
    NOTICE = "notice"  # 通知
    MARKETING = "marketing"  # 推广


@dataclass
class Template:
    """An approved or waiting template. Variables stand as `${name}` (Aliyun) or `{1}` (Tencent)."""

    code: str
    kind: Kind
    text: str
    approved: bool = True


@dataclass
class Limit:
    """At most so many messages of one kind to one number in so many seconds. `code` is the refusal."""

    kind: Kind
    per_s: float
    messages: int
    code: str


@dataclass
class Account:
    """One account at one vendor. `balance` counts messages; `report_url` gets receipts, empty for none."""

    key_id: str
    key_secret: str
    app_id: str = ""  # Tencent's SmsSdkAppId
    signatures: dict[str, bool] = field(
        default_factory=lambda: {"云链": True, "示例家居": True, "待审签名": False}
    )
    templates: dict[str, Template] = field(default_factory=dict)
    limits: list[Limit] = field(default_factory=list)
    balance: int = 10_000
    report_url: str = ""
    pull_enabled: bool = True


@dataclass
class Sent:
    """A message the gateway took. The receipt is known from `reported_at` on."""

    provider_id: str
    ref: str
    vendor: Vendor
    phone: str
    signature: str
    template: str
    kind: Kind
    text: str
    at: float
    reported_at: float
    delivered: bool
    code: str  # the carrier's
    pulled: bool = False


@dataclass
class Switches:
    """Times that tests shorten, and numbers no source confirms."""

    receipt_delay_s: float = 2.0
    timeout_s: float = 20.0  # how long a message to the time-out number is not answered
    aliyun_waiting: int = 1
    aliyun_failed: int = 2
    aliyun_delivered: int = 3


@dataclass
class Sms:
    """Everything. Endings of numbers that do not go well are in `numbers.py`."""

    aliyun: Account = field(default_factory=lambda: _aliyun())
    tencent: Account = field(default_factory=lambda: _tencent())
    sent: list[Sent] = field(default_factory=list)
    nonces: dict[str, float] = field(default_factory=dict)
    switches: Switches = field(default_factory=Switches)
    last_number: int = 0

    def account(self, vendor: Vendor) -> Account:
        """The account at a vendor."""
        return self.aliyun if vendor is Vendor.ALIYUN else self.tencent

    def number(self) -> int:
        """A number nobody had before."""
        self.last_number += 1
        return self.last_number


def _aliyun() -> Account:
    return Account(
        "sandbox-access-key-id", "sandbox-access-key-secret",
        templates={each.code: each for each in (
            Template("SMS_100000001", Kind.CODE, "您的验证码为${code}，5分钟内有效，请勿告诉他人。"),
            Template("SMS_100000002", Kind.NOTICE, "单据${number}等待您处理，请在系统中查看。"),
            Template("SMS_100000009", Kind.CODE, "待审模板${code}", approved=False),
        )},
        limits=[
            Limit(Kind.CODE, 60, 1, "isv.BUSINESS_LIMIT_CONTROL"),
            Limit(Kind.CODE, 3600, 5, "isv.BUSINESS_LIMIT_CONTROL"),
            Limit(Kind.CODE, 86400, 10, "isv.BUSINESS_LIMIT_CONTROL"),
            Limit(Kind.NOTICE, 86400, 50, "isv.BUSINESS_LIMIT_CONTROL"),
        ],
    )  # fmt: skip


def _tencent() -> Account:
    limits = [
        Limit(kind, per_s, messages, f"LimitExceeded.PhoneNumber{name}Limit")
        for kind in Kind
        for per_s, messages, name in ((30, 1, "ThirtySecond"), (3600, 5, "OneHour"), (86400, 10, "Daily"))
    ]
    return Account(
        "sandbox-secret-id", "sandbox-secret-key", app_id="1400000000", limits=limits,
        templates={each.code: each for each in (
            Template("1000001", Kind.CODE, "您的验证码为{1}，{2}分钟内有效，请勿告诉他人。"),
            Template("1000002", Kind.NOTICE, "单据{1}等待您处理，请在系统中查看。"),
            Template("1000009", Kind.CODE, "待审模板{1}", approved=False),
        )},
    )  # fmt: skip
