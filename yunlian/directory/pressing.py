"""Presses on DingTalk's interactive cards. Unlike what platforms report, a press is answered with what the card shows from
then on, so it is taken at once: whoever presses second, or after a decision elsewhere, is told so on the card.

DingTalk signs the request with a secret we gave it for this address.
"""

import datetime as dt
import logging
import uuid

from django.utils import translation

from yunlian.kernel.api import Answer, Request, route
from yunlian.kernel.scope import tenant
from yunlian.platforms.dingtalk import cards
from yunlian.platforms.dingtalk.callback import CallbackRefused
from yunlian.platforms.dingtalk.events import CardPressed

from . import approvers, notices
from .dingtalk_cards import RECEIVER, settled
from .faces import APPROVE
from .models import Notice
from .receiving import find_address

log = logging.getLogger("yunlian.directory")


@route("POST", "/callback/{key}/card", needs="public")
def receive(request: Request, key: str) -> Answer:
    """DingTalk tells of a press on a card, and is answered with what the card shows from now on."""
    address = find_address(key, RECEIVER)
    headers = {name: request.http.headers.get(name, "") for name in (cards.SIGNATURE, cards.TIMESTAMP)}
    try:
        pressed = cards.opened(address.aes_key, headers, request.http.body, request.now.timestamp())
    except CallbackRefused:
        return Answer(b"", status=403, content_type="text/plain")
    assert address.enterprise_id is not None
    assert address.connection_id is not None
    return Answer(cards.change(press(address.enterprise_id, address.connection_id, pressed)))


def press(enterprise_id: int, connection_id: uuid.UUID, pressed: CardPressed) -> dict[str, str] | None:
    """Take a press for the member's own step; returns what the card shows from now on, None to leave it as it is."""
    with tenant(enterprise_id):
        mine = Notice.objects.select_for_update(of=("self",)).filter(
            connection_id=connection_id, task=pressed.track_id
        )
        notice = mine.select_related("connection").first()
        if notice is None or (notice.theirs, notice.connection.corp_id) != (pressed.user, pressed.corp_id):
            log.warning("a card of nobody was pressed: %s", pressed.track_id[:64])
            return None
        if notice.state == "sent":
            if APPROVE not in pressed.actions:
                return None
            notices.take(enterprise_id, notice, dt.datetime.now(dt.UTC))
        with translation.override(approvers.language_of(notice.connection, notice.employee_id)):
            return settled(notices.words_of(notice))
