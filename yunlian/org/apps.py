"""The organisation as a Django app: its masters are declared in `declarations`, its routes in `api`."""

from django.apps import AppConfig
from typing_extensions import override


class OrgConfig(AppConfig):
    name = "yunlian.org"
    label = "org"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        from . import api, declarations  # noqa: F401 - declaring is what importing them does
