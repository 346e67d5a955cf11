"""What goes with an act: subscribers inside its transaction, before or after it, and consumers of the outbox later.

Both are registered when apps start, by code and event name (a step's name, or `saved`). Nobody writes an event by hand.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from .scope import Context

Subscriber = Callable[[Context, Any], None]
Hearer = Callable[[Context, Sequence[Any]], None]
Consumer = Callable[[int, Any], None]
_before: dict[tuple[str, str], list[Subscriber]] = defaultdict(list)
_inside: dict[tuple[str, str], list[Hearer]] = defaultdict(list)
_after: dict[tuple[str, str], list[Consumer]] = defaultdict(list)


def on(code: str, event: str, subscriber: Subscriber) -> None:
    """Call `subscriber(ctx, loaded)` in the transaction of the act; what it writes commits with it."""

    @wraps(subscriber)
    def each(ctx: Context, found: Sequence[Any]) -> None:
        for loaded in found:
            subscriber(ctx, loaded)

    on_all(code, event, each)


def on_all(code: str, event: str, hearer: Hearer) -> None:
    """Call `hearer(ctx, found)` once with everything the act did: an import saves thousands of rows at once."""
    _inside[code, event].append(hearer)


def before(code: str, step: str, subscriber: Subscriber) -> None:
    """Call `subscriber(ctx, loaded)` before a step's effects, with the document locked and no balance locked yet.

    What it writes commits with the step; it may raise Refused.
    """
    _before[code, step].append(subscriber)


def after(code: str, event: str, consumer: Consumer) -> None:
    """Call `consumer(enterprise_id, outbox_row)` some time after commit, at least once."""
    _after[code, event].append(consumer)


def make_way(ctx: Context, code: str, step: str, loaded: Any) -> None:
    """Run the subscribers that come before a step."""
    for subscriber in _before.get((code, step), ()):
        subscriber(ctx, loaded)


def announce(ctx: Context, code: str, event: str, *found: Any) -> None:
    """Run the subscribers of an act that one or more documents took."""
    for hearer in _inside.get((code, event), ()):
        hearer(ctx, found)


def consumers(code: str, event: str) -> list[Consumer]:
    """Return who wants an outbox row."""
    return _after.get((code, event), [])
