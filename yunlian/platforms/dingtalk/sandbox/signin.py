"""Codes and who they stand for: the login page, pages inside DingTalk, the admin console."""

from typing import Any

from yunlian.platforms.dingtalk.signatures import suite_signature

from .asking import Ask, Flat, How, Path, Refused, new, old
from .contacts import ADMIN, may_manage, person_of
from .tokens import REFRESH_LIFE_S, issued
from .world import App, Code, Corp, DingTalk, Person, secret

CODE_LIFE_S = 300.0


def code_for(
    state: DingTalk, now: float, kind: str, app: App, corp: Corp, person: Person, *, with_corp: bool = False
) -> str:
    """A fresh code, good once and for five minutes."""
    value = secret("c")
    state.codes[value] = Code(kind, app.key, corp.corp_id, person.userid, now + CODE_LIFE_S, with_corp)
    return value


def _redeemed(ask: Ask, kind: str, given: str) -> Code | None:
    found = ask.state.codes.get(given)
    if found is None or found.kind != kind:
        return None
    del ask.state.codes[given]
    return found if found.expires_at > ask.now else None


def _user_access_token(ask: Ask) -> Any:
    app = ask.state.apps.get(ask.text("clientId"))
    if app is None or app.secret != ask.text("clientSecret"):
        raise Refused("invalidClientIdOrSecret", "无效的clientId或者clientSecret")
    if ask.text("grantType") == "refresh_token":
        given = ask.state.tokens.get(ask.text("refreshToken"))
        if (
            given is None
            or given.kind != "refresh"
            or given.app_key != app.key
            or given.expires_at <= ask.now
        ):
            raise Refused("invalidParameter.refreshToken.notFound", "不存在的refreshToken")
        return _user_tokens(ask, app, given.corp_id, given.unionid, with_corp=bool(given.corp_id))
    found = _redeemed(ask, "login", ask.text("code"))
    if found is None or found.app_key != app.key:
        raise Refused("invalidParameter.authCode.notFound", "不存在的临时授权码")
    person = ask.state.corps[found.corp_id].people.get(found.userid)
    if person is None:
        raise Refused("invalidParameter.authCode.notFound", "不存在的临时授权码")
    return _user_tokens(ask, app, found.corp_id, person.unionid, with_corp=found.with_corp)


def _user_tokens(ask: Ask, app: App, corp_id: str, unionid: str, *, with_corp: bool) -> dict[str, Any]:
    corp_id = corp_id if with_corp else ""
    answer = {
        "accessToken": issued(ask, "new", app.key, corp_id, "user", unionid=unionid),
        "refreshToken": issued(ask, "new", app.key, corp_id, "refresh", REFRESH_LIFE_S, unionid),
        "expireIn": int(ask.state.switches.token_life_s),
    }
    return answer | ({"corpId": corp_id} if corp_id else {})


def _me(ask: Ask) -> Any:
    found = ask.state.tokens.get(ask.headers.get("x-acs-dingtalk-access-token", ""))
    if found is None or found.kind != "user" or found.expires_at <= ask.now:
        raise Refused("InvalidAuthentication", "不合法的access_token")
    if ask.at["union_id"] not in ("me", found.unionid):
        raise Refused("Forbidden.AccessDenied.AccessTokenPermissionDenied", "只能读取本人", 403)
    person = next(
        (
            each
            for corp in ask.state.corps.values()
            for each in corp.people.values()
            if each.unionid == found.unionid
        ),
        None,
    )
    if person is None:
        raise Refused("invalidParameter.user.notFound", "找不到该用户")
    app = ask.state.apps[found.app_key]
    masked = f"{person.mobile[:3]}****{person.mobile[-4:]}"
    answer = {
        "nick": person.name, "avatarUrl": "", "mobile": masked if app.is_suite else person.mobile,
        "openId": f"op-{app.key[-4:]}-{person.unionid}", "unionId": person.unionid, "email": person.email,
        "stateCode": "86",
    }  # fmt: skip
    return {name: value for name, value in answer.items() if value}


def _inside(ask: Ask) -> Any:
    app, corp, _ = ask.caller()
    found = _redeemed(ask, "inside", ask.text("code"))
    if found is None or (found.app_key, found.corp_id) != (app.key, corp.corp_id):
        raise Refused("40078", "不存在的临时授权码")
    person = person_of(corp, found.userid)
    return {
        "userid": person.userid, "name": person.name, "unionid": person.unionid, "device_id": "sandbox-phone",
        "associated_unionid": person.unionid, "sys": person.level in ADMIN, "sys_level": person.level,
    }  # fmt: skip


def _inside_legacy(ask: Ask) -> Any:
    found = _inside(ask)
    return {
        "userid": found["userid"], "name": found["name"], "deviceId": found["device_id"],
        "is_sys": found["sys"], "sys_level": found["sys_level"],
    }  # fmt: skip


def _creator(ask: Ask) -> Any:
    """The token is the app owner's, the code the customer's. A code for an app of somebody else's is refused."""
    given = (
        ask.headers.get("x-acs-dingtalk-access-token", "")
        if ask.is_new
        else ask.query.get("access_token", "")
    )
    token = ask.state.tokens.get(given)
    if token is None or token.kind != "sso" or token.expires_at <= ask.now:
        raise Refused(*(("invalidToken", "token不合法") if ask.is_new else ("40014", "不合法的access_token")))
    found = _redeemed(ask, "sso", ask.text("code"))
    if found is None or ask.state.apps[found.app_key].owner_corp != token.corp_id:
        raise Refused(*(("invalidCode", "code不合法") if ask.is_new else ("41007", "无效的免登code")))
    corp = ask.state.corps[found.corp_id]
    person = person_of(corp, found.userid)
    if ask.is_new:
        return {
            "corpId": corp.corp_id, "corpName": corp.name, "userId": person.userid, "userName": person.name,
            "email": person.email, "avatar": "", "isAdmin": may_manage(person),
        }  # fmt: skip
    return {
        "is_sys": may_manage(person),
        "user_info": {"userid": person.userid, "name": person.name, "avatar": "", "email": person.email},
        "corp_info": {"corpid": corp.corp_id, "corp_name": corp.name},
    }


def _old_qr(ask: Ask) -> Any:
    app = ask.state.apps.get(ask.query.get("accessKey", ""))
    timestamp = ask.query.get("timestamp", "")
    if app is None:
        raise Refused("853003", "accessKey不存在")
    if not timestamp.isdecimal() or abs(int(timestamp) / 1000 - ask.now) > 60:
        raise Refused("853002", "timestamp与服务器时间相差超过1分钟")
    if suite_signature(app.secret, timestamp) != ask.query.get("signature"):
        raise Refused("853004", "签名不匹配")
    found = _redeemed(ask, "login", ask.text("tmp_auth_code"))
    if found is None or found.app_key != app.key:
        raise Refused("40078", "不存在的临时授权码")
    person = person_of(ask.state.corps[found.corp_id], found.userid)
    openid = f"op-{app.key[-4:]}-{person.unionid}"
    return Flat(user_info={"nick": person.name, "openid": openid, "unionid": person.unionid})


PATHS: tuple[Path, ...] = (
    old("/topapi/v2/user/getuserinfo", _inside, How.ACT),
    old("/user/getuserinfo", _inside_legacy, How.ACT),
    old("/sso/getuserinfo", _creator, How.ACT),
    old("/sns/getuserinfo_bycode", _old_qr, How.ACT),
    new("POST", "/v1.0/oauth2/userAccessToken", _user_access_token, How.ACT),
    new("GET", "/v1.0/oauth2/ssoUserInfo", _creator, How.ACT),
    new("GET", "/v1.0/contact/users/{union_id}", _me),
)
