"""Where a request comes in: session cookie or bearer credential to identity, identity to context.

The kernel's API is handed `GATE` by settings. Credentials of machines belong to layers above, which register how a bearer
token is read.
"""

import datetime as dt
from collections.abc import Callable

from django.http import HttpRequest

from yunlian.kernel.api import Identity
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from . import proving
from .attempts import Asked
from .context import member_for
from .sessions import Signed, find_signed

Bearer = Callable[[str, dt.datetime], Identity | None]


class FirstPassword(Refused):
    """Signed in with a first password: another must be chosen before anything else. HTTP 403."""

    status = 403


class SecondFactorNeeded(Refused):
    """A role held here asks for a second factor, and this session has none: set one up first. HTTP 403."""

    status = 403


def cookie_name(http: HttpRequest, name: str = "session") -> str:
    """Return a cookie's full name; over HTTPS the browser itself binds it to this host and to HTTPS.

    Over plain HTTP, which only development and the demonstration speak, it carries the port: browsers share the cookies
    of one host among its ports, so that signing in at one checkout would sign out at the other.
    """
    if http.is_secure():
        return f"__Host-{name}"
    port = http.get_host().rpartition(":")[2]
    return f"{name}-{port}" if port.isdecimal() else name


class Gate:
    """What the kernel asks of the organisation. `clock` tells the moment, in UTC; tests set it."""

    def __init__(self) -> None:
        self.clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
        self._bearers: list[Bearer] = []

    def accept_bearers(self, read: Bearer) -> None:
        """Let `read(token, now)` say whose bearer token this is; it returns None when it is not its own."""
        self._bearers.append(read)

    def identify(self, http: HttpRequest) -> Identity | None:
        """Return who sent the request, or None. A bearer credential counts alone, whatever cookie comes with it."""
        scheme, _blank, token = http.headers.get("Authorization", "").partition(" ")
        if scheme:
            if scheme.lower() != "bearer" or not 16 <= len(token) <= 500:
                return None
            return next((found for read in self._bearers if (found := read(token, self.clock()))), None)
        return find_signed(http.COOKIES.get(cookie_name(http), ""), self.clock())

    def cookie_name(self, http: HttpRequest) -> str:
        """See kernel.api.Gate."""
        return cookie_name(http)

    def context(self, identity: Identity, now: dt.datetime) -> Context | None:
        """Return the member's context, inside the tenant; None when they no longer work there."""
        require_own_password(identity)
        if identity.enterprise_id is None or identity.employee_id is None:
            return None
        member = member_for(identity.enterprise_id, identity.employee_id, now, user_id=identity.user_id)
        if member is None:
            return None
        if isinstance(identity, Signed) and member.needs_second_factor and not identity.has_second_factor:
            message = _("Your role asks for a second factor: set one up on the page about you.")
            raise SecondFactorNeeded(Problem(None, message, code="second_factor"))
        return member.ctx

    def require_recent(self, identity: Identity) -> None:
        """Raise Refused unless who sent the request proved lately who they are."""
        require_own_password(identity)
        proving.require_recent(identity, self.clock())

    def asked(self, http: HttpRequest) -> Asked:
        """Return when and from where a request came."""
        return Asked(
            now=self.clock(),
            address=http.META.get("REMOTE_ADDR", ""),
            device=http.headers.get("User-Agent", ""),
            replaced=http.COOKIES.get(cookie_name(http)),
        )


def require_own_password(identity: Identity) -> None:
    """Raise FirstPassword for who signed in with a first password."""
    if isinstance(identity, Signed) and identity.is_first_password:
        raise FirstPassword(Problem(None, _("Choose a password of your own first."), code="first_password"))


GATE = Gate()
