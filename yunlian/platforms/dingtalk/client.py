"""One app in one corp: calls with its token, which is fetched once for all who share the token store.

The verbs are in the files named after their nouns (`departments`, `users`, `notices`, ...) and take a Client.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from yunlian.platforms.dingtalk.api import Api, Owner
from yunlian.platforms.dingtalk.refusals import PLATFORM, TOKEN_REFUSED, refusal
from yunlian.platforms.dingtalk.wire import Json, number, text
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.tokens import Token, TokenKey, Tokens

T = TypeVar("T")


class App(Protocol):
    """Credentials that can fetch a token for a corp."""

    @property
    def key(self) -> str:
        """What DingTalk calls the app: AppKey or SuiteKey, which is its OAuth client ID too."""

    @property
    def secret(self) -> str:
        """AppSecret or SuiteSecret."""

    def fetched(self, api: Api, corp_id: str) -> Token:
        """A token for `corp_id`, straight from DingTalk. Raises PlatformError."""


@dataclass(frozen=True, slots=True)
class InternalApp:
    """An app the corp made for itself (企业内部应用)."""

    key: str
    secret: str = field(repr=False)

    def fetched(self, api: Api, corp_id: str) -> Token:
        body = {"appKey": self.key, "appSecret": self.secret}
        return token(api.new(Owner(self.key, corp_id), "POST", "/v1.0/oauth2/accessToken", body=body))


@dataclass(frozen=True, slots=True)
class SuiteApp:
    """An app of a vendor's that corps install (第三方企业应用). `ticket` gives the newest suite ticket, "" before the first."""

    key: str
    secret: str = field(repr=False)
    ticket: Callable[[], str] = field(repr=False)

    def fetched(self, api: Api, corp_id: str) -> Token:
        body = {
            "suiteKey": self.key,
            "suiteSecret": self.secret,
            "authCorpId": corp_id,
            "suiteTicket": self.newest_ticket(),
        }
        return token(api.new(Owner(self.key, corp_id), "POST", "/v1.0/oauth2/corpAccessToken", body=body))

    def newest_ticket(self) -> str:
        """Raises PlatformError (`no-suite-ticket`) before DingTalk has pushed the first."""
        if ticket := self.ticket():
            return ticket
        raise refusal("no-suite-ticket", "DingTalk has not pushed a suite ticket yet")


def token(answer: Json) -> Token:
    """The token in an answer of the new generation, counted from now."""
    value = text(answer, "accessToken", "jsapiTicket")
    return Token(value, time.time() + number(answer, "expireIn"))


class Client:
    """Calls of one app in one corp; safe to share between threads.

    A token that DingTalk no longer takes is renewed once and the call repeated once. Every method raises PlatformError.
    """

    def __init__(self, api: Api, app: App, corp_id: str, tokens: Tokens) -> None:
        self.api = api
        self.app = app
        self.corp_id = corp_id
        self._tokens = tokens
        self._owner = Owner(app.key, corp_id)

    def read(self, path: str, body: Json | None = None) -> Json:
        """Ask the old generation something; may be repeated."""
        return self._with_token(lambda token: self.api.read_old(self._owner, path, body, access_token=token))

    def get(self, path: str, **query: str) -> Json:
        """GET of the old generation; may be repeated."""
        return self._with_token(
            lambda token: self.api.get_old(self._owner, path, access_token=token, **query)
        )

    def act(self, path: str, body: Json) -> Json:
        """Have the old generation do something; repeated only when it said that nothing was done."""
        return self._with_token(lambda token: self.api.act_old(self._owner, path, body, access_token=token))

    def new(
        self,
        method: str,
        template: str,
        *ids: str,
        body: Json | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """A call of the new generation, see `Api.new`."""
        return self._with_token(
            lambda token: self.api.new(
                self._owner, method, template, *ids, token=token, body=body, query=query
            )
        )

    def jsapi_ticket(self) -> str:
        """The ticket that pages sign with, see `signatures.jsapi_signature`; kept like a token."""
        return self._tokens.current(
            TokenKey(PLATFORM, self.corp_id, self.app.key, "jsapi"),
            lambda: token(self.new("POST", "/v1.0/oauth2/jsapiTickets", body={})),
        )

    def _with_token(self, call: Callable[[str], T]) -> T:
        key = TokenKey(PLATFORM, self.corp_id, self.app.key)
        current = self._tokens.current(key, self._fetched)
        try:
            return call(current)
        except PlatformError as error:
            if error.code not in TOKEN_REFUSED:
                raise
        return call(self._tokens.renewed(key, current, self._fetched))

    def _fetched(self) -> Token:
        return self.app.fetched(self.api, self.corp_id)
