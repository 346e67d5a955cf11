"""The organisation as a Django app: its masters are declared in `declarations`."""

from django.apps import AppConfig


class OrgConfig(AppConfig):
    name = "yunlian.org"
    label = "org"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import declarations  # noqa: F401 - declaring is what importing it does
