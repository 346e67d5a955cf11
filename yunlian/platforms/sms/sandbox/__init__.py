"""The two SMS gateways in the sandbox: `/sms/aliyun/` and `/sms/tencent/` stand for the roots of their hosts."""

from collections.abc import Sequence
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from yunlian.platforms.sandbox.faults import Fault
from yunlian.platforms.sandbox.platform import Platform, Sandbox

from . import aliyun_gateway, control, tencent_gateway
from .world import Sms


def routes(sandbox: Sandbox) -> Sequence[BaseRoute]:
    """One address per gateway."""

    async def by_aliyun(request: Request) -> Response:
        return await aliyun_gateway.endpoint(sandbox, request)

    async def by_tencent(request: Request) -> Response:
        return await tencent_gateway.endpoint(sandbox, request)

    return [
        Route("/aliyun/", by_aliyun, methods=["GET", "POST"]),
        Route("/tencent/", by_tencent, methods=["POST"]),
    ]


def _throttled(fault: Fault, path: str) -> Response:
    if path.startswith("/tencent"):
        return tencent_gateway.throttled(fault)
    return aliyun_gateway.throttled(fault)


PLATFORM = Platform("sms", Sms, routes, control.routes, _throttled, Path(__file__).with_name("page"))
