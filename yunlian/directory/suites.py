"""Our app in a marketplace: its credentials, its newest ticket, and the corps that have installed it."""

import datetime as dt

import msgspec

from yunlian.kernel.document import Missing
from yunlian.kernel.sealing import seal, unseal
from yunlian.platforms.dingtalk.client import SuiteApp

from .models import CallbackAddress, Suite

PURPOSE = "suite secrets"


def keep(
    platform: str, suite_key: str, suite_secret: str, *, token: str, aes_key: str, path: str, now: dt.datetime
) -> Suite:
    """Write the credentials of our app; for the installation's operator. `path` is the end of its callback address."""
    wrapped = seal(PURPOSE, suite_key, msgspec.json.encode({"secret": suite_secret}))
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
    suite = Suite.objects.filter(suite_key=suite_key).first()
    if suite is None:
        raise Missing("suite")
    opened = msgspec.json.decode(unseal(PURPOSE, suite_key, bytes(suite.wrapped)))
    return SuiteApp(suite_key, opened["secret"], lambda: ticket_of(suite_key))


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
