"""An administrator who comes from DingTalk's admin console after installing our app: who they are there is proven once,
and kept for the browser while they sign in to the enterprise they have, or found one.

The console's code is good once and is redeemed as soon as it comes. What it proved is a row known by the browser's cookie
alone; binding takes it away in the same transaction. Source: manual 003, 在钉钉内安装及绑定; dingtalk.md 7.3.
"""

import datetime as dt
import re
import secrets
from typing import Any

import httpx
from django.db import transaction

from yunlian.kernel import phonetic, retention
from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Invalid, Missing, Problem
from yunlian.kernel.fields import normal_code
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.sql import run as execute
from yunlian.kernel.text import _
from yunlian.org import identities, people
from yunlian.org.attempts import Asked, attempt
from yunlian.org.by_platform import Unreachable
from yunlian.org.context import context_for
from yunlian.org.entrance import Opened, Proof, let_in
from yunlian.org.identities import Account
from yunlian.org.models import Enterprise, Membership
from yunlian.org.sessions import digest
from yunlian.platforms.dingtalk import signin, users
from yunlian.platforms.dingtalk.api import Api
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.dingtalk.refusals import OUT_OF_RANGE
from yunlian.platforms.dingtalk.signin import Creator
from yunlian.platforms.errors import PlatformError

from . import connections, dingtalk, lifecycle, stores, suites
from .bodies import shown_moment
from .models import Arrival, Connection, Suite, Territory
from .sign_in import PATIENCE_S

LASTS = dt.timedelta(hours=1)
WAY = "dingtalk_console"
_HTTP = httpx.Client(timeout=10, trust_env=False)


def arrive(code: Any, corp_id: Any, asked: Asked) -> tuple[str, Arrival]:
    """Redeem the console's code; returns what the browser keeps, and who came.

    `corp_id` stands in the address and proves nothing: it only says for whom to wait, as long as DingTalk has not told of
    the install. Raises Refused (`not_installed`) then, and Unsigned for a code that is forged, used, old, or of somebody
    who may not administer the app.
    """
    suite = Suite.objects.filter(platform="dingtalk").first()
    if suite is None:
        raise Missing("suite")
    if not isinstance(code, str) or not 0 < len(code) <= 512:
        raise Unsigned(_("Come here from the corp's own admin console."))
    if isinstance(corp_id, str) and corp_id:
        connections.installed(corp_id, asked.now)
    with attempt(WAY, "", asked) as trying:
        trying.is_step = True
        came, is_seen = _creator(suite.suite_key, code, asked.now)
    token = secrets.token_urlsafe(32)
    arrival = Arrival.objects.create(
        digest=digest(token),
        corp_id=came.corp_id,
        theirs=came.user_id,
        name=came.name,
        is_seen=is_seen,
        created_at=asked.now,
    )
    return token, arrival


def _creator(suite_key: str, code: str, now: dt.datetime) -> tuple[Creator, bool]:
    """Ask DingTalk whose code it is and whether they may administer our app; and whether the app sees them itself."""
    vendor, secret = suites.console_of(suite_key)
    api = Api(dingtalk.bases(), pace=stores.pace(stores.Waiting(), PATIENCE_S), http=_HTTP)
    try:
        came = signin.AdminConsole(api, stores.TOKENS, vendor, secret).creator(code)
        installed = connections.installed(came.corp_id, now)
        client = Client(api, suites.app_of(suite_key), came.corp_id, stores.TOKENS)
        is_seen = _is_seen(client, came.user_id)
        is_admin = came.is_admin and signin.may_manage(client, int(installed.agent_id or 0), came.user_id)
    except PlatformError as error:
        if error.retry:
            message = _("The platform does not answer: try again later.")
            raise Unreachable(Problem(None, message, code="platform")) from error
        raise Unsigned(_("Come here from the corp's own admin console.")) from error
    if not is_admin:
        raise Unsigned(_("Only an administrator of the corp who may manage the app can do this."))
    return came, is_seen


def _is_seen(client: Client, user_id: str) -> bool:
    try:
        users.one(client, user_id)
    except PlatformError as error:
        if error.code in OUT_OF_RANGE:
            return False
        raise
    return True


def find(token: str, now: dt.datetime) -> Arrival:
    """Return who came with this browser. Raises Missing when nobody did, or too long ago."""
    found = Arrival.objects.filter(digest=digest(token), created_at__gt=now - LASTS).first()
    if found is None:
        raise Missing("arrival")
    return found


def shown(arrival: Arrival, now: dt.datetime) -> dict[str, Any]:
    """Return what the page shows: whose corp, who came, until when the app may be used, and whether it is bound."""
    installed = connections.installed(arrival.corp_id, now)
    bound = Territory.objects.filter(platform="dingtalk", corp_id=arrival.corp_id, is_live=True).first()
    enterprise = bound and Enterprise.objects.get(id=bound.enterprise_id)
    return {
        "corp_id": arrival.corp_id, "corp_name": installed.corp_name, "name": arrival.name,
        "ends_at": shown_moment(installed.ends_at), "is_trial": installed.is_trial,
        "bound": enterprise and {"code": enterprise.code, "name": enterprise.name},
        "suggested": _free_code(installed.corp_name),
    }  # fmt: skip


def _free_code(name: str) -> str:
    """Return a code nobody has, from the first letters of a name."""
    head = normal_code(phonetic.initials(name))[:20] or "CORP"
    taken = set(Enterprise.objects.filter(code__startswith=head).values_list("code", flat=True))
    return next(code for n in range(len(taken) + 1) if (code := f"{head}{n + 1 if n else ''}") not in taken)


def _taken(token: str, now: dt.datetime) -> Arrival:
    """Return who came and let nobody come again with it. Raises Missing."""
    rows = execute(
        "DELETE FROM directory_arrival WHERE digest = %s AND created_at > %s RETURNING corp_id, theirs, name, is_seen",
        [digest(token), now - LASTS],
    )
    if not rows:
        raise Missing("arrival")
    corp_id, theirs, name, is_seen = rows[0]
    return Arrival(corp_id=corp_id, theirs=theirs, name=name, is_seen=is_seen)


def bind(ctx: Context, token: str) -> Connection:
    """Bind the member's enterprise to the corp they came from. Raises Missing, or as `lifecycle.bind` does."""
    return lifecycle.bind(ctx, _taken(token, ctx.now))


def found(token: str, *, name: Any, code: Any, login: Any, password: Any, asked: Asked) -> Opened:
    """Found an enterprise for the corp, with whoever came as its administrator, bound to it; they are signed in.

    Raises Missing when nobody came, Invalid for code, login or password that are taken or not good, Refused when the corp
    is bound to another enterprise.
    """
    if not (isinstance(name, str) and 0 < len(name.strip()) <= 200 and name.isprintable()):
        raise Invalid(Problem("name", _("Must be filled in."), code="required"))
    if not (isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_-]{2,40}", code)):
        message = _("Two to forty letters, digits, - or _: it stands in the enterprise's address.")
        raise Invalid(Problem("code", message, code="invalid"))
    with transaction.atomic():
        arrival = _taken(token, asked.now)
        made = people.found_enterprise(
            code, name.strip(), login, password, now=asked.now, admin_name=arrival.name or login
        )
        with tenant(made.enterprise_id):
            ctx = context_for(made.enterprise_id, made.admin_id, asked.now)
            assert ctx is not None
            lifecycle.bind(ctx, arrival)
        mine = Membership.objects.get(enterprise_id=made.enterprise_id, employee_id=made.admin_id)
        account = Account("dingtalk", arrival.corp_id, arrival.theirs, arrival.name)
        if not arrival.is_seen and identities.find(account) is None:  # no match tells who they are
            identities.bind(mine.user_id, account, asked)
    return let_in(Proof(mine.user_id, WAY, made.enterprise_id), asked)


retention.keep(retention.Kept("directory_arrival", days=1, by="created_at"))
