"""The shop of flows.md F20, dealer D, for worked examples: masters, short ways to act, and the figures to compare."""

import datetime as dt
import uuid
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from yunlian.kernel import ledger, pulling
from yunlian.kernel.document import find_document
from yunlian.kernel.identity import new_id
from yunlian.kernel.load import Loaded, load
from yunlian.kernel.models import Doc
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing
from yunlian.kernel.steps import move
from yunlian.kernel.testing import make
from yunlian.kernel.verify import verify
from yunlian.ledgers.models import (
    CashBalance,
    CashEntry,
    CostBalance,
    CostEntry,
    CustomerFunds,
    PayableBalance,
    PayableEntry,
    ReceivableBalance,
    StockBalance,
    StockEntry,
    SupplierFunds,
    SupplierFundsEntry,
)

ZERO = Decimal(0)
_ALL = (StockEntry, CostEntry, PayableEntry, SupplierFundsEntry, CashEntry)


class Shop:
    """Dealer D of flows.md: products P1 and P2, a warehouse that may not go below zero, customer Li who pays first."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx
        unit = make("masters.unit", ctx, code="PC").pk
        self.p1 = self._product("P1", unit, "6800")
        self.p2 = self._product("P2", unit, "900")
        self.warehouse = make("masters.warehouse", ctx, code="W1", may_be_negative=False, is_default=True).pk
        self.customer = self._partner("LI", is_customer=True)
        self.supplier = self._partner("H", is_supplier=True)
        self.account = make("masters.account", ctx, code="BANK", may_be_negative=False).pk

    def _product(self, code: str, unit: uuid.UUID, price: str) -> uuid.UUID:
        return make("masters.product", self.ctx, code=code, unit=str(unit), list_price=price).pk

    def _partner(self, code: str, **kinds: Any) -> uuid.UUID:
        return make("masters.partner", self.ctx, code=code, settlement="cash", **kinds).pk

    def post(self, *entries: Any) -> uuid.UUID:
        """Post entries as some document would that these tests have no need to know; returns its id."""
        id_ = new_id()
        header = SimpleNamespace(id=id_, date=self.ctx.today, turn=0)
        document = SimpleNamespace(code="test.entry", ledgers=_ALL)
        writing = Writing(self.ctx.enterprise_id)
        writing.insert([Doc(enterprise_id=self.ctx.enterprise_id, id=id_, code="test.entry")])
        writing.run()
        ledger.post(Loaded(document, header), self.ctx, entries, writing)  # type: ignore[arg-type]
        writing.run()
        return id_

    def receive(self, product: uuid.UUID, qty: str, cost: str) -> None:
        """Bring goods in at a cost per piece, tax-exclusive."""
        pieces = Decimal(qty)
        value = pieces * Decimal(cost)
        self.post(
            StockEntry(product_id=product, warehouse_id=self.warehouse, status="good", on_hand=pieces),
            CostEntry(product_id=product, qty=pieces, value=value),
        )

    def save(self, code: str, **body: Any) -> Loaded:
        return save(code, self.ctx, body)

    def move(self, loaded: Any, step: str, **given: Any) -> Loaded:
        return move(loaded.document.code, self.ctx, loaded.pk, step, **given)

    def push(self, loaded: Any, target: str, qty: dict[int, str] | None = None, **more: Any) -> Loaded:
        """Save what a document is pushed to: all that is open, or the quantities named by line number."""
        body = pulling.push(loaded.document.code, self.ctx, loaded.pk, target)
        if qty is not None:
            wanted = {str(line.id): qty[line.no] for line in loaded.lines if line.no in qty}
            body = pulling.pull(target, self.ctx, loaded.document.code, wanted)
        return save(target, self.ctx, body | more)

    def again(self, loaded: Any) -> Loaded:
        """Read a document as it stands now."""
        return load(find_document(loaded.document.code), self.ctx, loaded.pk)

    def contract_c1(self, **more: Any) -> Loaded:
        """The contract C-1 of flows.md F3, not approved yet."""
        lines = [
            {"product": "P1", "qty": "1", "price": "6800.00"},
            {"product": "P2", "qty": "2", "price": "900.00"},
        ]
        body = {"customer": "LI", "discount_amount": "100.00", "lines": lines} | more
        return self.save("sales.contract", **body)

    def receipt(self, amount: str, **more: Any) -> Loaded:
        """A receipt from Li for nothing in particular."""
        return self.save(
            "finance.receipt", **({"customer": "LI", "account": "BANK", "amount": amount} | more)
        )

    def pay(self, contract: Any, amount: str) -> Loaded:
        """Receive and confirm money for a contract."""
        body = pulling.push("sales.contract", self.ctx, contract.pk, "finance.receipt")
        body["lines"][0]["amount"] = amount
        body["lines"][0]["sources"][0]["qty"] = amount
        return self.move(self.save("finance.receipt", **(body | {"account": "BANK"})), "approve")

    def stock(self, product: uuid.UUID) -> tuple[Decimal, ...]:
        """On hand, reserved, pending out, in transit, on order, available: the columns of flows.md F9."""
        row = StockBalance.objects.filter(
            product_id=product, warehouse_id=self.warehouse, status="good"
        ).first()
        if row is None:
            return (ZERO,) * 6
        return (row.on_hand, row.reserved, row.pending_out, row.in_transit, row.on_order, row.available)

    def cost(self, product: uuid.UUID) -> tuple[Decimal, Decimal]:
        row = CostBalance.objects.get(product_id=product)
        return row.qty, row.value

    def owed(self, contract: Any) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Charged, credited, applied, open: the columns of flows.md F12."""
        row = ReceivableBalance.objects.get(contract_id=contract.pk)
        return row.charged, row.credited, row.applied, row.open

    def free(self) -> Decimal:
        row = CustomerFunds.objects.filter(partner_id=self.customer).first()
        return ZERO if row is None else row.free

    def cash(self) -> Decimal:
        row = CashBalance.objects.filter(account_id=self.account).first()
        return ZERO if row is None else row.amount

    def payable(self, order: uuid.UUID) -> Decimal:
        row = PayableBalance.objects.filter(order_id=order).first()
        return ZERO if row is None else row.open

    def prepaid(self) -> Decimal:
        row = SupplierFunds.objects.filter(partner_id=self.supplier).first()
        return ZERO if row is None else row.prepaid

    def prove(self) -> None:
        """Every balance and counter is the fold of its history."""
        assert verify(self.ctx.enterprise_id) == []

    def day(self, days: int) -> str:
        return (self.ctx.today + dt.timedelta(days=days)).isoformat()
