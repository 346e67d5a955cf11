"""Kinds of text: lines, longer text, codes, telephone numbers."""

import unicodedata
from typing import Any

from django.db import models
from typing_extensions import override

from ..text import _, told
from .kind import BadValue, Kind
from .schema import index_of


def require_storable(text: str) -> None:
    """Raise BadValue for a text PostgreSQL cannot keep: with NUL, or half of a character."""
    if not text.isprintable() and ("\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)):
        raise BadValue(_("Contains characters that cannot be stored."))


class Text(Kind, models.CharField[Any, Any]):
    """A line of text; blank is the empty string. `index`: documents are searched by its beginning."""

    kind = "text"
    django_class = "CharField"
    _may_be_null = False

    def __init__(self, *, max_length: int = 200, index: bool = False, **options: Any) -> None:
        self.index = index
        options.setdefault("default", "")
        options.setdefault("null", False)
        super().__init__(max_length=max_length, **options)
        self.blank = True

    @override
    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only=private_only)
        if self.index and not cls._meta.abstract:
            index_of(cls, "enterprise_id", name)

    @override
    def parse(self, value: Any) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise BadValue(_("Must be text."))
        text = unicodedata.normalize("NFC", value).strip()
        require_storable(text)
        if self.max_length and len(text) > self.max_length:
            raise BadValue(_("Is longer than %(n)s characters.") % {"n": self.max_length}, "too_long")
        return text

    @override
    def meta(self) -> dict[str, Any]:
        return {"max_length": self.max_length}


class LongText(Text):
    """Text of several lines."""

    kind = "longtext"

    def __init__(self, *, max_length: int = 4000, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)


class Told(Text):
    """What a person said about a document, or the program in each reader's language (`text.keep`)."""

    @override
    def show(self, value: str) -> str:
        return told(value)


class Code(Text):
    """A code people type and machines compare: normalised on write (S15): NFKC, trimmed, upper case.

    Kept in byte order, so that a search for its beginning is a range of its index.
    """

    kind = "code"

    def __init__(self, *, max_length: int = 60, **options: Any) -> None:
        options.setdefault("db_collation", "C")
        super().__init__(max_length=max_length, **options)

    @override
    def parse(self, value: Any) -> str:
        return normal_code(super().parse(value))


def normal_code(value: str) -> str:
    """Return a code as it is stored and compared: NFKC, trimmed, upper case."""
    return unicodedata.normalize("NFKC", value).strip().upper()


class Phone(Text):
    """A telephone number; spaces and hyphens are dropped."""

    kind = "phone"

    def __init__(self, *, max_length: int = 30, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    @override
    def parse(self, value: Any) -> str:
        number = super().parse(value).replace(" ", "").replace("-", "")
        if number and not (number.lstrip("+").isdigit() and 5 <= len(number) <= 20):
            raise BadValue(_("Is not a telephone number."))
        return number
