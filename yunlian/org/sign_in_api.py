"""Every way in over HTTP. All of them end in `opened_answer`: a session, or the debt of a second factor.

The browser leaves for a platform and comes back to the console's page `/sign-in/back`, which hands state and code in
here; nothing is changed by an address alone.
"""

import secrets
from typing import Any

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Invalid, Missing, Problem
from yunlian.kernel.shapes import TEXT, WHOLE, YES, describes, every, maybe, record
from yunlian.kernel.text import _

from . import by_password, by_platform, by_text, entrance, flows, identities, proving
from .api import SESSION, signed_in
from .connections import CONNECTIONS, Connected, find_enterprise
from .entrance import Opened
from .gate import GATE, cookie_name
from .models import Enterprise
from .requests import cookie, fields_of, takes
from .sessions import Signed, find_signed
from .ways import WAYS, Way

BACK = "/sign-in/back"


WAY = record(name=TEXT, provider=TEXT, place=TEXT, label=TEXT, corp=TEXT, script=TEXT)
_SIGNED: dict[str, Any] = {
    "answer": SESSION,
    "others": {202: record({"to": TEXT}, owes={"const": "second_factor"})},
}
LEFT = record(state=TEXT, address=TEXT, corp=TEXT, client_id=TEXT)
_DONE = record(to=TEXT, done={"enum": ["bind", "prove"]})
SENT: dict[str, Any] = {"answer": record(again_in_s=WHOLE), "status": 202}


def opened_answer(request: Request, opened: Opened, **more: Any) -> Answer:
    """Answer a session, or 202 when the second factor is owed."""
    if not opened.owes_second_factor:
        answer = signed_in(request, opened.token)
        answer.data |= more
        return answer
    owed = int(entrance.OWED.total_seconds())
    return Answer(
        {"owes": "second_factor", **more},
        status=202,
        cookies=[cookie(request.http, "half", opened.token, owed)],
    )


@route("POST", "/api/session", needs="public", schema=takes("login", "password", **_SIGNED))
def sign_in(request: Request) -> Answer:
    """Sign in with login and password; the session comes as a cookie. 202: a second factor is owed."""
    login, password = fields_of(request, "login", "password")
    return opened_answer(request, by_password.sign_in(login, password, GATE.asked(request.http)))


@route("POST", "/api/sign-in/second-factor", needs="public", schema=takes("code", **_SIGNED))
def give_second_factor(request: Request) -> Answer:
    """Pay the second factor: a code of the authenticator, or a recovery code."""
    (code,) = fields_of(request, "code")
    half = request.http.COOKIES.get(cookie_name(request.http, "half"), "")
    return opened_answer(request, entrance.complete(half, code, GATE.asked(request.http)))


@route(
    "GET",
    "/api/sign-in/ways",
    needs="public",
    schema=describes(
        record(enterprise=maybe(record(code=TEXT, name=TEXT)), mobile=YES, ways=every(WAY)),
        query={"enterprise": TEXT, "corp": TEXT},
    ),
)
def list_ways(request: Request) -> Any:
    """Which ways in there are: for an enterprise's address, for the corp whose workbench opened us, or in general."""
    code, corp = request.query.get("enterprise", ""), request.query.get("corp", "")
    enterprise = _enterprise(code) if code else _of_corp(corp) if corp else None
    found = [] if enterprise is None else CONNECTIONS.of_enterprise(enterprise.pk)
    ways = [shown(way, each) for each in found for way in WAYS.values() if way.provider == each.provider]
    return {
        "enterprise": enterprise and {"code": enterprise.code, "name": enterprise.name},
        "mobile": by_text.is_offered(None if enterprise is None else enterprise.pk),
        "ways": ways,
    }


def shown(way: Way, connected: Connected) -> dict[str, Any]:
    """Return a way as the API answers it."""
    return {
        "name": way.name,
        "provider": way.provider,
        "place": way.place,
        "label": way.label,
        "corp": connected.corp,
        "script": way.script,
    }


def _of_corp(corp: str) -> Enterprise:
    """The one enterprise that a corp of DingTalk is connected with; branches that share one have addresses of their own."""
    ids = CONNECTIONS.enterprises_of("dingtalk", corp) if len(corp) <= 100 else []
    if len(ids) != 1:
        raise Missing("enterprise")
    return Enterprise.objects.get(id=ids[0])


def _enterprise(code: Any) -> Enterprise:
    found = find_enterprise(code) if isinstance(code, str) and len(code) <= 60 else None
    if found is None:
        raise Missing("enterprise")
    return found


@route("POST", "/api/sign-in/code", needs="public", schema=takes("mobile", also=("enterprise",), **SENT))
def send_code(request: Request) -> Answer:
    """Send a code by SMS, if the mobile is somebody's; the answer does not tell."""
    mobile, code = fields_of(request, "mobile", also=("enterprise",))
    enterprise_id = _enterprise(code).pk if code else None
    wait_s = by_text.send_sign_in_code(mobile, enterprise_id, GATE.asked(request.http))
    return Answer({"again_in_s": wait_s}, status=202)


@route("POST", "/api/sign-in/mobile", needs="public", schema=takes("mobile", "code", **_SIGNED))
def sign_in_by_code(request: Request) -> Answer:
    """Sign in with the code that was sent to my mobile."""
    mobile, code = fields_of(request, "mobile", "code")
    return opened_answer(request, by_text.sign_in(mobile, code, GATE.asked(request.http)))


@route(
    "POST", "/api/sign-in/flow", needs="public", schema=takes("way", "enterprise", also=("to",), answer=LEFT)
)
def begin_flow(request: Request) -> Answer:
    """Leave for a platform's sign-in; `to` is the page of ours to land on."""
    way, code, to = fields_of(request, "way", "enterprise", also=("to",))
    return leave(request, way, _enterprise(code).pk, "/" if to is None else to)


def leave(
    request: Request,
    way: Any,
    enterprise_id: int,
    to: Any,
    *,
    purpose: str = "sign_in",
    user_id: int | None = None,
) -> Answer:
    """Send the browser off, bound to its cookie."""
    http = request.http
    browser = http.COOKIES.get(cookie_name(http, "flow"), "")
    browser = browser if len(browser) == 43 else secrets.token_urlsafe(32)
    back = http.build_absolute_uri(BACK)
    left = by_platform.leave(
        way, enterprise_id, to, browser, back, GATE.asked(http), purpose=purpose, user_id=user_id
    )
    lasts = int(flows.LASTS.total_seconds())
    shown = {"state": left.state, "address": left.address, "corp": left.corp, "client_id": left.client_id}
    return Answer(shown, cookies=[cookie(http, "flow", browser, lasts)])


@route(
    "POST",
    "/api/sign-in/back",
    needs="public",
    schema=takes("state", "code", answer={"anyOf": [SESSION, _DONE]}, others=_SIGNED["others"]),
)
def come_back(request: Request) -> Answer:
    """Come back from a platform with state and code: sign in, or what I left for as somebody signed in."""
    state, code = fields_of(request, "state", "code")
    http = request.http
    asked = GATE.asked(http)
    returned = by_platform.come_back(state, code, http.COOKIES.get(cookie_name(http, "flow"), ""), asked)
    flow = returned.flow
    if flow.purpose == "sign_in":
        return opened_answer(request, by_platform.sign_in(returned, asked), to=flow.to)
    signed = find_signed(http.COOKIES.get(cookie_name(http), ""), asked.now)
    if not isinstance(signed, Signed) or signed.user_id != flow.user_id:
        raise Invalid(Problem(None, _("Somebody else is signed in here now: begin again."), code="other"))
    if flow.purpose == "bind":
        GATE.require_recent(signed)
        identities.bind(signed.user_id, returned.account, asked)
    else:
        proving.prove_by_account(signed, returned.account, asked)
    return Answer({"to": flow.to, "done": flow.purpose})


@route("POST", "/api/sign-in/console", needs="public", schema=takes("way", "code", "enterprise", **_SIGNED))
def come_from_console(request: Request) -> Answer:
    """Come in from the platform's admin console, with the code it appended to our address."""
    way, code, enterprise = fields_of(request, "way", "code", "enterprise")
    opened = by_platform.enter_from_console(way, _enterprise(enterprise).pk, code, GATE.asked(request.http))
    return opened_answer(request, opened, to="/")
