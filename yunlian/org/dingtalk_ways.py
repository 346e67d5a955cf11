"""The ways in through DingTalk: QR code, silently inside its client, and from its admin console for creators.

Source: DingTalk Open Platform, sign-in; manual 003 (创建者: the main administrator, and sub-administrators who may manage
the app).
"""

from dataclasses import dataclass

from django.conf import settings

from yunlian.kernel.text import Label, _
from yunlian.platforms.addresses import origin
from yunlian.platforms.dingtalk import signin, users
from yunlian.platforms.dingtalk.client import Client

from .connections import Connected
from .identities import Account
from .ways import Leaving, offer

PROVIDER = "dingtalk"


@dataclass(frozen=True)
class DingTalkApp:
    """What asks DingTalk as a connection's app; `console` where creators may come from the admin console."""

    client: Client
    agent_id: int = 0
    console: signin.AdminConsole | None = None


class Scan:
    """In any browser: a page of DingTalk's with a QR code. Only accounts of the connection's corp may enter."""

    name = "dingtalk_qr"
    provider = PROVIDER
    place = "browser"
    label: Label = _("DingTalk")
    script = ""

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        client: Client = connected.app.client
        address = signin.login_url(
            client.api, client.app.key, back, state, scope="openid corpid", corp_id=connected.corp
        )
        return Leaving(state, address, connected.corp, client.app.key)

    def account(self, connected: Connected, code: str) -> Account | None:
        client: Client = connected.app.client
        token = signin.user_token(client.api, client.app, code)
        if token.corp_id != connected.corp:
            return None
        person = signin.person(client.api, client.app, token.access)
        user_id = users.by_union(client, person.union_id)
        return Account(PROVIDER, token.corp_id, user_id, person.nick) if user_id else None


class Inside:
    """Inside DingTalk: its client hands out a code of the corp the page was opened in, without asking anybody."""

    name = "dingtalk_client"
    provider = PROVIDER
    place = "client"
    label: Label = _("DingTalk")
    script = (
        f"{origin(settings.DINGTALK_URL)}/sandbox/page/dingtalk/jsapi.js" if settings.DINGTALK_URL else ""
    )

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        return Leaving(state, "", connected.corp, connected.app.client.app.key)

    def account(self, connected: Connected, code: str) -> Account | None:
        found = signin.inside(connected.app.client, code)
        return Account(PROVIDER, connected.corp, found.user_id, found.name) if found.user_id else None


class Console:
    """From DingTalk's admin console: creators, with a code that the console appends to our address."""

    name = "dingtalk_console"
    provider = PROVIDER
    place = "console"
    label: Label = _("DingTalk admin console")
    script = ""

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        raise AssertionError("The console begins this way, nobody leaves for it.")

    def account(self, connected: Connected, code: str) -> Account | None:
        app: DingTalkApp = connected.app
        if app.console is None:
            return None
        found = app.console.creator(code)
        is_creator = found.is_admin and signin.may_manage(app.client, app.agent_id, found.user_id)
        return Account(PROVIDER, found.corp_id, found.user_id, found.name) if is_creator else None


for _way in (Scan(), Inside(), Console()):
    offer(_way)
