"""Where a request comes in: session cookie or bearer credential to identity, identity to context.

The kernel's API is handed `GATE` by settings. Credentials of machines belong to layers above, which register how a bearer
token is read.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from yunlian.kernel.api import Identity
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .context import context_for
from .sessions import Signed, find_signed

Bearer = Callable[[str, dt.datetime], Identity | None]


class FirstPassword(Refused):
    """Signed in with a first password: another must be chosen before anything else. HTTP 403."""

    status = 403


def cookie_name(http: HttpRequest) -> str:
    """Return the session cookie's name; over HTTPS the browser itself binds it to this host and to HTTPS.

    Over plain HTTP, which only development and the demonstration speak, it carries the port: browsers share the cookies
    of one host among its ports, so that signing in at one checkout would sign out at the other.
    """
    if http.is_secure():
        return "__Host-session"
    port = http.get_host().rpartition(":")[2]
    return f"session-{port}" if port.isdecimal() else "session"


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

    def context(self, identity: Identity, now: dt.datetime) -> Context | None:
        """Return the member's context, inside the tenant; None when they no longer work there."""
        if isinstance(identity, Signed) and identity.is_first_password:
            raise FirstPassword(
                Problem(None, _("Choose a password of your own first."), code="first_password")
            )
        if identity.enterprise_id is None or identity.employee_id is None:
            return None
        return context_for(identity.enterprise_id, identity.employee_id, now, user_id=identity.user_id)


GATE = Gate()


def device_of(http: HttpRequest) -> dict[str, Any]:
    """Return the address and device a request comes from, as sessions keep them."""
    return {"address": http.META.get("REMOTE_ADDR", ""), "device": http.headers.get("User-Agent", "")}
