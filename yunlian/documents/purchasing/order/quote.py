"""The supplier's quotation of our order: quantity, price and date of every line."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from typing_extensions import override

from yunlian.kernel import fields as f
from yunlian.kernel.document import Problem
from yunlian.kernel.fields import BadValue, uuid_or_none
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.ledgers.models import StockEntry

_QTY, _PRICE, _DATE = f.Qty(above="0"), f.Price(), f.Date()


@dataclass(frozen=True)
class QuotedLine:
    """What the supplier offers for one of our lines, in its unit; the price includes tax and every discount."""

    line: uuid.UUID
    qty: Decimal
    price: Decimal
    date: dt.date | None


class QuotedLines(f.LongText):
    """Step input `[{"line": "<our line id>", "qty": "2", "price": "3950", "date": "2026-12-01"}]`."""

    @override
    def parse(self, value: Any) -> Any:
        if not isinstance(value, list) or not value or not all(isinstance(row, Mapping) for row in value):
            raise BadValue(_("Must be a list of lines."))
        return [_read(row) for row in value]


def _read(row: Mapping[str, Any]) -> QuotedLine:
    id_ = uuid_or_none(row.get("line"))
    qty, price = _QTY.parse(row.get("qty")), _PRICE.parse(row.get("price"))
    if id_ is None or qty is None or price is None:
        raise BadValue(_("Every line names a line of the order, a quantity and a price."), "required")
    return QuotedLine(id_, qty, price, _DATE.parse(row.get("date")))


LINES = QuotedLines(label=_("Quoted lines"))
LINES.name = "lines"


def take_quote(order: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Put the supplier's figures beside ours. Every line must be quoted, and nothing else."""
    quoted: dict[uuid.UUID, QuotedLine] = {row.line: row for row in given["lines"]}
    if set(quoted) != {line.id for line in lines}:
        yield Problem("lines", _("A quotation covers every line of the order and no other."), code="lines")
        return
    for line in lines:
        row = quoted[line.id]
        line.quoted_qty, line.quoted_price, line.quoted_date = row.qty, row.price, row.date
    order.expected_date = given["expected_date"] or order.expected_date
    order.theirs_state = given["theirs_state"] or order.theirs_state
    order.reason = ""


def quoted_total(lines: list[Any]) -> Decimal:
    """Return what the quotation comes to, tax included; each line is rounded half up to 2 decimals."""
    cent = Decimal("0.01")
    shares = [(line.quoted_qty * line.quoted_price).quantize(cent, ROUND_HALF_UP) for line in lines]
    return sum(shares, Decimal(0))


def post_agreed(order: Any, lines: list[Any], ctx: Context) -> Iterable[StockEntry]:
    """Expect what was agreed instead of what was ordered."""
    for line in lines:
        change = line.base_qty + line.agreed_change
        if change:
            yield StockEntry(
                line_no=line.no,
                product_id=line.product_id,
                warehouse_id=order.warehouse_id,
                status="good",
                on_order=change,
            )
