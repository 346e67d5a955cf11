"""When to try again, and when to stop trying so often. Pure: the clock and the dice are handed in.

Source: chain protocol A7.
"""

import datetime as dt
import random

DELAYS_S = (0, 5, 30, 120, 600, 1800, 3600, 7200)
LAST_DELAY_S = 4 * 3600
SPREAD = 0.2
LONGEST_RETRY_AFTER_S = 3600
SUSPEND_AFTER = dt.timedelta(hours=72)
PROBE_SUSPENDED_S = 3600
IDLE_PROBE = dt.timedelta(minutes=15)
ALARMS = (dt.timedelta(minutes=15), dt.timedelta(hours=4))


def delay_s(failures: int, dice: random.Random, retry_after_s: int | None = None) -> float:
    """Return seconds to wait after so many failures in a row, each ±20 %; the receiver's wish counts up to an hour."""
    if retry_after_s is not None:
        return float(min(max(retry_after_s, 0), LONGEST_RETRY_AFTER_S))
    base = DELAYS_S[failures - 1] if failures <= len(DELAYS_S) else LAST_DELAY_S
    return base * dice.uniform(1 - SPREAD, 1 + SPREAD)
