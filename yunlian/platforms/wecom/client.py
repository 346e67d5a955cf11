"""One app's calls to WeCom: token, pace, and what is tried again.

Tried again: once with a new token on 40014 and 42001; up to three times on -1 and 45033, and when the connection
could not be made. Nothing else, because the platform may have acted.
"""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx

from ..errors import NO_ANSWER, UNREADABLE, PlatformError
from ..pacing import Limit, Pace, PaceKey
from ..tokens import MemoryTokens, Token, TokenKey, Tokens
from .refusals import BUSY, LIMITED, PLATFORM, TOKEN_OVER, refusal

API = "https://qyapi.weixin.qq.com"
TRIES = 3
BACK_OFF_S = 0.5
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
# Source: 访问频率限制 (90454), 2023-08. Per corp and path; the first line holds for every path.
LIMITS: tuple[Limit, ...] = (Limit(10_000, MINUTE), Limit(150_000, HOUR))
LIMITS_OF: dict[str, tuple[Limit, ...]] = {
    "get_jsapi_ticket": (Limit(400, HOUR),),
    "ticket/get": (Limit(100, HOUR),),
    "corpgroup/rule/add_rule": (Limit(1000, DAY),),
    "corpgroup/rule/modify_rule": (Limit(1000, DAY),),
    "idconvert/unionid_to_external_userid": (Limit(100_000, HOUR), Limit(480_000, DAY)),
    "corpgroup/unionid_to_external_userid": (Limit(20_000, HOUR), Limit(240_000, DAY)),
}


@dataclass(frozen=True)
class App:
    """Whose secret: a self-built app with its agent id, or one of the two without ("contacts", "customers").

    Tokens are kept by `name`, so two apps of one corp need two names.
    """

    corp: str
    secret: str = field(repr=False)
    agent: int | None = None
    name: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            if self.agent is None:
                raise ValueError("an app without agent id needs a name")
            object.__setattr__(self, "name", str(self.agent))


@dataclass(frozen=True)
class Connection:
    """What all apps of an installation share: sockets, tokens, pace, and where WeCom is (or its sandbox)."""

    base_url: str = API
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=httpx.Timeout(15, connect=5)))
    tokens: Tokens = field(default_factory=lambda: Tokens(MemoryTokens()))
    pace: Pace = field(default_factory=Pace)


Fetch = Callable[[], Token]


@dataclass(frozen=True)
class Client:
    """Calls with the token of one app. Every call raises PlatformError when it is refused or not answered."""

    connection: Connection
    key: TokenKey
    fetch: Fetch
    agent: int | None = None

    @property
    def corp(self) -> str:
        """The corp that is spoken for."""
        return self.key.corp

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        """GET a path below /cgi-bin/; parameters that are None are left out."""
        given = {name: value for name, value in parameters.items() if value is not None}
        return self._called(path, partial(self._request, "GET", path, given))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST a JSON body to a path below /cgi-bin/."""
        # Escapes for Chinese can be refused with 40033.
        content = json.dumps(body, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        return self._called(path, partial(self._request, "POST", path, {}, content=content, headers=headers))

    def upload(self, path: str, kind: str, filename: str, content: bytes) -> dict[str, Any]:
        """POST a file as the part `media`."""
        files = {"media": (filename, content, "application/octet-stream")}
        return self._called(path, partial(self._request, "POST", path, {"type": kind}, files=files))

    def token(self) -> str:
        """The app's token, for what is not a call of this client."""
        return self.connection.tokens.current(self.key, self.fetch)

    def ticket(self, kind: str, path: str, **parameters: Any) -> str:
        """A JS-SDK ticket, kept like a token."""

        def fetch() -> Token:
            now = self.connection.tokens.clock()
            answer = self.get(path, **parameters)
            return Token(answer["ticket"], now + answer["expires_in"])

        return self.connection.tokens.current(self.key._replace(kind=kind), fetch)

    def wait_for_person(self, user: str) -> None:
        """WeCom silently drops what one app sends one person beyond 30 a minute or 1000 an hour; so we wait."""
        key = PaceKey(PLATFORM, self.corp, f"message to {user} from {self.key.app}")
        self.connection.pace.wait(key, (Limit(30, MINUTE), Limit(1000, HOUR)))

    def _request(
        self, method: str, path: str, parameters: Mapping[str, Any], token: str, **content: Any
    ) -> dict[str, Any]:
        url = f"{self.connection.base_url}/cgi-bin/{path}"
        parameters = {**parameters, "access_token": token}
        return answered(self.connection.http, method, url, params=parameters, **content)

    def _called(self, path: str, request: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        token = self.token()
        try:
            return self._paced(path, partial(request, token))
        except PlatformError as error:
            if error.code not in {str(code) for code in TOKEN_OVER}:
                raise
        token = self.connection.tokens.renewed(self.key, token, self.fetch)
        return self._paced(path, partial(request, token))

    def _paced(self, path: str, request: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        return paced(self.connection, self.corp, path, request)


def client(connection: Connection, app: App) -> Client:
    """The client of one app."""
    key = TokenKey(PLATFORM, app.corp, app.name)
    return Client(connection, key, partial(_token, connection, app), app.agent)


def _token(connection: Connection, app: App) -> Token:
    url = f"{connection.base_url}/cgi-bin/gettoken"
    asked = {"corpid": app.corp, "corpsecret": app.secret}
    now = connection.tokens.clock()
    # Wrong secrets in number block our address for an hour, so their block is kept per app.
    answer = paced(
        connection,
        app.corp,
        f"gettoken of {app.name}",
        lambda: answered(connection.http, "GET", url, params=asked),
    )
    return Token(answer["access_token"], now + answer["expires_in"])


def paced(
    connection: Connection, corp: str, path: str, request: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Call under the limits of the path; again when WeCom was busy, and blocked for a minute when it said stop."""
    key = PaceKey(PLATFORM, corp, path)
    for tried in range(1, TRIES + 1):
        connection.pace.wait(key, LIMITS_OF.get(path, LIMITS))
        try:
            return request()
        except PlatformError as error:
            if error.code == str(LIMITED):
                connection.pace.block(key, HOUR if path.startswith("gettoken") else MINUTE)
            if not _worth_another_try(error) or tried == TRIES:
                raise
        connection.pace.sleep(BACK_OFF_S * 2 ** (tried - 1) * random.uniform(0.5, 1.5))
    raise AssertionError("the last try returned or raised")


def _worth_another_try(error: PlatformError) -> bool:
    return error.code in {str(code) for code in BUSY} or isinstance(error.__cause__, NOT_SENT)


NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def answered(http: httpx.Client, method: str, url: str, **content: Any) -> dict[str, Any]:
    """Ask, and give the JSON of the answer. Raises PlatformError for every other outcome."""
    try:
        answer = http.request(method, url, **content)
    except httpx.TransportError as error:
        sent = "it may have arrived" if not isinstance(error, NOT_SENT) else "it was not sent"
        text = f"{type(error).__name__}: {error} ({sent})"
        remedy = "Check that this server reaches WeCom, and try again."
        raise PlatformError(PLATFORM, NO_ANSWER, text, remedy, retry=True) from error
    found = _json(answer)
    code = int(found.get("errcode", 0))
    if code != 0:
        raise refusal(code, str(found.get("errmsg", "")))
    return found


def fetched(http: httpx.Client, url: str) -> bytes:
    """Fetch a file WeCom has named. Raises PlatformError."""
    remedy = "Check that this server reaches WeCom, and try again."
    try:
        answer = http.get(url)
    except httpx.TransportError as error:
        raise PlatformError(
            PLATFORM, NO_ANSWER, f"{type(error).__name__}: {error}", remedy, retry=True
        ) from error
    if answer.status_code != 200:
        raise PlatformError(PLATFORM, UNREADABLE, f"HTTP {answer.status_code}", remedy, retry=True)
    return answer.content


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if answer.status_code == 200 and isinstance(found, dict):
        return found
    text = f"HTTP {answer.status_code}, {answer.headers.get('content-type', 'no type')}: {answer.text[:200]}"
    remedy = "WeCom is down, or something in between answers in its place; try again later."
    raise PlatformError(PLATFORM, UNREADABLE, text, remedy, retry=answer.status_code >= 500)
