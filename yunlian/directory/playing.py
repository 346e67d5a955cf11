"""Where the platforms are played, so that a set-up can be filled in with what works there; nothing on a real installation."""

from collections.abc import Mapping
from typing import Any

import httpx
from django.conf import settings

from yunlian.kernel.api import Request, route

PATIENCE_S = 3.0
# What the sandbox calls the fields of our guides.
NAMES: Mapping[str, Mapping[str, str]] = {
    "wecom": {
        "corpid": "corp_id", "contacts_secret": "contacts_secret", "customer_contact_secret": "customer_secret",
        "agent_id": "agent_id", "agent_secret": "agent_secret",
    },
    "dingtalk": {
        "corp_id": "corp_id", "app_key": "app_key", "app_secret": "app_secret", "agent_id": "agent_id",
        "card_template": "card_template",
    },
}  # fmt: skip


@route("GET", "/api/directory/sandbox", needs="directory.connection.edit")
def read_sandbox(request: Request) -> Any:
    """Address and ready credentials of the sandbox, by platform; null where platforms are real."""
    if not settings.SANDBOX_URL:
        return {"url": None, "platforms": {}, "sms": {}}
    found = {name: _credentials(name) for name in ("wecom", "dingtalk", "sms")}
    filled = {
        name: {ours: str(found[name][theirs]) for theirs, ours in names.items()}
        for name, names in NAMES.items()
    }
    return {"url": f"{settings.SANDBOX_URL}/sandbox/", "platforms": filled, "sms": found["sms"]}


def _credentials(platform: str) -> dict[str, Any]:
    address = f"{settings.SANDBOX_URL}/sandbox/api/{platform}/credentials"
    found: dict[str, Any] = httpx.get(address, timeout=PATIENCE_S, trust_env=False).raise_for_status().json()
    return found
