"""WeCom's side, as the sandbox plays it."""

from pathlib import Path

from starlette.responses import Response

from ...sandbox.faults import Fault
from ...sandbox.platform import Platform
from . import calls, control, tokens
from . import departments as departments
from . import members as members
from .callbacks import NAME
from .calls import Refused, refusal
from .state import Wecom


def _throttled(fault: Fault) -> Response:
    code = int(fault.code or 45009)
    texts = {
        45009: "reach max api daily quota limit",
        45033: "api concurrent out of limit",
        -1: "system busy",
    }
    return refusal(Refused(code, texts.get(code, "refused on purpose")), "127.0.0.1")


WECOM = Platform(
    name=NAME,
    state=Wecom,
    routes=lambda sandbox: [*tokens.routes(sandbox), *calls.routes(sandbox)],
    control=control.routes,
    throttled=_throttled,
    page=Path(__file__).with_name("page"),
)
