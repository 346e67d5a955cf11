"""Sign-in with WeCom: addresses to send the browser to, and what its code is worth.

Source: developer.work.weixin.qq.com, 网页授权, 企业微信Web登录. Bind `state` to the browser's session and take it once; a
code is redeemed with the token of the app it was made for.
"""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from .client import Client

OPEN = "https://open.weixin.qq.com"
LOGIN = "https://login.work.weixin.qq.com"


def inside_url(client: Client, redirect: str, state: str, *, private: bool = False, host: str = OPEN) -> str:
    """Where to send a browser inside WeCom: silent, or (`private`) asking the member for mobile, e-mail and the like.

    `state` has up to 128 letters and digits; the host of `redirect` is the app's trusted domain (50001 otherwise).
    """
    asked = {
        "appid": client.corp, "redirect_uri": redirect, "response_type": "code",
        "scope": "snsapi_privateinfo" if private else "snsapi_base", "state": _state(state),
        "agentid": _agent(client),
    }  # fmt: skip
    return f"{host}/connect/oauth2/authorize?{urlencode(asked)}#wechat_redirect"


def scan_url(client: Client, redirect: str, state: str, host: str = LOGIN) -> str:
    """Where to send a browser elsewhere: a page with a QR code to be scanned with WeCom."""
    asked = {
        "login_type": "CorpApp", "appid": client.corp, "agentid": _agent(client), "redirect_uri": redirect,
        "state": _state(state),
    }  # fmt: skip
    return f"{host}/wwlogin/sso/login?{urlencode(asked)}"


@dataclass(frozen=True)
class SignedIn:
    """Whom a code belongs to: a member (`user`), one of a linked corp (`corp` too), or a stranger (`openid`).

    `ticket` redeems what the member agreed to tell, for half an hour.
    """

    user: str | None
    corp: str | None = None
    ticket: str | None = None
    openid: str | None = None
    customer: str | None = None


def redeem(client: Client, code: str) -> SignedIn:
    """What a code is worth, once. Refused with 40029, 42003 (over), 42022 (used)."""
    answer = client.get("auth/getuserinfo", code=code)
    user, corp = answer.get("userid"), None
    if user and "/" in user:
        corp, _, user = user.partition("/")
    return SignedIn(
        user, corp, answer.get("user_ticket"), answer.get("openid"), answer.get("external_userid")
    )


@dataclass(frozen=True)
class Private:
    """What a member agreed to tell; None for the rest."""

    user: str
    gender: str | None
    avatar: str | None
    qr_code: str | None
    mobile: str | None
    email: str | None
    biz_mail: str | None
    address: str | None


Told = Literal["gender", "avatar", "qr_code", "mobile", "email", "biz_mail", "address"]


def private(client: Client, ticket: str) -> Private:
    """What the member agreed to tell. Refused with 84014, 84015."""
    answer = client.post("auth/getuserdetail", {"user_ticket": ticket})
    names: tuple[Told, ...] = ("gender", "avatar", "qr_code", "mobile", "email", "biz_mail", "address")
    return Private(answer["userid"], *(answer.get(name) or None for name in names))


def _state(state: str) -> str:
    if not (state.isascii() and state.isalnum() and len(state) <= 128):
        raise ValueError("a state has up to 128 letters and digits")
    return state


def _agent(client: Client) -> int:
    if client.agent is None:
        raise ValueError("only a self-built app signs people in")
    return client.agent
