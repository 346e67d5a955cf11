"""What the platform did with our app: installed by authorisation, stopped, restored, removed, expired.

A callback only makes us look; whether the app runs is asked of the platform.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
from django.utils.translation import gettext

from yunlian.kernel.chores import chore
from yunlian.kernel.document import Invalid, Problem, Refused
from yunlian.kernel.jobs import Failed, Progress, enqueue, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import _
from yunlian.org.context import context_of_communication_user
from yunlian.platforms.dingtalk.api import Api
from yunlian.platforms.dingtalk.signin import AdminConsole
from yunlian.platforms.dingtalk.suite import Suite as SuiteCalls
from yunlian.platforms.errors import PlatformError

from . import applying, connections, dingtalk, leaving, looks, stores, suites
from .models import Connection, Installed, Suite, Territory

UNAUTHORISED = frozenset(("41030", "41031", "40079", "invalidAuthInfo", "orgNotAuthApp", "orgNotExist"))


@job("directory.state")
def run_state(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Ask the platform whether our app runs there, and write the answer."""
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
    if conn.origin != "market" or conn.state in ("off", "left"):
        return {"state": conn.state}
    try:
        state = _asked(conn)
    except PlatformError as error:
        raise Failed(f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]) from error
    with tenant(ctx.enterprise_id):
        conn = connections.find(conn.id, lock=True)
        if conn.state != state and conn.state not in ("off", "left"):
            connections.set_state(applying.for_the_enterprise(ctx), conn, state)
            if state == "on":
                looks.ask(ctx.enterprise_id, conn.id, [("all", "*")], ctx.now)
    return {"state": state}


def _asked(conn: Connection) -> str:
    """Return on, stopped or removed, as the platform says. Raises PlatformError when it cannot be asked."""
    waiting = stores.Waiting()
    with httpx.Client(timeout=15, trust_env=False) as http:
        api = Api(dingtalk.bases(), pace=stores.pace(waiting, 30), http=http, sleep=waiting.sleep)
        calls = SuiteCalls(api, suites.app_of(conn.settings["suite_key"]))
        try:
            found = calls.authorisation(conn.corp_id)
        except PlatformError as error:
            if error.code in UNAUTHORISED:
                return "removed"
            raise
        if not found.agents:
            return "removed"
        return "on" if calls.is_running(conn.corp_id, found.agents[0].id) else "stopped"


def ask_to_bind(ctx: Context, code: Any) -> Job:
    """Bind this enterprise to the corp from whose admin console the member came, with the `code` it sent along."""
    if not isinstance(code, str) or not 0 < len(code) <= 512:
        raise Invalid(Problem("code", _("Must be filled in."), code="required"))
    return enqueue(ctx, "directory.bind", "dingtalk", code.encode())


@job("directory.bind")
def run_bind(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Ask the platform whose code it is, then bind: only an administrator of the corp brings one."""
    suite = Suite.objects.filter(platform="dingtalk").first()
    if suite is None:
        raise Failed(_("No app of the marketplace is set up here: connect an app of your own."))
    vendor, secret = suites.console_of(suite.suite_key)
    waiting = stores.Waiting()
    with httpx.Client(timeout=15, trust_env=False) as http:
        api = Api(dingtalk.bases(), pace=stores.pace(waiting, 30), http=http, sleep=waiting.sleep)
        try:
            came = AdminConsole(api, stores.TOKENS, vendor, secret).creator(
                bytes(made.content or b"").decode()
            )
        except PlatformError as error:
            raise Failed(f"{gettext(error.remedy)} ({error.code}: {error.text})"[:500]) from error
    with tenant(ctx.enterprise_id):
        conn = bind(ctx, came.corp_id, is_proven=came.is_admin)
        return {"connection": str(conn.id), "corp_id": conn.corp_id, "corp_name": conn.corp_name}


def bind(ctx: Context, corp_id: str, *, is_proven: bool) -> Connection:
    """Bind this enterprise to a corp that installed our app. `is_proven`: the member came as that corp's administrator.

    Raises Refused when the corp has not installed it, or nobody proved to be its administrator.
    """
    installed = Installed.objects.filter(
        platform="dingtalk", corp_id=corp_id, state__in=["on", "stopped"]
    ).first()
    if installed is None:
        raise Refused(Problem("corp_id", _("This corp has not installed the app."), code="not_installed"))
    if not is_proven:
        message = _("Come here from the corp's own admin console, so that it is certain you administer it.")
        raise Refused(Problem("corp_id", message, code="not_proven"))
    conn: Any = Connection.objects.filter(platform="dingtalk").first()
    if conn is not None and conn.state not in ("off", "left"):
        raise Refused(
            Problem("corp_id", _("There is a connection with this platform already."), code="taken")
        )
    if conn is None:
        conn = connections.create(ctx, {"platform": "dingtalk", "corp_id": corp_id})
    elif conn.corp_id != corp_id and conn.bound_at is not None:
        raise Invalid(Problem("corp_id", _("This enterprise was bound to another corp."), code="other_corp"))
    conn.origin, conn.corp_id, conn.corp_name = "market", corp_id, installed.corp_name
    conn.settings |= {"suite_key": installed.suite_key, "agent_id": installed.agent_id}
    conn.save()
    switched = connections.switch(ctx, conn.id, is_on=True)
    if installed.state == "stopped":
        connections.set_state(ctx, switched, "stopped")
    looks.ask(ctx.enterprise_id, switched.id, [("all", "*")], ctx.now)
    return switched


@chore("directory.expiry", every_s=3600)
def visit(now: dt.datetime) -> None:
    """Unbind enterprises whose trial is over: by the same path as by hand."""
    over = Installed.objects.filter(ends_at__lt=now).exclude(state="relieved")
    for installed in over:
        for territory in Territory.objects.filter(
            platform=installed.platform, corp_id=installed.corp_id, is_live=True
        ):
            _expire(territory.enterprise_id, territory.connection_id, now)


def _expire(enterprise_id: int, connection_id: uuid.UUID, now: dt.datetime) -> None:
    with tenant(enterprise_id):
        conn = Connection.objects.filter(
            id=connection_id, origin="market", state__in=["on", "stopped"]
        ).first()
        if conn is not None:
            ctx = applying.for_the_enterprise(context_of_communication_user(enterprise_id, now))
            leaving.expire(ctx, conn)
