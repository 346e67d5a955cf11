"""The kernel as a Django app; owns the tables every document shares."""

from django.apps import AppConfig
from typing_extensions import override


class KernelConfig(AppConfig):
    name = "yunlian.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        # Importing them declares their routes and jobs.
        from . import jobs, resources  # noqa: F401
