"""Access tokens and tickets, fetched once per app and kept for all processes that share a store."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeGuard

EARLY_S = 60  # a token this near its end is not begun with: a request takes time


class TokenKey(NamedTuple):
    """Whose token: one app of one corp on one platform, and which of its tokens ("access", "jsapi", ...)."""

    platform: str
    corp: str
    app: str
    kind: str = "access"


@dataclass(frozen=True)
class Token:
    """A token and the moment it ends, in seconds since 1970."""

    value: str
    expires_at: float


class TokenStore(Protocol):
    """Where tokens are kept. `lock` holds across everything that shares the store, and may wait."""

    def get(self, key: TokenKey) -> Token | None: ...

    def put(self, key: TokenKey, token: Token) -> None: ...

    def lock(self, key: TokenKey) -> AbstractContextManager[object]: ...


class MemoryTokens:
    """A store for one process: scripts, tests."""

    def __init__(self) -> None:
        self._tokens: dict[TokenKey, Token] = {}
        self._locks: defaultdict[TokenKey, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    def get(self, key: TokenKey) -> Token | None:
        return self._tokens.get(key)

    def put(self, key: TokenKey, token: Token) -> None:
        self._tokens[key] = token

    def lock(self, key: TokenKey) -> threading.Lock:
        with self._guard:
            return self._locks[key]


class Tokens:
    """Tokens out of a store; `fetch` asks the platform, and runs for one caller at a time per key."""

    def __init__(self, store: TokenStore, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self.clock = clock

    def current(self, key: TokenKey, fetch: Callable[[], Token]) -> str:
        """The token to use now; fetched when there is none or it is about to end."""
        kept = self._store.get(key)
        return kept.value if self._usable(kept) else self._fetched(key, fetch, refused=None)

    def renewed(self, key: TokenKey, refused: str, fetch: Callable[[], Token]) -> str:
        """The token after the platform refused one: somebody else's newer one, or one fetched now."""
        return self._fetched(key, fetch, refused)

    def _fetched(self, key: TokenKey, fetch: Callable[[], Token], refused: str | None) -> str:
        with self._store.lock(key):
            kept = self._store.get(key)
            if not self._usable(kept) or kept.value == refused:
                kept = fetch()
                self._store.put(key, kept)
            return kept.value

    def _usable(self, kept: Token | None) -> TypeGuard[Token]:
        return kept is not None and kept.expires_at - EARLY_S > self.clock()
