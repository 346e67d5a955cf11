"""Master data as a Django app: what there is to declare is in `declarations`."""

from django.apps import AppConfig


class MastersConfig(AppConfig):
    name = "yunlian.masters"
    label = "masters"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import declarations  # noqa: F401 - declaring is what importing it does
