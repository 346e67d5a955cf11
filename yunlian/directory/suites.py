"""Our app in a marketplace: its credentials, its newest ticket, and the corps that have installed it."""

import datetime as dt
from collections.abc import Mapping

import msgspec
from django.conf import settings

from yunlian.kernel.document import Missing
from yunlian.kernel.sealing import seal, unseal
from yunlian.platforms.dingtalk import events
from yunlian.platforms.dingtalk.client import SuiteApp
from yunlian.platforms.dingtalk.events import Event

from .models import CallbackAddress, Installed, Suite

PURPOSE = "suite secrets"


def keep(
    platform: str,
    suite_key: str,
    suite_secret: str,
    *,
    token: str,
    aes_key: str,
    path: str,
    now: dt.datetime,
    vendor: str = "",
    sso_secret: str = "",
    card_template: str = "",
) -> Suite:
    """Write the credentials of our app; for the installation's operator. `path` is the end of its callback address.

    `vendor` is our own corp and `sso_secret` its SSOSecret: with them creators of every corp come in from the console.
    """
    kept = {
        "secret": suite_secret, "vendor": vendor, "sso_secret": sso_secret, "card_template": card_template,
    }  # fmt: skip
    wrapped = seal(PURPOSE, suite_key, msgspec.json.encode(kept))
    suite, _is_new = Suite.objects.update_or_create(
        suite_key=suite_key, defaults={"platform": platform, "wrapped": wrapped}
    )
    CallbackAddress.objects.update_or_create(
        key=path,
        defaults={
            "platform": platform, "receiver": "suite", "token": token, "receive_id": suite_key, "made_at": now,
            "wrapped": seal("directory secrets", path, aes_key.encode()),
        },
    )  # fmt: skip
    return suite


def app_of(suite_key: str) -> SuiteApp:
    """Return what fetches tokens for corps that installed our app; raises Missing when we have no such app."""
    return SuiteApp(suite_key, _opened(suite_key)["secret"], lambda: ticket_of(suite_key))


def console_of(suite_key: str) -> tuple[str, str]:
    """Return our own corp and its SSOSecret, blank where nobody has entered them; raises Missing."""
    opened = _opened(suite_key)
    return opened.get("vendor", ""), opened.get("sso_secret", "")


def card_template_of(suite_key: str) -> str:
    """Return the template of our interactive cards, blank where there is none; raises Missing."""
    return _opened(suite_key).get("card_template", "")


def _opened(suite_key: str) -> dict[str, str]:
    suite = Suite.objects.filter(suite_key=suite_key).first()
    if suite is None:
        raise Missing("suite")
    opened: dict[str, str] = msgspec.json.decode(unseal(PURPOSE, suite_key, bytes(suite.wrapped)))
    return opened


def ticket_of(suite_key: str) -> str:
    """Return the newest ticket, empty before the first."""
    suite = Suite.objects.filter(suite_key=suite_key).first()
    if suite is None or suite.ticket is None:
        return ""
    return unseal(PURPOSE, f"{suite_key} ticket", bytes(suite.ticket)).decode()


def keep_ticket(suite_key: str, ticket: str, now: dt.datetime) -> None:
    """Take a new ticket; it replaces the one before."""
    sealed = seal(PURPOSE, f"{suite_key} ticket", ticket.encode())
    Suite.objects.filter(suite_key=suite_key).update(ticket=sealed, ticket_at=now)


def follow_settings(now: dt.datetime) -> None:
    """Take over the credentials of our app from the environment when they are new, at a start; see settings.DINGTALK_SUITE."""
    given = settings.DINGTALK_SUITE
    if given and _given(given) != _kept(given["key"]):
        keep(
            "dingtalk", given["key"], given["secret"], token=given["token"], aes_key=given["aes_key"],
            path=given["path"], now=now, vendor=given["vendor"], sso_secret=given["sso_secret"],
            card_template=given.get("card_template", ""),
        )  # fmt: skip


def _given(given: Mapping[str, str]) -> tuple[str, ...]:
    names = ("secret", "vendor", "sso_secret", "card_template", "token", "path", "aes_key")
    return tuple(given.get(name, "") for name in names)


def _kept(suite_key: str) -> tuple[str, ...]:
    address = CallbackAddress.objects.filter(receive_id=suite_key, receiver="suite").first()
    if address is None or not Suite.objects.filter(suite_key=suite_key).exists():
        return ()
    aes_key = unseal("directory secrets", address.key, bytes(address.wrapped)).decode()
    secret, template = _opened(suite_key)["secret"], card_template_of(suite_key)
    return (secret, *console_of(suite_key), template, address.token, address.key, aes_key)


def note(suite_key: str, event: Event, now: dt.datetime) -> None:
    """Write down what a corp did with our app: installed, changed, stopped, restored, removed, relieved, bought.

    An event older than what was told last is late and changes nothing.
    """
    what = event.what
    told_at = dt.datetime.fromtimestamp(event.at_ms / 1000, dt.UTC) if event.at_ms else now
    changed: dict[str, object] = {}
    if isinstance(what, events.Authorised):
        agent = what.agents[0] if what.agents else (0, 0, ())
        changed = {
            "corp_name": what.corp_name,
            "agent_id": str(agent[0] or ""),
            "admin": what.installed_by,
            "state": "on",
        }
    elif isinstance(what, events.AppStopped):
        changed = {"state": "stopped"}
    elif isinstance(what, events.AppRestored):
        changed = {"state": "on"}
    elif isinstance(what, events.AppRemoved):
        changed = {"state": "removed"}
    elif isinstance(what, events.Relieved | events.CorpRemoved):
        changed = {"state": "relieved"}
    elif isinstance(what, events.Order) and what.stops_ms:
        ends_at = dt.datetime.fromtimestamp(what.stops_ms / 1000, dt.UTC)
        changed = {"ends_at": ends_at, "is_trial": what.charge == "TRYOUT"}
    if not changed:
        return
    row, is_new = Installed.objects.get_or_create(
        platform="dingtalk",
        suite_key=suite_key,
        corp_id=event.corp_id,
        defaults={**changed, "told_at": told_at},
    )
    if not is_new and (told_at >= row.told_at or "ends_at" in changed):
        if "ends_at" not in changed:
            changed["told_at"] = told_at
        Installed.objects.filter(id=row.pk).update(**changed)
