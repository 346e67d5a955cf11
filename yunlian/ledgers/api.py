"""The address of a partner's statement."""

from typing import Any

from yunlian.kernel.api import Request, route
from yunlian.kernel.document import REGISTRY, Invalid, Problem
from yunlian.kernel.fields import BadValue, Date, uuid_or_none
from yunlian.kernel.load import find_rows, reference
from yunlian.kernel.permission import Forbidden, may
from yunlian.kernel.text import _
from yunlian.masters.models import Partner

from .statement import statement

# Whose figures a side of the statement shows, and so who may see it.
SIDES = {"customer": "finance.receivable", "supplier": "finance.payable"}
_day = Date(label=_("Date"))


@route("GET", "/api/finance.statement", needs="signed")
def get_statement(request: Request) -> Any:
    """What happened with one partner between two dates, and what stands open (`partner`, `from`, `to`, `side`).

    Without `side` it is the supplier's for a partner who only supplies, else the customer's. Needs the right to view
    the receivables or payables it shows.
    """
    query = request.query
    partner, period, problems = None, [], []
    id_ = uuid_or_none(query.get("partner"))
    if id_ is not None:
        partner = find_rows(Partner, request.ctx.enterprise_id, [id_]).get(id_)
    if partner is None:
        problems.append(Problem("partner", _("Is not known here."), code="unknown"))
    for name in ("from", "to"):
        try:
            period.append(
                _day.parse(query.get(name))
                or request.ctx.today.replace(day=1 if name == "from" else request.ctx.today.day)
            )
        except BadValue as bad:
            problems.append(Problem(name, bad.message, code=bad.code))
    side = query.get("side") or (
        "supplier" if partner and partner.is_supplier and not partner.is_customer else "customer"
    )
    if side not in SIDES:
        problems.append(
            Problem("side", _("Must be one of: %(known)s.") % {"known": ", ".join(SIDES)}, code="unknown")
        )
    if problems or partner is None:
        raise Invalid(*problems)
    if not may(request.ctx, SIDES[side], "view"):
        raise Forbidden(SIDES[side])
    found = statement(request.ctx, partner.id, side, *period)
    return {
        "partner": reference(partner),
        "side": side,
        "opening": found.opening,
        "closing": found.closing,
        "rows": [
            {
                "date": row.date,
                "code": row.code,
                "label": REGISTRY[row.code].label,
                "id": row.id,
                "number": row.number,
                "charge": row.charge,
                "paid": row.paid,
                "balance": row.balance,
            }
            for row in found.rows
        ],
    }
