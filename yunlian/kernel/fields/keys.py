"""The two columns of every key: the enterprise, which brings row security, and the row's own id."""

from typing import Any

from django.db import models
from typing_extensions import override

from ..constraints import RowSecurity
from ..identity import new_id
from .schema import constrain, constraint_name, plain_clone


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
