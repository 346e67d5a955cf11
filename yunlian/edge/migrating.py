"""Bringing the schema up to date, in a fraction of the time Django takes by itself for a fresh database.

For every constraint and index a migration adds, Django renders anew the model, all it points to and all that point to
it: some 450 times thirty models here, which was two thirds of a first start. PostgreSQL's schema editor needs none of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management import call_command
from django.db.migrations.state import ProjectState


def migrate(verbosity: int) -> None:
    """Apply every migration that is missing, as the owner."""
    with _rendered_once():
        call_command("migrate", database="owner", interactive=False, verbosity=verbosity)


@contextmanager
def _rendered_once() -> Iterator[None]:
    whole = ProjectState._append_option  # type: ignore[attr-defined]
    ProjectState._append_option = _append_option  # type: ignore[attr-defined]
    try:
        yield
    finally:
        ProjectState._append_option = whole  # type: ignore[attr-defined]


def _append_option(self: Any, app_label: str, model_name: str, option_name: str, added: Any) -> None:
    """Note a constraint or an index with the model as it has been rendered. Stands in for Django's (5.2)."""
    options = self.models[app_label, model_name].options
    options[option_name] = [*options[option_name], added]
    if "apps" in self.__dict__:  # rendered already; asking for it would render it
        setattr(self.apps.get_model(app_label, model_name)._meta, option_name, options[option_name])
