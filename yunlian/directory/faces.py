"""What is told of a document on a phone, to one person: only what they may see, in their language; and who carries it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext

from yunlian.kernel import permission
from yunlian.kernel.document import Document
from yunlian.kernel.fields import Amount, AnyKind, Ref
from yunlian.kernel.load import Loaded, complete, show_fields
from yunlian.kernel.scope import Context
from yunlian.org.models import Enterprise
from yunlian.platforms.errors import PlatformError

from .models import Notice
from .sign_in import is_played

FACTS = 5
APPROVE = "approve"
TITLE_MAX, VALUE_MAX = 36, 30  # characters, as WeCom advises


@dataclass(frozen=True)
class Face:
    """What is told of a document to one person: only what they may see."""

    title: str
    says: str
    facts: tuple[tuple[str, str], ...]
    url: str


@dataclass(frozen=True)
class Sent:
    """A message that went out: its id there, and what changes it later."""

    message: str
    handle: str


class Carrier(Protocol):
    """A platform's messages. Every call may raise PlatformError."""

    def send(self, notice: Notice, face: Face) -> Sent:
        """Send a card to one person."""

    def remind(self, notice: Notice, face: Face) -> None:
        """Say again that it waits."""

    def settle(self, notice: Notice, words: str) -> None:
        """Show on the card what became of it."""

    def link(self, theirs: str, title: str, words: str, url: str) -> None:
        """Send somebody a few words that open a page."""


def face(ctx: Context, loaded: Loaded, platform: str) -> Face:
    """Return what somebody is told of a document on a platform, in the language that is active."""
    document = loaded.document
    complete(loaded, ctx)
    hidden = permission.hidden(ctx, document.guards) if document.guards else frozenset()
    shown = show_fields(loaded.header, document.fields, hidden)
    title = f"{document.label} {loaded.header.number}"
    return Face(
        title[:TITLE_MAX],
        gettext("Waits for your approval"),
        _facts(document, shown),
        page_url(ctx.enterprise_id, f"/decide/{loaded.document.code}/{loaded.pk}", platform),
    )


def _facts(document: Document, shown: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    kinds = {name: document.fields[name] for name in document.columns.split() if name in document.fields}
    found = [
        (str(kind.label), _said(kind, shown[name]))
        for name, kind in kinds.items()
        if name not in _TITLED and kind.kind not in _ELSEWHERE and _is_said(kind, shown.get(name))
    ]
    return tuple(found[:FACTS])


_TITLED = ("number", "close")
_ELSEWHERE = ("state", "done")  # how far it got, which a document that waits for approval has not


def _is_said(kind: AnyKind, value: Any) -> bool:
    return value not in (None, "", False) and not (isinstance(kind, Amount) and Decimal(value) == 0)


def _said(kind: AnyKind, value: Any) -> str:
    if isinstance(kind, Ref):
        return str(value["name"])[:VALUE_MAX]
    if isinstance(kind, Amount):
        return f"{Decimal(value):,.2f}"
    return str(value)[:VALUE_MAX]


def page_url(enterprise_id: int, page: str, platform: str) -> str:
    """Return the address of a page of ours by the enterprise's own address, which signs in silently inside a platform."""
    code = Enterprise.objects.values_list("code", flat=True).get(id=enterprise_id)
    to = quote(page, safe="")
    inside = f"&inside={platform}" if is_played(platform) else ""
    return f"{settings.PUBLIC_URL}/e/{quote(code, safe='')}?to={to}{inside}"


def not_set_up(platform: str, remedy: Any) -> PlatformError:
    """Return the error for what an administrator has to fill in first."""
    return PlatformError(platform, "not-set-up", "messages are not set up", str(remedy), retry=False)
