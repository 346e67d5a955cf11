"""Somebody's phone and browser: scans, opens apps, reads notices, presses buttons; and the page that waits for a scan."""

import json
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from yunlian.platforms.dingtalk.cards import SIGNATURE, TIMESTAMP
from yunlian.platforms.dingtalk.signatures import suite_signature
from yunlian.platforms.sandbox.callbacks import local
from yunlian.platforms.sandbox.control import Wrong
from yunlian.platforms.sandbox.platform import Sandbox

from .apps import app_of
from .contacts import may_manage
from .happenings import put_frame
from .people import corp_of, person_of
from .ranges import sees_person
from .signin import code_for
from .stream import CARD_TOPIC, updated
from .world import App, Card, Corp, DingTalk, Login, Person, State, secret

COOKIE = "dingtalk_phone"
LOGIN_S = 300.0
CANDIDATES = 30


async def login_page(sandbox: Sandbox, request: Request) -> Response:
    """`/oauth2/auth`: where an app sends the browser. The page waits for a phone, or for a choice among people."""
    query, state = request.query_params, sandbox.world.part(DingTalk)
    app = state.apps.get(query.get("client_id", ""))
    redirect = query.get("redirect_uri", "")
    if app is None or query.get("response_type") != "code":
        return PlainTextResponse("参数错误：client_id 或 response_type 不正确", status_code=400)
    if not _may_redirect(app, redirect):
        return PlainTextResponse("redirect_uri 不在应用的回调域名中", status_code=400)
    only = query.get("exclusiveCorpId") or (query.get("corpId", "") if query.get("exclusiveLogin") else "")
    with sandbox.world.change():
        gone = [key for key, each in state.logins.items() if each.opened_at < sandbox.world.now() - LOGIN_S]
        for key in gone:
            del state.logins[key]
        id = f"{state.number():05}"
        state.logins[id] = Login(
            app.key, redirect, query.get("state", ""), query.get("scope", "openid"), only, sandbox.world.now()
        )
    return RedirectResponse(f"/sandbox/page/dingtalk/login.html?id={id}")


def _may_redirect(app: App, redirect: str) -> bool:
    try:
        local(redirect)
    except ValueError:
        return False
    return not app.redirect_urls or any(redirect.startswith(each) for each in app.redirect_urls)


def login(sandbox: Sandbox, asked: dict[str, str]) -> dict[str, Any]:
    """A waiting login: for whom it is, who could be meant, and where to go once decided."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.lock:
        found = _login(state, asked["id"])
        return {
            "app": state.apps[found.app_key].name, "scope": found.scope, "answer": found.answer,
            "candidates": _candidates(state, found, asked.get("q", "")),
        }  # fmt: skip


def decide(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Confirm a login as somebody, or refuse it; the browser that waits goes on."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        found = _login(state, str(asked.get("id")))
        if found.answer:
            raise Wrong("this login was decided already")
        if asked.get("refused"):
            found.answer = _with_query(found.redirect_uri, {"error": "access_denied", "state": found.state})
            return {"answer": found.answer}
        app, corp = state.apps[found.app_key], corp_of(state, str(asked.get("corp_id")))
        person = person_of(corp, str(asked.get("userid")))
        if not _may_enter(found, app, corp):
            raise Wrong(f"people of {corp.name} cannot enter here")
        with_corp = "corpid" in found.scope.split()
        code = code_for(state, sandbox.world.now(), "login", app, corp, person, with_corp=with_corp)
        found.answer = _with_query(found.redirect_uri, {"authCode": code, "code": code, "state": found.state})
        return {"answer": found.answer}


def _login(state: DingTalk, id: str) -> Login:
    if id not in state.logins:
        raise Wrong("this login is over; begin again in the app")
    return state.logins[id]


def _may_enter(found: Login, app: App, corp: Corp) -> bool:
    """An internal app admits its own corp's people; an exclusive login those of one corp."""
    return (app.is_suite or app.owner_corp == corp.corp_id) and found.corp_id in ("", corp.corp_id)


def _candidates(state: DingTalk, found: Login, wanted: str) -> list[dict[str, str]]:
    app = state.apps[found.app_key]
    people = [
        {
            "corp_id": corp.corp_id,
            "corp": corp.name,
            "userid": each.userid,
            "name": each.name,
            "title": each.title,
        }
        for corp in state.corps.values()
        if _may_enter(found, app, corp)
        for each in corp.people.values()
        if wanted in each.name or wanted in each.mobile
    ]
    return people[:CANDIDATES]


def _with_query(url: str, more: dict[str, str]) -> str:
    return str(httpx.URL(url).copy_merge_params({name: value for name, value in more.items() if value}))


def _somebody(sandbox: Sandbox, asked: dict[str, Any]) -> tuple[App, Corp, Person]:
    state = sandbox.world.part(DingTalk)
    app, corp = app_of(state, str(asked.get("app_key"))), corp_of(state, str(asked.get("corp_id")))
    return app, corp, person_of(corp, str(asked.get("userid")))


def code(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """A code as DingTalk would give it, for scripts: `kind` is login, inside or sso."""
    kind = str(asked.get("kind"))
    if kind not in ("login", "inside", "sso"):
        raise Wrong("kind is login, inside or sso")
    with sandbox.world.change():
        app, corp, person = _somebody(sandbox, asked)
        state, with_corp = sandbox.world.part(DingTalk), bool(asked.get("with_corp"))
        return {"code": code_for(state, sandbox.world.now(), kind, app, corp, person, with_corp=with_corp)}


def enter(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """进入 in the admin console: the app's admin address with a code, for those who may administer it."""
    with sandbox.world.change():
        app, corp, person = _somebody(sandbox, asked)
        if not may_manage(person):
            raise Wrong(f"{person.name} may not administer this app")
        if not app.admin_url:
            raise Wrong("the app has no admin address; set it in the developer console")
        given = code_for(sandbox.world.part(DingTalk), sandbox.world.now(), "sso", app, corp, person)
        return {"url": _with_query(app.admin_url.replace("$CORPID$", corp.corp_id), {"code": given})}


def workbench(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Where tapping the app on the workbench leads: its home, with the corp's id in the place of `$CORPID$`."""
    with sandbox.world.lock:
        app, corp, person = _somebody(sandbox, asked)
        install = corp.installs.get(app.key)
        if install is None or install.state is not State.ACTIVE or not sees_person(corp, install, person):
            raise Wrong(f"{person.name} does not see this app")
        if not app.home_url:
            raise Wrong("the app has no home address; set it in the developer console")
        return {"url": _opened(app, corp, person, app.home_url.replace("$CORPID$", corp.corp_id))}


def _opened(app: App, corp: Corp, person: Person, url: str) -> str:
    asked = {"corp_id": corp.corp_id, "userid": person.userid, "app_key": app.key, "url": url}
    return f"/dingtalk/phone/open?{urlencode(asked)}"


async def open_page(sandbox: Sandbox, request: Request) -> Response:
    """Opens a page as inside DingTalk: `jsapi.js` then knows who holds the phone."""
    query = dict(request.query_params)
    try:
        _somebody(sandbox, query)
        url = local(query.get("url", ""))
    except (Wrong, ValueError) as fault:
        return PlainTextResponse(str(fault), status_code=400)
    answer = RedirectResponse(url)
    answer.set_cookie(COOKIE, quote(f"{query['corp_id']}/{query['userid']}"), httponly=True, samesite="lax")
    return answer


async def silent_code(sandbox: Sandbox, request: Request) -> Response:
    """What `dd.requestAuthCode` asks: a code for whoever holds the phone, in the corp the page names."""
    origin = request.headers.get("origin", "")
    headers = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
    try:
        local(origin)
        with sandbox.world.change():
            return JSONResponse({"code": _silent(sandbox, request)}, headers=headers)
    except ValueError:
        return JSONResponse({"errorMessage": "a page of another machine"}, status_code=403)
    except Wrong as fault:
        return JSONResponse({"errorMessage": str(fault)}, status_code=400, headers=headers)


def _silent(sandbox: Sandbox, request: Request) -> str:
    state, query = sandbox.world.part(DingTalk), request.query_params
    corp_id, _, userid = request.cookies.get(COOKIE, "").replace("%2F", "/").partition("/")
    if not userid or corp_id != query.get("corpId"):
        raise Wrong("this page was not opened from a phone of that corp")
    corp = corp_of(state, corp_id)
    person = person_of(corp, userid)
    wanted = query.get("clientId", "")
    for app, install in state.installs(corp):
        if (
            install.state is State.ACTIVE
            and app.key == (wanted or app.key)
            and sees_person(corp, install, person)
        ):
            return code_for(state, sandbox.world.now(), "inside", app, corp, person)
    raise Wrong("the app is not for this person")


def phone(sandbox: Sandbox, asked: dict[str, str]) -> dict[str, Any]:
    """Everything on somebody's phone, newest first."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.lock:
        corp = corp_of(state, asked.get("corp_id", ""))
        person = person_of(corp, asked.get("userid", ""))
        mine = (corp.corp_id, person.userid)
        notices = [
            {"task_id": each.task_id, "app": state.apps[each.app_key].name, "app_key": each.app_key, "at": each.at,
             "message": each.message, "status": each.status, "read": person.userid in each.read}
            for each in state.notices.values()
            if each.corp_id == corp.corp_id and person.userid in each.users and not each.recalled
        ]  # fmt: skip
        cards = [
            each for each in state.cards.values() if each.delivered and (each.corp_id, each.userid) == mine
        ]
        todos = [
            each
            for each in state.todos.values()
            if each.corp_id == corp.corp_id and person.unionid in each.executors
        ]
        apps = [
            {"app_key": app.key, "name": app.name}
            for app, install in state.installs(corp)
            if install.state is State.ACTIVE and sees_person(corp, install, person)
        ]
        waiting = [
            {"id": id, "app": state.apps[each.app_key].name}
            for id, each in state.logins.items()
            if not each.answer and each.opened_at > sandbox.world.now() - LOGIN_S
            and _may_enter(each, state.apps[each.app_key], corp)
        ]  # fmt: skip
        return {
            "name": person.name, "corp": corp.name, "notices": notices[::-1], "cards": cards[::-1],
            "todos": todos[::-1], "apps": apps, "logins": waiting[::-1],
        }  # fmt: skip


def read_notice(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Open a notice; `url` gives back the address to go to, as inside DingTalk."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        found = state.notices.get(int(asked.get("task_id") or 0))
        if found is None or asked.get("userid") not in found.users:
            raise Wrong("there is no such notice")
        userid = str(asked["userid"])
        if userid not in found.read:
            found.read.append(userid)
        if not asked.get("url"):
            return {}
        corp = state.corps[found.corp_id]
        return {"url": _opened(state.apps[found.app_key], corp, person_of(corp, userid), str(asked["url"]))}


def press(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Press a button of a card: by Stream the answer comes later, by HTTP it is waited for. Holds no lock meanwhile."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        card = state.cards.get(str(asked.get("track_id")))
        if card is None or not card.delivered:
            raise Wrong("there is no such card")
        content = {
            "cardPrivateData": {
                "actionIds": [str(asked.get("action"))],
                "params": dict(asked.get("params") or {}),
            }
        }
        body = {
            "type": "actionCallback", "outTrackId": card.track_id, "corpId": card.corp_id, "userId": card.userid,
            "content": json.dumps(content, ensure_ascii=False), "userIdType": 1,
        }  # fmt: skip
        app = state.apps[card.app_key]
        if card.callback == "STREAM":
            headers = {
                "topic": CARD_TOPIC,
                "contentType": "application/json",
                "time": str(int(sandbox.world.now() * 1000)),
            }
            put_frame(sandbox, app, "CALLBACK", headers, body)
            return {"sent": "stream"}
    return _pressed_by_http(sandbox, app, card, body)


def _pressed_by_http(sandbox: Sandbox, app: App, card: Card, body: dict[str, Any]) -> dict[str, Any]:
    url = app.card_routes.get(card.route)
    if not url:
        raise Wrong("the card has no address for presses")
    state = sandbox.world.part(DingTalk)
    try:
        with httpx.Client(trust_env=False, timeout=state.switches.deadline_s) as client:
            answer = client.post(local(url), json=body, headers=_signed(sandbox, app, card))
            said = answer.json()
    except (httpx.HTTPError, ValueError) as fault:
        raise Wrong(f"the card's address does not answer: {fault}") from fault
    with sandbox.world.change():
        updated(state, json.dumps({"outTrackId": card.track_id}), said)
    return {"sent": str(answer.status_code)}


def _signed(sandbox: Sandbox, app: App, card: Card) -> dict[str, str]:
    """Headers by which the receiver knows DingTalk, where it gave a secret when it named its address."""
    secret, timestamp = app.card_secrets.get(card.route, ""), str(int(sandbox.world.now() * 1000))
    return {SIGNATURE: suite_signature(secret, timestamp), TIMESTAMP: timestamp} if secret else {}


def finish_todo(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Tick a to-do off."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        found = state.todos.get(str(asked.get("id")))
        if found is None:
            raise Wrong("there is no such to-do")
        person = person_of(corp_of(state, found.corp_id), str(asked.get("userid")))
        found.done_by = sorted({*found.done_by, person.unionid})
        found.done = set(found.executors) <= set(found.done_by)
    return {}


def aes_key() -> str:
    """43 letters and digits, as DingTalk's console makes them."""
    return (secret() + secret())[:43]
