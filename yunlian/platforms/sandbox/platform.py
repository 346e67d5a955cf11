"""What a platform brings to the sandbox, and what it is given there."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response
from starlette.routing import BaseRoute

from .callbacks import Courier
from .faults import Fault
from .world import World


@dataclass(frozen=True)
class Sandbox:
    """The world and the courier, for the handlers of every platform."""

    world: World
    courier: Courier


@dataclass(frozen=True)
class Platform:
    """One platform of the sandbox.

    `state` is a dataclass that can be made without arguments and that msgspec can write and read. `routes` lie under
    `/{name}` on the platform's real paths, under the faults; `control` under `/sandbox/api/{name}`. `throttled` is
    the platform's refusal for too many calls on a path. `page` is a folder served at `/sandbox/page/{name}/`, whose
    `section.js` is described in `page/sandbox.js`.
    """

    name: str
    state: type[object]
    routes: Callable[[Sandbox], Sequence[BaseRoute]]
    control: Callable[[Sandbox], Sequence[BaseRoute]]
    throttled: Callable[[Fault, str], Response]
    page: Path
