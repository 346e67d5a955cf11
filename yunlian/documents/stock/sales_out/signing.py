"""What the customer's enterprise says about a shipment (flows.md F5): received, short and damaged, line by line."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from typing_extensions import override

from yunlian.kernel import fields as f
from yunlian.kernel.consent import asking
from yunlian.kernel.document import Flow, Problem, State, Step
from yunlian.kernel.fields import BadValue, uuid_or_none
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

_qty = f.Qty(low="0")
ZERO = Decimal(0)


@dataclass(frozen=True)
class Count:
    """One line of ours as the other side counted it, in base units; `received` arrived sound."""

    line: uuid.UUID
    received: Decimal
    short: Decimal
    damaged: Decimal


class Counts(f.Kind):
    """Input only: a list of {"line": our line's id, "received", "short", "damaged"}; what is left out is nothing."""

    kind = "counts"
    django_class = "JSONField"

    @override
    def parse(self, value: Any) -> list[Count]:
        """Return the counts; raises BadValue."""
        if not isinstance(value, list) or not value:
            raise BadValue(_("Must be a list of lines."))
        return [self._count(item) for item in value]

    def _count(self, item: Any) -> Count:
        line = uuid_or_none(item.get("line")) if isinstance(item, dict) else None
        if line is None:
            raise BadValue(_("Names no line."), "unknown")
        received, short, damaged = (
            _qty.parse(item.get(name)) or ZERO for name in ("received", "short", "damaged")
        )
        return Count(line, received, short, damaged)


LINES = Counts(label=_("Lines"))
LINES.name = "lines"


def sign(out: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Add what was counted; a shipment may arrive in parts, and never more than was sent."""
    return _count(out, lines, given["lines"], 1)


def unsign(out: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Take away what was counted: the customer took their stock-in back."""
    return _count(out, lines, given["lines"], -1)


def _count(out: Any, lines: list[Any], counts: list[Count], sign: int) -> Iterable[Problem]:
    known = {line.id: line for line in lines}
    for count in counts:
        line = known.get(count.line)
        if line is None:
            yield Problem("lines", _("This shipment has no such line."), code="unknown")
            continue
        line.received_qty += sign * count.received
        line.short_qty += sign * count.short
        line.damaged_qty += sign * count.damaged
        if told(line) > line.base_qty or min(line.received_qty, line.short_qty, line.damaged_qty) < 0:
            message = _("%(told)s reported, %(sent)s sent.") % {"told": told(line), "sent": line.base_qty}
            yield Problem("lines", message, line.no, "exceeds_open")
    is_whole = all(told(line) == line.base_qty for line in lines)
    out.signed = "signed" if is_whole else "partly" if any(told(line) for line in lines) else "unsigned"


def told(line: Any) -> Decimal:
    """Return how much of a line the other side has reported about."""
    total: Decimal = line.received_qty + line.short_qty + line.damaged_qty
    return total


SIGNED = Flow(
    label=_("Receipt by the customer"),
    field="signed",
    states=(
        State("unsigned", _("Not signed"), "quiet"),
        State("partly", _("Partly signed"), "partner"),
        State("signed", _("Signed"), "good"),
    ),
    steps=(
        Step(
            "partner_signed",
            _("Signed by the customer"),
            ("unsigned", "partly"),
            "signed",
            input=(LINES,),
            act=sign,
            when=("approved",),
            is_partner=True,
        ),
        Step(
            "partner_unsigned",
            _("Receipt taken back by the customer"),
            ("partly", "signed"),
            "unsigned",
            input=(LINES,),
            act=unsign,
            when=("approved",),
            is_partner=True,
        ),
    ),
)


def is_unsigned(out: Any) -> bool:
    """Tell whether the customer has reported nothing about a shipment yet."""
    return bool(out.signed == "unsigned")


WITHDRAWAL = asking(may_recall=is_unsigned)
