"""Named points where a test may stop the program; inert in production."""

from collections.abc import Callable

_armed: dict[str, Callable[[], None]] = {}


def fault(name: str) -> None:
    """Do nothing, unless a test armed this point."""
    if _armed:
        act = _armed.get(name)
        if act is not None:
            act()


def arm(name: str, act: Callable[[], None]) -> None:
    """Let `act` run whenever the program passes the point; tests only."""
    _armed[name] = act


def disarm() -> None:
    """Forget every armed point."""
    _armed.clear()
