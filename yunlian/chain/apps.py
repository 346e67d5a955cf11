"""The chain as a Django app: what it declares and which steps it listens to is registered in `ready`."""

from django.apps import AppConfig
from typing_extensions import override


class ChainConfig(AppConfig):
    name = "yunlian.chain"
    label = "chain"
    default_auto_field = "django.db.models.BigAutoField"

    @override
    def ready(self) -> None:
        from . import declarations  # noqa: F401 - declaring is what importing it does
