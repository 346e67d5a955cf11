"""WeCom's side, as the sandbox plays it."""

from pathlib import Path

from starlette.responses import Response
from starlette.routing import Route

from ...sandbox.faults import Fault
from ...sandbox.platform import Platform, Sandbox
from . import (
    addresses,
    batches,
    calls,
    control,
    corpgroup,
    customers,
    departments,
    exports,
    linked,
    media,
    members,
    messages,
    signin,
    tags,
    tickets,
    tokens,
)
from .callbacks import NAME
from .calls import Refused, refusal
from .state import Wecom


def _throttled(fault: Fault, _path: str) -> Response:
    code = int(fault.code or 45009)
    texts = {
        45009: "reach max api daily quota limit",
        45033: "api concurrent out of limit",
        -1: "system busy",
    }
    return refusal(Refused(code, texts.get(code, "refused on purpose")), "127.0.0.1")


# Importing these registers their calls.
REGISTERED = (
    addresses,
    batches,
    corpgroup,
    customers,
    departments,
    exports,
    linked,
    media,
    members,
    messages,
    signin,
    tags,
    tickets,
)


def _routes(sandbox: Sandbox) -> list[Route]:
    batches.resume(sandbox)
    return [
        *tokens.routes(sandbox),
        *media.routes(sandbox),
        *exports.routes(sandbox),
        *signin.routes(sandbox),
        *calls.routes(sandbox),
    ]


WECOM = Platform(
    name=NAME,
    state=Wecom,
    routes=_routes,
    control=control.routes,
    throttled=_throttled,
    page=Path(__file__).with_name("page"),
)
