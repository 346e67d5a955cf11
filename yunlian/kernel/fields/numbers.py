"""Kinds of number: whole numbers, exact decimals of money and quantity, counters, derived figures."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import CheckConstraint, F, Q
from typing_extensions import override

from ..text import _
from .kind import BadValue, Kind
from .schema import constrain, constraint_name

# A comma stands between groups of three digits or the text is no number: 3,5 may mean 3.5 or 35, and is neither.
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?)")


def _exact(text: str) -> Decimal | None:
    """Return the number a text spells, or None: a plain decimal, or one with its thousands in groups."""
    plain = text.strip()
    return Decimal(plain.replace(",", "")) if _DECIMAL.fullmatch(plain) else None


class Integer(Kind, models.IntegerField[Any, Any]):
    """A whole number between `low` and `high`."""

    kind = "integer"
    django_class = "IntegerField"

    def __init__(self, *, low: int = 0, high: int = 2_000_000_000, **options: Any) -> None:
        self.low, self.high = low, high
        super().__init__(**options)

    @override
    def parse(self, value: Any) -> int | None:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            value = _exact(value)
        # A number of many digits would take long to become whole, and is beyond every `high`.
        if isinstance(value, Decimal) and value.adjusted() < 20 and value == value.to_integral_value():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadValue(_("Must be a whole number."))
        if not self.low <= value <= self.high:
            raise BadValue(
                _("Must be between %(low)s and %(high)s.") % {"low": self.low, "high": self.high}, "range"
            )
        return value


class Number(Kind, models.DecimalField[Any, Any]):
    """An exact decimal. `low` is the least value allowed, `above` one that must be exceeded."""

    django_class = "DecimalField"
    digits: ClassVar[int] = 18
    places: ClassVar[int]

    def __init__(
        self, *, low: str | None = None, above: str | None = None, high: str | None = None, **options: Any
    ) -> None:
        self.low = None if low is None else Decimal(low)
        self.above = None if above is None else Decimal(above)
        self.high = None if high is None else Decimal(high)
        options.setdefault("max_digits", self.digits)
        options.setdefault("decimal_places", self.places)
        super().__init__(**options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        bounds: dict[str, Any] = {}
        if self.low is not None:
            bounds[f"{name}__gte"] = self.low
        if self.above is not None:
            bounds[f"{name}__gt"] = self.above
        if self.high is not None:
            bounds[f"{name}__lte"] = self.high
        if bounds:
            constrain(cls, CheckConstraint(name=constraint_name(cls, name, "range"), condition=Q(**bounds)))

    @override
    def parse(self, value: Any) -> Decimal | None:
        if value is None or value == "":
            return None
        number = _exact(value) if isinstance(value, str) else value
        if isinstance(number, bool) or not isinstance(number, int | Decimal):
            raise BadValue(_("Must be a number."))
        return self.checked(Decimal(number))

    def checked(self, number: Decimal) -> Decimal:
        """Return the number in this kind's scale; raises BadValue when it does not fit."""
        _sign, digits, exponent = number.as_tuple()
        if not isinstance(exponent, int):
            raise BadValue(_("Must be a number."))
        if len(digits) + exponent > self.max_digits - self.places:
            raise BadValue(_("Is too large."), "range")
        spare = -exponent - self.places
        if spare > 0:
            # Looked at digit by digit: arithmetic would round what has more than 28 of them.
            if any(digits[-spare:]):
                raise BadValue(_("Has more than %(n)s decimals.") % {"n": self.places}, "precision")
            number = number.quantize(Decimal(1).scaleb(-self.places))
        if self.low is not None and number < self.low:
            raise BadValue(_("Must be at least %(n)s.") % {"n": self.low}, "range")
        if self.above is not None and number <= self.above:
            raise BadValue(_("Must be greater than %(n)s.") % {"n": self.above}, "range")
        if self.high is not None and number > self.high:
            raise BadValue(_("Must be at most %(n)s.") % {"n": self.high}, "range")
        return number

    @override
    def show(self, value: Any) -> str | None:
        return None if value is None else format(trimmed(value, self.keeps), "f")

    # Decimals always shown; the rest only when they are not zero.
    keeps: ClassVar[int] = 0

    @override
    def meta(self) -> dict[str, Any]:
        return {"scale": self.places, "keeps": self.keeps}


def trimmed(value: Decimal, keeps: int) -> Decimal:
    """Return the same number without trailing zeros beyond `keeps` decimals."""
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent <= keeps:
        return value if -exponent == keeps else value.quantize(Decimal(1).scaleb(-keeps))
    short = value.normalize()
    exponent = short.as_tuple().exponent
    assert isinstance(exponent, int)
    return short if -exponent > keeps else value.quantize(Decimal(1).scaleb(-keeps))


class Qty(Number):
    """A quantity in the unit its line names, 6 decimals."""

    kind = "qty"
    places = 6


class Price(Number):
    """A price per unit, tax included unless its label says otherwise, 8 decimals."""

    kind = "price"
    places = 8
    keeps = 2

    def __init__(self, *, low: str | None = "0", **options: Any) -> None:
        super().__init__(low=low, **options)


class Amount(Number):
    """Money in the enterprise's currency, 2 decimals, rounded half up where it is made.

    `of` names the amount it is a part of, as what has come in is of what was asked: lists draw the share.
    """

    kind = "amount"
    places = 2
    keeps = 2

    def __init__(self, *, of: str = "", **options: Any) -> None:
        self.of = of
        super().__init__(**options)

    @override
    def meta(self) -> dict[str, Any]:
        return super().meta() | ({"of": self.of} if self.of else {})


class Rate(Number):
    """A multiplier: 0.13 is thirteen per cent; 6 decimals."""

    kind = "rate"
    digits = 12
    places = 6


class Done(Number):
    """How much of a line (or header) later documents have taken; moved by links only.

    Adds two columns: `<name>`, executed by approved targets, and `linked_<name>`, taken by any target that is not
    voided. CHECK: 0 <= executed <= linked <= the field named `of` (K5). `closes`: when everything is executed the
    line, and with the last line the document, closes itself (flows.md F1).
    """

    kind = "done"
    places = 6

    def __init__(self, *, of: str, closes: bool = False, **options: Any) -> None:
        self.of, self.closes = of, closes
        super().__init__(readonly=True, default=Decimal(0), null=False, **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        linked = f"linked_{name}"
        if cls._meta.abstract:
            return
        models.DecimalField(
            max_digits=self.digits, decimal_places=self.places, default=Decimal(0), editable=False
        ).contribute_to_class(cls, linked)
        condition = Q(**{f"{name}__gte": 0, f"{linked}__gte": F(name), f"{self.of}__gte": F(linked)})
        constrain(cls, CheckConstraint(name=constraint_name(cls, name, "taken"), condition=condition))

    @property
    def linked(self) -> str:
        """Name of the column that counts what any live target has taken."""
        return f"linked_{self.name}"

    def room(self, row: Any) -> Decimal:
        """Return what may still be taken of a row: its quantity less what is linked; nothing once it is closed."""
        if getattr(row, "is_closed", False):
            return Decimal(0)
        promised: Decimal = getattr(row, self.of) or Decimal(0)
        taken: Decimal = getattr(row, self.linked)
        return promised - taken


class _Derived(Number):
    """A number that PostgreSQL keeps from other columns of its row, for lists to show, sort, sum and filter by.

    Read it from rows as they came from the database; nobody writes it, and it does not follow a row changed in memory.
    """

    generated = True

    def __init__(self, *, expression: Any, **options: Any) -> None:
        self.expression = expression
        super().__init__(readonly=True, **options)

    @override
    def deconstruct(self) -> Any:
        kept = models.DecimalField(max_digits=self.max_digits, decimal_places=self.decimal_places)
        plain = models.GeneratedField(
            expression=self.expression, output_field=kept, db_persist=True, null=self.null
        )
        _name, path, args, kwargs = plain.deconstruct()
        return self.name, path, args, kwargs


class DerivedQty(_Derived, Qty):
    """A derived quantity."""


class DerivedAmount(_Derived, Amount):
    """A derived amount of money."""
