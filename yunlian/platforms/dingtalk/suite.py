"""The vendor's side of a third-party app: which corps have installed it, and the legacy way of installing.

These calls are signed with the suite's secret and newest ticket; the clock may be a minute off.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from yunlian.platforms.dingtalk.api import Api, Owner
from yunlian.platforms.dingtalk.client import SuiteApp
from yunlian.platforms.dingtalk.signatures import suite_signature
from yunlian.platforms.dingtalk.wire import Json, flag, listed, number, part, several, text


@dataclass(frozen=True, slots=True)
class Agent:
    """The app as one corp has it."""

    id: int
    app_id: int
    name: str
    admins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Authorisation:
    """A corp that installed the suite."""

    corp_id: str
    corp_name: str
    installed_by: str
    agents: tuple[Agent, ...]


class Suite:
    """Vendor calls of one suite. Every method raises PlatformError."""

    def __init__(self, api: Api, app: SuiteApp) -> None:
        self._api = api
        self._app = app

    def authorisation(self, corp_id: str) -> Authorisation:
        """Raises PlatformError 41030 when the corp has not authorised."""
        found = self._signed("/service/get_auth_info", {"auth_corpid": corp_id, "suite_key": self._app.key})
        corp = part(found, "auth_corp_info")
        agents = tuple(
            Agent(
                number(each, "agentid"),
                number(each, "appid"),
                text(each, "agent_name"),
                several(each, "admin_list"),
            )
            for each in listed(part(found, "auth_info"), "agent")
        )
        installer = text(part(found, "auth_user_info"), "userId")
        return Authorisation(text(corp, "corpid"), text(corp, "corp_name"), installer, agents)

    def is_running(self, corp_id: str, agent_id: int) -> bool:
        """Whether the app is switched on in the corp; False when stopped or waiting for activation."""
        body = {"suite_key": self._app.key, "auth_corpid": corp_id, "agentid": agent_id}
        return number(self._signed("/service/get_agent", body), "close") == 1

    def inactive_corps(self, app_id: int) -> tuple[tuple[str, ...], bool]:
        """Corps whose install was not finished, and whether there are more."""
        found = self._signed("/service/get_unactive_corp", {"app_id": app_id})
        return several(found, "corp_list"), flag(found, "has_more")

    def authorise_again(self, app_id: int, corp_ids: Sequence[str]) -> None:
        """Have DingTalk send the authorisation event of these corps again."""
        self._signed("/service/reauth_corp", {"app_id": app_id, "corpid_list": list(corp_ids)})

    def permanent_code(self, temporary_code: str) -> tuple[str, str, str]:
        """Legacy install, first step: permanent code, corp ID and corp name for the code of `TemporaryCode`."""
        found = self._legacy("/service/get_permanent_code", {"tmp_auth_code": temporary_code})
        corp = part(found, "auth_corp_info")
        return text(found, "permanent_code"), text(corp, "corpid"), text(corp, "corp_name")

    def activate(self, corp_id: str, permanent_code: str) -> None:
        """Legacy install, last step."""
        body = {"suite_key": self._app.key, "auth_corpid": corp_id, "permanent_code": permanent_code}
        self._legacy("/service/activate_suite", body)

    def _signed(self, path: str, body: Json) -> Json:
        timestamp, ticket = str(int(time.time() * 1000)), self._app.newest_ticket()
        return self._api.act_old(
            Owner(self._app.key), path, body,
            accessKey=self._app.key, timestamp=timestamp, suiteTicket=ticket,
            signature=suite_signature(self._app.secret, timestamp, ticket),
        )  # fmt: skip

    def _legacy(self, path: str, body: Json) -> Json:
        """With a suite token fetched for the occasion: an install is rare."""
        asked = {
            "suiteKey": self._app.key,
            "suiteSecret": self._app.secret,
            "suiteTicket": self._app.newest_ticket(),
        }
        owner = Owner(self._app.key)
        found = self._api.new(owner, "POST", "/v1.0/oauth2/suiteAccessToken", body=asked)
        return self._api.act_old(owner, path, body, suite_access_token=text(found, "accessToken"))
