"""The address of a partner's statement."""

from typing import Any

from yunlian.kernel.api import Request, route
from yunlian.kernel.document import REGISTRY, Invalid, Problem
from yunlian.kernel.fields import BadValue, Date, normal_code, uuid_or_none
from yunlian.kernel.load import reference
from yunlian.kernel.permission import Forbidden, may
from yunlian.kernel.shapes import DAY, DECIMAL, ID, REFERENCE, TEXT, describes, every, record
from yunlian.kernel.text import _
from yunlian.masters.models import Partner

from .statement import statement

# Whose figures a side of the statement shows, and so who may see it.
SIDES = {"customer": "finance.receivable", "supplier": "finance.payable"}
_day = Date(label=_("Date"))


_ROW = record(
    date=DAY, code=TEXT, label=TEXT, id=ID, number=TEXT, charge=DECIMAL, paid=DECIMAL, balance=DECIMAL
)


@route(
    "GET",
    "/api/finance.statement",
    needs="signed",
    schema=describes(
        record(
            partner=REFERENCE, side={"enum": list(SIDES)}, opening=DECIMAL, closing=DECIMAL, rows=every(_ROW)
        ),
        query={
            "partner": TEXT | {"description": "An id or a code."},
            "from": DAY | {"description": "The first of this month when absent."},
            "to": DAY | {"description": "Today when absent."},
            "side": {"enum": list(SIDES)},
        },
        wanted=("partner",),
    ),
)
def get_statement(request: Request) -> Any:
    """What happened with one partner between two dates, and what stands open (`partner`, `from`, `to`, `side`).

    Without `side` it is the supplier's for a partner who only supplies, else the customer's. Needs the right to view
    the receivables or payables it shows.
    """
    query = request.query
    period, problems = [], []
    wanted = query.get("partner", "")
    id_ = uuid_or_none(wanted)
    partner = Partner.objects.filter(**({"id": id_} if id_ else {"code": normal_code(wanted)})).first()
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
