"""The app of a family of documents. Apps are configured before models, so this module imports none."""

import importlib
import pkgutil

from django.apps import AppConfig
from typing_extensions import override


class Family(AppConfig):
    """An app whose folders each hold one document: imports every `model` and `document` it finds."""

    # Django takes the one class of an apps.py that is a default; this one is imported there and is not meant.
    default = False

    @override
    def __init_subclass__(cls) -> None:
        cls.default = True

    def _folders(self) -> list[str]:
        found = pkgutil.iter_modules(self.module.__path__ if self.module else [])
        return [each.name for each in found if each.ispkg and each.name != "migrations"]

    @override
    def import_models(self) -> None:
        for folder in self._folders():
            importlib.import_module(f"{self.name}.{folder}.model")
        super().import_models()

    @override
    def ready(self) -> None:
        for folder in self._folders():
            importlib.import_module(f"{self.name}.{folder}.document")
