"""How a call of WeCom's API is taken: token, permission, JSON; and how it is refused."""

import json
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ...sandbox.platform import Sandbox
from ..client import LIMITS, LIMITS_OF
from .state import App, Corp, Counted, TokenRow, Wecom

CONTACTS, CUSTOMERS, APP, DOWNSTREAM = "contacts", "customers", "app", "downstream"
ANYONE = frozenset({CONTACTS, CUSTOMERS, APP, DOWNSTREAM})
TOKEN_S = 7200


class Refused(Exception):
    """An answer with an errcode. HTTP stays 200."""

    def __init__(self, code: int, text: str, **more: Any) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.more = more


@dataclass
class Call:
    """One call: who asks, and what. `state` and `corp` may be read and changed; the lock is held."""

    sandbox: Sandbox
    state: Wecom
    corp: Corp
    token: TokenRow
    query: dict[str, str]
    body: dict[str, Any]
    file: tuple[str, bytes] | None = None
    origin: str = ""  # where this platform answers

    @property
    def now(self) -> float:
        """The time of this world."""
        return self.sandbox.world.now()

    @property
    def app(self) -> App:
        """The app that asks. Refused for the secrets without one."""
        found = self.corp.apps.get(self.token.agent)
        if found is None:
            raise Refused(48002, "api forbidden")
        return found

    def text(self, name: str, code: int = 40063) -> str:
        """A field that must be there, as text."""
        found = self.body.get(name, self.query.get(name))
        if not isinstance(found, str | int) or found == "":
            raise Refused(code, f"missing {name}")
        return str(found)

    def number(self, name: str, code: int = 40058) -> int:
        """A field that must be there, as a number."""
        return number(self.text(name, code), code)

    def page(self, rows: list[Any], limit: int) -> tuple[list[Any], str]:
        """The rows behind the cursor, and the next cursor, "" at the end. Refused with 50100."""
        cursor = self.body.get("cursor", self.query.get("cursor")) or "0"
        if not (isinstance(cursor, str) and cursor.isdigit()):
            raise Refused(50100, "invalid cursor")
        begin, size = int(cursor), max(1, limit)
        return rows[begin : begin + size], str(begin + size) if begin + size < len(rows) else ""


Act = Callable[[Call], dict[str, Any]]
KEPT: list[tuple[str, str, frozenset[str], Act]] = []


def api(method: str, path: str, who: frozenset[str] = ANYONE) -> Callable[[Act], Act]:
    """Register a call below /cgi-bin/ for the kinds of token in `who`."""

    def kept(act: Act) -> Act:
        KEPT.append((method, path, who, act))
        return act

    return kept


def routes(sandbox: Sandbox) -> list[Route]:
    """A route for every registered call. Another method is answered too, with a refusal as the platform has it."""
    return [
        Route(f"/cgi-bin/{path}", _endpoint(sandbox, method, path, who, act), methods=["GET", "POST"])
        for method, path, who, act in KEPT
    ]


def _endpoint(
    sandbox: Sandbox, method: str, path: str, who: frozenset[str], act: Act
) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body, file = await _content(request, method)
            with sandbox.world.change():
                call = _call(sandbox, request, who, body, file)
                if call.state.options.count_calls:
                    count(call.state, call.corp.id, path, call.now)
                return answer({"errcode": 0, "errmsg": "ok", **act(call)})
        except Refused as refused:
            return refusal(refused, request.client.host if request.client else "")

    return endpoint


async def _content(request: Request, method: str) -> tuple[dict[str, Any], tuple[str, bytes] | None]:
    if request.method != method:
        raise Refused(40058, f"{method} wanted")
    if method == "GET":
        return {}, None
    if request.headers.get("content-type", "").startswith("multipart/"):
        return {}, _part(request.headers["content-type"], await request.body())
    try:
        body = json.loads(await request.body())
    except ValueError as error:
        raise Refused(40035, "not JSON") from error
    if not isinstance(body, dict):
        raise Refused(40035, "not an object")
    return body, None


def _part(content_type: str, body: bytes) -> tuple[str, bytes] | None:
    """The part `media` of a multipart body: its file name and content."""
    boundary = b"--" + content_type.partition("boundary=")[2].strip('"').encode()
    for part in body.split(boundary):
        head, _, content = part.partition(b"\r\n\r\n")
        if b'name="media"' in head and b'filename="' in head:
            name = head.partition(b'filename="')[2].partition(b'"')[0].decode(errors="replace")
            return name, content.removesuffix(b"\r\n")
    return None


def _call(
    sandbox: Sandbox,
    request: Request,
    who: frozenset[str],
    body: dict[str, Any],
    file: tuple[str, bytes] | None,
) -> Call:
    state = sandbox.world.part(Wecom)
    query = dict(request.query_params)
    token = _token(state, query.get("access_token", ""), sandbox.world.now())
    origin = str(request.url).partition("/cgi-bin/")[0]
    call = Call(sandbox, state, state.corps[token.corp], token, query, body, file, origin)
    _permitted(call, who, request.client.host if request.client else "")
    return call


def _token(state: Wecom, text: str, now: float) -> TokenRow:
    if not text:
        raise Refused(41001, "access_token missing")
    row = state.tokens.get(text)
    if row is None:
        raise Refused(40014, "invalid access_token")
    if row.ends <= now:
        raise Refused(42001, "access_token expired")
    return row


def _permitted(call: Call, who: frozenset[str], address: str) -> None:
    kind = call.token.kind
    if kind == APP:
        if not call.app.enabled:
            raise Refused(50003, "app is disabled")
        if call.app.ips and address not in call.app.ips:
            raise Refused(60020, "not allow to access from your ip")
    if kind not in who:
        raise Refused(48002, "api forbidden")


def count(state: Wecom, corp: str, path: str, now: float) -> None:
    """Refused with 45009 beyond the documented limits; the path stays closed for as long as the window was."""
    for limit in LIMITS_OF.get(path, LIMITS):
        counted = state.counted.setdefault(f"{corp}/{path}/{limit.per_s:.0f}", Counted())
        if now >= counted.since + limit.per_s:
            counted.since, counted.calls = now, 0
        counted.calls += 1
        if counted.calls > limit.calls and now >= counted.closed_until:
            counted.closed_until = now + limit.per_s
        if now < counted.closed_until:
            raise Refused(45009, "api freq out of limit")


def number(text: object, code: int) -> int:
    """A number written as one; refused otherwise."""
    if isinstance(text, bool) or not str(text).removeprefix("-").isdigit():
        raise Refused(code, "not a number")
    return int(str(text))


def fresh(prefix: str = "") -> str:
    """A new token, code or id."""
    return prefix + secrets.token_urlsafe(24).replace("-", "a").replace("_", "b")


def answer(found: dict[str, Any]) -> Response:
    """JSON with Chinese as it is."""
    return Response(json.dumps(found, ensure_ascii=False), media_type="application/json; charset=UTF-8")


def refusal(refused: Refused, address: str) -> Response:
    """The text has a hint, the caller's address and a link, as the platform's has."""
    text = (
        f"{refused.text}, hint: [{secrets.randbits(40)}], from ip: {address}, "
        f"more info at https://open.work.weixin.qq.com/devtool/query?e={refused.code}"
    )
    return JSONResponse({"errcode": refused.code, "errmsg": text, **refused.more})
