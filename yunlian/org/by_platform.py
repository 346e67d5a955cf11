"""The ways in through WeCom and DingTalk: leave with a state, come back once with a code, be let in as its account's user.

An account that nobody bound opens the login of the employee with whom the directory has matched it; an employee who has
no login gets one without a password.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Missing, Problem, Refused
from yunlian.kernel.scope import tenant
from yunlian.kernel.text import _
from yunlian.platforms.errors import NO_ANSWER, PACED, UNREADABLE, PlatformError

from . import access, flows, identities
from .attempts import Asked, attempt, ration
from .connections import CONNECTIONS, Connected
from .entrance import Opened, Proof, let_in
from .identities import Account
from .models import Identity, SignInFlow
from .people import system_context
from .ways import WAYS, Leaving, Way

# Of one address, behind which a whole office may stand: enough for people, little for who would fill the table.
FLOWS_PER_DAY, FLOWS_GAP = 5000, dt.timedelta(0)


class Unreachable(Refused):
    """The platform cannot be asked at present. HTTP 502."""

    status = 502


@dataclass(frozen=True)
class Returned:
    """A browser that came back: from which flow, and with whose account."""

    flow: SignInFlow
    account: Account
    connected: Connected


def find_way(name: Any, enterprise_id: int) -> tuple[Way, Connected]:
    """Return a way and the enterprise's connection for it. Raises Missing where it is not offered."""
    way = WAYS.get(name) if isinstance(name, str) else None
    connected = CONNECTIONS.find(enterprise_id, way.provider) if way is not None else None
    if way is None or connected is None:
        raise Missing("way")
    return way, connected


def leave(
    name: Any, enterprise_id: int, to: Any, browser: str, back: str, asked: Asked, *, purpose: str = "sign_in",
    user_id: int | None = None,
) -> Leaving:  # fmt: skip
    """Send a browser off.

    Raises Missing for a way that is not offered, Invalid for a page that is not ours, TooMany for a flood.
    """
    way, connected = find_way(name, enterprise_id)
    if way.place == "console":
        raise Missing("way")
    if asked.address:
        ration(f"flow:{asked.address}", FLOWS_PER_DAY, FLOWS_GAP, asked.now)
    state = flows.begin(way.name, connected, to, browser, asked.now, purpose=purpose, user_id=user_id)
    return way.leave(connected, state, back)


def come_back(state: Any, code: Any, browser: str, asked: Asked) -> Returned:
    """Take a browser back and redeem its code with the app it left for.

    Raises Unsigned when state or code are not good, Unreachable when the platform does not answer, TooMany when guessing
    is slowed.
    """
    with attempt("flow", "", asked) as trying:
        trying.is_step = True
        flow = flows.end(state, browser, asked.now)
        trying.way = flow.way
        way, connected = WAYS.get(flow.way), CONNECTIONS.find(flow.enterprise_id, _provider(flow.way))
        if way is None or connected is None or connected.corp != flow.corp:
            raise Unsigned(_("This way in is no longer open: begin again."))
        return Returned(flow, _account(way, connected, code), connected)


def _provider(way: str) -> str:
    return WAYS[way].provider if way in WAYS else ""


def _account(way: Way, connected: Connected, code: Any) -> Account:
    if not isinstance(code, str) or not 0 < len(code) <= 512:
        raise Unsigned(_("The platform did not say who you are: begin again."))
    try:
        account = way.account(connected, code)
    except PlatformError as error:
        if error.retry or error.code in (NO_ANSWER, UNREADABLE, PACED):
            raise Unreachable(
                Problem(None, _("The platform does not answer: try again later."), code="platform")
            ) from error
        raise Unsigned(_("The platform did not say who you are: begin again.")) from error
    if account is None or (account.provider, account.corp) != (connected.provider, connected.corp):
        raise Unsigned(_("This account is not of this enterprise."))
    return account


def sign_in(returned: Returned, asked: Asked) -> Opened:
    """Let in whoever came back. Raises Unsigned when the account is nobody's here, or they may not enter."""
    return _let_in(returned.flow.way, returned.account, returned.connected, asked)


def enter_from_console(name: str, enterprise_id: int, code: Any, asked: Asked) -> Opened:
    """Let in somebody whom the platform's admin console sent here with a code of its own, which is good once.

    Raises as `come_back` and `sign_in` do.
    """
    way, connected = find_way(name, enterprise_id)
    if way.place != "console":
        raise Missing("way")
    with attempt(way.name, "", asked) as trying:
        trying.is_step = True
        flows.use_once(str(code), connected, way.name, asked.now)
        account = _account(way, connected, code)
    return _let_in(way.name, account, connected, asked)


def _let_in(way: str, account: Account, connected: Connected, asked: Asked) -> Opened:
    with attempt(way, f"{account.provider} {account.subject}", asked) as trying:
        identity = _identity(account, connected, asked)
        if identity is None:
            message = _(
                "This account is bound to nobody here: sign in another way and bind it on the page about you."
            )
            raise Unsigned(message)
        trying.user_id = identity.user_id
        identities.require_fitting(identity)
        id_ = identity.id
        Identity.objects.filter(id=id_).update(used_at=asked.now)
        proof = Proof(
            identity.user_id, way, connected.enterprise_id,
            still_holds=lambda _user: Identity.objects.filter(id=id_).exists(),
        )  # fmt: skip
        return let_in(proof, asked)


def _identity(account: Account, connected: Connected, asked: Asked) -> Identity | None:
    """Return whose account it is: as it was bound, or as the directory has matched it.

    Accounts are renamed and given to others; where what was bound without its owner contradicts the directory, the
    directory is right. Raises Unsigned where what the owner bound contradicts it.
    """
    identity = identities.find(account)
    employee_id = CONNECTIONS.employee_of(connected, account.subject)
    if employee_id is None:
        return identity
    with tenant(connected.enterprise_id):
        user_id = access.admit_matched(system_context(connected.enterprise_id, asked.now), employee_id)
        if identity is not None and identity.user_id == user_id:
            return identity
        if identity is not None and identity.is_own:
            message = _("The directory says that this account is somebody else's: ask an administrator.")
            raise Unsigned(message)
        return identities.follow_match(user_id, account, asked)
