"""Tokens are fetched once, renewed once, and never with somebody else's."""

import threading
import time

from .tokens import EARLY_S, MemoryTokens, Token, TokenKey, Tokens

KEY = TokenKey("wecom", "ww1", "1000002")


class Fetch:
    def __init__(self, now: float = 0.0, lasts_s: float = 7200) -> None:
        self.times = 0
        self.ends = now + lasts_s

    def __call__(self) -> Token:
        self.times += 1
        time.sleep(0.02)
        return Token(f"token-{self.times}", self.ends)


def test_many_threads_fetch_one_token() -> None:
    tokens, fetch = Tokens(MemoryTokens(), clock=lambda: 0.0), Fetch()
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(tokens.current(KEY, fetch))) for _ in range(16)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == ["token-1"] * 16
    assert fetch.times == 1


def test_apps_do_not_share_a_token() -> None:
    tokens, fetch = Tokens(MemoryTokens(), clock=lambda: 0.0), Fetch()
    assert tokens.current(KEY, fetch) == "token-1"
    assert tokens.current(KEY._replace(app="1000003"), fetch) == "token-2"
    assert tokens.current(KEY, fetch) == "token-1"


def test_a_token_about_to_end_is_not_begun_with() -> None:
    now = [0.0]
    tokens, fetch = Tokens(MemoryTokens(), clock=lambda: now[0]), Fetch()
    tokens.current(KEY, fetch)
    now[0] = 7200 - EARLY_S - 1
    assert tokens.current(KEY, fetch) == "token-1"
    now[0] += 2
    fetch.ends = 14400
    assert tokens.current(KEY, fetch) == "token-2"


def test_a_refused_token_is_renewed_once_for_all() -> None:
    tokens, fetch = Tokens(MemoryTokens(), clock=lambda: 0.0), Fetch()
    tokens.current(KEY, fetch)
    assert tokens.renewed(KEY, "token-1", fetch) == "token-2"
    assert tokens.renewed(KEY, "token-1", fetch) == "token-2"
    assert fetch.times == 2
