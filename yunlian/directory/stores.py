"""Tokens and pace shared by all our processes, in PostgreSQL: one fetch of a token at a time, one count under each limit.

Who fetches a token holds a lease, not a lock: asking a platform may take seconds, and no transaction may wait for that.
Should two fetch at once after all, both tokens are good.
"""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from yunlian.kernel.sealing import seal, unseal
from yunlian.kernel.sql import run
from yunlian.platforms.pacing import Pace, PaceKey, PaceState
from yunlian.platforms.tokens import Token, TokenKey, Tokens

PURPOSE = "platform tokens"
LEASE_S = 20.0
POLL_S = 0.05
BELIEVED_S = 5.0


class StoredTokens:
    """A TokenStore over `directory_tokenrow`; values are sealed, since a token is as good as a secret for two hours.

    What was read is believed for a few seconds, so that 20,000 calls do not ask 20,000 times; under the lock, where it is
    decided whether to fetch another, the row is asked.
    """

    def __init__(self) -> None:
        self._read: dict[str, tuple[Token, float]] = {}
        self._local = threading.local()

    def get(self, key: TokenKey) -> Token | None:
        name = "|".join(key)
        token, until = self._read.get(name, (None, 0.0))
        if token is not None and time.monotonic() < until and getattr(self._local, "held", "") != name:
            return token
        rows = run("SELECT wrapped, expires_at FROM directory_tokenrow WHERE key = %s", [name])
        if not rows or rows[0][0] is None:
            return None
        return self._believed(name, Token(unseal(PURPOSE, name, bytes(rows[0][0])).decode(), rows[0][1]))

    def _believed(self, name: str, token: Token) -> Token:
        self._read[name] = (token, time.monotonic() + BELIEVED_S)
        return token

    def put(self, key: TokenKey, token: Token) -> None:
        name = "|".join(key)
        run(
            "INSERT INTO directory_tokenrow (key, wrapped, expires_at, until) VALUES (%s, %s, %s, 0) "
            "ON CONFLICT (key) DO UPDATE SET wrapped = excluded.wrapped, expires_at = excluded.expires_at",
            [name, seal(PURPOSE, name, token.value.encode()), token.expires_at],
        )
        self._believed(name, token)

    @contextmanager
    def lock(self, key: TokenKey) -> Iterator[None]:
        """Hold the lease of a key; waits for who has it, at most as long as a lease lasts."""
        name, holder = "|".join(key), uuid.uuid4()
        while not self._taken(name, holder):
            time.sleep(POLL_S)
        self._local.held = name
        try:
            yield
        finally:
            self._local.held = ""
            run(
                "UPDATE directory_tokenrow SET holder = NULL, until = 0 WHERE key = %s AND holder = %s",
                [name, holder],
            )

    def _taken(self, name: str, holder: uuid.UUID) -> bool:
        now = time.time()
        return bool(
            run(
                "INSERT INTO directory_tokenrow (key, expires_at, holder, until) VALUES (%s, 0, %s, %s) "
                "ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, until = excluded.until "
                "WHERE directory_tokenrow.holder IS NULL OR directory_tokenrow.until < %s RETURNING 1",
                [name, holder, now + LEASE_S, now],
            )
        )


class StoredPace:
    """A PaceStore over `directory_pacerow`, an unlogged table: what a crash loses is a tenth of a limit at most."""

    def __init__(self) -> None:
        self._local = threading.local()

    def get(self, key: PaceKey) -> PaceState:
        """Return the levels as the lock, which the caller holds, has read them."""
        held: PaceState = self._local.state
        return held

    def put(self, key: PaceKey, state: PaceState) -> None:
        run(
            "UPDATE directory_pacerow SET at = %s, levels = %s, blocked_until = %s WHERE key = %s",
            [float(state.at), list(map(float, state.levels)), float(state.blocked_until), "|".join(key)],
        )

    @contextmanager
    def lock(self, key: PaceKey) -> Iterator[None]:
        """Hold the row of a key for the moment it takes to draw from it."""
        with transaction.atomic():
            ((at, levels, blocked_until),) = run(
                "INSERT INTO directory_pacerow (key, at, levels, blocked_until) VALUES (%s, 0, '{}', 0) "
                "ON CONFLICT (key) DO UPDATE SET at = directory_pacerow.at RETURNING at, levels, blocked_until",
                ["|".join(key)],
            )
            self._local.state = PaceState(at, tuple(levels), blocked_until)
            yield


class Waiting:
    """How long was waited for the platform's limits, in seconds."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Sleep and count it."""
        self.seconds += seconds
        time.sleep(seconds)


TOKENS = Tokens(StoredTokens())
PACES = StoredPace()


def pace(waiting: Waiting, patience_s: float) -> Pace:
    """Return the pace of one worker under the limits all share."""
    return Pace(PACES, patience_s, sleep=waiting.sleep)
