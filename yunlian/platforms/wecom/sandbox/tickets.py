"""JS-SDK tickets, and the check of a page's signature."""

from typing import Any

from ...sandbox.platform import Sandbox
from ..jssdk import page_signature
from .calls import APP, DOWNSTREAM, TOKEN_S, Call, Refused, api, fresh
from .state import TokenRow, Wecom

WHO = frozenset({APP, DOWNSTREAM})


@api("GET", "get_jsapi_ticket", WHO)
def _corp(call: Call) -> dict[str, Any]:
    return _ticket(call, "corp", 0)


@api("GET", "ticket/get", WHO)
def _app(call: Call) -> dict[str, Any]:
    if call.query.get("type") != "agent_config":
        raise Refused(91040, "invalid ticket type")
    return _ticket(call, "agent", call.token.agent)


def _ticket(call: Call, kind: str, agent: int) -> dict[str, Any]:
    for text, row in call.state.tickets.items():
        if (row.corp, row.kind, row.agent) == (call.corp.id, kind, agent) and row.ends > call.now + 300:
            return {"ticket": text, "expires_in": int(row.ends - call.now)}
    text = fresh() + fresh()
    call.state.tickets[text] = TokenRow(call.corp.id, kind, agent, call.now + TOKEN_S)
    return {"ticket": text, "expires_in": TOKEN_S}


def checked(sandbox: Sandbox, asked: dict[str, Any]) -> dict[str, Any]:
    """What `wx.config` (no agent) or `agentConfig` would say to a page's signature: 0, 40093 or 42012."""
    state, now = sandbox.world.part(Wecom), sandbox.world.now()
    agent = int(asked.get("agent") or 0)
    wanted = ("agent", agent) if agent else ("corp", 0)
    for text, row in state.tickets.items():
        if row.corp == asked["corp"] and row.ends > now:
            made = page_signature(text, str(asked["nonce"]), int(asked["timestamp"]), str(asked["url"]))
            if made == asked["signature"]:
                return {"errcode": 0 if (row.kind, row.agent) == wanted else 42012}
    return {"errcode": 40093}
