"""The control of the SMS part, as JSON under `/sandbox/api/sms/`: accounts, templates, limits, and what was sent."""

from dataclasses import asdict
from functools import partial
from typing import Any

import msgspec
from starlette.routing import BaseRoute

from yunlian.platforms.sandbox.callbacks import local
from yunlian.platforms.sandbox.control import Wrong, posted, read
from yunlian.platforms.sandbox.platform import Sandbox

from .world import Account, Kind, Limit, Sms, Template, Vendor

PAGE = 200


def routes(sandbox: Sandbox) -> list[BaseRoute]:
    """All of them."""
    return [
        read("/overview", lambda _: _overview(sandbox)),
        read("/credentials", lambda _: credentials(sandbox)),
        read("/messages", partial(_messages, sandbox)),
        posted("/account", partial(_set_account, sandbox)),
        posted("/signatures", partial(_set_signature, sandbox)),
        posted("/templates", partial(_set_template, sandbox)),
        posted("/switches", partial(_set_switches, sandbox)),
    ]


def credentials(sandbox: Sandbox) -> dict[str, dict[str, str]]:
    """What a set-up page needs to be filled with, by gateway: account, an approved signature, a template for codes."""
    with sandbox.world.lock:
        state = sandbox.world.part(Sms)
        return {each.value: _ready(state.account(each)) for each in Vendor}


def _ready(account: Account) -> dict[str, str]:
    return {
        "key": account.key_id,
        "secret": account.key_secret,
        "app_id": account.app_id,
        "signature": next(name for name, approved in account.signatures.items() if approved),
        "template": next(
            each.code for each in account.templates.values() if each.approved and each.kind is Kind.CODE
        ),
    }


def _overview(sandbox: Sandbox) -> dict[str, Any]:
    with sandbox.world.lock:
        state = sandbox.world.part(Sms)
        return {
            "accounts": {each: asdict(state.account(each)) for each in Vendor},
            "switches": asdict(state.switches),
        }


def _messages(sandbox: Sandbox, asked: dict[str, str]) -> dict[str, Any]:
    """The newest messages, those to one number where `phone` is given."""
    with sandbox.world.lock:
        wanted, now = asked.get("phone", ""), sandbox.world.now()
        found = [each for each in sandbox.world.part(Sms).sent if wanted in each.phone]
        rows = [asdict(each) | {"known": each.reported_at <= now} for each in found[: -PAGE - 1 : -1]]
        return {"total": len(found), "messages": rows}


def _account(state: Sms, asked: dict[str, Any]) -> Account:
    try:
        return state.account(Vendor(str(asked.get("vendor"))))
    except ValueError as fault:
        raise Wrong(str(fault)) from fault


def _set_account(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """Balance, report address, pulling, limits."""
    with sandbox.world.change():
        account = _account(sandbox.world.part(Sms), asked)
        try:
            if "report_url" in asked:
                account.report_url = local(str(asked["report_url"])) if asked["report_url"] else ""
            if "limits" in asked:
                account.limits = msgspec.convert(asked["limits"], list[Limit])
        except ValueError as fault:  # msgspec's is one
            raise Wrong(str(fault)) from fault
        account.balance = int(asked.get("balance", account.balance))
        account.pull_enabled = bool(asked.get("pull_enabled", account.pull_enabled))
        return asdict(account)


def _set_signature(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    with sandbox.world.change():
        name = str(asked.get("name") or "")
        if not name:
            raise Wrong("a signature needs a name")
        _account(sandbox.world.part(Sms), asked).signatures[name] = bool(asked.get("approved"))
    return {}


def _set_template(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    with sandbox.world.change():
        try:
            template = msgspec.convert(
                {name: each for name, each in asked.items() if name != "vendor"}, Template
            )
        except msgspec.ValidationError as fault:
            raise Wrong(str(fault)) from fault
        _account(sandbox.world.part(Sms), asked).templates[template.code] = template
    return {}


def _set_switches(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    with sandbox.world.change():
        switches = sandbox.world.part(Sms).switches
        for name, value in asked.items():
            if name not in asdict(switches):
                raise Wrong(f"there is no switch {name}")
            setattr(switches, name, type(getattr(switches, name))(value))
        return asdict(switches)
