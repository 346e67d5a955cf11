"""The statement of one partner: what stood open, what happened, what stands open (对账单).

Two statements, however long the period. A supplier's balance is what we owe less what we have prepaid, a customer's
what they owe us less their free and frozen money; negative means the other way round. What is merely applied from the
one to the other changes nothing, so only what is charged, returned, received and paid shows.
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from yunlian.kernel.listing import document_number
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run

ZERO = Decimal(0)

# By side: what raises and what lowers the balance, as sums over the two ledgers' entries.
_SIDES = {
    "customer": (
        "SELECT e.doc_id, e.date, e.at, e.charged - e.credited - e.written_off AS charge, e.applied AS paid "
        "FROM ledgers_receivableentry e WHERE e.enterprise_id = %s AND e.partner_id = %s "
        "UNION ALL SELECT e.doc_id, e.date, e.at, 0, e.free + e.frozen "
        "FROM ledgers_customerfundsentry e WHERE e.enterprise_id = %s AND e.partner_id = %s"
    ),
    "supplier": (
        "SELECT e.doc_id, e.date, e.at, e.received - e.returned AS charge, e.applied AS paid "
        "FROM ledgers_payableentry e WHERE e.enterprise_id = %s AND e.partner_id = %s "
        "UNION ALL SELECT e.doc_id, e.date, e.at, 0, e.prepaid "
        "FROM ledgers_supplierfundsentry e WHERE e.enterprise_id = %s AND e.partner_id = %s"
    ),
}


@dataclass(frozen=True)
class Row:
    """What one document did to the balance; `balance` is what stands open after it."""

    date: dt.date
    id: uuid.UUID
    code: str
    number: str
    charge: Decimal
    paid: Decimal
    balance: Decimal


@dataclass(frozen=True)
class Statement:
    """Amounts in the enterprise's currency, 2 decimals."""

    side: str
    opening: Decimal
    closing: Decimal
    rows: list[Row]


def statement(ctx: Context, partner_id: uuid.UUID, side: str, start: dt.date, end: dt.date) -> Statement:
    """Return what happened with a partner, as customer or supplier, from `start` to `end`, both included.

    Documents that moved nothing, and those taken back on the day they were made, are left out.
    """
    entries = _SIDES[side]
    keys = [ctx.enterprise_id, partner_id] * 2
    sql = f"SELECT coalesce(sum(charge - paid), 0) FROM ({entries}) e WHERE date < %s"
    ((opening,),) = run(sql, [*keys, start])
    sql = (
        f"SELECT d.id, d.code, e.date, {document_number('d')}, e.charge, e.paid FROM (SELECT doc_id, date, min(at) AS at, "
        f"sum(charge) AS charge, sum(paid) AS paid FROM ({entries}) e WHERE date BETWEEN %s AND %s "
        "GROUP BY doc_id, date) e JOIN kernel_doc d ON d.enterprise_id = %s AND d.id = e.doc_id "
        "WHERE e.charge <> 0 OR e.paid <> 0 ORDER BY e.date, e.at, d.id"
    )
    rows = list(_rows(opening, run(sql, [*keys, start, end, ctx.enterprise_id])))
    return Statement(side, opening, rows[-1].balance if rows else opening, rows)


def _rows(opening: Decimal, found: Iterable[tuple[Any, ...]]) -> Iterable[Row]:
    balance = opening
    for id_, code, date, number, charge, paid in found:
        balance += charge - paid
        yield Row(date, id_, code, number, charge, paid, balance)
