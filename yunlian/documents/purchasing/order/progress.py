"""How much of an order is paid: derived from the ledgers, never typed (flows.md F13).

Recounted inside the transaction of every payment that pays it, or is taken back: what was applied to its goods, and what
is still prepaid for it.
"""

from typing import Any

from yunlian.kernel.events import on
from yunlian.kernel.load import Loaded
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run

_RECOUNT = """
WITH named AS (
  SELECT order_id AS id FROM ledgers_payableentry WHERE enterprise_id = %s AND doc_id = %s
  UNION SELECT for_doc_id FROM ledgers_supplierfundsentry WHERE enterprise_id = %s AND doc_id = %s
), paid AS (
  SELECT n.id, coalesce((SELECT sum(b.applied) FROM ledgers_payablebalance b
      WHERE b.enterprise_id = %s AND b.order_id = n.id), 0)
    + coalesce((SELECT sum(t.prepaid) FROM ledgers_tiedprepaid t
      WHERE t.enterprise_id = %s AND t.for_doc_id = n.id), 0) AS amount
  FROM named n
)
UPDATE purchasing_purchaseorder o SET paid_amount = p.amount FROM paid p
WHERE o.enterprise_id = %s AND o.id = p.id RETURNING 1
"""


def _paid(ctx: Context, payment: Loaded) -> None:
    one: list[Any] = [ctx.enterprise_id, payment.pk]
    run(_RECOUNT, [*one, *one, *[ctx.enterprise_id] * 3])


def subscribe() -> None:
    """Follow every payment."""
    for step in ("pay", "unapprove"):
        on("finance.payment", step, _paid)
