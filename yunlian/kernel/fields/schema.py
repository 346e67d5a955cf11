"""What a field of ours adds to a model's schema: constraints, indexes, their names, and how migrations see the field."""

import hashlib
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.module_loading import import_string


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
