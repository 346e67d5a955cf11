"""How a notice is sent to a phone and changed there: the cards of WeCom here, DingTalk's in `dingtalk_cards`.

A card has a button that approves, which comes back as an event; returning a document wants a reason, so that button opens
the page, without a second sign-in. Every card shows what became of it.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext

from yunlian.kernel.text import _
from yunlian.platforms.wecom import messages as wecom

from .connections import secrets_of
from .dingtalk_cards import DingTalkMessages
from .faces import APPROVE, Carrier, Face, Sent, not_set_up
from .models import Connection, Notice
from .sign_in import dingtalk_app, wecom_app

WORDS_MAX = 10  # characters of a button, as WeCom advises


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
        words = f"{gettext('Still waits for your approval')}\n{said}"
        self.link(notice.theirs, face.title, words, face.url)

    def link(self, theirs: str, title: str, words: str, url: str) -> None:
        wecom.link(self.client, wecom.To(users=(theirs,)), title, words, url)

    def settle(self, notice: Notice, words: str) -> None:
        if notice.handle:
            wecom.settle(self.client, [notice.theirs], notice.handle, words[:WORDS_MAX])


def _short(facts: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name[:5], value) for name, value in facts)


CARRIERS: Mapping[str, Any] = {"wecom": WeComCards, "dingtalk": DingTalkMessages}


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
