"""Kinds of time: a business date, and a moment in UTC."""

import datetime as dt
import re
from typing import Any

from django.db import models
from typing_extensions import override

from ..text import _
from .kind import BadValue, Kind

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Date(Kind, models.DateField[Any, Any]):
    """A business date, without time or zone."""

    kind = "date"
    django_class = "DateField"

    @override
    def parse(self, value: Any) -> dt.date | None:
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime):
            return value.date()
        if isinstance(value, dt.date):
            return value
        try:
            # Python also reads 20261122 and weeks such as 2026-W47-7, which nobody here means.
            parsed = dt.date.fromisoformat(value) if _DAY.fullmatch(value) else None
        except (TypeError, ValueError):
            parsed = None
        if parsed is None:
            raise BadValue(_("Must be a date such as 2026-11-22."))
        if not 1900 <= parsed.year <= 2200:
            raise BadValue(_("Must be a date between 1900 and 2200."), "range")
        return parsed

    @override
    def show(self, value: Any) -> str | None:
        return None if value is None else value.isoformat()


def moment_text(value: dt.datetime) -> str:
    """Return a moment as the API answers it: 2026-11-22T08:00:00Z."""
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


class Moment(Kind, models.DateTimeField[Any, Any]):
    """A moment in UTC."""

    kind = "moment"
    django_class = "DateTimeField"

    @override
    def parse(self, value: Any) -> dt.datetime | None:
        if value is None or value == "":
            return None
        if isinstance(value, dt.datetime) and value.tzinfo is not None:
            return value.astimezone(dt.UTC)
        try:
            parsed = dt.datetime.fromisoformat(value)
        except (TypeError, ValueError):
            raise BadValue(_("Must be a moment such as 2026-11-22T08:00:00Z.")) from None
        if parsed.tzinfo is None:
            raise BadValue(_("Must name its time zone."))
        if not 1900 <= parsed.year <= 2200:
            raise BadValue(_("Must be a date between 1900 and 2200."), "range")
        return parsed.astimezone(dt.UTC)

    @override
    def show(self, value: Any) -> str | None:
        return None if value is None else moment_text(value)
