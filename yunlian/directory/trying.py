"""Try a connection: one harmless call with every secret, and what came of each, with what to do about it."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from yunlian.kernel.jobs import Progress, job
from yunlian.kernel.models import Job
from yunlian.kernel.scope import Context, tenant
from yunlian.kernel.text import Label, _
from yunlian.platforms.dingtalk import scopes
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import customers, departments

from . import connections
from .dingtalk import DingTalk
from .models import Connection
from .wecom import WeCom

Call = Callable[[], object]


@job("directory.try")
def run_try(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Try every secret of a connection; refusals are results, not failures."""
    with tenant(ctx.enterprise_id):
        conn = Connection.objects.get(id=uuid.UUID(made.subject))
        platform = connections.reader_of(conn)
    found = [_tried(field, label, call) for field, label, call in _calls(platform)]
    return {"results": found, "ok": all(each["ok"] for each in found)}


def _calls(platform: Any) -> Iterator[tuple[str, Label, Call]]:
    if isinstance(platform, WeCom):
        yield (
            "contacts_secret",
            _("Contacts secret"),
            lambda: departments.ids(platform.contacts, platform.root),
        )
        if platform.customers is not None:
            client = platform.customers
            yield "customer_secret", _("Customer contact secret"), lambda: customers.followers(client)
        if platform.app is not None:
            app = platform.app
            yield "agent_secret", _("Secret of the app"), lambda: app.token()
    elif isinstance(platform, DingTalk):
        yield "app_secret", _("App secret"), lambda: scopes.visible_range(platform.client)
    else:
        yield "corp_id", _("Corp ID"), platform.range


def _tried(field: str, label: Label, call: Call) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "field": field,
        "label": str(label),
        "ok": True,
        "code": "",
        "text": "",
        "remedy": "",
    }
    try:
        call()
    except PlatformError as error:
        shown |= {"ok": False, "code": error.code, "text": error.text[:300], "remedy": gettext(error.remedy)}
    return shown
