"""How far a contract is paid and delivered (flows.md F3, progress tracks): derived, never typed.

Recounted inside the transaction of every stock-out and receipt that touches it, from counters and balances. A contract
that is delivered and paid closes itself; it opens again when either is taken back.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run

_RECOUNT = """
UPDATE sales_salescontract c SET
  applied_amount = coalesce(m.applied, 0),
  funds_amount = m.applied - c.received_amount,
  collect_amount = greatest(c.total - m.applied + c.received_amount, c.linked_received_amount),
  receipt = CASE WHEN coalesce(m.applied, 0) >= m.due THEN 'complete' WHEN m.applied > 0 THEN 'partial' ELSE 'none' END,
  receipt_rate = CASE WHEN m.due > 0 THEN trunc(least(m.applied / m.due, 1), 4) ELSE 1 END,
  delivery = CASE WHEN d.is_whole THEN 'complete' WHEN d.shipped > 0 THEN 'partial' ELSE 'none' END,
  delivery_rate = d.rate,
  close = CASE WHEN c.close = 'manual' THEN 'manual'
               WHEN d.is_whole AND coalesce(m.applied, 0) >= m.due THEN 'auto' ELSE 'open' END
FROM (
  SELECT l.contract_id, bool_and(l.shipped_qty >= l.base_qty OR l.is_closed) AS is_whole, sum(l.shipped_qty) AS shipped,
         trunc(CASE WHEN sum(l.net) > 0 THEN sum(l.net * l.shipped_qty / l.base_qty) / sum(l.net)
                    ELSE sum(l.shipped_qty) / sum(l.base_qty) END, 4) AS rate
  FROM sales_salescontractline l WHERE l.enterprise_id = %s AND l.contract_id = ANY(%s) GROUP BY l.contract_id
) d JOIN (
  SELECT b.contract_id, sum(b.applied + b.written_off) AS applied, sum(b.charged - b.credited) AS due
  FROM ledgers_receivablebalance b WHERE b.enterprise_id = %s AND b.contract_id = ANY(%s) GROUP BY b.contract_id
) m ON m.contract_id = d.contract_id
WHERE c.enterprise_id = %s AND c.id = d.contract_id AND c.state = 'approved'
"""


def recount(ctx: Context, contracts: Iterable[uuid.UUID]) -> None:
    """Bring the tracks of contracts in step with what was shipped and received."""
    ids = sorted(set(contracts))
    if ids:
        run(_RECOUNT, [ctx.enterprise_id, ids, ctx.enterprise_id, ids, ctx.enterprise_id])


def _shipped(ctx: Context, out: Loaded) -> None:
    rows = [row for rows in out.sources.values() for row in rows]
    recount(ctx, (row.source_doc_id for row in rows if row.source_code == "sales.contract"))


def _paid(ctx: Context, receipt: Loaded) -> None:
    sql = "SELECT DISTINCT contract_id FROM ledgers_receivableentry WHERE enterprise_id = %s AND doc_id = %s"
    recount(ctx, (row[0] for row in run(sql, [ctx.enterprise_id, receipt.pk])))


def subscribe() -> None:
    """Follow every document that moves a contract's progress."""
    followed: tuple[tuple[str, Any], ...] = (("stock.sales_out", _shipped), ("finance.receipt", _paid))
    for code, subscriber in followed:
        for step in ("approve", "unapprove"):
            on(code, step, subscriber)
