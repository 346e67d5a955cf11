"""Who is in front of the browser: by QR code or OAuth, silently inside DingTalk, or from its admin console.

Every code is good once and for five minutes. State, nonce and redirect are the caller's to make and to check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final
from urllib.parse import urlencode

from yunlian.platforms.dingtalk.api import Api, Owner, result
from yunlian.platforms.dingtalk.client import App, Client, token
from yunlian.platforms.dingtalk.refusals import PLATFORM, TOKEN_REFUSED
from yunlian.platforms.dingtalk.wire import Json, flag, listed, number, numbers, several, text
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.tokens import Token, TokenKey, Tokens


class Level(IntEnum):
    """DingTalk's `sys_level`."""

    OTHER = 0
    MAIN_ADMIN = 1  # 主管理员
    SUB_ADMIN = 2  # 子管理员
    BOSS = 100


@dataclass(frozen=True, slots=True)
class UserToken:
    """A person's own token. `corp_id` is there when the scope was `openid corpid`."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    expires_in_s: int
    corp_id: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of DingTalk, without a corp. A third-party app sees the mobile masked, as `155****3240`."""

    union_id: str
    open_id: str
    nick: str
    mobile: str
    email: str
    avatar: str


@dataclass(frozen=True, slots=True)
class Inside:
    """Who opened a page inside DingTalk, in the corp whose token asked."""

    user_id: str
    union_id: str
    name: str
    level: int


@dataclass(frozen=True, slots=True)
class Creator:
    """Who came from the admin console. `is_admin` says *some* administrator: see `administrators` for the level."""

    corp_id: str
    corp_name: str
    user_id: str
    name: str
    is_admin: bool


def login_url(
    api: Api, client_id: str, redirect_uri: str, state: str, *, scope: str = "openid", corp_id: str = ""
) -> str:
    """Where to send the browser. `redirect_uri` must be on the app's list.

    With scope `openid corpid` the person also chooses a corp; with `corp_id` only accounts of that corp may enter.
    """
    query = {
        "redirect_uri": redirect_uri, "response_type": "code", "client_id": client_id,
        "scope": scope, "state": state, "prompt": "consent",
    }  # fmt: skip
    if corp_id:
        query |= {"exclusiveLogin": "true", "exclusiveCorpId": corp_id}
    return f"{api.bases.login}/oauth2/auth?{urlencode(query)}"


def returned_code(query: Mapping[str, str]) -> str | None:
    """The code DingTalk sent the browser back with; None when the person refused."""
    return query.get("authCode") or query.get("code") or None


def user_token(api: Api, app: App, code: str) -> UserToken:
    """Change a code into the person's token. Raises PlatformError for a code that is used, old or not ours."""
    return _user_token(api, app, {"code": code, "grantType": "authorization_code"})


def refreshed(api: Api, app: App, refresh_token: str) -> UserToken:
    """A new token for a person; the refresh token lives 30 days."""
    return _user_token(api, app, {"refreshToken": refresh_token, "grantType": "refresh_token"})


def person(api: Api, app: App, access: str) -> Person:
    """Whose token it is. In a corp they are found by `users.by_union` with the corp's token."""
    found = api.new(Owner(app.key), "GET", "/v1.0/contact/users/{}", "me", token=access)
    return Person(
        union_id=text(found, "unionId"),
        open_id=text(found, "openId"),
        nick=text(found, "nick"),
        mobile=text(found, "mobile"),
        email=text(found, "email"),
        avatar=text(found, "avatarUrl"),
    )


def inside(client: Client, code: str) -> Inside:
    """Who opened the page, from `dd.requestAuthCode`. The client must be of the corp the page was opened in.

    Not repeated without an answer: the code may be used up.
    """
    found = result(client.act("/topapi/v2/user/getuserinfo", {"code": code}))
    return Inside(
        text(found, "userid"), text(found, "unionid"), text(found, "name"), number(found, "sys_level")
    )


SSO_REFUSED: Final = TOKEN_REFUSED | {"invalidToken"}


@dataclass(frozen=True, slots=True)
class AdminConsole:
    """Reads who came from DingTalk's admin console. Key and secret are the app owner's: for a third-party app the
    vendor's own corp ID and SSOSecret, not the customer's.
    """

    api: Api
    tokens: Tokens
    corp_id: str
    sso_secret: str = field(repr=False)

    def creator(self, code: str) -> Creator:
        """Redeem the `code` that was appended to the app's admin address.

        A token that DingTalk no longer takes is renewed once: it did not look at the code then.
        """
        key = TokenKey(PLATFORM, self.corp_id, "", "sso")
        current = self.tokens.current(key, self._fetched)
        try:
            return self._redeemed(code, current)
        except PlatformError as error:
            if error.code not in SSO_REFUSED:
                raise
        return self._redeemed(code, self.tokens.renewed(key, current, self._fetched))

    def _redeemed(self, code: str, token: str) -> Creator:
        owner = Owner("sso", self.corp_id)
        found = self.api.new(owner, "GET", "/v1.0/oauth2/ssoUserInfo", token=token, query={"code": code})
        return Creator(
            corp_id=text(found, "corpId"),
            corp_name=text(found, "corpName"),
            user_id=text(found, "userId"),
            name=text(found, "userName"),
            is_admin=flag(found, "isAdmin"),
        )

    def _fetched(self) -> Token:
        body = {"corpid": self.corp_id, "ssoSecret": self.sso_secret}
        return token(
            self.api.new(Owner("sso", self.corp_id), "POST", "/v1.0/oauth2/ssoAccessToken", body=body)
        )


def administrators(client: Client) -> dict[str, int]:
    """Userid and level (`Level.MAIN_ADMIN`, `Level.SUB_ADMIN`) of the corp's administrators."""
    found = listed(client.read("/topapi/user/listadmin"), "result")
    return {text(each, "userid"): number(each, "sys_level") for each in found}


def administered(client: Client, user_id: str) -> tuple[int, ...]:
    """Departments a sub-administrator manages."""
    return numbers(
        several(result(client.read("/topapi/user/get_admin_scope", {"userid": user_id})), "dept_ids")
    )


def may_manage(client: Client, agent_id: int, user_id: str) -> bool:
    """Whether somebody may administer this app: the main administrator, or a sub-administrator with that right."""
    found = client.new("GET", "/v1.0/microApp/apps/{}/users/{}/adminAccess", str(agent_id), user_id)
    return flag(found, "result")


def _user_token(api: Api, app: App, grant: Json) -> UserToken:
    body = {"clientId": app.key, "clientSecret": app.secret} | grant
    found = api.new(Owner(app.key), "POST", "/v1.0/oauth2/userAccessToken", body=body)
    return UserToken(
        text(found, "accessToken"),
        text(found, "refreshToken"),
        number(found, "expireIn"),
        text(found, "corpId"),
    )
