"""What a connection is told, field by field: its label, a hint, and where in the platform's console it is found.

Paths are those of the platforms' own consoles, in their words. Source: manuals 001 (WeCom) and 003 (DingTalk).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from yunlian.kernel.fields import BadValue, require_storable
from yunlian.kernel.text import Label, _

from .models import Connection


@dataclass(frozen=True)
class Field:
    """One thing to fill in; `path` is where it is found.."""

    name: str
    label: Label
    path: str
    hint: Label = ""
    is_secret: bool = False
    is_required: bool = True
    max_length: int = 128


@dataclass(frozen=True)
class Receiver:
    """One place where the platform is told our address, token and AES key, and what it then reports."""

    name: str
    label: Label
    path: str
    hint: Label


@dataclass(frozen=True)
class Guide:
    """Everything the set-up page of a platform shows, in order."""

    direction: str
    directions: tuple[str, ...]
    fields: tuple[Field, ...]
    receivers: tuple[Receiver, ...]
    notes: tuple[Label, ...] = ()


GUIDES: Mapping[str, Guide] = {
    "wecom": Guide(
        direction="push",
        directions=("push",),
        fields=(
            Field(
                "corp_id", _("Corp ID"), "企业微信后台 › 我的企业 › 企业信息 › 企业ID",
                _("Begins with ww. Branches that share a corp enter the same three values."), max_length=64,
            ),
            Field(
                "contacts_secret", _("Contacts secret"), "企业微信后台 › 管理工具 › 通讯录同步 › Secret › 查看",
                _("Switch on “API may edit the contacts” there, or nothing can be written."), is_secret=True,
            ),
            Field(
                "customer_secret", _("Customer contact secret"), "企业微信后台 › 客户联系 › API › Secret › 查看",
                _("Only when customers of WeCom are wanted here."), is_secret=True, is_required=False,
            ),
            Field(
                "agent_id", _("Agent ID of the app"), "企业微信后台 › 应用管理 › 自建 › 应用 › AgentId",
                _("The self-built app through which people sign in and get messages."), is_required=False,
            ),
            Field(
                "agent_secret", _("Secret of the app"), "企业微信后台 › 应用管理 › 自建 › 应用 › Secret › 查看",
                _("Its visible range decides whose names we can read."), is_secret=True, is_required=False,
            ),
        ),
        receivers=(
            Receiver(
                "contacts", _("Contacts"), "企业微信后台 › 管理工具 › 通讯录同步 › 设置接收事件服务器",
                _("Tells us when somebody changes people or departments there. Without it the nightly run finds out."),
            ),
            Receiver(
                "customers", _("Customer contact"), "企业微信后台 › 客户联系 › API › 接收事件服务器 › 编辑",
                _("Brings customers of WeCom here as they come and go."),
            ),
            Receiver(
                "app", _("App"), "企业微信后台 › 应用管理 › 自建 › 应用 › 接收消息 › 设置API接收",
                _("Brings what people press on cards."),
            ),
        ),
        notes=(
            _("Everybody who is to be synced needs a mobile in their employee record: that of their WeChat."),
            _("If people cannot be added or edited in WeCom afterwards, tick “手动编辑” in the rights of contacts sync."),
        ),
    ),
    "dingtalk": Guide(
        direction="pull",
        directions=("pull",),
        fields=(
            Field(
                "corp_id", _("Corp ID"), "钉钉开放平台 › 首页右上角 › CorpId", _("Begins with ding."), max_length=64
            ),
            Field("app_key", _("App key"), "钉钉开放平台 › 应用开发 › 企业内部应用 › 凭证与基础信息 › Client ID"),
            Field(
                "app_secret", _("App secret"), "钉钉开放平台 › 应用开发 › 企业内部应用 › 凭证与基础信息 › Client Secret",
                is_secret=True,
            ),
            Field(
                "sso_secret", _("SSO secret"), "钉钉开放平台 › 首页 › 开发者信息 › SSOSecret",
                _("Only for creators, who come in from DingTalk's admin console."), is_secret=True, is_required=False,
            ),
            Field(
                "agent_id", _("Agent ID"), "钉钉开放平台 › 应用开发 › 企业内部应用 › 凭证与基础信息 › AgentId",
                _("Needed for messages."), is_required=False,
            ),
            Field(
                "card_template", _("Card template ID"), "钉钉开放平台 › 卡片平台 › 模板列表 › 模板ID",
                _(
                    "A card that approves on the phone: variables title, says, facts, url, status, can_approve, and a button "
                    "whose request has the ID approve. Without it, messages open the page."
                ),
                is_required=False,
            ),
        ),
        receivers=(
            Receiver(
                "app", _("App"), "钉钉开放平台 › 应用开发 › 企业内部应用 › 事件订阅 › HTTP推送",
                _("Tells us when people join, leave or move. Without it the nightly run finds out."),
            ),
        ),
        notes=(
            _("Who is synced is who is in the visible range: 钉钉工作台 › 应用 › 设置 › 可见范围 › 部分员工."),
            _("Whoever leaves in DingTalk loses access here with the next sync, and keeps their history."),
        ),
    ),
}  # fmt: skip
# What a connection made by an install from the marketplace is told by the platform itself.
BY_INSTALL = frozenset(("app_key", "app_secret", "agent_id"))


def parsed(field: Field, value: Any) -> str:
    """Return what was typed, trimmed. Raises BadValue."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadValue(_("Must be text."))
    text = value.strip()
    require_storable(text)
    if len(text) > field.max_length or not text.isprintable():
        raise BadValue(_("Is longer than %(n)s characters.") % {"n": field.max_length}, "too_long")
    return text


def key(value: Any) -> str:
    """Return a platform's key of a department: digits, as both have them. Raises BadValue."""
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or len(text) > 20:
        raise BadValue(_("Must be the number of a department."))
    return text


def policy(value: Any) -> str:
    """Return what becomes of new customers: listed to be assigned, or made partners. Raises BadValue."""
    if value not in ("list", "partner"):
        raise BadValue(_("Must be one of: %(known)s.") % {"known": "list, partner"}, "unknown")
    return str(value)


def lacking(conn: Connection, secrets: Mapping[str, str]) -> list[str]:
    """Return the names of required fields that are blank."""
    given = {"corp_id": conn.corp_id, **conn.settings, **secrets}
    return [
        each.name
        for each in GUIDES[conn.platform].fields
        if each.is_required
        and not given.get(each.name)
        and not (conn.origin == "market" and each.name in BY_INSTALL)
    ]
