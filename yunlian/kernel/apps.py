"""The kernel as a Django app; owns the tables every document shares."""

from typing import ClassVar

from django.apps import AppConfig
from typing_extensions import override


class KernelConfig(AppConfig):
    name = "yunlian.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"
    # Tables of no enterprise, by kind (reliability.md S7); every other one is a tenant's.
    TABLES: ClassVar[dict[str, str]] = {
        "Task": "installation",
        "Lease": "installation",
        "Due": "installation",
    }

    @override
    def ready(self) -> None:
        # Importing them declares their routes and jobs.
        from . import batch, exporting, finding, home, importing, jobs, openapi, preferences, resources  # noqa: F401
