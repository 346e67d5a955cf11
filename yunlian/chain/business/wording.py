"""How parties, products, units and numbers are written in messages, and read again."""

import uuid
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Any

from yunlian.documents.finance.payment.flow import THEIRS as OF_PAYMENTS
from yunlian.documents.purchasing.order.flow import THEIRS as OF_ORDERS
from yunlian.kernel.document import Problem, Refused
from yunlian.kernel.fields import BadValue, Qty, normal_code, trimmed, uuid_or_none
from yunlian.kernel.scope import Context, enterprise_id
from yunlian.kernel.text import _, keep
from yunlian.masters.models import Product, Unit
from yunlian.masters.units import Factors, find_factors
from yunlian.org.models import Enterprise

from ..models import Link, Offer

_PRICE = Decimal("0.00000001")
_qty = Qty(low="0")
_KNOWN = {told for told, _label in (*OF_ORDERS, *OF_PAYMENTS)}


def exact(value: Decimal | None, places: int = 0) -> str | None:
    """Return a number as messages write it: exact, plain, at least so many decimals."""
    return None if value is None else format(trimmed(value, places), "f")


def day(value: Any) -> str | None:
    """Return a date as messages write it."""
    return None if value is None else str(value.isoformat())


def net_price(price: Decimal | None, discount: Decimal | None) -> str | None:
    """Return a unit price after its discount, tax included, rounded half up to 8 decimals."""
    if price is None:
        return None
    return exact((price * (1 - (discount or 0))).quantize(_PRICE, ROUND_HALF_UP), 2)


def currency_of(enterprise_id: int) -> str:
    """Return the currency an enterprise keeps its books in."""
    return Enterprise.objects.values_list("currency", flat=True).get(pk=enterprise_id)


def state_of(data: Mapping[str, Any]) -> str:
    """Return what a partner tells of their document as code.state; blank when it is none we have a name for."""
    state = "closed" if data.get("close") == "manual" else data.get("state")
    told = f"{data.get('document')}.{state}"
    return told if told in _KNOWN else ""


def unit_words(unit: Unit) -> dict[str, str]:
    """Return a unit as messages write it."""
    return {"code": unit.code, "name": unit.name}


def base_units(lines: Iterable[Any]) -> dict[uuid.UUID, Unit]:
    """Return the base units of the products of document lines by id, in one statement."""
    return {unit.id: unit for unit in Unit.objects.filter(id__in={line.product.unit_id for line in lines})}


def goods_words(line: Any, bases: Mapping[uuid.UUID, Unit]) -> dict[str, Any]:
    """Return the quantity of a document line in its unit, and what that is in base units, for the reader to compare."""
    base = {"qty": exact(line.base_qty), "unit": unit_words(bases[line.product.unit_id])}
    return {"qty": exact(line.qty), "unit": unit_words(line.unit), "base": base}


def product_words(product: Product, offer: Offer | None = None) -> dict[str, Any]:
    """Return a product with our code and, when it is one of theirs, with theirs."""
    words: dict[str, Any] = {"ours": {"id": str(product.id), "code": product.code, "name": product.name}}
    if offer is not None:
        words["theirs"] = {"id": offer.upstream_id, "code": offer.upstream_code}
    return words


def their_product(line: Mapping[str, Any]) -> str:
    """Return the id of the product a line of theirs names, as they have it."""
    return str(_inner(line, "product", "ours").get("id") or "")


def find_offers(link: Link, products: Iterable[uuid.UUID]) -> dict[uuid.UUID, Offer]:
    """Return what each of our products is called by an upstream partner."""
    found = Offer.objects.filter(link_id=link.id, product_id__in=list(products)).exclude(state="off_shelf")
    return {offer.product_id: offer for offer in found}


class Reader:
    """Finds our products and units for what a partner wrote; gathers every value that has no counterpart."""

    def __init__(self, lines: list[Mapping[str, Any]]) -> None:
        """Read all products and units the lines name, in two statements."""
        self.problems: list[Problem] = []
        self._factors: Factors = {}
        ids = [id_ for line in lines if (id_ := uuid_or_none(_inner(line, "product", "theirs").get("id")))]
        self._products = {product.id: product for product in Product.objects.filter(id__in=ids)}
        told = [_unit(part) for line in lines for part in (line, _inner(line, "base"))]
        words = {normal_code(str(unit.get(key, ""))) for unit in told for key in ("code", "name")}
        units = [unit for unit in Unit.objects.all() if {unit.code, normal_code(unit.name)} & words]
        self._units = {normal_code(unit.name): unit for unit in units} | {unit.code: unit for unit in units}

    def product(self, line: Mapping[str, Any], no: int) -> str | None:
        """Return the id of our product a line names; an unknown one is a problem that names the value."""
        theirs = _inner(line, "product", "theirs")
        found = self._products.get(uuid_or_none(theirs.get("id")) or uuid.UUID(int=0))
        if found is not None:
            return str(found.id)
        named = theirs.get("code") or _inner(line, "product", "ours").get("name") or theirs.get("id")
        message = _("%(enterprise)s has no product for “%(value)s”.") % self._lacking(named)
        self.problems.append(Problem("product", message, no, "unmapped"))
        return None

    def unit(self, line: Mapping[str, Any], no: int) -> str | None:
        """Return the id of our unit a line names, by code, then by name."""
        wanted = _unit(line)
        for key in ("code", "name"):
            found = self._units.get(normal_code(str(wanted.get(key, ""))))
            if found is not None:
                return str(found.id)
        named = wanted.get("code") or wanted.get("name")
        message = _("%(enterprise)s has no unit “%(value)s”.") % self._lacking(named)
        self.problems.append(Problem("unit", message, no, "unmapped"))
        return None

    def learn(self, ctx: Context, products: Iterable[Product]) -> None:
        """Read what the units that are named hold of these products; at most one statement, before any `base_qty`."""
        units = {unit.id for unit in self._units.values()}
        self._factors = find_factors(ctx, [(product, unit) for product in products for unit in units])

    def base_qty(
        self, product: Product, line: Mapping[str, Any], no: int, name: str = "qty"
    ) -> Decimal | None:
        """Return a quantity the partner wrote, in base units of our product; what does not convert is a problem."""
        unit = self.unit(line, no)
        try:
            qty = _qty.parse(line.get(name)) or Decimal(0)
        except BadValue as bad:
            self.problems.append(Problem(name, bad.message, no, bad.code))
            return None
        if unit is None:
            return None
        factor = self._factors.get((product.id, uuid.UUID(unit)))
        if factor is None:
            values = {"code": product.code, "unit": _unit_name(line)}
            message = _("%(code)s is not traded in %(unit)s here: add the unit to the product.") % values
            self.problems.append(Problem("unit", message, no, "unmapped"))
            return None
        return qty * factor

    def require_base(self, product: Product, line: Mapping[str, Any], no: int, qty: Decimal) -> None:
        """Note a problem unless a line is `qty` base units on both sides: a unit may hold more here than there."""
        there = line.get("base")
        if not isinstance(there, Mapping):
            return  # told by a program that does not say it
        said = self.base_qty(product, there, no)
        if said is None or said == qty:
            return
        values = {
            "unit": _unit_name(line),
            "code": product.code,
            "theirs": exact(said),
            "ours": exact(qty),
            "base": _unit_name(there),
        }
        message = _(
            "%(unit)s of %(code)s does not hold the same on both sides: here the line is %(ours)s %(base)s, with you "
            "%(theirs)s. Agree on one conversion and correct the product's unit."
        )
        self.problems.append(Problem("unit", message % values, no, "factor"))

    def _lacking(self, named: Any) -> dict[str, str]:
        """Who lacks what: it is read on both sides."""
        return {"enterprise": self._us, "value": str(named)[:80]}

    @cached_property
    def _us(self) -> str:
        return Enterprise.objects.values_list("name", flat=True).get(pk=enterprise_id())

    def finish(self) -> None:
        """Raise Refused when anything has no counterpart."""
        if self.problems:
            raise Refused(*self.problems)


def _inner(line: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Any = line
    for name in names:
        found = found.get(name)
        if not isinstance(found, Mapping):
            return {}
    inner: Mapping[str, Any] = found
    return inner


def _unit(line: Mapping[str, Any]) -> Mapping[str, Any]:
    unit = line.get("unit")
    return unit if isinstance(unit, Mapping) else {"code": str(unit or "")}


def _unit_name(line: Mapping[str, Any]) -> str:
    unit = _unit(line)
    return str(unit.get("name") or unit.get("code") or "")[:60]


def lines_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the lines of a message. Raises Refused when they are not what they must be."""
    lines = data.get("lines")
    if not isinstance(lines, list) or not lines or not all(isinstance(line, dict) for line in lines):
        raise Refused(Problem("lines", _("Must be a list of lines."), code="invalid"))
    if len(lines) > 1000:
        raise Refused(Problem("lines", _("Has more than 1000 lines."), code="too_many"))
    return lines


def line_id(line: Mapping[str, Any], name: str = "line") -> uuid.UUID:
    """Return the id a line carries under a name. Raises Refused."""
    found = uuid_or_none(line.get(name))
    if found is None:
        raise Refused(Problem("lines", _("Must be an id."), code="invalid"))
    return found


def reason_of(data: Mapping[str, Any]) -> str:
    """Return the reason a message gives, at most 500 characters, as a document keeps it."""
    return keep(str(data.get("reason") or "")[:500] or _("No reason was given."))
