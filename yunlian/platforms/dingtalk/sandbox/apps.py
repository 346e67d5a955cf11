"""What administrators do with apps: install, visible range, stop, restore, remove, relieve, buy; and the app's own settings."""

from typing import Any

from yunlian.platforms.sandbox.callbacks import local
from yunlian.platforms.sandbox.control import Wrong
from yunlian.platforms.sandbox.platform import Sandbox

from .contacts import may_manage
from .happenings import News, of_app, of_authorisation, of_order, of_ticket, tell
from .people import corp_of, person_of
from .tokens import revoke
from .world import ROOT, App, Code, Corp, DingTalk, Install, Order, State, secret

DAY_S = 86400.0
YEAR_S = 365 * DAY_S
TRIAL_S = 15 * DAY_S


def app_of(state: DingTalk, key: str) -> App:
    """Wrong when there is none."""
    if key not in state.apps:
        raise Wrong(f"there is no app {key}")
    return state.apps[key]


def _place(sandbox: Sandbox, asked: dict[str, Any]) -> tuple[App, Corp, Install]:
    state = sandbox.world.part(DingTalk)
    app, corp = app_of(state, str(asked.get("app_key"))), corp_of(state, str(asked.get("corp_id")))
    if app.key not in corp.installs:
        raise Wrong(f"{corp.name} has not installed {app.name}")
    return app, corp, corp.installs[app.key]


def install(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """An administrator installs a suite from the marketplace: trial order, authorisation, events for both."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        app, corp = app_of(state, str(asked.get("app_key"))), corp_of(state, str(asked.get("corp_id")))
        if not app.is_suite:
            raise Wrong("only apps of the marketplace are installed")
        admin = person_of(corp, str(asked.get("userid") or _main_admin(corp)))
        if admin.level not in (1, 2):
            raise Wrong("only an administrator installs apps")
        before = corp.installs.get(app.key)
        if before is not None and before.state in (State.ACTIVE, State.STOPPED):
            raise Wrong("the app is installed already")
        departments, users = _range(corp, asked)
        agent = before.agent_id if before else 16100 + state.number()
        found = Install(app.key, agent, State.ACTIVE, departments, users, admin.userid)
        corp.installs[app.key] = found
        # Every five hours DingTalk pushes the ticket; here with every install, so that nobody waits for it.
        tell(sandbox, app, state.corps[app.owner_corp], of_ticket(app))
        _order(sandbox, app, corp, "TRYOUT", int(asked.get("people_max") or 50), TRIAL_S)
        code = _legacy_code(sandbox, app, corp, admin.userid)
        tell(sandbox, app, corp, of_authorisation("org_suite_auth", app, corp, found, code))
        return {"agent_id": agent}


def change_range(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """设置可见范围: who sees the app, and whom the app sees."""
    with sandbox.world.change():
        app, corp, found = _place(sandbox, asked)
        found.departments, found.users = _range(corp, asked)
        if app.is_suite:
            tell(sandbox, app, corp, of_app("org_micro_app_scope_update", app, found))
            tell(sandbox, app, corp, of_authorisation("org_suite_change", app, corp, found))
    return {}


def stop(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """停用."""
    return _turn(sandbox, asked, (State.ACTIVE,), State.STOPPED, "org_micro_app_stop")


def restore(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """启用."""
    return _turn(sandbox, asked, (State.STOPPED,), State.ACTIVE, "org_micro_app_restore")


def remove(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """删除: the app is gone from the workbench, the authorisation is kept."""
    return _turn(sandbox, asked, (State.ACTIVE, State.STOPPED), State.REMOVED, "org_micro_app_remove")


def relieve(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """解除授权: tokens stop working at once."""
    with sandbox.world.change():
        app, corp, found = _place(sandbox, asked)
        if found.state is State.RELIEVED:
            raise Wrong("the authorisation was taken back already")
        found.state = State.RELIEVED
        revoke(sandbox.world.part(DingTalk), app.key, corp.corp_id)
        tell(sandbox, app, corp, News("org_suite_relieve", str(app.suite_id), {}))
    return {}


def buy(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Buy, renew or upgrade a suite that is installed: `kind` as in DingTalk's `orderType`; `days` below zero is over."""
    with sandbox.world.change():
        app, corp, _ = _place(sandbox, asked)
        kind = str(asked.get("kind") or "BUY")
        if kind not in ("BUY", "RENEW", "UPGRADE", "RENEW_UPGRADE", "RENEW_DEGRADE", "TRYOUT"):
            raise Wrong(f"there is no order of kind {kind}")
        life_s = float(asked.get("days") or YEAR_S / DAY_S) * DAY_S
        order = _order(sandbox, app, corp, kind, int(asked.get("people_max") or 100), life_s)
        return {"order_id": order.order_id}


def refund(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Close the service of an order."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        order = state.orders.get(str(asked.get("order_id")))
        if order is None or order.closed:
            raise Wrong("there is no such order, or it is closed already")
        order.closed = True
        app, corp = state.apps[order.app_key], state.corps[order.corp_id]
        tell(sandbox, app, corp, of_order("market_service_close", order, app))
    return {}


def push_ticket(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """重新推送: a new suite ticket replaces the old one, and is pushed."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        app = app_of(state, str(asked.get("app_key")))
        if not app.is_suite:
            raise Wrong("only a suite has tickets")
        app.ticket = f"ticket-{state.number():04}"
        tell(sandbox, app, state.corps[app.owner_corp], of_ticket(app))
        return {"ticket": app.ticket}


def set_app(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """The app's own settings: home, admin and redirect addresses, and paths it has no permission for."""
    with sandbox.world.change():
        app = app_of(sandbox.world.part(DingTalk), str(asked.get("app_key")))
        for name in ("home_url", "admin_url"):
            if name in asked:
                setattr(app, name, local(str(asked[name])) if asked[name] else "")
        for name in ("redirect_urls", "denied"):
            if name in asked:
                setattr(app, name, [str(each) for each in asked[name]])
    return {}


def renew_secret(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """重置: the old secret and its tokens stop working at once."""
    state = sandbox.world.part(DingTalk)
    with sandbox.world.change():
        app = app_of(state, str(asked.get("app_key")))
        app.secret = secret()
        state.tokens = {value: each for value, each in state.tokens.items() if each.app_key != app.key}
        return {"secret": app.secret}


def admins_of(corp: Corp) -> list[str]:
    """Userids of those who may administer apps."""
    return [each.userid for each in corp.people.values() if may_manage(each)]


def _turn(
    sandbox: Sandbox, asked: dict[str, Any], before: tuple[State, ...], after: State, name: str
) -> dict[str, Any]:
    with sandbox.world.change():
        app, corp, found = _place(sandbox, asked)
        if found.state not in before:
            raise Wrong(f"the app is {found.state}")
        found.state = after
        tell(sandbox, app, corp, of_app(name, app, found))
    return {}


def _range(corp: Corp, asked: dict[str, Any]) -> tuple[list[int], list[str]]:
    """Department 1 alone where nothing is named. An empty range is one too."""
    departments = [int(each) for each in asked.get("departments", [ROOT])]
    users = [str(each) for each in asked.get("users", [])]
    strange = [each for each in departments if each not in corp.departments]
    strangers = [each for each in users if each not in corp.people]
    if strange or strangers:
        raise Wrong(f"not in {corp.name}: {[*strange, *strangers]}")
    return departments, users


def _main_admin(corp: Corp) -> str:
    return next((each.userid for each in corp.people.values() if each.level == 1), "")


def _order(sandbox: Sandbox, app: App, corp: Corp, kind: str, people_max: int, life_s: float) -> Order:
    state, now = sandbox.world.part(DingTalk), sandbox.world.now()
    order = Order(str(9_000_000 + state.number()), corp.corp_id, app.key, kind, people_max, now, now + life_s)
    state.orders[order.order_id] = order
    tell(sandbox, app, corp, of_order("market_order", order, app))
    return order


def _legacy_code(sandbox: Sandbox, app: App, corp: Corp, userid: str) -> str:
    value = secret("t")
    codes = sandbox.world.part(DingTalk).codes
    codes[value] = Code("install", app.key, corp.corp_id, userid, sandbox.world.now() + 600)
    return value
