"""What the platform did with our app: installed by authorisation, stopped, restored, removed, expired.

A callback only makes us look; whether the app runs is asked of the platform.
"""

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import httpx
from django.db.models import Q
from django.utils.translation import gettext

from yunlian.kernel.chores import chore
from yunlian.kernel.document import Invalid, Problem, Refused
from yunlian.kernel.identity import new_id
from yunlian.kernel.jobs import Failed, Progress, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import _
from yunlian.org.context import context_of_communication_user
from yunlian.platforms.dingtalk.api import Api
from yunlian.platforms.dingtalk.suite import Suite as SuiteCalls
from yunlian.platforms.errors import PlatformError

from . import applying, connections, dingtalk, leaving, looks, stores, suites
from .models import Arrival, Connection, Installed, Match, Territory

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


def bind(ctx: Context, arrival: Arrival) -> Connection:
    """Bind the member's enterprise to the corp whose administrator they came as; they are matched with who they are there.

    Raises Refused when the corp has not installed our app (any more), when it is bound to another enterprise, or ours is
    bound already; Invalid when it was bound to another corp.
    """
    installed = connections.installed(arrival.corp_id, ctx.now)
    conn: Any = Connection.objects.filter(platform="dingtalk").first()
    if conn is not None and conn.state not in ("off", "left"):
        raise Refused(
            Problem("corp_id", _("There is a connection with this platform already."), code="taken")
        )
    if conn is None:
        conn = connections.create(ctx, {"platform": "dingtalk", "corp_id": arrival.corp_id})
    elif conn.corp_id != arrival.corp_id and conn.bound_at is not None:
        raise Invalid(Problem("corp_id", _("This enterprise was bound to another corp."), code="other_corp"))
    conn.origin, conn.corp_id, conn.corp_name = "market", arrival.corp_id, installed.corp_name
    conn.settings |= {"suite_key": installed.suite_key, "agent_id": installed.agent_id}
    conn.save()
    switched = connections.switch(ctx, conn.id, is_on=True)
    if installed.state == "stopped":
        connections.set_state(ctx, switched, "stopped")
    _match(ctx, switched, arrival)
    looks.ask(ctx.enterprise_id, switched.id, [("all", "*")], ctx.now)
    return switched


def _match(ctx: Context, conn: Connection, arrival: Arrival) -> None:
    """Match the member with who they are in the corp: they have proven both, and so are nobody twice.

    Whom the visible range does not have is not: a sync would take them for somebody who left.
    """
    mine = Match.objects.filter(connection_id=conn.id, kind="person", ended_at=None)
    if not arrival.is_seen or mine.filter(Q(theirs=arrival.theirs) | Q(employee_id=ctx.member_id)).exists():
        return
    Match.objects.create(
        id=new_id(), connection_id=conn.id, kind="person", employee_id=ctx.member_id, theirs=arrival.theirs,
        since=ctx.now,
    )  # fmt: skip


@chore("directory.expiry", every_s=30)
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
