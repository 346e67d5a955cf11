"""Sending codes by SMS: through the gateway of an enterprise, else that of the installation, else not at all.

Sent by a few threads of their own: whoever asks for a code waits for no gateway, and cannot tell by the time it takes
whether a number is known here.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

log = logging.getLogger("yunlian.org")


class Gateway(Protocol):
    """What sends one code to one mobile (E.164); raises when the provider refuses. Not called inside a transaction."""

    def send(self, mobile: str, code: str, minutes: int) -> None:
        """Send a code that is good for so many minutes."""


Find = Callable[[int | None], Gateway | None]


class Texting:
    """The gateways there are: `find(enterprise_id or None)` names the one to use."""

    def __init__(self) -> None:
        self._find: Find = lambda _enterprise_id: None
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="sms")

    def found_by(self, find: Find) -> None:
        """Let `find` say which gateway an enterprise uses; None is the installation's."""
        self._find = find

    def gateway(self, enterprise_id: int | None) -> Gateway | None:
        """Return the gateway for an enterprise, or for nobody's in particular; None where no code can be sent."""
        return self._find(enterprise_id)

    def send(self, gateway: Gateway, mobile: str, code: str, minutes: int) -> Future[None]:
        """Send a code in the background; what fails is logged, never with number or code."""
        sent = self._pool.submit(gateway.send, mobile, code, minutes)
        sent.add_done_callback(_tell)
        return sent


def _tell(sent: Future[None]) -> None:
    error = sent.exception()
    if error is not None:
        log.error("a code could not be sent by SMS: %s", error)


TEXTING = Texting()
