"""Tokens and pace are one for all processes: two stores stand for two of them."""

import threading
import time

import pytest
from django.db import connection

from yunlian.platforms.pacing import Limit, Pace, PaceKey
from yunlian.platforms.tokens import Token, TokenKey, Tokens

from .models import TokenRow
from .stores import StoredPace, StoredTokens

KEY = TokenKey("wecom", "ww1", "contacts")
PATH = PaceKey("wecom", "ww1", "user/create")


@pytest.mark.django_db
def test_a_token_fetched_by_one_process_is_used_by_the_other() -> None:
    fetched = []

    def fetch() -> Token:
        fetched.append(1)
        return Token(f"secret-token-{len(fetched)}", time.time() + 7200)

    one, other = Tokens(StoredTokens()), Tokens(StoredTokens())
    assert [one.current(KEY, fetch), other.current(KEY, fetch)] == ["secret-token-1"] * 2
    assert b"secret-token" not in bytes(TokenRow.objects.get().wrapped)
    # Refused: whoever comes first fetches another, and the second takes that.
    assert one.renewed(KEY, "secret-token-1", fetch) == "secret-token-2"
    assert other.renewed(KEY, "secret-token-1", fetch) == "secret-token-2"
    assert len(fetched) == 2


@pytest.mark.django_db(transaction=True)
def test_two_who_need_a_token_at_once_fetch_one() -> None:
    fetched, got = [], []
    together = threading.Barrier(2)

    def fetch() -> Token:
        fetched.append(1)
        time.sleep(0.2)
        return Token("token", time.time() + 7200)

    def ask() -> None:
        together.wait()
        got.append(Tokens(StoredTokens()).current(KEY, fetch))
        connection.close()

    threads = [threading.Thread(target=ask) for _n in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (got, len(fetched)) == (["token"] * 2, 1)


@pytest.mark.django_db
def test_who_dies_while_fetching_is_not_waited_for_for_ever() -> None:
    store = StoredTokens()
    with store.lock(KEY):
        TokenRow.objects.update(until=time.time() - 1)  # the lease of somebody who is gone
        with StoredTokens().lock(KEY):
            pass


@pytest.mark.django_db
def test_what_one_process_has_called_the_other_may_not_call_again() -> None:
    now, slept = [1000.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    one, other = (Pace(StoredPace(), 30, clock=lambda: now[0], sleep=sleep) for _n in range(2))
    limits = (Limit(20, 10.0),)  # two at once, then 1.8 a second
    for pace in (one, other):
        pace.wait(PATH, limits)
    assert slept == []
    one.wait(PATH, limits)
    assert slept != []
    other.block(PATH, 5)
    before = now[0]
    one.wait(PATH, limits)
    assert now[0] - before >= 5
