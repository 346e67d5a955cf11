"""What follows an act: subscribers inside its transaction, and consumers of the outbox after it.

Both are registered when apps start, by code and event name (a step's name, or `saved`). Nobody writes an event by hand.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from .scope import Context

Subscriber = Callable[[Context, Any], None]
Consumer = Callable[[int, Any], None]
_inside: dict[tuple[str, str], list[Subscriber]] = defaultdict(list)
_after: dict[tuple[str, str], list[Consumer]] = defaultdict(list)


def on(code: str, event: str, subscriber: Subscriber) -> None:
    """Call `subscriber(ctx, loaded)` in the transaction of the act; what it writes commits with it."""
    _inside[code, event].append(subscriber)


def after(code: str, event: str, consumer: Consumer) -> None:
    """Call `consumer(enterprise_id, outbox_row)` some time after commit, at least once."""
    _after[code, event].append(consumer)


def announce(ctx: Context, code: str, event: str, loaded: Any) -> None:
    """Run the subscribers of an act."""
    for subscriber in _inside.get((code, event), ()):
        subscriber(ctx, loaded)


def consumers(code: str, event: str) -> list[Consumer]:
    """Return who wants an outbox row."""
    return _after.get((code, event), [])
