"""What a broken database constraint means to the user; the last guard speaks when the first was passed in a race."""

import re

from django.db import IntegrityError

from .document import REGISTRY, Document, Problem
from .text import _


def problem_of(error: IntegrityError) -> Problem | None:
    """Return the problem a constraint stands for, or None when the act should simply run again or is a bug."""
    cause = error.__cause__
    state, diag = getattr(cause, "sqlstate", ""), getattr(cause, "diag", None)
    # Distributed tables append the shard's number.
    name = re.sub(r"_\d+$", "", getattr(diag, "constraint_name", None) or "")
    if state == "23503":
        detail = getattr(diag, "message_primary", "") or ""
        if "delete" in detail:
            return Problem(
                None, _("It is in use and cannot be deleted; make it inactive instead."), code="in_use"
            )
        return Problem(_field(name, "_fk"), _("Is not known here."), code="unknown")
    if state == "23505" and name.endswith("_code"):
        return Problem("code", _("This code is taken."), code="taken")
    if state == "23P01":
        return Problem("lines", _("Overlaps another row that is valid at the same time."), code="overlap")
    if state == "23514":
        return Problem(
            _field(name, "_range"),
            _("Would break a limit that always holds (%(name)s).") % {"name": name},
            code="limit",
        )
    return None


def _field(name: str, suffix: str) -> str | None:
    for document in REGISTRY.values():
        for model in (document.header, document.lines):
            found = _in_table(name, suffix, document, model._meta.db_table) if model is not None else None
            if found:
                return found
    return None


def _in_table(name: str, suffix: str, document: Document, table: str) -> str | None:
    inner = name.removeprefix(f"{table}_").removesuffix(suffix)
    return inner if inner in document.fields or inner in document.line_fields else None
