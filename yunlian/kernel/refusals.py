"""What a broken database constraint means to the user; the last guard speaks when the first was passed in a race."""

import logging
import re

from django.db import IntegrityError

from .document import REGISTRY, Problem
from .fields import AnyKind, Done
from .text import _

log = logging.getLogger(__name__)


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
        return Problem(getattr(_kind(name, "_fk"), "name", None), _("Is not known here."), code="unknown")
    if state == "23505" and name.endswith("_code"):
        return Problem("code", _("This code is taken."), code="taken")
    if state == "23P01":
        return Problem("lines", _("Overlaps another row that is valid at the same time."), code="overlap")
    if state == "23514":
        return _limit(name)
    return None


def _limit(name: str) -> Problem:
    """A CHECK says no: its field and what to do, as far as the name tells; the name itself is for the log."""
    log.warning("constraint %s", name)
    if kind := _kind(name, "_taken"):
        assert isinstance(kind, Done)
        message = _("Later documents hold more of it than would be left: take those back or void them first.")
        return Problem(kind.of, message, code="followed")
    if kind := _kind(name, "_range"):
        message = _("%(field)s would be outside its bounds: check the figures it comes from.")
        return Problem(kind.name, message % {"field": kind.label}, code="limit")
    message = _("A figure would be outside its bounds: look at the figures as they are now and try again.")
    return Problem(None, message, code="limit")


def _kind(name: str, suffix: str) -> AnyKind | None:
    """Return the field a constraint of that suffix belongs to."""
    for document in REGISTRY.values():
        for model, kinds in ((document.header, document.fields), (document.lines, document.line_fields)):
            if model is not None and name.endswith(suffix):
                kind = kinds.get(name.removeprefix(f"{model._meta.db_table}_").removesuffix(suffix))
                if kind is not None:
                    return kind
    return None
