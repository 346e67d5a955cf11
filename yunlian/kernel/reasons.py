"""Keeps the reasons of figures true while a document is saved; see `fields.Reason`."""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from .document import Link
from .fields import Reason, Ref
from .fields.reasons import STATED, TAKEN
from .load import Loaded

Basis = tuple[Any, ...]
Stood = Mapping[tuple[uuid.UUID, str], Basis]


def picture(loaded: Loaded) -> Stood:
    """Return, by line id and reason, the figures and what they hung on, to be compared with what comes in."""
    return {
        (line.id, reason.name or ""): _basis(loaded, line, reason)
        for line in loaded.lines
        for reason in loaded.document.reasons
    }


def _basis(loaded: Loaded, line: Any, reason: Reason) -> Basis:
    kinds = loaded.document.line_fields
    names = (
        kind.column_name if isinstance(kind := kinds[name], Ref) else name for name in (reason.of, *reason.by)
    )
    return tuple(getattr(line, name) for name in names)


def note_stated(loaded: Loaded, stood: Stood, frozen: Collection[str | None]) -> None:
    """Give every figure that the input states anew the reason `manual`, and a blank one none.

    A figure behind a guard in `frozen` cannot be stated by this member, so it keeps its reason.
    """
    for line in loaded.lines:
        for reason in loaded.document.reasons:
            if getattr(line, reason.of) is None:
                setattr(line, reason.name or "", "")
            elif reason.guard in frozen:
                continue
            elif stood.get((line.id, reason.name or "")) != _basis(loaded, line, reason):
                setattr(line, reason.name or "", STATED)


def note_taken(loaded: Loaded, line: Any, link: Link, number: str, row: Any) -> None:
    """Name the source of every stated figure that agrees with the source's row."""
    for reason in loaded.document.reasons:
        theirs, name = link.line.get(reason.of), reason.name or ""
        if theirs is None or getattr(line, name) not in ("", STATED):
            continue
        if getattr(line, reason.of) == getattr(row, theirs):
            setattr(line, name, f"{TAKEN} {number}")
