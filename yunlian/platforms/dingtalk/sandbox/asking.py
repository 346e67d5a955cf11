"""One request to DingTalk: who asks with which token, and how each of the two generations says no.

Handlers are plain functions of an Ask, run in a thread with the world's lock held; they return the body of a success
and raise Refused.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from yunlian.platforms.sandbox.faults import Fault
from yunlian.platforms.sandbox.platform import Sandbox

from .world import App, Corp, DingTalk, Install, State

HEADER = "x-acs-dingtalk-access-token"
PER_SECOND = 20  # calls of one app on one path, standard edition
UNCOUNTED = ("/gettoken", "/service/", "/sso/", "/auth/", "/topapi/v2/user/", "/topapi/user/", "/topapi/v2/department/",
             "/topapi/role/", "/user/", "/v1.0/oauth2/", "/v1.0/contact/", "/v1.0/gateway/")  # fmt: skip


class Refused(Exception):
    """A refusal by code; `status` is used by the new generation only."""

    def __init__(self, code: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status


@dataclass
class Ask:
    """A request. `body` is JSON or form alike, `at` the parts of the path."""

    sandbox: Sandbox
    path: str
    query: Mapping[str, str]
    body: dict[str, Any]
    headers: Mapping[str, str]
    at: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> DingTalk:
        return self.sandbox.world.part(DingTalk)

    @property
    def now(self) -> float:
        return self.sandbox.world.now()

    @property
    def is_new(self) -> bool:
        return self.path.startswith("/v1.0/")

    def text(self, name: str) -> str:
        """A parameter that must be there. Refused 40035 / 400002."""
        value = self.body.get(name, self.query.get(name))
        if value is None or value == "":
            raise Refused("invalidParameter.param.invalid" if self.is_new else "400002", f"缺少参数 {name}")
        return str(value)

    def number(self, name: str, otherwise: int | None = None) -> int:
        """A whole number, written as one or as text."""
        value = self.body.get(name, self.query.get(name))
        if value is None and otherwise is not None:
            return otherwise
        try:
            return int(str(value))
        except ValueError:
            raise Refused("400002", f"无效的参数 {name}") from None

    def caller(self) -> tuple[App, Corp, Install]:
        """The app and the corp of the access token. Refuses as DingTalk does when there is none, or none that is good."""
        given = self._token()
        found = self.state.tokens.get(given)
        if found is None or found.kind != "corp" or not self._of_this_generation(given):
            raise _bad_token(self)
        if found.expires_at <= self.now:
            raise Refused("InvalidAuthentication" if self.is_new else "42001", "access_token已过期")
        app, corp = self.state.apps[found.app_key], self.state.corps[found.corp_id]
        install = corp.installs.get(app.key)
        if install is None or install.state is State.RELIEVED:
            raise _bad_token(self)
        self._permitted(app)
        self.count(app.key, corp)
        return app, corp, install

    def count(self, app_key: str, corp: Corp | None = None) -> None:
        """Count a call under the limits: 20 a second for an app on a path, and the corp's month."""
        state, second = self.state, int(self.now)
        rate = state.rates.setdefault(f"{corp.corp_id if corp else ''}/{app_key}{self.path}", [second, 0])
        if rate[0] != second:
            rate[:] = [second, 0]
        rate[1] += 1
        if state.switches.rate_limits and rate[1] > PER_SECOND:
            raise Refused(*_too_many(self))
        if corp and corp.monthly_calls is not None and not self.path.startswith(UNCOUNTED):
            state.calls[corp.corp_id] = state.calls.get(corp.corp_id, 0) + 1
            if state.calls[corp.corp_id] > corp.monthly_calls:
                raise Refused(*_used_up(self))

    def _token(self) -> str:
        if self.is_new:
            given = self.headers.get(HEADER, "")
            if not given:
                raise Refused("AuthenticationFailed.MissingParameter", f"缺少参数：{HEADER}")
        else:
            given = str(self.query.get("access_token") or self.body.get("access_token") or "")
            if not given:
                raise Refused(
                    "40000" if self.path.startswith("/topapi/") else "41001", "access_token is blank"
                )
        return given

    def _of_this_generation(self, token: str) -> bool:
        return self.state.switches.shared_credential or token.startswith("new-") == self.is_new

    def _permitted(self, app: App) -> None:
        if any(fnmatchcase(self.path, each) for each in app.denied):
            if self.is_new:
                code = "Forbidden.AccessDenied.AccessTokenPermissionDenied"
                raise Refused(code, "应用尚未开通所需的权限", 403)
            raise Refused("60011", f"没有调用该接口的权限，接口：{self.path}，请在开发者后台申请")


def _bad_token(ask: Ask) -> Refused:
    return Refused("InvalidAuthentication" if ask.is_new else "40014", "不合法的access_token")


def _too_many(ask: Ask) -> tuple[str, str, int]:
    if ask.is_new:
        return (
            "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
            "您的服务器调用钉钉开放平台当前接口的频率过高",
            403,
        )
    return "90018", "您的服务器调用钉钉开放平台当前接口的所有请求都被暂时禁用了", 200


def _used_up(ask: Ask) -> tuple[str, str, int]:
    if ask.is_new:
        return "Forbidden.AccessDenied.ApiCountLimitForOrg", "本月API调用量已用尽", 403
    return "90020", "本月API调用量已用尽", 200


Handler = Callable[[Ask], Any]


class How(Enum):
    """READ holds the lock, ACT also has the change kept, FREE holds nothing because it calls out."""

    READ = "read"
    ACT = "act"
    FREE = "free"


@dataclass(frozen=True)
class Path:
    """One path of DingTalk's."""

    methods: tuple[str, ...]
    path: str
    handle: Handler
    how: How


def old(path: str, handle: Handler, how: How = How.READ) -> Path:
    """A path of the old generation, which takes GET and POST alike."""
    return Path(("GET", "POST"), path, handle, how)


def new(method: str, path: str, handle: Handler, how: How = How.READ) -> Path:
    """A path of the new generation."""
    return Path((method,), path, handle, how)


def route(sandbox: Sandbox, path: Path) -> Route:
    """The path, served."""

    async def endpoint(request: Request) -> Response:
        ask = Ask(
            sandbox,
            request.scope["path"].removeprefix(request.scope.get("root_path", "")),
            request.query_params,
            _body(await request.body(), request.headers.get("content-type", "")),
            request.headers,
            dict(request.path_params),
        )
        try:
            return _said(ask, await run_in_threadpool(_handled, path, ask))
        except Refused as refused:
            return refusal(ask.path, refused)

    return Route(path.path, endpoint, methods=list(path.methods))


def _handled(path: Path, ask: Ask) -> Any:
    if path.how is How.FREE:
        return path.handle(ask)
    with ask.sandbox.world.change() if path.how is How.ACT else ask.sandbox.world.lock:
        return path.handle(ask)


def _body(content: bytes, kind: str) -> dict[str, Any]:
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(content.decode(errors="replace")))
    try:
        found = json.loads(content or b"{}")
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _said(ask: Ask, found: Any) -> Response:
    if ask.is_new:
        return JSONResponse(found)
    if ask.path.startswith("/topapi/"):
        found = found if isinstance(found, Flat) else {"result": found}
        found = {**found, "request_id": f"req{ask.state.number()}"}
    return JSONResponse({"errcode": 0, "errmsg": "ok", **found})


class Flat(dict[str, Any]):
    """A `/topapi/` answer whose fields stand beside `errcode`, not in `result`."""


def refusal(path: str, refused: Refused) -> Response:
    """A refusal in the shape of the path's generation."""
    code = refused.code
    if path.startswith("/v1.0/"):
        body = {"code": code, "requestid": "00000000-0000-4000-8000-000000000000", "message": refused.text}
        return JSONResponse(body, status_code=refused.status)
    number = int(code)
    if path.startswith("/topapi/") and number not in (22, -1):
        said = f"ding talk error[subcode={code},submsg={refused.text}]"
        return JSONResponse({
            "errcode": 88, "sub_code": code, "sub_msg": refused.text, "errmsg": said, "request_id": "req0",
        })  # fmt: skip
    return JSONResponse({"errcode": number, "errmsg": refused.text})


def throttled(fault: Fault, path: str) -> Response:
    """The fault switch: too many calls, or the code it names. `1111` is the block of an address, `html` its page."""
    if fault.code == "html":
        return HTMLResponse(
            "<!doctype html><title>405</title><p>很抱歉，由于您访问的URL有可能对网站造成安全威胁，您的访问被阻断。"
        )
    if fault.code == "1111":
        return JSONResponse({"status": 1111, "wait": 5, "source": "x5", "punish": "deny"})
    is_new = path.startswith("/v1.0/")
    code = fault.code or ("Forbidden.AccessDenied.QpsLimitForAppkeyAndApi" if is_new else "90018")
    if not is_new and not code.lstrip("-").isdigit():
        code = "90018"
    status = 403 if code.startswith("Forbidden") else 400
    return refusal(path, Refused(code, "沙箱的故障开关", status))


def unknown(path: str) -> Response:
    """What DingTalk says to a path it does not have."""
    if path.startswith("/topapi/"):
        name = "dingtalk.oapi." + path.removeprefix("/topapi/").replace("/", ".")
        said = f"Invalid method[submsg=不合法ApiName，ApiName = {name}]"
        return JSONResponse({"errcode": 22, "errmsg": said, "request_id": "req0"})
    if path.startswith("/v1.0/"):
        return refusal(path, Refused("InvalidAction.NotFound", "Specified api is not found", 404))
    return JSONResponse({"errcode": 404, "errmsg": "请求的URI地址不存在"})
