"""Connections as sign-in wants them: who may come in through which corp, and as which employee of ours."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence

import httpx
from django.conf import settings

from yunlian.kernel.scope import tenant
from yunlian.org.connections import CONNECTIONS, Connected
from yunlian.org.dingtalk_ways import DingTalkApp
from yunlian.org.wecom_ways import WeComApp
from yunlian.platforms.dingtalk.api import Api
from yunlian.platforms.dingtalk.client import App as DingTalkKey
from yunlian.platforms.dingtalk.client import Client as DingTalkClient
from yunlian.platforms.dingtalk.client import InternalApp
from yunlian.platforms.dingtalk.signin import AdminConsole
from yunlian.platforms.wecom import client as wecom

from . import stores, suites
from .connections import secrets_of
from .dingtalk import bases
from .models import Connection, Match, Territory

# Somebody waits in front of the browser: a limit that is not over by then is told, not waited for.
PATIENCE_S = 3.0
_WECOM_HTTP = httpx.Client(timeout=httpx.Timeout(10, connect=5), trust_env=False)
_DINGTALK_HTTP = httpx.Client(timeout=10, trust_env=False)


class Ties:
    """The keeper of connections, see org.connections.Keeper."""

    def of_enterprise(self, enterprise_id: int) -> Sequence[Connected]:
        with tenant(enterprise_id):
            return list(_open(Connection.objects.filter(state="on").order_by("platform")))

    def enterprises_of(self, provider: str, corp: str) -> Sequence[int]:
        held = Territory.objects.filter(platform=provider, corp_id=corp, is_live=True)
        ids = held.order_by("enterprise_id").values_list("enterprise_id", flat=True).distinct()
        return [id_ for id_ in ids if any(each.corp == corp for each in self.of_enterprise(id_))]

    def employee_of(self, connected: Connected, subject: str) -> uuid.UUID | None:
        with tenant(connected.enterprise_id):
            mine = Match.objects.filter(
                connection_id__in=Connection.objects.filter(platform=connected.provider, state="on").values(
                    "id"
                ),
                kind="person",
                ended_at=None,
            )
            # WeCom's accounts are the same in either case; the exact one is found by its index.
            found = mine.filter(theirs=subject).first()
            if found is None and connected.provider == "wecom":
                found = mine.filter(theirs__iexact=subject).first()
            return None if found is None else found.employee_id


def _open(connections: Iterable[Connection]) -> Iterator[Connected]:
    for conn in connections:
        app = _APPS[conn.platform](conn, secrets_of(conn))
        if app is not None:
            yield Connected(
                conn.enterprise_id, conn.platform, conn.corp_id, conn.corp_name or conn.corp_id, app
            )


def wecom_app(conn: Connection, secrets: Mapping[str, str]) -> WeComApp | None:
    """Return what asks WeCom as the connection's own app, None while it has none."""
    agent, secret = conn.settings.get("agent_id", ""), secrets.get("agent_secret", "")
    if not (agent.isdigit() and secret):
        return None
    connection = wecom.Connection(
        settings.WECOM_URL, _WECOM_HTTP, stores.TOKENS, stores.pace(stores.Waiting(), PATIENCE_S)
    )
    client = wecom.client(connection, wecom.App(conn.corp_id, secret, int(agent)))
    if not is_played("wecom"):
        return WeComApp(client)
    return WeComApp(client, open_host=settings.WECOM_URL, login_host=settings.WECOM_URL)


def dingtalk_app(conn: Connection, secrets: Mapping[str, str]) -> DingTalkApp:
    """Return what asks DingTalk as the connection's app; with the SSO secret also for its admin console."""
    api = Api(bases(), pace=stores.pace(stores.Waiting(), PATIENCE_S), http=_DINGTALK_HTTP)
    key: DingTalkKey
    if conn.origin == "market":  # whose console asks as the vendor, not as the customer
        key = suites.app_of(conn.settings["suite_key"])
        owner, sso = suites.console_of(conn.settings["suite_key"])
    else:
        key = InternalApp(conn.settings.get("app_key", ""), secrets.get("app_secret", ""))
        owner, sso = conn.corp_id, secrets.get("sso_secret", "")
    console = AdminConsole(api, stores.TOKENS, owner, sso) if owner and sso else None
    agent = conn.settings.get("agent_id", "")
    client = DingTalkClient(api, key, conn.corp_id, stores.TOKENS)
    return DingTalkApp(client, int(agent) if agent.isdigit() else 0, console)


def is_played(platform: str) -> bool:
    """Whether a sandbox plays a platform here; its phone is a browser, and must be told what it stands for."""
    return bool(settings.DINGTALK_URL) if platform == "dingtalk" else bool(settings.WECOM_URL != wecom.API)


_APPS = {"wecom": wecom_app, "dingtalk": dingtalk_app}
CONNECTIONS.kept_by(Ties())
