"""The list of objects in a pushed delivery report."""

import json
from typing import Any


def rows(body: bytes) -> list[dict[str, Any]]:
    """Raises ValueError for anything but a JSON array of objects."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise ValueError("a report is a list of objects")
    return found
