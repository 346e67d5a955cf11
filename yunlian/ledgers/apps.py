"""The ledgers as a Django app: what folds into what is in `declarations`."""

from django.apps import AppConfig
from typing_extensions import override


class LedgersConfig(AppConfig):
    name = "yunlian.ledgers"
    label = "ledgers"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        from . import api, declarations  # noqa: F401 - declaring is what importing them does
