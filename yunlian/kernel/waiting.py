"""Finds what a migration must wait for: the tables our composite foreign keys point to must exist first."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.migration import Migration
from typing_extensions import override

from .constraints import CompositeForeignKey


class Autodetector(MigrationAutodetector):
    """Adds the dependencies Django cannot know: it takes our keys for ordinary constraints."""

    @override
    def changes(self, *args: Any, **kwargs: Any) -> dict[str, list[Migration]]:
        changes: dict[str, list[Migration]] = super().changes(*args, **kwargs)
        owner = {model._meta.db_table: model._meta.app_label for model in apps.get_models()}
        for app, migrations in changes.items():
            migration: Any
            for migration in migrations:
                needed = {owner.get(table, app) for table in _tables(migration)} - {app}
                known = {label for label, _name in migration.dependencies}
                migration.dependencies += [(label, "__first__") for label in sorted(needed - known)]
        return changes


def _tables(migration: Migration) -> Iterator[str]:
    """Name the tables that the migration's new keys point to."""
    for operation in migration.operations:
        options = getattr(operation, "options", {})
        for constraint in (*options.get("constraints", ()), getattr(operation, "constraint", None)):
            if isinstance(constraint, CompositeForeignKey):
                yield constraint.to_table
