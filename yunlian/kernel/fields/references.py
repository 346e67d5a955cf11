"""References between tenant tables: a column, and a composite foreign key that cannot leave the enterprise (S3)."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Deferrable, UniqueConstraint
from django.db.models.fields.related import lazy_related_operation
from typing_extensions import override

from ..constraints import CompositeForeignKey
from ..text import Label
from .schema import constrain, constraint_name, index_of, plain_clone


class Ref(models.ForeignObject[Any, Any]):
    """Points to a row of another tenant table: column `<name>_id` and a composite foreign key (S3).

    `where` limits what may be chosen, by fields of the target that must equal the given values. `index`: documents are
    searched by it, newest first. `is_named`: rules ask no more of it than code and name. `once`: as at `Kind`.
    """

    kind = "ref"

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
        once: bool = False,
        **options: Any,
    ) -> None:
        self.label, self.hint, self.guard, self.where = label, hint, guard, where or {}
        self.required, self.readonly = required and not readonly, readonly
        self.initial, self.formula, self.cascade, self.index = initial, None, cascade, index
        self.is_named, self.once = is_named, once
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


def uuid_or_none(value: Any) -> uuid.UUID | None:
    """Return the UUID a text spells, or None."""
    if isinstance(value, uuid.UUID):
        return value
    try:
        return uuid.UUID(value) if isinstance(value, str) and len(value) == 36 else None
    except ValueError:
        return None
