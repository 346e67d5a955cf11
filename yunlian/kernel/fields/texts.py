"""Kinds of text: lines, longer text, codes, telephone numbers."""

import re
import unicodedata
from typing import Any

from django.db import models
from typing_extensions import override

from ..text import _, told
from .kind import BadValue, Kind
from .references import uuid_or_none
from .schema import index_of

_BREAKS = re.compile(r"[\t\n\r\v\f\x85\u2028\u2029]+")
_LINE_ENDS = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
# Letters and marks that take no room by themselves, which Unicode does not count among the controls.
_ROOMLESS = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def require_storable(text: str) -> None:
    """Raise BadValue for a text PostgreSQL cannot keep: with NUL, or half of a character."""
    if not text.isprintable() and ("\x00" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text)):
        raise BadValue(_("Contains characters that cannot be stored."))


def _is_unseen(character: str) -> bool:
    """Whether nobody can see a character, and so nobody can find or delete it: controls, zero widths, directions."""
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")


class Text(Kind, models.CharField[Any, Any]):
    """A line of text; blank is the empty string. `index`: documents are searched by its beginning.

    What is pasted from a web page or a cell brings characters nobody sees; a name means the same without them, so they
    are dropped, and a line break becomes a blank. Two names that look alike are then the same.
    """

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
        require_storable(value)
        text = self._seen(unicodedata.normalize("NFC", value).strip())
        if self.max_length and len(text) > self.max_length:
            raise BadValue(_("Is longer than %(n)s characters.") % {"n": self.max_length}, "too_long")
        return text

    def _seen(self, text: str) -> str:
        """Return what can be seen of a text."""
        if text.isprintable():
            return text
        return "".join(c for c in _BREAKS.sub(" ", text) if not _is_unseen(c)).strip()

    @override
    def meta(self) -> dict[str, Any]:
        return {"max_length": self.max_length}


class LongText(Text):
    """Text of several lines."""

    kind = "longtext"

    def __init__(self, *, max_length: int = 4000, **options: Any) -> None:
        super().__init__(max_length=max_length, **options)

    @override
    def _seen(self, text: str) -> str:
        return "".join(c for c in _LINE_ENDS.sub("\n", text) if c in "\n\t" or not _is_unseen(c)).strip()


class Told(Text):
    """What a person said about a document, or the program in each reader's language (`text.keep`)."""

    @override
    def show(self, value: str) -> str:
        return told(value)


class Code(Text):
    """A code people type and machines compare: normalised on write (S15): NFKC, trimmed, upper case.

    Kept in byte order, so that a search for its beginning is a range of its index. One with a character nobody sees is
    refused, not mended: who sent it would look for it in vain.
    """

    kind = "code"

    def __init__(self, *, max_length: int = 60, **options: Any) -> None:
        options.setdefault("db_collation", "C")
        super().__init__(max_length=max_length, **options)

    @override
    def _seen(self, text: str) -> str:
        for character in text:
            if _is_unseen(character) or _ROOMLESS.match(character):
                named = f"U+{ord(character):04X} {unicodedata.name(character, '')}".strip()
                raise BadValue(
                    _("Contains a character that cannot be seen: %(character)s.") % {"character": named}
                )
        return text

    @override
    def parse(self, value: Any) -> str:
        code = normal_code(super().parse(value))
        # References are written as an id or a code, so a row's own code must not be taken for an id.
        if self.name == "code" and uuid_or_none(code):
            raise BadValue(_("Must not look like an id."))
        return code


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
