"""What a notice looks like on a phone, and how it is sent and changed there: WeCom's cards, DingTalk's work notices.

A card of WeCom has a button that approves, which comes back as an event; returning a document wants a reason, so that
button opens the page. DingTalk's work notices have no buttons that report back: theirs opens the page, where it is one
tap more. Both open it without a second sign-in, and both show what became of it.
"""

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
from yunlian.kernel.text import _
from yunlian.org.models import Enterprise
from yunlian.platforms.dingtalk import notices as dingtalk
from yunlian.platforms.errors import PlatformError
from yunlian.platforms.wecom import messages as wecom

from .connections import secrets_of
from .models import Connection, Notice
from .sign_in import dingtalk_app, is_played, wecom_app

FACTS = 5
APPROVE = "approve"
TITLE_MAX, VALUE_MAX, WORDS_MAX = 36, 30, 10  # characters, as WeCom advises
DONE = "FF6B7785"  # opacity first, as DingTalk has colours


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
        _url(ctx, loaded, platform),
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


def _url(ctx: Context, loaded: Loaded, platform: str) -> str:
    """The document's page in read-and-decide form, by the enterprise's own address, which signs in silently."""
    code = Enterprise.objects.values_list("code", flat=True).get(id=ctx.enterprise_id)
    to = quote(f"/decide/{loaded.document.code}/{loaded.pk}", safe="")
    inside = f"&inside={platform}" if is_played(platform) else ""
    return f"{settings.PUBLIC_URL}/e/{quote(code, safe='')}?to={to}{inside}"


class WeComCards:
    """Template cards with buttons, from the connection's own app."""

    def __init__(self, connection: Connection) -> None:
        app = wecom_app(connection, secrets_of(connection))
        if app is None:
            raise not_set_up("wecom", _("Enter agent ID and secret of the app."))
        self.client = app.client

    def send(self, notice: Notice, face: Face) -> Sent:
        buttons = () if notice.needs_page else (wecom.Button(gettext("Approve"), APPROVE),)
        card = wecom.Card(
            notice.task, face.title, face.says, face.url, facts=_short(face.facts), buttons=buttons
        )
        content = wecom.template(card)
        words = gettext("Open to approve") if notice.needs_page else gettext("Return")
        content["button_list"].append({"type": 1, "text": words[:WORDS_MAX], "style": 3, "url": face.url})
        # Asked again because the answer was lost, it reaches the phone once.
        sent = wecom.send(self.client, wecom.To(users=(notice.theirs,)), "template_card", content, once=True)
        return Sent(sent.id, sent.response_code or "")

    def remind(self, notice: Notice, face: Face) -> None:
        said = "\n".join(f"{name}: {value}" for name, value in face.facts)
        to = wecom.To(users=(notice.theirs,))
        wecom.link(
            self.client, to, face.title, f"{gettext('Still waits for your approval')}\n{said}", face.url
        )

    def settle(self, notice: Notice, words: str) -> None:
        if notice.handle:
            wecom.settle(self.client, [notice.theirs], notice.handle, words[:WORDS_MAX])


def _short(facts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name[:5], value) for name, value in facts)


class DingTalkForms:
    """Work notices as forms, whose status bar changes."""

    def __init__(self, connection: Connection) -> None:
        app = dingtalk_app(connection, secrets_of(connection))
        if not app.agent_id:
            raise not_set_up("dingtalk", _("Enter the agent ID."))
        self.client, self.agent_id = app.client, app.agent_id

    def send(self, notice: Notice, face: Face) -> Sent:
        return Sent("", str(self._send(notice, face, face.says)))

    def remind(self, notice: Notice, face: Face) -> None:
        # The same content reaches a person once a day, so the reminder says which one it is.
        self._send(notice, face, f"{gettext('Still waits for your approval')} ({notice.reminded + 1})")

    def _send(self, notice: Notice, face: Face, says: str) -> int:
        form = dingtalk.Form(says, face.title, face.facts, face.url, face.url)
        return dingtalk.send(self.client, self.agent_id, form, users=(notice.theirs,))

    def settle(self, notice: Notice, words: str) -> None:
        if notice.handle:
            dingtalk.set_status(self.client, self.agent_id, int(notice.handle), words, DONE)


CARRIERS: Mapping[str, Any] = {"wecom": WeComCards, "dingtalk": DingTalkForms}


def carries(connection: Connection) -> bool:
    """Whether a connection has an app that can send messages."""
    if connection.platform == "wecom":
        return wecom_app(connection, secrets_of(connection)) is not None
    return dingtalk_app(connection, secrets_of(connection)).agent_id > 0


def carrier_of(connection: Connection) -> Carrier:
    """Return what carries messages of a connection. Raises PlatformError where it is not set up for them."""
    if not settings.PUBLIC_URL:
        raise not_set_up(
            connection.platform, _("Set YUNLIAN_PUBLIC_URL to the address people reach us under.")
        )
    made: Carrier = CARRIERS[connection.platform](connection)
    return made


def not_set_up(platform: str, remedy: Any) -> PlatformError:
    """Return the error for what an administrator has to fill in first."""
    return PlatformError(platform, "not-set-up", "messages are not set up", str(remedy), retry=False)
