"""DingTalk's two API generations over HTTP: one call, its pace, its repetition where that is safe, its one error.

Old (`oapi`): token in the query, failures as HTTP 200 with `errcode`. New (`api`): token in a header, failures as HTTP
4xx with `code`. Source: DingTalk Open Platform, "Call server APIs".
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import httpx

from yunlian.platforms.dingtalk.refusals import ADDRESS_BLOCKED, BUSY, PLATFORM, THROTTLED, refusal
from yunlian.platforms.dingtalk.wire import Json, part, text
from yunlian.platforms.errors import NO_ANSWER, UNREADABLE, PlatformError
from yunlian.platforms.pacing import Limit, Pace, PaceKey

ATTEMPTS: Final = 4
TIMEOUT_S: Final = 15.0
# Standard edition: 20 calls a second for one app on one API.
LIMITS: Final = (Limit(20, 1.0),)
TOKEN_HEADER: Final = "x-acs-dingtalk-access-token"


@dataclass(frozen=True, slots=True)
class Bases:
    """Where DingTalk answers; the sandbox has all three under one address."""

    oapi: str = "https://oapi.dingtalk.com"
    api: str = "https://api.dingtalk.com"
    login: str = "https://login.dingtalk.com"

    @classmethod
    def at(cls, base_url: str) -> "Bases":
        """All three at one address, as the sandbox serves them."""
        return cls(base_url, base_url, base_url)


@dataclass(frozen=True, slots=True)
class Owner:
    """On whose account DingTalk counts a call: one app in one corp (empty for calls of the vendor)."""

    app: str
    corp: str = ""


class Api:
    """Calls without knowing where their token comes from; safe to share between threads.

    Every method raises PlatformError, and nothing else, when DingTalk refuses or cannot be asked.
    """

    def __init__(
        self,
        bases: Bases | None = None,
        *,
        pace: Pace | None = None,
        http: httpx.Client | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.bases = bases or Bases()
        self._pace = pace or Pace()
        self._http = http or httpx.Client(timeout=TIMEOUT_S)
        self._sleep = sleep

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def read_old(self, owner: Owner, path: str, body: Json | None = None, **query: str) -> Json:
        """POST that only reads, so it may be repeated."""
        return self._old("POST", owner, path, body or {}, query, repeatable=True)

    def get_old(self, owner: Owner, path: str, **query: str) -> Json:
        """GET, which may be repeated."""
        return self._old("GET", owner, path, None, query, repeatable=True)

    def act_old(self, owner: Owner, path: str, body: Json, **query: str) -> Json:
        """POST that does something; repeated only after answers that say nothing was done."""
        return self._old("POST", owner, path, body, query, repeatable=False)

    def new(
        self,
        owner: Owner,
        method: str,
        template: str,
        *ids: str,
        token: str = "",
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """A call of the new generation; `ids` fill the `{}` of `template`.

        GET, PUT and DELETE may be repeated; POST only after answers that say nothing was done.
        """
        request = self._http.build_request(
            method,
            self.bases.api + template.format(*(quote(each, safe="") for each in ids)),
            params=query,
            json=body,
            headers={"Accept": "application/json"} | ({TOKEN_HEADER: token} if token else {}),
        )
        return self._answered(request, _pace_key(owner, template), _new_answer, repeatable=method != "POST")

    def _old(
        self,
        method: str,
        owner: Owner,
        path: str,
        body: Json | None,
        query: Mapping[str, str],
        *,
        repeatable: bool,
    ) -> Json:
        request = self._http.build_request(method, self.bases.oapi + path, params=query, json=body)
        return self._answered(request, _pace_key(owner, path), _old_answer, repeatable=repeatable)

    def _answered(
        self,
        request: httpx.Request,
        key: PaceKey,
        read: Callable[[httpx.Response], Json],
        *,
        repeatable: bool,
    ) -> Json:
        attempt = 1
        while True:
            self._pace.wait(key, LIMITS)
            try:
                return read(self._http.send(request))
            except httpx.HTTPError as fault:
                again = repeatable or isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout)
                error, pause = _unanswered(fault), _back_off(attempt)
            except PlatformError as refused:
                wait = THROTTLED.get(refused.code)
                if wait is not None:
                    self._pace.block(key, wait)  # the next round waits there, for as long as patience lasts
                error, pause = refused, 0.0 if wait is not None else _back_off(attempt)
                again = wait is not None or (refused.code in BUSY and repeatable)
            if not again or attempt == ATTEMPTS:
                raise error
            self._sleep(pause)
            attempt += 1


def _pace_key(owner: Owner, path: str) -> PaceKey:
    return PaceKey(PLATFORM, f"{owner.corp}/{owner.app}", path)


def _back_off(attempt: int) -> float:
    return 0.5 * 2.0 ** (attempt - 1)


def _unanswered(fault: httpx.HTTPError) -> PlatformError:
    said = f"{type(fault).__name__}: {fault}"
    return PlatformError(
        PLATFORM, NO_ANSWER, said, "Check that this server can reach DingTalk, and try again.", retry=True
    )


def _object(answer: httpx.Response) -> Json:
    try:
        found: Any = json.loads(answer.content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        if answer.status_code >= 500:
            raise refusal("ServiceUnavailable", f"HTTP {answer.status_code}")
        said = f"HTTP {answer.status_code}: {answer.text[:200]}"
        raise PlatformError(
            PLATFORM,
            UNREADABLE,
            said,
            "Something between this server and DingTalk answers in its place.",
            retry=False,
        )
    if found.get("punish") == "deny":
        raise refusal(ADDRESS_BLOCKED, "this address called too often")
    return found


def _old_answer(answer: httpx.Response) -> Json:
    found = _object(answer)
    code = text(found, "errcode")
    if code == "88":  # a wrapper; the useful code is inside
        raise refusal(text(found, "sub_code") or code, text(found, "sub_msg", "errmsg"))
    if code != "0":
        raise refusal(code or f"HTTP {answer.status_code}", text(found, "errmsg"))
    return found


def _new_answer(answer: httpx.Response) -> Json:
    if answer.is_success and not answer.content:
        return {}
    found = _object(answer)
    if not answer.is_success:
        raise refusal(text(found, "code") or f"HTTP {answer.status_code}", text(found, "message"))
    return found


def result(answer: Json) -> Json:
    """The `result` object of an old answer."""
    return part(answer, "result")
