"""The control of the DingTalk part, as JSON under `/sandbox/api/dingtalk/`: what the page and tests do."""

from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from yunlian.platforms.sandbox.control import Wrong, body, posted, read
from yunlian.platforms.sandbox.platform import Sandbox

from . import apps, people, phone
from .asking import Refused
from .ranges import path_up, sees_person
from .vendor import verified
from .world import CARD_TEMPLATE, Corp, DingTalk, Mode, Receiver, Switches

PAGE = 50
Act = Callable[[Sandbox, dict[str, Any]], Any]

_ACTS: dict[str, Act] = {
    "/people": people.save_person,
    "/people/leave": people.leave,
    "/departments": people.save_department,
    "/departments/remove": people.remove_department,
    "/roles": people.save_role,
    "/corps": people.rename_corp,
    "/fill": people.fill,
    "/apps/install": apps.install,
    "/apps/range": apps.change_range,
    "/apps/stop": apps.stop,
    "/apps/restore": apps.restore,
    "/apps/remove": apps.remove,
    "/apps/relieve": apps.relieve,
    "/apps/buy": apps.buy,
    "/apps/refund": apps.refund,
    "/apps/ticket": apps.push_ticket,
    "/apps/settings": apps.set_app,
    "/apps/secret": apps.renew_secret,
    "/apps/enter": phone.enter,
    "/apps/open": phone.workbench,
    "/codes": phone.code,
    "/logins": phone.decide,
    "/phone/read": phone.read_notice,
    "/phone/todo": phone.finish_todo,
}


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All of them."""
    return [
        *(posted(path, partial(act, sandbox)) for path, act in _ACTS.items()),
        _calling_out(sandbox, "/apps/receiver", _set_receiver),
        _calling_out(sandbox, "/phone/press", phone.press),
        posted("/switches", partial(_set_switches, sandbox)),
        posted("/tokens/expire", partial(_expire, sandbox)),
        posted("/stream/disconnect", partial(_disconnect, sandbox)),
        read("/overview", lambda _: _overview(sandbox)),
        read("/credentials", lambda _: credentials(sandbox)),
        read("/people", partial(_people, sandbox)),
        read("/logins/{id}", partial(phone.login, sandbox)),
        read("/phone", partial(phone.phone, sandbox)),
        read("/key", lambda _: {"aes_key": phone.aes_key()}),
    ]


def credentials(sandbox: Sandbox) -> dict[str, str]:
    """What a set-up page needs to be filled with: the first internal app, and the corp it belongs to."""
    with sandbox.world.lock:
        state = sandbox.world.part(DingTalk)
        app = next(each for each in state.apps.values() if not each.is_suite)
        agent = state.corps[app.owner_corp].installs[app.key].agent_id
        return {
            "corp_id": app.owner_corp,
            "app_key": app.key,
            "app_secret": app.secret,
            "agent_id": str(agent),
            "card_template": CARD_TEMPLATE,
        }


def _calling_out(sandbox: Sandbox, path: str, act: Act) -> Route:
    """In a thread: it calls somebody, who may be calling us meanwhile."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(act, sandbox, await body(request)))

    return Route(path, endpoint, methods=["POST"])


def _set_receiver(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Event subscription of an app; an address is kept only when it answers the check."""
    app = apps.app_of(sandbox.world.part(DingTalk), str(asked.get("app_key")))
    try:
        mode = Mode(str(asked.get("mode")))
    except ValueError as fault:
        raise Wrong(str(fault)) from fault
    url, token, aes_key = (str(asked.get(name) or "") for name in ("url", "token", "aes_key"))
    wanted = Receiver(mode, url, token, aes_key)
    if wanted.mode in (Mode.PUSH, Mode.SYNC, Mode.LEGACY):
        if app.is_suite == (wanted.mode is Mode.PUSH):
            raise Wrong(f"{wanted.mode} is not for this kind of app")
        try:
            code, text = verified(sandbox, wanted, app.key)
        except Refused as refused:
            raise Wrong(refused.text) from refused
        if code:
            raise Wrong(f"{code} {text}")
    with sandbox.world.change():
        app.receiver = wanted
    return {}


def _set_switches(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    known = {each.name: each.type for each in fields(Switches)}
    with sandbox.world.change():
        switches = sandbox.world.part(DingTalk).switches
        for name, value in asked.items():
            if name not in known:
                raise Wrong(f"there is no switch {name}")
            setattr(switches, name, type(getattr(switches, name))(value))
        return asdict(switches)


def _expire(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """End all tokens now, or have them forgotten (`forget`), as if revoked."""
    with sandbox.world.change():
        tokens = sandbox.world.part(DingTalk).tokens
        if asked.get("forget"):
            tokens.clear()
        for each in tokens.values():
            each.expires_at = sandbox.world.now()
    return {}


def _disconnect(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Tell the app's connections to come again."""
    with sandbox.world.change():
        state = sandbox.world.part(DingTalk)
        key = apps.app_of(state, str(asked.get("app_key"))).key
        state.disconnects[key] = state.disconnects.get(key, 0) + 1
    return {}


def _overview(sandbox: Sandbox) -> dict[str, Any]:
    with sandbox.world.lock:
        return _told(sandbox.world.part(DingTalk))


def _told(state: DingTalk) -> dict[str, Any]:
    return {
        "corps": [_corp(each) for each in state.corps.values()],
        "apps": [asdict(each) | {"is_suite": each.is_suite} for each in state.apps.values()],
        "orders": [asdict(each) for each in state.orders.values()],
        "undelivered": [asdict(each) for each in state.undelivered[-PAGE:]],
        "frames": len(state.frames),
        "switches": asdict(state.switches),
    }


def _corp(corp: Corp) -> dict[str, Any]:
    counts: dict[int, int] = {}
    for each in corp.people.values():
        for dept_id in each.departments:
            counts[dept_id] = counts.get(dept_id, 0) + 1
    return {
        "corp_id": corp.corp_id, "name": corp.name, "sso_secret": corp.sso_secret, "people": len(corp.people),
        "monthly_calls": corp.monthly_calls, "roles": [asdict(each) for each in corp.roles.values()],
        "departments": [asdict(each) | {"people": counts.get(each.id, 0)} for each in corp.departments.values()],
        "installs": [asdict(each) for each in corp.installs.values()],
        "admins": [
            {"userid": each.userid, "name": each.name, "level": each.level}
            for each in corp.people.values() if each.level in (1, 2)
        ],
        "leavers": [
            {"userid": each.person.userid, "name": each.person.name, "mobile": each.person.mobile, "at": each.at}
            for each in corp.leavers[-PAGE:]
        ],
    }  # fmt: skip


def _people(sandbox: Sandbox, asked: dict[str, str]) -> dict[str, Any]:
    """A page of people: of a department's subtree, or by a part of name, mobile or id."""
    with sandbox.world.lock:
        state = sandbox.world.part(DingTalk)
        corp = people.corp_of(state, asked.get("corp_id", ""))
        wanted, dept_id = asked.get("q", ""), int(asked.get("dept_id") or 0)
        found = [
            each
            for each in corp.people.values()
            if (not wanted or wanted in each.name or wanted in each.mobile or wanted == each.userid)
            and (not dept_id or any(dept_id in path_up(corp, each_id) for each_id in each.departments))
        ]
        offset = int(asked.get("offset") or 0)
        rows = [
            asdict(each) | {"seen_by": [
                app.key for app, install in state.installs(corp) if sees_person(corp, install, each)
            ]}
            for each in found[offset : offset + PAGE]
        ]  # fmt: skip
        return {"total": len(found), "people": rows}
