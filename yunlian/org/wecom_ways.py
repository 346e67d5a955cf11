"""The ways in through WeCom: QR code in any browser, silently inside its client.

Source: WeCom developer documentation, 网页授权 and 企业微信Web登录.
"""

from dataclasses import dataclass

from yunlian.kernel.text import Label, _
from yunlian.platforms.wecom import signin
from yunlian.platforms.wecom.client import Client

from .connections import Connected
from .identities import Account, normal_subject
from .ways import Leaving, offer

PROVIDER = "wecom"


@dataclass(frozen=True)
class WeComApp:
    """What asks WeCom as a connection's own app. `open_host` and `login_host` are where its pages stand."""

    client: Client
    open_host: str = signin.OPEN
    login_host: str = signin.LOGIN


class Scan:
    """In any browser: a page of WeCom's with a QR code."""

    name = "wecom_qr"
    provider = PROVIDER
    place = "browser"
    label: Label = _("WeCom")
    script = ""

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        app: WeComApp = connected.app
        return Leaving(state, signin.scan_url(app.client, back, state, app.login_host), connected.corp)

    def account(self, connected: Connected, code: str) -> Account | None:
        return _account(connected, code)


class Inside:
    """Inside WeCom: straight through its own page and back, without asking anybody."""

    name = "wecom_client"
    provider = PROVIDER
    place = "client"
    label: Label = _("WeCom")
    script = ""

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        app: WeComApp = connected.app
        return Leaving(state, signin.inside_url(app.client, back, state, host=app.open_host), connected.corp)

    def account(self, connected: Connected, code: str) -> Account | None:
        return _account(connected, code)


def _account(connected: Connected, code: str) -> Account | None:
    """A member of the corp itself; somebody of a linked corp, a customer or a stranger is nobody here."""
    found = signin.redeem(connected.app.client, code)
    if found.user is None or found.corp not in (None, connected.corp):
        return None
    return Account(PROVIDER, connected.corp, normal_subject(PROVIDER, found.user), found.user)


for _way in (Scan(), Inside()):
    offer(_way)
