"""Figures a picker shows beside the rows it offers: declared by the layer that knows them, read for all rows at once."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .document import REGISTRY, Document
from .scope import Context
from .text import Label


@dataclass(frozen=True)
class Asked:
    """Rows on offer for a line of `document`, whose header refers to `header`, by field."""

    document: Document
    header: Mapping[str, uuid.UUID]
    ids: Sequence[uuid.UUID]


Read = Callable[[Context, Asked], Mapping[uuid.UUID, Decimal | None] | None]


@dataclass(frozen=True)
class Figure:
    """One figure beside rows of `code`; `read` takes one statement, and returns None for whoever may not see it.

    `kind` says how it is written: qty or price.
    """

    code: str
    label: Label
    kind: str
    read: Read


FIGURES: list[Figure] = []


def show_beside(*figures: Figure) -> None:
    """Declare figures of pickers, in order."""
    FIGURES.extend(figures)


def beside(
    ctx: Context, code: str, purpose: str, header: Mapping[str, uuid.UUID], ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return the figures of rows offered for a line field such as `sales.contract.lines.product`; none for any other."""
    document = REGISTRY.get(purpose.partition(".lines.")[0])
    found: dict[uuid.UUID, list[dict[str, Any]]] = {id_: [] for id_ in ids}
    if document is None or ".lines." not in purpose or not ids:
        return found
    for figure in (each for each in FIGURES if each.code == code):
        values = figure.read(ctx, Asked(document, header, ids))
        if values is None:
            continue
        for id_ in ids:
            value = values.get(id_)
            shown = None if value is None else format(value, "f")
            found[id_].append({"label": figure.label, "kind": figure.kind, "value": shown})
    return found
