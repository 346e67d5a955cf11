"""How a notice is sent to DingTalk and changed there: an interactive card whose button approves, else a work notice.

Cards are drawn by a template that the app's owner makes in DingTalk's card platform. Work notices have no buttons that
report back: theirs opens the page, where it is one tap more. Before the first card DingTalk is told where presses go.
"""

import uuid
from typing import Literal
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext

from yunlian.kernel.scope import tenant
from yunlian.kernel.text import _
from yunlian.platforms.dingtalk import cards, notices
from yunlian.platforms.dingtalk.client import Client
from yunlian.platforms.errors import PlatformError

from . import connections, suites
from .faces import Face, Sent, not_set_up
from .models import CallbackAddress, Connection, Notice
from .sign_in import dingtalk_app, is_played

CARD = "card"  # the handle of a notice that went out as an interactive card
RECEIVER = "dingtalk card"  # in the place of the platform: its address is no receiver of events
DONE = "FF6B7785"  # opacity first, as DingTalk has colours


class DingTalkMessages:
    """Interactive cards whose button approves, where the app has a template for them; else work notices as forms.

    Both show at their end what became of it. A reminder is a work notice in either case.
    """

    def __init__(self, connection: Connection) -> None:
        app = dingtalk_app(connection, connections.secrets_of(connection))
        if not app.agent_id:
            raise not_set_up("dingtalk", _("Enter the agent ID."))
        self.connection, self.client, self.agent_id = connection, app.client, app.agent_id
        self.template = card_template(connection)

    def send(self, notice: Notice, face: Face) -> Sent:
        if not self.template:
            return Sent("", str(self._send(notice, face, face.says)))
        card = cards.Card(
            self.template,
            notice.task,
            _card_data(notice, face),
            *way_back(self.connection, self.client),
        )
        if notice.tries and self._is_there(card):  # sent before, and the answer was lost
            return Sent(notice.task, CARD)
        cards.deliver(self.client, card, notice.theirs, self.client.app.key)
        return Sent(notice.task, CARD)

    def _is_there(self, card: cards.Card) -> bool:
        try:
            cards.update(self.client, card.track_id, card.data)
        except PlatformError as error:
            if error.retry:
                raise
            return False
        return True

    def remind(self, notice: Notice, face: Face) -> None:
        # The same content reaches a person once a day, so the reminder says which one it is.
        self._send(notice, face, f"{gettext('Still waits for your approval')} ({notice.reminded + 1})")

    def _send(self, notice: Notice, face: Face, says: str) -> int:
        form = notices.Form(says, face.title, face.facts, face.url, face.url)
        return notices.send(self.client, self.agent_id, form, users=(notice.theirs,))

    def link(self, theirs: str, title: str, words: str, url: str) -> None:
        card = notices.ActionCard(title, words, (notices.Button(gettext("Open"), url),))
        notices.send(self.client, self.agent_id, card, users=(theirs,))

    def settle(self, notice: Notice, words: str) -> None:
        if notice.handle == CARD:
            cards.update(self.client, notice.task, settled(words))
        elif notice.handle:
            notices.set_status(self.client, self.agent_id, int(notice.handle), words, DONE)


def card_template(connection: Connection) -> str:
    """Return the template of interactive cards: of the connection's own app, or of ours in the marketplace."""
    if connection.origin == "market":
        return suites.card_template_of(connection.settings["suite_key"])
    return str(connection.settings.get("card_template", ""))


def _card_data(notice: Notice, face: Face) -> dict[str, str]:
    says = gettext("Open to approve") if notice.needs_page else face.says
    return {
        "title": face.title, "says": says, "facts": "\n".join(f"{name}: {value}" for name, value in face.facts),
        "url": face.url, "status": "", "can_approve": "false" if notice.needs_page else "true",
    }  # fmt: skip


def settled(words: str) -> dict[str, str]:
    """Return what an interactive card shows at its end."""
    return {"status": words, "can_approve": "false"}


def is_reachable() -> bool:
    """Whether DingTalk can reach us by HTTP: at a public address, which has TLS, or from a sandbox on this machine."""
    url = urlsplit(settings.PUBLIC_URL)
    return url.scheme == "https" or (is_played("dingtalk") and url.hostname in ("127.0.0.1", "localhost"))


def way_back(connection: Connection, client: Client) -> tuple[Literal["HTTP", "STREAM"], str]:
    """Return by which way presses come back: kind, and for HTTP the route DingTalk knows our address by; it is told once."""
    if not is_reachable():
        return "STREAM", ""
    with tenant(connection.enterprise_id):
        address = _address(connection)
    url = f"{settings.PUBLIC_URL}/callback/{address.key}/card"
    if address.receive_id != digest_of(url):
        cards.register(client, address.key, url, connections.aes_key(address))
        CallbackAddress.objects.filter(key=address.key).update(receive_id=digest_of(url))
    return "HTTP", address.key


def digest_of(url: str) -> str:
    """Return a name for an address that fits beside it: whether DingTalk knows this one, or one we had before."""
    return uuid.uuid5(uuid.NAMESPACE_URL, url).hex


def _address(connection: Connection) -> CallbackAddress:
    found = CallbackAddress.objects.filter(enterprise_id=connection.enterprise_id, platform=RECEIVER).first()
    return found or connections.make_address(connection, "app", RECEIVER)
