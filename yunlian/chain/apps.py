"""The chain as a Django app: what it declares and which steps it listens to is registered in `ready`."""

from typing import ClassVar

from django.apps import AppConfig
from typing_extensions import override


class ChainConfig(AppConfig):
    name = "yunlian.chain"
    label = "chain"
    default_auto_field = "django.db.models.BigAutoField"
    # Tables of no enterprise, by kind (reliability.md S7); every other one is a tenant's.
    TABLES: ClassVar[dict[str, str]] = {
        "Pass": "installation",
        "Handshake": "installation",
        "Incarnation": "installation",
    }

    @override
    def ready(self) -> None:
        # Declaring is what importing these does; a link's own acts come before the messages that follow it.
        from . import api, declarations, operating, rotation  # noqa: F401
        from .business import buying, catalogue, payments, progress, selling, shipments, withdrawals  # noqa: F401
