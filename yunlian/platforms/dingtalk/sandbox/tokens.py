"""Tokens of apps, corps, suites, persons and the admin console, in both generations."""

import hmac
from typing import Any

from yunlian.platforms.dingtalk.signatures import suite_signature

from .asking import Ask, How, Path, Refused, new, old
from .world import App, Corp, DingTalk, State, Token, secret

JSAPI = "jsapi"
CLOCK_S = 60
REMEMBERED_S = 86400.0  # an expired token is known as such for a day
REFRESH_LIFE_S = 30 * 86400.0


def _gettoken(ask: Ask) -> Any:
    key, given = ask.query.get("appkey", ""), ask.query.get("appsecret", "")
    if not key or not given:
        raise Refused("40035", "缺少参数 corpid or appkey")
    app = ask.state.apps.get(key)
    if app is None or app.is_suite or not _same(app.secret, given):
        raise Refused("40096", "不合法的appKey或appSecret")
    ask.count(key)
    return {"access_token": _app_token(ask, app, "old"), "expires_in": _life(ask)}


def _access_token(ask: Ask) -> Any:
    app = ask.state.apps.get(ask.text("appKey"))
    if app is None or app.is_suite or not _same(app.secret, ask.text("appSecret")):
        raise Refused("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
    ask.count(app.key)
    return {"accessToken": _app_token(ask, app, "new"), "expireIn": _life(ask)}


def _unified(ask: Ask) -> Any:
    if ask.text("grant_type") != "client_credentials":
        raise Refused("unsupported.grant.type", "不支持的grant_type")
    app = ask.state.apps.get(ask.text("client_id"))
    if app is None or not _same(app.secret, ask.text("client_secret")):
        raise Refused("invalid.client", "无效的client")
    corp = ask.state.corps.get(ask.at["corp_id"])
    if corp is None:
        raise Refused("unknownError", "未知错误", 500)
    if not _installed(corp, app):
        raise Refused("unauthorized.client", "企业未安装该应用", 401)
    return {"access_token": issued(ask, "new", app.key, corp.corp_id), "expires_in": _life(ask)}


def _corp_token(ask: Ask) -> Any:
    suite = _suite(ask, "suiteKey", "suiteSecret", "suiteTicket")
    corp = ask.state.corps.get(ask.text("authCorpId"))
    if corp is None or not _installed(corp, suite):
        raise Refused("invalidAuthInfo", "企业未授权该应用")
    ask.count(suite.key, corp)
    return {"accessToken": _newest(ask, "new", suite, corp), "expireIn": _life(ask)}


def _corp_token_old(ask: Ask) -> Any:
    corp_id = ask.text("auth_corpid")
    suite = suite_of_token(ask) if ask.query.get("suite_access_token") else signed(ask)
    corp = ask.state.corps.get(corp_id)
    if corp is None or not _installed(corp, suite):
        raise Refused("41030", "企业未对该套件授权")
    given = ask.body.get("permanent_code")
    if ask.query.get("suite_access_token") and given != corp.installs[suite.key].permanent_code:
        raise Refused("41031", "企业对应的永久授权码不匹配")
    return {"access_token": _newest(ask, "old", suite, corp), "expires_in": _life(ask)}


def _suite_token(ask: Ask) -> Any:
    suite = _suite(ask, "suiteKey", "suiteSecret", "suiteTicket")
    return {"accessToken": issued(ask, "new", suite.key, "", "suite"), "expireIn": _life(ask)}


def _suite_token_old(ask: Ask) -> Any:
    suite = _suite(ask, "suite_key", "suite_secret", "suite_ticket")
    return {"suite_access_token": issued(ask, "old", suite.key, "", "suite"), "expires_in": _life(ask)}


def _sso_token(ask: Ask) -> Any:
    corp = ask.state.corps.get(ask.text("corpid"))
    given = ask.text("ssoSecret" if ask.is_new else "corpsecret")
    if corp is None or not _same(corp.sso_secret, given):
        raise Refused(
            *(("invalidSecret", "无效的ssoSecret") if ask.is_new else ("40089", "不合法的corpid或corpsecret"))
        )
    if ask.is_new:
        return {"accessToken": issued(ask, "new", "", corp.corp_id, "sso", 3600.0), "expireIn": 3600}
    return {"access_token": issued(ask, "old", "", corp.corp_id, "sso")}


def _jsapi_ticket(ask: Ask) -> Any:
    app, corp, _ = ask.caller()
    ticket = _kept(ask, JSAPI, app, corp) or issued(ask, "jsapi", app.key, corp.corp_id, JSAPI)
    if ask.is_new:
        return {"jsapiTicket": ticket, "expireIn": _life(ask)}
    return {"ticket": ticket, "expires_in": _life(ask)}


def issued(
    ask: Ask,
    prefix: str,
    app_key: str,
    corp_id: str,
    kind: str = "corp",
    life_s: float | None = None,
    unionid: str = "",
) -> str:
    """A new token, known from now on."""
    tokens = ask.state.tokens
    for value in [value for value, each in tokens.items() if each.expires_at < ask.now - REMEMBERED_S]:
        del tokens[value]
    value = secret(f"{prefix}-")
    ends = ask.now + (ask.state.switches.token_life_s if life_s is None else life_s)
    tokens[value] = Token(kind, app_key, corp_id, ends, unionid)
    return value


def signed(ask: Ask) -> App:
    """The suite of a signed vendor call. Refused 853001 to 853004 as DingTalk does."""
    timestamp = ask.query.get("timestamp", "")
    if not timestamp.isdecimal() or len(timestamp) != 13:
        raise Refused("853001", "timestamp不是毫秒")
    if abs(int(timestamp) / 1000 - ask.now) > CLOCK_S:
        raise Refused("853002", "timestamp与服务器时间相差超过1分钟")
    suite = ask.state.apps.get(ask.query.get("accessKey", ""))
    if suite is None or not suite.is_suite:
        raise Refused("853003", "accessKey不存在")
    ticket = ask.query.get("suiteTicket", "")
    expected = suite_signature(suite.secret, timestamp, ticket)
    if ticket != suite.ticket or not _same(expected, ask.query.get("signature", "")):
        raise Refused("853004", "签名不匹配")
    ask.count(suite.key)
    return suite


def suite_of_token(ask: Ask) -> App:
    """The suite whose `suite_access_token` is in the query. Refused 40014."""
    found = ask.state.tokens.get(ask.query.get("suite_access_token", ""))
    if found is None or found.kind != "suite" or found.expires_at <= ask.now:
        raise Refused("40014", "不合法的suite_access_token")
    return ask.state.apps[found.app_key]


def _suite(ask: Ask, key: str, secret_name: str, ticket: str) -> App:
    """The suite that names itself in the body; the two generations have different refusals."""
    suite = ask.state.apps.get(ask.text(key))
    if suite is None or not suite.is_suite or not _same(suite.secret, ask.text(secret_name)):
        raise Refused(
            *(
                ("invalidSuiteKey", "suitekey不合法")
                if ask.is_new
                else ("40089", "不合法的suite_key或suite_secret")
            )
        )
    if ask.text(ticket) != suite.ticket:
        raise Refused(
            *(("invalidSuiteTicket", "suiteTicket不合法") if ask.is_new else ("41023", "suite_ticket不合法"))
        )
    return suite


def _app_token(ask: Ask, app: App, prefix: str) -> str:
    """Within its life the same token again, extended."""
    corp = ask.state.corps[app.owner_corp]
    return _kept(ask, "corp", app, corp, prefix) or issued(ask, prefix, app.key, corp.corp_id)


def _kept(ask: Ask, kind: str, app: App, corp: Corp, prefix: str = "") -> str | None:
    mine = (kind, app.key, corp.corp_id)
    for value, each in ask.state.tokens.items():
        good = each.expires_at > ask.now and value.startswith(prefix)
        if good and (each.kind, each.app_key, each.corp_id) == mine:
            each.expires_at = ask.now + ask.state.switches.token_life_s
            return value
    return None


def _newest(ask: Ask, prefix: str, suite: App, corp: Corp) -> str:
    """Always a new token; whether the former ones live on is a switch."""
    if not ask.state.switches.former_token_lives:
        revoke(ask.state, suite.key, corp.corp_id)
    return issued(ask, prefix, suite.key, corp.corp_id)


def revoke(state: DingTalk, app_key: str, corp_id: str) -> None:
    """Forget an app's tokens of a corp."""
    tokens = state.tokens
    gone = [value for value, each in tokens.items() if (each.app_key, each.corp_id) == (app_key, corp_id)]
    for value in gone:
        del tokens[value]


def _installed(corp: Corp, app: App) -> bool:
    install = corp.installs.get(app.key)
    return install is not None and install.state is not State.RELIEVED


def _life(ask: Ask) -> int:
    return int(ask.state.switches.token_life_s)


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode())


PATHS: tuple[Path, ...] = (
    old("/gettoken", _gettoken, How.ACT),
    old("/service/get_corp_token", _corp_token_old, How.ACT),
    old("/service/get_suite_token", _suite_token_old, How.ACT),
    old("/sso/gettoken", _sso_token, How.ACT),
    old("/get_jsapi_ticket", _jsapi_ticket, How.ACT),
    new("POST", "/v1.0/oauth2/accessToken", _access_token, How.ACT),
    new("POST", "/v1.0/oauth2/corpAccessToken", _corp_token, How.ACT),
    new("POST", "/v1.0/oauth2/suiteAccessToken", _suite_token, How.ACT),
    new("POST", "/v1.0/oauth2/ssoAccessToken", _sso_token, How.ACT),
    new("POST", "/v1.0/oauth2/jsapiTickets", _jsapi_ticket, How.ACT),
    new("POST", "/v1.0/oauth2/{corp_id}/token", _unified, How.ACT),
)
