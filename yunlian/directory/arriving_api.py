"""Arriving from DingTalk's marketplace over HTTP: who came, and binding the enterprise they have or a new one."""

from typing import Any

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.document import Missing
from yunlian.org.gate import GATE, cookie_name
from yunlian.org.requests import cookie, fields_of, takes
from yunlian.org.sign_in_api import opened_answer

from . import arriving
from .bodies import MOMENT, TEXT, answering

COOKIE = "arrival"
ARRIVAL: dict[str, Any] = {
    "type": "object",
    "properties": {
        "corp_id": TEXT, "corp_name": TEXT, "name": TEXT, "ends_at": MOMENT, "is_trial": {"type": "boolean"},
        "bound": {"type": ["object", "null"]}, "suggested": TEXT,
    },
}  # fmt: skip


def _token(request: Request) -> str:
    token = request.http.COOKIES.get(cookie_name(request.http, COOKIE), "")
    if not token:
        raise Missing("arrival")
    return token


@route(
    "POST", "/api/dingtalk/arrival", needs="public",
    schema=takes("code", also=("corp",), answer=ARRIVAL, status=201),
)  # fmt: skip
def arrive(request: Request) -> Answer:
    """Come from DingTalk's admin console after the install, with the code it appended to our address."""
    code, corp = fields_of(request, "code", also=("corp",))
    token, arrival = arriving.arrive(code, corp, GATE.asked(request.http))
    kept = cookie(request.http, COOKIE, token, int(arriving.LASTS.total_seconds()))
    return Answer(arriving.shown(arrival, request.now), 201, cookies=[kept])


@route("GET", "/api/dingtalk/arrival", needs="public", schema=answering(ARRIVAL))
def read_arrival(request: Request) -> Any:
    """Who came with this browser, and to which corp they can bind an enterprise."""
    return arriving.shown(arriving.find(_token(request), request.now), request.now)


@route(
    "POST", "/api/dingtalk/enterprise", needs="public",
    schema=takes("name", "code", "login", "password"),
)  # fmt: skip
def found(request: Request) -> Answer:
    """Found an enterprise for the corp I came from, and sign in as its administrator."""
    name, code, login, password = fields_of(request, "name", "code", "login", "password")
    opened = arriving.found(
        _token(request), name=name, code=code, login=login, password=password, asked=GATE.asked(request.http)
    )
    answer = opened_answer(request, opened)
    answer.cookies.append(cookie(request.http, COOKIE, "", 0))
    return answer


@route("POST", "/api/directory/bind", needs="directory.connection.edit")
def bind(request: Request) -> Answer:
    """Bind the enterprise I am in to the DingTalk corp I came from."""
    conn = arriving.bind(request.ctx, _token(request))
    made = {"connection": str(conn.id), "corp_id": conn.corp_id, "corp_name": conn.corp_name}
    return Answer(made, cookies=[cookie(request.http, COOKIE, "", 0)])
