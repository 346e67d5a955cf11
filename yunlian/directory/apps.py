"""Directory sync as a Django app: its lists are declared in `declarations`, its routes in `api`."""

from importlib import import_module
from typing import ClassVar

from django.apps import AppConfig
from typing_extensions import override

MODULES = (
    "declarations", "wecom", "dingtalk", "receiving", "looks", "schedule", "lifecycle", "contacts", "branches", "guests", "inviting",
    "trying", "doctor", "sign_in", "notices", "pressing", "streaming", "setup_api", "api", "people_api", "leaving_api", "arriving_api",
    "changes",
    "assigning", "playing",
)  # fmt: skip


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
        "Arrival": "installation",
        "TokenRow": "installation",
        "PaceRow": "installation",
    }

    @override
    def ready(self) -> None:
        for name in MODULES:  # declaring is what importing these does
            import_module(f"{self.name}.{name}")
