"""Moving average cost by quantity and value (flows.md F11). The value is the truth; no average is ever stored rounded."""
from collections.abc import Iterable
from typing import Any
from yunlian.kernel.document import Problem
from .models import CostBalance, CostEntry


def value_moves(entries: list[CostEntry], balances: dict[tuple[Any, ...], CostBalance]) -> None:
    return


def check_cost(balance: CostBalance, entries: list[CostEntry]) -> Iterable[Problem]:
    return ()
