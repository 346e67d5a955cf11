"""The columns of a document in a spreadsheet: one heading per field, the header's first, then those of its lines.

A heading is the field's label. Where a header and its lines share a label, the line's is written `section/label`. Reading
takes the label in any language of the interface, and the field's name.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation

from . import permission
from .document import REGISTRY, Document
from .fields import AnyKind, Boolean, Choice, Date, Done, Integer, Number, Ref
from .scope import Context
from .sheets import Column
from .text import Label, _

YES_NO: tuple[Label, Label] = (_("Yes"), _("No"))


@dataclass(frozen=True)
class Place:
    """Where a column belongs: a field of the header, or with `is_line` of the lines."""

    name: str
    kind: AnyKind
    is_line: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether an import takes it; the rest may stand in the sheet and is passed over."""
        return not self.kind.readonly and not isinstance(self.kind, Done)


def key_of(document: Document) -> str:
    """Return the field that tells records apart: the code, or the number of a document."""
    return "code" if document.is_master else "number"


def places(document: Document) -> tuple[Place, ...]:
    """Return every field of a document in the order of its form, the key first, the lines' last."""
    return _places(document.code)


@cache
def _places(code: str) -> tuple[Place, ...]:
    document = REGISTRY[code]
    header = [name for section in document.form if not section.of for name in section.fields.split()]
    lines = [name for section in document.form if section.of for name in section.fields.split()]
    names = dict.fromkeys([key_of(document), *header, *document.fields])
    inner = dict.fromkeys([*lines, *document.line_fields])
    return (
        *(Place(name, document.fields[name]) for name in names if name in document.fields),
        *(Place(name, document.line_fields[name], True) for name in inner),
    )


def chosen(document: Document, ctx: Context, *, for_import: bool) -> list[Place]:
    """Return the places of the form that the member may read, or for an import those they may write."""
    named = {(name, bool(section.of)) for section in document.form for name in section.fields.split()}
    shut = (permission.locked if for_import else permission.hidden)(ctx, document.guards)
    found = []
    for place in places(document):
        is_key = place.name == key_of(document) and not place.is_line
        is_wanted = (place.name, place.is_line) in named and (place.is_taken or not for_import)
        if place.kind.guard not in shut and (
            is_wanted or (is_key and (document.is_master or document.lines))
        ):
            found.append(place)
    return found


def headings(document: Document, wanted: Iterable[Place]) -> list[str]:
    """Return the headings of places, in the active language, each one different."""
    outer = {str(kind.label) for kind in document.fields.values()}
    section = next((str(section.label) for section in document.form if section.of), "")
    found: dict[str, None] = {}
    for place in wanted:
        label = str(place.kind.label)
        if place.is_line and label in outer:
            label = f"{section}/{label}"
        found[label if label not in found else f"{label} ({place.name})"] = None
    return list(found)


def heading_map(document: Document) -> dict[str, Place]:
    """Return places by every heading that means them; the first place of the form wins where two share one."""
    return _heading_map(document.code)


@cache
def _heading_map(code: str) -> dict[str, Place]:
    document = REGISTRY[code]
    found: dict[str, Place] = {}
    every = places(document)
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            sections = [str(section.label) for section in document.form if section.of]
            for place, heading in zip(every, headings(document, every), strict=True):
                found.setdefault(plain(heading), place)
            for place in every:
                found.setdefault(plain(str(place.kind.label)), place)
                for section in sections if place.is_line else ():
                    found.setdefault(plain(f"{section}/{place.kind.label}"), place)
    for place in every:
        found.setdefault(plain(f"lines.{place.name}" if place.is_line else place.name), place)
        found.setdefault(plain(place.name), place)
    return found


def plain(heading: str) -> str:
    """Return a heading as it is compared: width, case and blanks do not count."""
    return "".join(unicodedata.normalize("NFKC", heading).casefold().split())


def template_column(place: Place, heading: str) -> Column:
    """Return how a template asks for a place."""
    kind = place.kind
    # What has an initial value may stay blank; a number only says which rows belong together.
    required = kind.required and kind.initial is None and not isinstance(kind, Boolean)
    choices: tuple[str, ...] = ()
    if isinstance(kind, Boolean):
        choices = tuple(str(word) for word in YES_NO)
    elif isinstance(kind, Choice):
        choices = tuple(str(label) for _value, label in kind.options)
    return Column(heading, _shape(kind), required, _hint(place), choices)


def _shape(kind: AnyKind) -> Any:
    if isinstance(kind, Integer):
        return "integer"
    if isinstance(kind, Number):
        return "number"
    return "date" if isinstance(kind, Date) else "text"


def _hint(place: Place) -> str:
    if isinstance(place.kind, Ref):
        target = next((d for d in REGISTRY.values() if d.header is place.kind.remote_field.model), None)
        if target is not None:
            return str(_("Code or name: %(what)s") % {"what": target.label})
    if place.name == "number":
        return str(_("Rows with the same one become one document; it gets a number of its own."))
    return str(place.kind.hint)
