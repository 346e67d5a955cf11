"""Sending a browser to a platform and taking it back: once, within ten minutes, the same browser, to a page of ours.

Against fixation the state is bound to a cookie of the browser that left; against replay it is deleted when it comes
back; against mix-up it carries enterprise and corp, and the code is redeemed with that app only; against open redirects
only local paths are kept. Source: RFC 9700 sections 2 and 4.
"""

import datetime as dt
import secrets
from typing import Any
from urllib.parse import unquote

from django.db import IntegrityError, transaction

from yunlian.kernel import retention
from yunlian.kernel.api import Unsigned
from yunlian.kernel.document import Invalid, Problem
from yunlian.kernel.sql import run
from yunlian.kernel.text import _

from .connections import Connected
from .models import SignInFlow
from .sessions import digest

LASTS = dt.timedelta(minutes=10)
TO_MAX = 500


def begin(
    way: str, connected: Connected, to: str, browser: str, now: dt.datetime, *, purpose: str = "sign_in",
    user_id: int | None = None,
) -> str:  # fmt: skip
    """Note that a browser leaves for a platform; returns the state that must come back with it.

    `browser` is the value of its cookie. WeCom takes only letters and digits for a state, so it is hexadecimal.
    """
    state = secrets.token_hex(32)
    SignInFlow.objects.create(
        digest=digest(state), browser=digest(browser), way=way, enterprise_id=connected.enterprise_id,
        corp=connected.corp, purpose=purpose, user_id=user_id, to=local_path(to), created_at=now,
    )  # fmt: skip
    return state


def end(state: Any, browser: str, now: dt.datetime) -> SignInFlow:
    """Return the flow of a browser that came back; it cannot come back again.

    Raises Unsigned for a state that was used, is too old, was never given, or left with another browser.
    """
    known = isinstance(state, str) and browser
    rows = known and run(
        "DELETE FROM org_signinflow WHERE digest = %s AND browser = %s AND created_at > %s AND created_at <= %s "
        'RETURNING id, way, enterprise_id, corp, purpose, user_id, "to"',
        [digest(state), digest(browser), now - LASTS, now],
    )
    if not rows:
        raise Unsigned(_("This sign-in has expired or began in another browser: begin again."))
    id_, way, enterprise_id, corp, purpose, user_id, to = rows[0]
    return SignInFlow(
        id=id_, way=way, enterprise_id=enterprise_id, corp=corp, purpose=purpose, user_id=user_id, to=to
    )


def use_once(code: str, connected: Connected, way: str, now: dt.datetime) -> None:
    """Refuse a code that came in before, for entries that a platform begins and that so have no state of ours.

    Raises Unsigned.
    """
    try:
        with transaction.atomic():
            SignInFlow.objects.create(
                digest=digest(f"entry {connected.provider} {code}"), browser=b"", way=way, corp=connected.corp,
                enterprise_id=connected.enterprise_id, purpose="sign_in", to="/", created_at=now,
            )  # fmt: skip
    except IntegrityError:
        raise Unsigned(_("This sign-in was used already: begin again.")) from None


def local_path(to: Any) -> str:
    """Return a path of our own pages; raises Invalid for anything a browser could take for another place.

    Browsers take a backslash for a slash and drop tabs and line ends; what is encoded may be decoded on the way.
    """
    text = to if isinstance(to, str) else ""
    for _round in range(4):
        is_local = text.startswith("/") and not text.startswith("//") and "\\" not in text
        if not is_local or len(text) > TO_MAX or not text.isprintable():
            raise Invalid(Problem("to", _("Must be a page of ours."), code="elsewhere"))
        decoded = unquote(text)
        if decoded == text:
            return str(to)
        text = decoded
    raise Invalid(Problem("to", _("Must be a page of ours."), code="elsewhere"))


retention.keep(retention.Kept("org_signinflow", days=1, by="created_at"))
