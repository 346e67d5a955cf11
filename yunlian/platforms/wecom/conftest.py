import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from yunlian.platforms.errors import PlatformError
from yunlian.platforms.pacing import Pace
from yunlian.platforms.sandbox.testing import Running, running
from yunlian.platforms.sandbox.world import World
from yunlian.platforms.tokens import MemoryTokens, Tokens
from yunlian.platforms.wecom.client import App, Client, Connection, client
from yunlian.platforms.wecom.sandbox import WECOM
from yunlian.platforms.wecom.sandbox import state as demo
from yunlian.platforms.wecom.sandbox.state import Corp, Wecom


class Desk:
    """A sandbox, clients for its apps, and its state."""

    def __init__(self, started: Running) -> None:
        self.running = started
        self.http = httpx.Client(timeout=5, trust_env=False)
        self.slept: list[float] = []
        self.connection = self.connect()

    def connect(self) -> Connection:
        """A connection of another process: nothing is shared with the first."""
        pace = Pace(sleep=self.nap, patience_s=5)
        tokens = Tokens(MemoryTokens(), lambda: time.time() + self.state_world.shared.ahead_s)
        return Connection(f"{self.running.base_url}/wecom", self.http, tokens, pace)

    def nap(self, seconds: float) -> None:
        self.slept.append(seconds)
        time.sleep(min(seconds, 0.1))

    @property
    def state_world(self) -> World:
        return self.running.sandbox.world

    @property
    def state(self) -> Wecom:
        return self.state_world.part(Wecom)

    @property
    def corp(self) -> Corp:
        return self.state.corps[demo.CORP]

    def control(self, path: str, /, **asked: object) -> object:
        return self.running.control(f"/wecom{path}", **{"corp": demo.CORP, **asked})

    def contacts(self) -> Client:
        return client(self.connection, App(demo.CORP, demo.CONTACTS_SECRET, name="contacts"))

    def customers(self) -> Client:
        return client(self.connection, App(demo.CORP, demo.CUSTOMERS_SECRET, name="customers"))

    def app(self) -> Client:
        return client(self.connection, App(demo.CORP, demo.AGENT_SECRET, demo.AGENT))

    def requests(self, path: str) -> int:
        """How often the sandbox was asked for a path."""
        return sum(each.what.endswith(path) for each in self.state_world.journal)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running([WECOM]) as started:
        yield Desk(started)


@pytest.fixture
def refused() -> Callable[..., str]:
    """The code a call is refused with."""

    def code(act: Callable[..., object], *given: object, **named: object) -> str:
        with pytest.raises(PlatformError) as error:
            act(*given, **named)
        assert error.value.remedy
        return error.value.code

    return code
