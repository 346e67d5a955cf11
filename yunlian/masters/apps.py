"""Master data as a Django app: what there is to declare is in `declarations`."""

from django.apps import AppConfig
from typing_extensions import override


class MastersConfig(AppConfig):
    name = "yunlian.masters"
    label = "masters"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        from . import declarations  # noqa: F401 - declaring is what importing it does
