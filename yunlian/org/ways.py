"""The ways in that lead through a platform, behind one small interface; password and code by SMS have no such detour.

A way says where to send the browser and whose account the code is that comes back. Everything else (state, cookies,
second factor, sessions, records) is the same for all of them and for the others, see flows and entrance.
"""

from dataclasses import dataclass
from typing import Protocol

from yunlian.kernel.text import Label

from .connections import Connected
from .identities import Account


@dataclass(frozen=True)
class Leaving:
    """Where a browser goes from here: an address, or, inside a client that hands out codes itself, as which app."""

    state: str
    address: str = ""
    corp: str = ""
    client_id: str = ""


class Way(Protocol):
    """One way through a platform. `place`: `browser`, `client` (inside the platform's app) or `console` (its admin's).

    `script`: where a sandbox has what the platform's client would give a page; blank for the platform itself.
    """

    name: str
    provider: str
    place: str
    label: Label
    script: str

    def leave(self, connected: Connected, state: str, back: str) -> Leaving:
        """Return where to send the browser so that it comes back to `back` with the state and a code."""

    def account(self, connected: Connected, code: str) -> Account | None:
        """Return whose code this is, in the corp the platform names; None for who is nobody there. Raises PlatformError."""


WAYS: dict[str, Way] = {}


def offer(way: Way) -> None:
    """Declare a way. Raises ValueError when its name is taken."""
    if way.name in WAYS:
        raise ValueError(f"The way {way.name} is declared twice.")
    WAYS[way.name] = way
