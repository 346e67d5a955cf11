"""Any order of selling, shipping, paying and taking back, driven by chance against a small model (flows.md F19).

The model counts what every successful act must have changed; the ledgers must say the same, `verify` must be clean, and
no figure may pass what was promised. A refused act must have changed nothing.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.shop import Shop
from yunlian.kernel.document import Refused
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.testing import keep_subscribers

D = Decimal
ZERO = D(0)


class Trade:
    """One shop, the documents made so far, and the model: pieces on hand, cash, what is charged, applied and shipped."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.contracts: list[Loaded] = []
        self.notices: list[Loaded] = []
        self.outs: list[Loaded] = []
        self.receipts: list[Loaded] = []
        self.on_hand = self.cash = self.charged = self.shipped = ZERO

    def sell(self, n: int) -> None:
        lines = [{"product": "P2", "qty": str(n % 4 + 1), "price": "900", "discount": "0.1"}]
        body = {"customer": "LI", "dispatch_gate": "0", "discount_amount": "0.07", "lines": lines}
        contract = self.shop.move(self.shop.save("sales.contract", **body), "approve")
        self.contracts.append(contract)
        self.charged += contract.header.total

    def receive(self, n: int) -> None:
        self.shop.receive(self.shop.p2, str(n % 3 + 1), "413.33")
        self.on_hand += n % 3 + 1

    def reserve(self, n: int) -> None:
        self.shop.move(self.contracts[n], "reserve")

    def notice(self, n: int) -> None:
        made = self.shop.push(self.contracts[n], "stock.dispatch_notice")
        self.notices.append(self.shop.move(made, "approve"))

    def ship(self, n: int) -> None:
        made = self.shop.push(self.notices[n], "stock.sales_out", qty={1: "1"})
        out = self.shop.move(made, "approve")
        self.outs.append(out)
        self.on_hand -= 1
        self.shipped += 1

    def take_back(self, n: int) -> None:
        out = self.shop.move(self.outs[n], "unapprove")
        self.shop.move(out, "void")
        self.outs.remove(self.outs[n])
        self.on_hand += 1
        self.shipped -= 1

    def close(self, n: int) -> None:
        self.shop.move(self.notices[n], "close")

    def reopen(self, n: int) -> None:
        self.shop.move(self.notices[n], "reopen")

    def pay(self, n: int) -> None:
        amount = D(n * 377 + 1)
        receipt = self.shop.receipt(str(amount), is_auto_applied=n % 2 == 0)
        self.receipts.append(self.shop.move(receipt, "approve"))
        self.cash += amount

    def reverse(self, n: int) -> None:
        receipt = self.shop.move(self.receipts[n], "unapprove")
        self.receipts.remove(self.receipts[n])
        self.cash -= receipt.header.amount

    def undo(self, n: int) -> None:
        contract = self.shop.move(self.contracts[n], "unapprove")
        self.contracts.remove(self.contracts[n])
        self.charged -= contract.header.total

    def act(self, name: str, n: int) -> None:
        """Do it, or be refused and have changed nothing."""
        lists = {
            "reserve": self.contracts,
            "notice": self.contracts,
            "undo": self.contracts,
            "ship": self.notices,
            "close": self.notices,
            "reopen": self.notices,
            "take_back": self.outs,
            "reverse": self.receipts,
        }
        if name in lists:
            if not lists[name]:
                return
            n %= len(lists[name])
        doing: Callable[[int], None] = getattr(self, name)
        kept = {key: list(value) if isinstance(value, list) else value for key, value in vars(self).items()}
        try:
            with transaction.atomic():
                doing(n)
        except Refused:
            vars(self).update(kept)

    def prove(self) -> None:
        """Compare the books with the model."""
        shop = self.shop
        on_hand, reserved, pending, _transit, _order, available = shop.stock(shop.p2)
        assert (on_hand, shop.cash()) == (self.on_hand, self.cash)
        assert available == on_hand - reserved - pending >= 0
        quantity, value = shop.cost(shop.p2) if on_hand or self.shipped else (ZERO, ZERO)
        assert quantity == on_hand
        assert value >= 0
        assert quantity or not value
        contracts = [shop.again(contract) for contract in self.contracts]
        figures = [shop.owed(contract) for contract in contracts]
        assert sum(f[0] for f in figures) == self.charged
        assert self.cash == shop.free() + sum(f[2] for f in figures)
        assert all(f[3] >= 0 for f in figures)
        lines = [line for contract in contracts for line in contract.lines]
        assert all(line.shipped_qty <= line.noticed_qty <= line.base_qty for line in lines)
        assert sum(line.shipped_qty for line in lines) == self.shipped
        for contract, owed in zip(contracts, figures, strict=True):
            assert contract.header.applied_amount == owed[2]
            is_done = owed[3] == 0 and all(line.shipped_qty == line.base_qty for line in contract.lines)
            assert contract.header.close == ("auto" if is_done else "open")
        shop.prove()


ACTS = [
    "sell",
    "receive",
    "reserve",
    "notice",
    "ship",
    "take_back",
    "close",
    "reopen",
    "pay",
    "reverse",
    "undo",
]
Acts = list[tuple[str, int]]


@pytest.fixture
def shop(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> Shop:
    keep_subscribers(monkeypatch, "yunlian.documents", "yunlian.ledgers")
    return Shop(ctx)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 9)), min_size=4, max_size=25))
@pytest.mark.django_db
def test_the_books_say_what_happened(shop: Any, acts: Acts) -> None:
    with transaction.atomic():
        trade = Trade(shop)
        for name, n in [("receive", 2), ("sell", 1), *acts]:
            trade.act(name, n)
        trade.prove()
        transaction.set_rollback(True)
