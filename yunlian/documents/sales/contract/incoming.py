"""Goods that come in are held for the contracts that wait for them, earliest delivery first (flows.md F7, F9).

What a stock document brought and contracts hold by now is given up again, latest delivery first, when that document is
taken back: only what is noticed or shipped already stands in its way.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from yunlian.kernel import audit, ledger
from yunlian.kernel.document import find_document
from yunlian.kernel.events import announce, before, on
from yunlian.kernel.load import Loaded, load_lines, select_for
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import Writing, run
from yunlian.ledgers.models import ReservationBalance, StockBalance, StockEntry

from .facts import lock_available
from .model import SalesContract
from .posting import reservation, reserve

ZERO = Decimal(0)
CODE = "sales.contract"
SERVED = 200  # contracts, at most, that one arrival is laid out to; what is left serves the next arrival or the step
_FROM_LINES = "SELECT l.contract_id FROM sales_salescontractline l"
_WAITING = (
    f"id IN ({_FROM_LINES} WHERE l.enterprise_id = %s AND l.product_id = ANY(%s) AND l.noticed_qty < l.base_qty "
    "AND NOT l.is_closed) AND t.is_auto_reserved AND t.close = 'open'"
)
_HOLDING = (
    f"id IN ({_FROM_LINES} JOIN ledgers_reservationbalance r ON r.enterprise_id = l.enterprise_id AND r.for_line = l.id "
    "WHERE l.enterprise_id = %s AND l.product_id = ANY(%s) AND l.noticed_qty < l.base_qty AND NOT l.is_closed "
    "AND r.reserved > 0)"
)
Quantities = Mapping[uuid.UUID, Decimal]


def subscribe() -> None:
    """Follow every document that brings goods."""
    for code in ("stock.purchase_in", "stock.opening"):
        on(code, "approve", hold_incoming)
        before(code, "unapprove", give_up)


def hold_incoming(ctx: Context, stock_in: Loaded) -> None:
    """Hold what came in for contracts that wait for it. A contract somebody works on at this moment is passed over."""
    warehouse, brought = stock_in.header.warehouse_id, _brought(stock_in)
    # Its balances are locked already, so nobody is waited for here: that could be a circle.
    contracts = _lock(
        ctx, warehouse, brought, f"{_WAITING} ORDER BY t.due_date, t.number LIMIT {SERVED}", "SKIP LOCKED"
    )
    if not contracts:
        return
    available = lock_available(warehouse, brought)
    held = _held(contracts)
    postings = []
    for contract in contracts:
        wanted = {
            line.id: line.base_qty - line.noticed_qty - held.get(line.id, ZERO)
            if line.product_id in brought
            else ZERO
            for line in contract.lines
        }
        entries = list(reserve(contract.header, contract.lines, wanted, available))
        for entry in entries:
            available[entry.product_id] -= entry.reserved
        postings.append((contract, entries))
    _post(ctx, postings, stock_in)


def give_up(ctx: Context, stock_in: Loaded) -> None:
    """Free as much of the goods as is not available otherwise, so that they can be taken back."""
    warehouse, brought = stock_in.header.warehouse_id, _brought(stock_in)
    rows = StockBalance.objects.filter(
        warehouse_id=warehouse, status="good", product_id__in=list(brought), may_be_negative=False
    )
    short = {row.product_id: brought[row.product_id] - row.available for row in rows}
    short = {product: qty for product, qty in short.items() if qty > 0}
    if not short:
        return
    contracts = _lock(
        ctx, warehouse, short, f"{_HOLDING} ORDER BY t.due_date DESC NULLS FIRST, t.number DESC"
    )
    held = _held(contracts)
    _post(ctx, [(contract, list(_freed(contract, held, short))) for contract in contracts], stock_in)


def _brought(stock_in: Loaded) -> dict[uuid.UUID, Decimal]:
    """Return the good goods of a stock document by product, in base units."""
    found: dict[uuid.UUID, Decimal] = defaultdict(Decimal)
    for line in stock_in.lines:
        if line.status == "good":
            found[line.product_id] += line.base_qty
    return dict(found)


def _lock(
    ctx: Context, warehouse: uuid.UUID, products: Quantities, which: str, how: str = ""
) -> list[Loaded]:
    """Lock approved contracts of a warehouse that have these products, in the order asked for; two statements."""
    document = find_document(CODE)
    select = select_for(document.header)
    rows = run(
        f"SELECT {select.columns} FROM sales_salescontract t{select.joins} WHERE t.enterprise_id = %s "
        f"AND t.warehouse_id = %s AND t.state = 'approved' AND t.{which} FOR NO KEY UPDATE OF t {how}",
        [ctx.enterprise_id, warehouse, ctx.enterprise_id, list(products)],
    )
    found = {header.id: Loaded(document, header) for header in select.instances(rows)}
    for line in load_lines(document, ctx, list(found)) if found else ():
        found[line.contract_id].lines.append(line)
    return list(found.values())


def _held(contracts: Iterable[Loaded]) -> dict[uuid.UUID, Decimal]:
    """Return what is held by line; it changes only under the contracts' own locks, which are taken."""
    lines = [line.id for contract in contracts for line in contract.lines]
    rows = ReservationBalance.objects.filter(for_line__in=lines).values_list("for_line", "reserved")
    return dict(rows)


def _freed(contract: Loaded, held: Quantities, short: dict[uuid.UUID, Decimal]) -> Iterable[StockEntry]:
    for line in reversed(contract.lines):
        qty = min(held.get(line.id, ZERO), short.get(line.product_id, ZERO))
        if qty > 0:
            short[line.product_id] -= qty
            yield reservation(contract.header, line, -qty)


def _post(ctx: Context, postings: list[tuple[Loaded, list[Any]]], cause: Loaded) -> None:
    """Post what changes, and say on each contract which document changed it."""
    postings = [(contract, entries) for contract, entries in postings if entries]
    if not postings:
        return
    writing = Writing(ctx.enterprise_id)
    ledger.post_all(postings, ctx, writing)
    headers: list[SalesContract] = []
    for contract, _entries in postings:
        header = contract.header
        header.version += 1
        header.updated_at, header.updated_by = ctx.now, ctx.member_id
        headers.append(header)
    writing.update(headers, ["turn", "version", "updated_at", "updated_by"])
    rows = [
        audit.rows(ctx, contract, "reserve", [], note=cause.header.number) for contract, _entries in postings
    ]
    writing.insert([row for row, _event in rows])
    writing.insert([event for _row, event in rows])
    writing.run()
    for contract, _entries in postings:
        announce(ctx, CODE, "reserve", contract)
