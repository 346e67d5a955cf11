"""One request to a gateway: sent again where nothing was done, never where a message may have gone."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from yunlian.platforms.errors import UNREADABLE
from yunlian.platforms.sms.gateway import Fault, SmsError, unanswered

TRIES: Final = 3
TIMEOUT_S: Final = 10.0


def _http() -> httpx.Client:
    return httpx.Client(timeout=TIMEOUT_S)


@dataclass
class Calls:
    """Requests of one gateway account. `now` gives seconds since 1970; the gateways refuse old ones."""

    platform: str
    http: httpx.Client = field(default_factory=_http)
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def answer(
        self, request: Callable[[], httpx.Request], read: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """What `read` makes of the answer. `request` is signed afresh for every try; `read` raises SmsError.

        A refusal of kind TRANSIENT and a connection that was never made are tried again, anything else is not.
        """
        for left in reversed(range(TRIES)):
            try:
                return read(self._object(self.http.send(request())))
            except SmsError as error:
                if error.fault is not Fault.TRANSIENT or not left:
                    raise
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                if not left:
                    raise SmsError(
                        self.platform, "unreachable", type(fault).__name__, Fault.TRANSIENT
                    ) from fault
            except httpx.HTTPError as fault:
                raise unanswered(self.platform, fault) from fault
            self.sleep(float(TRIES - left))
        raise AssertionError("the last try returns or raises")

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            found = json.loads(answer.content)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        said = f"HTTP {answer.status_code}: {answer.text[:200]}"
        if answer.status_code >= 500:  # behind a proxy that gave up, the message may have gone
            raise SmsError(self.platform, UNREADABLE, said, Fault.UNANSWERED)
        raise SmsError(self.platform, UNREADABLE, said, Fault.CONFIG)
