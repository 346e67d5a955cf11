"""What all kinds share, and how a kind says that a value does not fit."""

from typing import Any, ClassVar

from django.db import models
from typing_extensions import override

from ..text import Label
from .schema import plain_clone


class BadValue(ValueError):
    """An input value a kind cannot take; the message is for the user."""

    def __init__(self, message: Label, code: str = "invalid") -> None:
        super().__init__(message)
        self.message, self.code = message, code


class Kind(models.Field[Any, Any]):
    """What all kinds share.

    `required`: must be given before a document leaves draft. `readonly`: shown, never taken from input.
    `formula`, of numbers only: computed by the kernel on save from the fields it names, in the order of declaration;
    implies readonly; the language is in `kernel/formula.py`. `guard`: a group of fields only some roles may read or
    write. `hint`: one line of help. `initial`: value or function of the context used when the input names none, shown
    in a new form; `default` is Django's, for rows no form made: a column that is never blank (`null=False`) has both. `once`:
    a header field given when the record is made, and kept from then on.
    """

    kind: ClassVar[str]
    label: Label

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
        once: bool = False,
        **options: Any,
    ) -> None:
        self.label, self.hint, self.guard, self.formula = label, hint, guard, formula
        self.required = required and not readonly and formula is None
        self.readonly = readonly or formula is not None
        self.initial, self.once = initial, once
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
