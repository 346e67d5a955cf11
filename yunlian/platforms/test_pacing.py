"""No window of the platform's ever sees more than its limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .errors import PACED, PlatformError
from .pacing import Limit, MemoryPace, Pace, PaceKey

KEY = PaceKey("wecom", "ww1", "/cgi-bin/user/create")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def paced(clock: Clock, patience_s: float = 1e9) -> Pace:
    return Pace(MemoryPace(), patience_s, clock, clock.sleep)


@given(
    calls=st.integers(2, 60),
    per_s=st.floats(1, 3600),
    pauses=st.lists(st.floats(0, 100), min_size=100, max_size=300),
)
def test_no_window_sees_more_than_the_limit(calls: int, per_s: float, pauses: list[float]) -> None:
    clock = Clock()
    pace = paced(clock)
    made = []
    for pause in pauses:
        clock.now += pause
        pace.wait(KEY, [Limit(calls, per_s)])
        made.append(clock.now)
    for at, began in enumerate(made):
        inside = [each for each in made[at:] if each < began + per_s]
        assert len(inside) <= calls


def test_the_narrowest_of_several_limits_holds() -> None:
    clock = Clock()
    pace = paced(clock)
    for _ in range(200):
        pace.wait(KEY, [Limit(100, 60), Limit(100, 3600)])
    # A tenth at once, the other 190 at 90 an hour.
    assert clock.now - 1000 == pytest.approx(190 / 90 * 3600)


def test_keys_are_counted_apart() -> None:
    clock = Clock()
    pace = paced(clock, patience_s=0)
    limits = [Limit(2, 60)]
    pace.wait(KEY, limits)
    with pytest.raises(PlatformError) as refused:
        pace.wait(KEY, limits)
    assert (refused.value.code, refused.value.retry) == (PACED, True)
    pace.wait(KEY._replace(corp="ww2"), limits)
    pace.wait(KEY._replace(path="/cgi-bin/user/get"), limits)
    assert clock.now == 1000


def test_a_block_holds_everybody_until_it_ends() -> None:
    clock = Clock()
    pace = paced(clock, patience_s=59)
    pace.block(KEY, 60)
    with pytest.raises(PlatformError):
        pace.wait(KEY, [Limit(100, 60)])
    clock.now += 2
    pace.wait(KEY, [Limit(100, 60)])
    assert clock.now == 1060


@pytest.mark.parametrize(("calls", "per_s"), [(1, 60), (0, 60), (10, 0)])
def test_a_limit_without_calls_or_time_is_refused(calls: int, per_s: float) -> None:
    with pytest.raises(ValueError, match="at least two calls"):
        Limit(calls, per_s)
