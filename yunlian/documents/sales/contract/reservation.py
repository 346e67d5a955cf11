"""Stock held for a contract after its approval: freed when it is closed, taken again by hand or when it is reopened."""

import uuid
from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.models import Entry
from yunlian.kernel.scope import Context
from yunlian.ledgers.models import ReservationBalance

from .facts import lock_available
from .model import SalesContract, SalesContractLine
from .posting import reservation, reserve

ZERO = Decimal(0)


def rest(contract: SalesContract, lines: list[SalesContractLine], closing: bool) -> Iterable[Entry]:
    """Free what is still held when closing; hold what is available when reopening."""
    return _free(contract, lines) if closing else _hold(contract, lines)


def reserve_more(contract: SalesContract, lines: list[SalesContractLine], ctx: Context) -> Iterable[Entry]:
    """Hold what has become available since, for what is neither held nor noticed yet."""
    return _hold(contract, lines)


def _free(contract: SalesContract, lines: list[SalesContractLine]) -> Iterable[Entry]:
    held = _held(lines)
    for line in lines:
        if held.get(line.id, ZERO) > 0:
            yield reservation(contract, line, -held[line.id])


def _hold(contract: SalesContract, lines: list[SalesContractLine]) -> Iterable[Entry]:
    if not contract.is_auto_reserved:
        return ()
    available = lock_available(contract.warehouse_id, {line.product_id for line in lines})
    held = _held(lines)
    wanted = {line.id: line.base_qty - line.noticed_qty - held.get(line.id, ZERO) for line in lines}
    return reserve(contract, lines, wanted, available)


def _held(lines: list[SalesContractLine]) -> dict[uuid.UUID, Decimal]:
    """Return what is held by line. It changes only under the contract's own lock, which is taken already."""
    rows = ReservationBalance.objects.filter(for_line__in=[line.id for line in lines])
    return {row.for_line: row.reserved for row in rows}
