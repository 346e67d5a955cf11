"""How far a contract is paid and delivered (flows.md F3, progress tracks): derived, never typed.

Recounted inside the transaction of every stock-out and receipt that touches it, from counters and balances. A contract
that is delivered and paid closes itself; it opens again when either is taken back.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel.events import before, on
from yunlian.kernel.load import Loaded, Statement
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run
from yunlian.kernel.verify import derived

# What the tracks of contracts in force must say: of all of them, or of those that `{these}` names.
_TRACKS = """
SELECT c.id, coalesce(m.applied, 0) AS applied_amount, m.applied - c.received_amount AS funds_amount,
  greatest(c.total - m.applied + c.received_amount, c.linked_received_amount) AS collect_amount,
  CASE WHEN coalesce(m.applied, 0) >= m.due THEN 'complete' WHEN m.applied > 0 THEN 'partial' ELSE 'none' END AS receipt,
  CASE WHEN m.due > 0 THEN trunc(least(m.applied / m.due, 1), 4) ELSE 1 END AS receipt_rate,
  CASE WHEN d.is_whole THEN 'complete' WHEN d.shipped > 0 THEN 'partial' ELSE 'none' END AS delivery,
  d.rate AS delivery_rate,
  CASE WHEN c.close = 'manual' THEN 'manual'
       WHEN d.is_whole AND coalesce(m.applied, 0) >= m.due THEN 'auto' ELSE 'open' END AS close
FROM sales_salescontract c JOIN (
  SELECT l.contract_id, bool_and(l.shipped_qty >= l.base_qty OR l.is_closed) AS is_whole, sum(l.shipped_qty) AS shipped,
         trunc(CASE WHEN sum(l.net) > 0 THEN sum(l.net * l.shipped_qty / l.base_qty) / sum(l.net)
                    ELSE sum(l.shipped_qty) / sum(l.base_qty) END, 4) AS rate
  FROM sales_salescontractline l WHERE l.enterprise_id = %s {of_lines} GROUP BY l.contract_id
) d ON d.contract_id = c.id JOIN (
  SELECT b.contract_id, sum(b.applied + b.written_off) AS applied, sum(b.charged - b.credited) AS due
  FROM ledgers_receivablebalance b WHERE b.enterprise_id = %s {of_balances} GROUP BY b.contract_id
) m ON m.contract_id = c.id
WHERE c.enterprise_id = %s AND c.state = 'approved'
"""
_NAMES = (
    "applied_amount", "funds_amount", "collect_amount", "receipt", "receipt_rate", "delivery", "delivery_rate", "close"
)  # fmt: skip
_SOME = _TRACKS.format(of_lines="AND l.contract_id = ANY(%s)", of_balances="AND b.contract_id = ANY(%s)")
_RECOUNT = f"""
UPDATE sales_salescontract c SET ({", ".join(_NAMES)}) = ROW({", ".join(f"t.{name}" for name in _NAMES)})
FROM ({_SOME}) t WHERE c.enterprise_id = %s AND c.id = t.id
"""
_DIFFERING = f"""
SELECT t.id::text, ROW({", ".join(f"c.{name}" for name in _NAMES)})::text, ROW({", ".join(f"t.{name}" for name in _NAMES)})::text
FROM ({_TRACKS.format(of_lines="", of_balances="")}) t
JOIN sales_salescontract c ON c.enterprise_id = %s AND c.id = t.id
WHERE ROW({", ".join(f"c.{name}" for name in _NAMES)}) IS DISTINCT FROM ROW({", ".join(f"t.{name}" for name in _NAMES)})
"""
# The contracts a receipt pays, or paid: those it names, those made from the intentions it names, and where its rest goes
# by itself, whatever the customer still owes.
_PAID = """
SELECT c.id FROM sales_salescontract c WHERE c.enterprise_id = %s AND c.id IN (
  SELECT e.contract_id FROM ledgers_receivableentry e WHERE e.enterprise_id = %s AND e.doc_id = %s
  UNION SELECT r.source_doc_id FROM kernel_linkrow r
    WHERE r.enterprise_id = %s AND r.target_doc_id = %s AND r.source_code = 'sales.contract'
  UNION SELECT m.target_doc_id FROM kernel_linkrow r JOIN kernel_linkrow m ON m.enterprise_id = r.enterprise_id
    AND m.source_doc_id = r.source_doc_id AND m.target_code = 'sales.contract'
    WHERE r.enterprise_id = %s AND r.target_doc_id = %s AND r.source_code = 'sales.intention'
  UNION SELECT b.contract_id FROM ledgers_receivablebalance b WHERE b.enterprise_id = %s AND b.partner_id = %s
    AND %s AND b.charged - b.credited - b.applied - b.written_off > 0
) ORDER BY c.id FOR NO KEY UPDATE
"""


def recount(ctx: Context, contracts: Iterable[uuid.UUID]) -> None:
    """Bring the tracks of contracts in step with what was shipped and received."""
    ids = sorted(set(contracts))
    if ids:
        ours = ctx.enterprise_id
        run(_RECOUNT, [ours, ids, ours, ids, ours, ours])


def find_differing(enterprise_id: int) -> Statement:
    """Return the statement that finds contracts whose tracks say something else than their history, for `verify`."""
    return _DIFFERING, [enterprise_id] * 4


def _lock(ctx: Context, receipt: Loaded) -> None:
    """Lock the contracts first, in order of id, as shipments do: what is recounted is then read under their lock."""
    ours, header = ctx.enterprise_id, receipt.header
    is_confirmed_now = header.state != "approved"
    rest = [ours, header.customer_id, is_confirmed_now and header.is_auto_applied]
    run(_PAID, [ours, *[ours, receipt.pk] * 3, *rest])


def _shipped(ctx: Context, out: Loaded) -> None:
    rows = [row for rows in out.sources.values() for row in rows]
    recount(ctx, (row.source_doc_id for row in rows if row.source_code == "sales.contract"))


def _paid(ctx: Context, receipt: Loaded) -> None:
    sql = "SELECT DISTINCT contract_id FROM ledgers_receivableentry WHERE enterprise_id = %s AND doc_id = %s"
    recount(ctx, (row[0] for row in run(sql, [ctx.enterprise_id, receipt.pk])))


def subscribe() -> None:
    """Follow every document that moves a contract's progress."""
    for step in ("approve", "unapprove"):
        before("finance.receipt", step, _lock)
    derived("sales_salescontract", find_differing)
    followed: tuple[tuple[str, Any], ...] = (("stock.sales_out", _shipped), ("finance.receipt", _paid))
    for code, subscriber in followed:
        for step in ("approve", "unapprove"):
            on(code, step, subscriber)
