"""Kinds of field. A kind is a column, how a value is read from input, and what the console must know.

Every kind takes `label` (English, wrapped for translation) and the keywords of `Kind`. `parse` turns a JSON value
into the Python value or raises `BadValue` with a sentence for the user. Money and quantity are exact decimals;
nothing is rounded on entry: more decimals than the scale are refused.
"""

import datetime as dt
import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from django.db import models
from django.db.models import CheckConstraint, Deferrable, F, Q, UniqueConstraint
from django.db.models.fields.related import lazy_related_operation
from django.utils.module_loading import import_string
from typing_extensions import override

from .constraints import CompositeForeignKey, RowSecurity
from .identity import new_id
from .text import Label, _


class BadValue(ValueError):
    """An input value a kind cannot take; the message is for the user."""

    def __init__(self, message: Label, code: str = "invalid") -> None:
        super().__init__(message)
        self.message, self.code = message, code


def constrain(model: type[models.Model], constraint: models.BaseConstraint) -> None:
    """Add a constraint to a concrete model as if its Meta had named it, so that migrations see it."""
    if model._meta.abstract:
        return
    constraints = [*model._meta.constraints, constraint]
    model._meta.constraints = constraints
    model._meta.original_attrs["constraints"] = constraints


def index_of(model: type[models.Model], *columns: str, only: Q | None = None) -> None:
    """Add an index to a concrete model as if its Meta had named it; `only` makes it partial.

    Django allows 30 characters for its name.
    """
    name = constraint_name(model, *(column.lstrip("-") for column in columns if column != "enterprise_id"))
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:6]
    index = models.Index(fields=columns, name=f"{name[:23].rstrip('_')}_{digest}", condition=only)
    indexes = [*model._meta.indexes, index]
    model._meta.indexes = indexes
    model._meta.original_attrs["indexes"] = indexes


def constraint_name(model: type[models.Model], *parts: str) -> str:
    """Return `<table>_<parts>`, cut to PostgreSQL's 63 bytes from the left of the table's name."""
    name = "_".join((model._meta.db_table, *parts))
    return name if len(name) <= 63 else name[-63:].lstrip("_")


def plain_clone(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """Return the plain Django field that migrations keep in place of one of ours."""
    _name, path, args, kwargs = field.deconstruct()
    plain: models.Field[Any, Any] = import_string(path)(*args, **kwargs)
    return plain


class Kind(models.Field[Any, Any]):
    """What all kinds share.

    `required`: must be given before a document leaves draft. `readonly`: shown, never taken from input.
    `formula`: computed by the kernel on save from the fields it names; implies readonly. `guard`: a group of fields
    only some roles may read or write. `hint`: one line of help. `initial`: value or function of the context used
    when the input names none.
    """

    kind: ClassVar[str]
    label: Label
    # Set by Document when the field is used: decimals of numbers, else None.
    scale: int | None = None

    def __init__(
        self,
        *,
        label: Label = "",
        required: bool = True,
        readonly: bool = False,
        formula: str | None = None,
        guard: str | None = None,
        hint: Label = "",
        initial: Any = None,
        **options: Any,
    ) -> None:
        self.label, self.hint, self.guard, self.formula = label, hint, guard, formula
        self.required = required and not readonly and formula is None
        self.readonly = readonly or formula is not None
        self.initial = initial
        if not required or self.readonly or self._may_be_null:
            options.setdefault("null", True)
        super().__init__(**options)

    # Most kinds are left NULL while a draft is incomplete; `Document.check` refuses them afterwards.
    _may_be_null: ClassVar[bool] = True

    @override
    def deconstruct(self) -> Any:
        """Migrations name Django's own field, so that they outlive the kernel's classes."""
        name, _path, args, kwargs = super().deconstruct()
        return name, f"django.db.models.{self.django_class}", args, kwargs

    django_class: ClassVar[str]

    @override
    def clone(self) -> Any:
        return plain_clone(self)

    def parse(self, value: Any) -> Any:
        raise NotImplementedError

    def show(self, value: Any) -> Any:
        """Return the JSON form of a stored value."""
        return value

    def meta(self) -> dict[str, Any]:
        """Return what this kind adds to the metadata of a field."""
        return {}


def require_storable(text: str) -> None:
    """Raise BadValue for a text PostgreSQL cannot keep: with NUL, or half of a character."""
    if not text.isprintable() and ("\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)):
        raise BadValue(_("Contains characters that cannot be stored."))


class Text(Kind, models.CharField[Any, Any]):
    """A line of text; blank is the empty string. `index`: documents are searched by its beginning."""

    kind = "text"
    django_class = "CharField"
    _may_be_null = False

    def __init__(self, *, max_length: int = 200, index: bool = False, **options: Any) -> None:
        self.index = index
        options.setdefault("default", "")
        options.setdefault("null", False)
        super().__init__(max_length=max_length, **options)
        self.blank = True

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        if self.index and not cls._meta.abstract:
            index_of(cls, "enterprise_id", name)

    @override
    def parse(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise BadValue(_("Must be text."))
        text = unicodedata.normalize("NFC", value).strip()
        require_storable(text)
        if self.max_length and len(text) > self.max_length:
            raise BadValue(_("Is longer than %(n)s characters.") % {"n": self.max_length}, "too_long")
        return text

    @override
    def meta(self) -> dict[str, Any]:
        return {"max_length": self.max_length}


class LongText(Text):
    """Text of several lines."""

    kind = "longtext"

    def __init__(self, *, max_length: int = 4000, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)


class Code(Text):
    """A code people type and machines compare: normalised on write (S15): NFKC, trimmed, upper case.

    Kept in byte order, so that a search for its beginning is a range of its index.
    """

    kind = "code"

    def __init__(self, *, max_length: int = 60, **options: Any) -> None:
        options.setdefault("db_collation", "C")
        super().__init__(max_length=max_length, **options)

    @override
    def parse(self, value: Any) -> str:
        return normal_code(super().parse(value))


def normal_code(value: str) -> str:
    """Return a code as it is stored and compared: NFKC, trimmed, upper case."""
    return unicodedata.normalize("NFKC", value).strip().upper()


class Phone(Text):
    """A telephone number; spaces and hyphens are dropped."""

    kind = "phone"

    def __init__(self, *, max_length: int = 30, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    @override
    def parse(self, value: Any) -> str:
        number = super().parse(value).replace(" ", "").replace("-", "")
        if number and not (number.lstrip("+").isdigit() and 5 <= len(number) <= 20):
            raise BadValue(_("Is not a telephone number."))
        return number


class Choice(Text):
    """One of a fixed set of words, stored as text with a CHECK (S8)."""

    kind = "choice"

    def __init__(self, *, choices: Sequence[tuple[str, Label]], **options: Any) -> None:
        self.options = tuple(choices)
        super().__init__(max_length=30, **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        values = [value for value, _label in self.options] + ([] if self.required else [""])
        constrain(
            cls,
            CheckConstraint(name=constraint_name(cls, name, "known"), condition=Q(**{f"{name}__in": values})),
        )

    @override
    def parse(self, value: Any) -> str:
        text = super().parse(value)
        if text and text not in {known for known, _label in self.options}:
            known_values = ", ".join(known for known, _label in self.options)
            raise BadValue(_("Must be one of: %(known)s.") % {"known": known_values}, "unknown")
        return text

    @override
    def meta(self) -> dict[str, Any]:
        return {"choices": [{"value": value, "label": str(label)} for value, label in self.options]}


class State(Choice):
    """Where a paper stands on one track; moved by steps only."""

    kind = "state"

    def __init__(self, flow: Any, **options: Any) -> None:
        self.flow = flow
        states = [(state.name, state.label) for state in flow.states]
        options.setdefault("default", states[0][0])
        super().__init__(choices=states, readonly=True, label=options.pop("label", flow.label), **options)

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        self.required = True
        super().contribute_to_class(cls, name, private_only=private_only)


class Boolean(Kind, models.BooleanField[Any, Any]):
    """Yes or no; absent means the default."""

    kind = "boolean"
    django_class = "BooleanField"
    _may_be_null = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", False)
        options.setdefault("required", False)
        options.setdefault("null", False)
        super().__init__(**options)

    @override
    def parse(self, value: Any) -> bool:
        if value is None:
            return bool(self.default)
        if not isinstance(value, bool):
            raise BadValue(_("Must be yes or no."))
        return value


_WHOLE = re.compile(r"-?\d{1,20}")


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
        if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
            value = int(value)
        if isinstance(value, Decimal) and value == value.to_integral_value():
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
        self.scale = self.places

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
        if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
            raise BadValue(_("Must be a number."))
        try:
            number = Decimal(value.strip().replace(",", "") if isinstance(value, str) else value)
        except InvalidOperation:
            raise BadValue(_("Must be a number.")) from None
        return self.checked(number)

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
    """Money in the enterprise's currency, 2 decimals, rounded half up where it is made."""

    kind = "amount"
    places = 2
    keeps = 2


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


class Date(Kind, models.DateField[Any, Any]):
    """A business date, without time or zone."""

    kind = "date"
    django_class = "DateField"

    @override
    def parse(self, value: Any) -> dt.date | None:
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        try:
            parsed = dt.date.fromisoformat(value)
        except (TypeError, ValueError):
            raise BadValue(_("Must be a date such as 2026-11-22.")) from None
        if not 1900 <= parsed.year <= 2200:
            raise BadValue(_("Must be a date between 1900 and 2200."), "range")
        return parsed

    @override
    def show(self, value: Any) -> str | None:
        return None if value is None else value.isoformat()


class Moment(Kind, models.DateTimeField[Any, Any]):
    """A moment in UTC."""

    kind = "moment"
    django_class = "DateTimeField"

    @override
    def parse(self, value: Any) -> dt.datetime | None:
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return value.astimezone(dt.UTC)
        try:
            parsed = dt.datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise BadValue(_("Must be a moment such as 2026-11-22T08:00:00Z.")) from None
        if parsed.tzinfo is None:
            raise BadValue(_("Must name its time zone."))
        if not 1900 <= parsed.year <= 2200:
            raise BadValue(_("Must be a date between 1900 and 2200."), "range")
        return parsed.astimezone(dt.UTC)

    @override
    def show(self, value: Any) -> str | None:
        return None if value is None else value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


class Tags(Kind, models.JSONField):
    """A short list of words, for show; never filtered on (S14)."""

    kind = "tags"
    django_class = "JSONField"
    _may_be_null = False

    def __init__(self, **options: Any) -> None:
        options.setdefault("default", list)
        options.setdefault("null", False)
        options.setdefault("required", False)
        super().__init__(**options)

    @override
    def parse(self, value: Any) -> list[str]:
        if value is None:
            return []
        if (
            not isinstance(value, list)
            or len(value) > 50
            or not all(isinstance(v, str) and len(v) <= 60 for v in value)
        ):
            raise BadValue(_("Must be at most 50 words of at most 60 characters."))
        for word in value:
            require_storable(word)
        return value


class Ref(models.ForeignObject[Any, Any]):
    """Points to a row of another tenant table: column `<name>_id` and a composite foreign key (S3).

    `where` limits what may be chosen, by fields of the target that must equal the given values. `index`: documents are
    searched by it, newest first. `is_named`: rules ask no more of it than code and name.
    """

    kind = "ref"
    scale = None

    def __init__(
        self,
        to: type[models.Model] | str,
        *,
        label: Label = "",
        required: bool = True,
        readonly: bool = False,
        guard: str | None = None,
        hint: Label = "",
        initial: Any = None,
        where: dict[str, Any] | None = None,
        null: bool | None = None,
        related_name: str = "+",
        cascade: bool = False,
        index: bool = False,
        is_named: bool = False,
        **options: Any,
    ) -> None:
        self.label, self.hint, self.guard, self.where = label, hint, guard, where or {}
        self.required, self.readonly = required and not readonly, readonly
        self.initial, self.formula, self.cascade, self.index = initial, None, cascade, index
        self.is_named = is_named
        # Drafts may be incomplete, so the column is nullable unless the target is the parent.
        self.column_null = True if null is None else null
        options = {
            key: value
            for key, value in options.items()
            if key not in ("on_delete", "from_fields", "to_fields")
        }
        super().__init__(
            to,
            on_delete=models.DO_NOTHING,
            from_fields=["enterprise_id", "?"],
            to_fields=["enterprise_id", "id"],
            related_name=related_name,
            null=self.column_null,
            **options,
        )

    @override
    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        self.from_fields = ["enterprise_id", f"{name}_id"]
        if not cls._meta.abstract:
            column = models.UUIDField(null=self.column_null, editable=False)
            column.contribute_to_class(cls, f"{name}_id")
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)
        if not cls._meta.abstract:
            lazy_related_operation(self._add_key, cls, self.remote_field.model, field_name=name)
            if self.index:
                index_of(cls, "enterprise_id", f"{name}_id", "-date", "-id")

    def _add_key(self, model: type[models.Model], target: type[models.Model], field_name: str) -> None:
        constrain(
            model,
            CompositeForeignKey(
                name=constraint_name(model, field_name, "fk"),
                column=f"{field_name}_id",
                to_table=target._meta.db_table,
                cascade=self.cascade,
            ),
        )

    @override
    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.ForeignObject", args, kwargs | {"from_fields": self.from_fields}

    @override
    def clone(self) -> Any:
        return plain_clone(self)

    @property
    def column_name(self) -> str:
        return f"{self.name}_id"

    def meta(self) -> dict[str, Any]:
        return {"where": self.where}


class Parent(Ref):
    """A line's header: required, deleted with it, and the line's number is unique inside it."""

    def __init__(self, to: type[models.Model], **options: Any) -> None:
        options["related_name"] = options.pop("related_name", "lines")
        super().__init__(to, null=False, cascade=True, readonly=True, **options)

    @override
    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False, **kwargs: Any
    ) -> None:
        super().contribute_to_class(cls, name, private_only=private_only, **kwargs)
        constrain(
            cls,
            UniqueConstraint(
                name=constraint_name(cls, name, "no"),
                fields=["enterprise_id", f"{name}_id", "no"],
                deferrable=Deferrable.IMMEDIATE,
            ),
        )


class TenantColumn(models.BigIntegerField[int, int]):
    """`enterprise_id`, first in every key; brings row security with it (S1, T2). Never changes (S6)."""

    def __init__(self, *, append_only: bool = False, **options: Any) -> None:
        self.append_only = append_only
        super().__init__(editable=False, **{k: v for k, v in options.items() if k != "editable"})

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        constrain(cls, RowSecurity(name=constraint_name(cls, "tenant"), append_only=self.append_only))

    @override
    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.BigIntegerField", args, kwargs

    @override
    def clone(self) -> Any:
        return plain_clone(self)


class Identifier(models.UUIDField[Any, Any]):
    """`id`: a UUIDv7 made by us, second in every key."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default=new_id, editable=False)

    @override
    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        kwargs.pop("default", None)
        return name, "django.db.models.UUIDField", args, kwargs

    @override
    def clone(self) -> Any:
        return plain_clone(self)


AnyKind = Kind | Ref
Initial = Callable[[Any], Any]


def uuid_or_none(value: Any) -> uuid.UUID | None:
    """Return the UUID a text spells, or None."""
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None
