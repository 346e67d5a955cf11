"""Directory sync as a Django app: its lists are declared in `declarations`, its routes in `api`."""

from typing import ClassVar

from django.apps import AppConfig
from typing_extensions import override


class DirectoryConfig(AppConfig):
    name = "yunlian.directory"
    label = "directory"
    default_auto_field = "django.db.models.BigAutoField"
    # Tables of no enterprise, by kind (reliability.md S7); every other one is a tenant's.
    TABLES: ClassVar[dict[str, str]] = {
        "CallbackAddress": "identity",
        "Territory": "identity",
        "Suite": "installation",
        "Installed": "installation",
        "TokenRow": "installation",
        "PaceRow": "installation",
    }

    @override
    def ready(self) -> None:
        from . import (  # noqa: F401 - declaring is what importing them does
            api,
            assigning,
            changes,
            declarations,
            dingtalk,
            doctor,
            lifecycle,
            looks,
            playing,
            receiving,
            schedule,
            trying,
            wecom,
        )
