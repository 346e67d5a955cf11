"""The warehouse a document means when it names none."""

from typing import Any

from .models import Warehouse


def fill_warehouse(header: Any) -> None:
    """Put the enterprise's default warehouse where none was given."""
    if header.warehouse_id is None:
        default = Warehouse.objects.filter(is_default=True, is_active=True).first()
        if default is not None:
            header.warehouse = default
