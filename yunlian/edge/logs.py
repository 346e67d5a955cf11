"""Structured logs: one JSON object a line, so that nothing a user typed can begin a line of its own."""

import datetime as dt
import json
import logging
from typing import Any

from typing_extensions import override

# What our own calls pass as `extra`; anything else on a record is left out.
EXTRA = (
    "request", "method", "path", "status", "ms", "address", "user", "enterprise",
    "code", "doc", "job", "lane", "message_id", "seq", "act", "reason", "count",
)  # fmt: skip


class JsonFormatter(logging.Formatter):
    """Who, what, when, whose; a trace where there was an exception."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON."""
        fields: dict[str, Any] = {
            "at": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: getattr(record, name) for name in EXTRA if hasattr(record, name)}
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonFormatter}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "psycopg.pool": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},
    },
}
