"""SMS gateways: an enterprise's own account at Aliyun or Tencent Cloud, else that of the installation.

An enterprise's own is a row of it, its secret sealed; the installation's comes from `settings.SMS_GATEWAY`. A message of
China's mainland is an approved template under an approved signature; ours has the code as its first variable, and perhaps
the minutes it is good for as its second.
"""

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Invalid, Problem, Refused, View, declare_view
from yunlian.kernel.identity import new_id
from yunlian.kernel.models import Audit
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sealing import seal, unseal
from yunlian.kernel.text import Label, _
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.sms.aliyun import Aliyun
from yunlian.platforms.sms.gateway import Gateway, Message, Template, send_once
from yunlian.platforms.sms.tencent import Tencent

from .by_text import normal_mobile
from .models import SmsGateway
from .requests import fields_of, takes
from .texting import TEXTING

PURPOSE = "SMS gateways"
VARIABLES_MAX = 2
CHINA = ZoneInfo("Asia/Shanghai")
FIELDS = ("provider", "key", "app_id", "signature", "template", "variable")


@dataclass(frozen=True)
class Account:
    """A gateway's account with the template it sends codes under."""

    gateway: Gateway
    template: Template

    def send(self, mobile: str, code: str, minutes: int) -> None:
        """Send a code. Raises PlatformError; a lost answer is looked up and not sent again."""
        values = dict(zip(self.template.variables, (code, str(minutes)), strict=False))
        message = Message(mobile, self.template, values, ref=secrets.token_hex(8))
        send_once(self.gateway, message, dt.datetime.now(CHINA).date())


def account(given: Mapping[str, str], secret: str) -> Account:
    """Return the account that settings or a row describe."""
    variables = tuple((given.get("variable") or "code").split())
    template = Template(given["signature"], given["template"], variables)
    gateway: Gateway
    if given["provider"] == "tencent":
        gateway = Tencent(given["key"], given["app_id"], secret)
    else:
        gateway = Aliyun(given["key"], secret)
    if settings.SMS_URL:
        gateway = replace(gateway, base_url=f"{settings.SMS_URL}/{given['provider']}")
    return Account(gateway, template)


def find(enterprise_id: int | None) -> Account | None:
    """Return the account an enterprise sends from; its own, else the installation's, else none."""
    if enterprise_id is not None:
        with tenant(enterprise_id):
            own = SmsGateway.objects.filter(is_active=True).first()
        if own is not None:
            return _own(own)
    given: Mapping[str, str] | None = settings.SMS_GATEWAY
    return account(given, given["secret"]) if given else None


def _own(row: SmsGateway) -> Account:
    given = {name: getattr(row, name) for name in FIELDS}
    return account(given, unseal(PURPOSE, str(row.id), bytes(row.wrapped)).decode())


TEXTING.found_by(find)

declare_view(
    View(
        code="org.sms_gateway",
        label=_("SMS gateway"),
        header=SmsGateway,
        columns="provider key signature template is_active",
        menu=None,
        verbs=("view", "edit"),
    )
)

_HINTS: Mapping[str, Mapping[str, tuple[Label, str]]] = {
    "aliyun": {
        "key": (_("AccessKey ID"), "阿里云控制台 › RAM 访问控制 › 用户 › AccessKey"),
        "secret": (_("AccessKey secret"), "阿里云控制台 › RAM 访问控制 › 用户 › AccessKey"),
        "signature": (_("Signature"), "阿里云短信服务 › 国内消息 › 签名管理"),
        "template": (_("Template code"), "阿里云短信服务 › 国内消息 › 模板管理 › 模板CODE"),
        "variable": (_("Variables: code, minutes"), "阿里云短信服务 › 国内消息 › 模板管理 › 模板变量"),
    },
    "tencent": {
        "key": (_("Secret ID"), "腾讯云控制台 › 访问管理 › API 密钥管理"),
        "secret": (_("Secret key"), "腾讯云控制台 › 访问管理 › API 密钥管理"),
        "app_id": (_("SDK app ID"), "腾讯云短信 › 应用管理 › SDK AppID"),
        "signature": (_("Signature"), "腾讯云短信 › 国内短信 › 签名管理"),
        "template": (_("Template ID"), "腾讯云短信 › 国内短信 › 正文模板管理"),
        "variable": (_("Variables: code, minutes"), "腾讯云短信 › 国内短信 › 正文模板管理 › 变量（按顺序）"),
    },
}


@route("GET", "/api/org.sms_gateway/setup", needs="org.sms_gateway.view")
def get_gateway(request: Request) -> Any:
    """The enterprise's SMS gateway, its secret never shown, and where each field is found."""
    return _shown()


def _shown() -> dict[str, Any]:
    own = SmsGateway.objects.first()
    guides = {
        provider: [{"name": name, "label": label, "path": path} for name, (label, path) in fields.items()]
        for provider, fields in _HINTS.items()
    }
    values = {name: getattr(own, name) for name in FIELDS} | {"is_active": own.is_active} if own else None
    return {"gateway": values, "installation": bool(settings.SMS_GATEWAY), "guides": guides}


@route("PUT", "/api/org.sms_gateway/setup", needs="org.sms_gateway.edit", is_sensitive=True)
def put_gateway(request: Request) -> Any:
    """Set up the enterprise's own SMS gateway; a blank secret stays what it was."""
    given = dict(
        zip(
            (*FIELDS, "secret", "is_active"),
            fields_of(request, also=(*FIELDS, "secret", "is_active")),
            strict=True,
        )
    )
    _save(request.ctx, given)
    return _shown()


def _save(ctx: Context, given: Mapping[str, Any]) -> None:
    own = SmsGateway.objects.first() or SmsGateway(enterprise_id=ctx.enterprise_id, id=new_id())
    values = {name: given[name] for name in FIELDS if given[name] is not None}
    wrong = [name for name, value in values.items() if not _is_plain(value)]
    provider = values.get("provider", own.provider)
    lacking = [name for name in _HINTS.get(provider, {}) if not _given(own, given, name)]
    problems = [Problem(name, _("Must be text of at most %(n)s characters.") % {"n": 200}) for name in wrong]
    problems += [Problem(name, _("Must be filled in."), code="required") for name in lacking]
    if len(str(values.get("variable", "")).split()) > VARIABLES_MAX:
        problems.append(Problem("variable", _("At most the code and the minutes."), code="too_many"))
    if provider not in _HINTS:
        problems.append(Problem("provider", _("Must be one of: %(known)s.") % {"known": ", ".join(_HINTS)}))
    if problems:
        raise Invalid(*problems)
    for name, value in values.items():
        setattr(own, name, value.strip())
    if given["secret"]:
        own.wrapped = seal(PURPOSE, str(own.id), str(given["secret"]).encode())
    own.is_active = given["is_active"] is not False
    own.save()
    made = [{"field": name, "line": None, "old": None, "new": getattr(own, name)} for name in values]
    Audit.objects.create(
        id=new_id(), at=ctx.now, code="org.sms_gateway", record=own.id, version=1, act="edited", by=ctx.member_id,
        by_name=ctx.member_name, changes=made,
    )  # fmt: skip


def _given(own: SmsGateway, given: Mapping[str, Any], name: str) -> bool:
    if name == "secret":
        return bool(given["secret"]) or bool(own.wrapped)
    value = given[name] if given[name] is not None else getattr(own, name)
    return bool(value) or name == "variable"


def _is_plain(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 200 and value.isprintable()


@route("POST", "/api/org.sms_gateway/try", needs="org.sms_gateway.edit", schema=takes("mobile"))
def try_gateway(request: Request) -> Answer:
    """Send a code to a mobile through the gateway in use, and say what came of it."""
    (mobile,) = fields_of(request, "mobile")
    number = normal_mobile(mobile)
    gateway = find(request.ctx.enterprise_id)
    if gateway is None:
        raise Refused(Problem("mobile", _("No SMS gateway is set up here."), code="no_gateway"))
    try:
        gateway.send(number, f"{secrets.randbelow(1_000_000):06}", 5)
    except PlatformError as error:
        raise Refused(Problem("mobile", f"{error.code}: {error.text}", code="platform")) from error
    return Answer({"sent": True})
