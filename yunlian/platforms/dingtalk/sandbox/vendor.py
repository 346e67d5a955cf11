"""What a vendor asks about its suite, the legacy install, and the callback address set through the API."""

from typing import Any

import httpx

from yunlian.platforms.sandbox.platform import Sandbox

from .apps import admins_of
from .asking import Ask, How, Path, Refused, new, old
from .happenings import complaint, of_authorisation, request_of, tell
from .tokens import signed, suite_of_token
from .world import App, Corp, DingTalk, Install, Mode, Receiver, State, secret

FAILED_PAGE = 200
KEY_LENGTH = 43


def _auth_info(ask: Ask) -> Any:
    suite = signed(ask)
    corp, install = _authorised(ask, suite, ask.text("auth_corpid"))
    return {
        "auth_corp_info": {"corpid": corp.corp_id, "corp_name": corp.name, "auth_level": 0},
        "auth_user_info": {"userId": install.installed_by},
        "auth_info": {"agent": [{
            "agentid": install.agent_id, "appid": suite.app_id, "agent_name": suite.name, "logo_url": "",
            "admin_list": admins_of(corp),
        }]},
        "channel_auth_info": {},
    }  # fmt: skip


def _auth_info_new(ask: Ask) -> Any:
    suite, _, _ = ask.caller()
    corp = ask.state.corps.get(ask.text("authCorpId"))
    if corp is None:
        raise Refused("orgNotExist", "企业不存在")
    install = corp.installs.get(suite.key)
    if install is None or install.state is State.RELIEVED:
        raise Refused("orgNotAuthApp", "企业未授权该应用")
    return {
        "authAppInfo": {"agentList": [{
            "agentId": install.agent_id, "agentName": suite.name, "appId": suite.app_id, "adminList": admins_of(corp),
            "logoUrl": "",
        }]},
        "authCorpInfo": {"corpId": corp.corp_id, "corpName": corp.name},
        "authUserInfo": {"userId": install.installed_by},
    }  # fmt: skip


def _agent(ask: Ask) -> Any:
    suite = signed(ask)
    _, install = _authorised(ask, suite, ask.text("auth_corpid"))
    running = 1 if install.state is State.ACTIVE else 0
    return {
        "agentid": install.agent_id,
        "name": suite.name,
        "logo_url": "",
        "description": "",
        "close": running,
    }


def _unactive(ask: Ask) -> Any:
    signed(ask)
    return {"corp_list": [], "has_more": False}


def _reauth(ask: Ask) -> Any:
    suite = signed(ask)
    for corp_id in ask.body.get("corpid_list") or ():
        corp, install = _authorised(ask, suite, str(corp_id))
        tell(ask.sandbox, suite, corp, of_authorisation("org_suite_change", suite, corp, install))
    return {}


def _permanent_code(ask: Ask) -> Any:
    suite = suite_of_token(ask)
    found = ask.state.codes.pop(ask.text("tmp_auth_code"), None)
    if found is None or found.kind != "install" or found.app_key != suite.key or found.expires_at <= ask.now:
        raise Refused("40078", "不存在的临时授权码")
    corp, install = _authorised(ask, suite, found.corp_id)
    install.permanent_code = secret("p")
    info = {"corpid": corp.corp_id, "corp_name": corp.name}
    return {"permanent_code": install.permanent_code, "auth_corp_info": info}


def _activate(ask: Ask) -> Any:
    suite = suite_of_token(ask)
    _, install = _authorised(ask, suite, ask.text("auth_corpid"))
    if not ask.body.get("permanent_code"):
        raise Refused("41026", "缺少永久授权码")
    if ask.body["permanent_code"] != install.permanent_code:
        raise Refused("41031", "企业对应的永久授权码不匹配")
    return {}


def _authorised(ask: Ask, suite: App, corp_id: str) -> tuple[Corp, Install]:
    corp = ask.state.corps.get(corp_id)
    if corp is None or suite.key not in corp.installs or corp.installs[suite.key].state is State.RELIEVED:
        raise Refused("41030", "企业未对该套件授权")
    return corp, corp.installs[suite.key]


def _register(ask: Ask) -> Any:
    return _subscribe(ask, known=False)


def _update(ask: Ask) -> Any:
    return _subscribe(ask, known=True)


def _subscribe(ask: Ask, *, known: bool) -> Any:
    with ask.sandbox.world.lock:
        app, corp, _ = ask.caller()
        if (app.receiver.mode is Mode.PUSH) != known:
            raise Refused(*(("71007", "没有注册过回调") if known else ("71006", "回调已注册")))
    tags = [str(each) for each in ask.body.get("call_back_tag") or ()]
    wanted = Receiver(
        Mode.PUSH, ask.text("url"), ask.text("token"), ask.text("aes_key"), by_api=True, tags=tags
    )
    code, text = verified(ask.sandbox, wanted, corp.corp_id)
    if code:
        raise Refused(code, text)
    with ask.sandbox.world.change():
        app.receiver = wanted
    return {}


def verified(sandbox: Sandbox, wanted: Receiver, owner: str) -> tuple[str, str]:
    """Send `check_url` now; code and text of what is wrong, both empty when nothing is. Call without the lock."""
    if not (wanted.token.isalnum() and 3 <= len(wanted.token) <= 63) or len(wanted.aes_key) != KEY_LENGTH:
        return "71010", "token或aes_key不合法"
    body = {"EventType": "check_url"}
    try:
        request = request_of(wanted.url, wanted.token, wanted.aes_key, owner, body, sandbox.world.now)(
            frozenset()
        )
    except ValueError as fault:
        return "71011", str(fault)
    try:
        with httpx.Client(
            trust_env=False, timeout=sandbox.world.part(DingTalk).switches.deadline_s
        ) as client:
            answer = client.send(request)
    except httpx.TimeoutException:
        return "400054", "超时"
    except httpx.HTTPError as fault:
        return "71012", f"URL无法访问: {fault}"
    said = complaint(answer, wanted.token, wanted.aes_key, owner)
    return ("71009", said) if said else ("", "")


def _current(ask: Ask) -> Any:
    app = _registered(ask)
    found = app.receiver
    return {"call_back_tag": found.tags, "token": found.token, "aes_key": found.aes_key, "url": found.url}


def _delete(ask: Ask) -> Any:
    _registered(ask).receiver = Receiver()
    return {}


def _registered(ask: Ask) -> App:
    app, _, _ = ask.caller()
    if app.receiver.mode is not Mode.PUSH:
        raise Refused("71007", "没有注册过回调")
    return app


def _failed(ask: Ask) -> Any:
    app, corp, _ = ask.caller()
    mine = [each for each in ask.state.undelivered if (each.app_key, each.corp_id) == (app.key, corp.corp_id)]
    page = mine[:FAILED_PAGE]
    rows = [
        {"call_back_tag": each.tag, "event_time": int(each.at * 1000), each.tag: each.body} for each in page
    ]
    if ask.state.switches.reading_removes_failed:
        ask.state.undelivered = [
            each for each in ask.state.undelivered if all(each is not read for read in page)
        ]
    return {"has_more": len(mine) > FAILED_PAGE, "failed_list": rows}


PATHS: tuple[Path, ...] = (
    old("/service/get_auth_info", _auth_info),
    old("/service/get_agent", _agent),
    old("/service/get_unactive_corp", _unactive),
    old("/service/reauth_corp", _reauth, How.ACT),
    old("/service/get_permanent_code", _permanent_code, How.ACT),
    old("/service/activate_suite", _activate, How.ACT),
    old("/call_back/register_call_back", _register, How.FREE),
    old("/call_back/update_call_back", _update, How.FREE),
    old("/call_back/get_call_back", _current),
    old("/call_back/delete_call_back", _delete, How.ACT),
    old("/call_back/get_call_back_failed_result", _failed, How.ACT),
    new("GET", "/v1.0/oauth2/apps/authInfo", _auth_info_new),
)
