"""The last app to be ready: by then everything is declared, and can be compared with what exists."""

from django.apps import AppConfig
from typing_extensions import override


class EdgeConfig(AppConfig):
    name = "yunlian.edge"
    label = "edge"

    @override
    def ready(self) -> None:
        from yunlian.kernel.declarations import check_declarations

        check_declarations()
