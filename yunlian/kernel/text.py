"""Marks a string for translation; labels stay English in code and are translated when shown.

A phrase keeps its English words and what is put into them apart, so that it can travel to another enterprise and be
shown to each reader in their own language.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, override
from typing_extensions import override as overrides

_DEEPEST = 3  # phrases within phrases
_LONGEST = 500  # characters of one value that came from elsewhere


class Phrase(Promise):
    """English words to be translated whenever they are shown, and the values they name as `%(name)s`."""

    __slots__ = ("values", "words")

    def __init__(self, words: str, values: Mapping[str, Any] | None = None) -> None:
        self.words, self.values = words, values

    @overrides
    def __str__(self) -> str:
        shown = gettext(self.words)
        return shown if self.values is None else shown % self.values

    @overrides
    def __mod__(self, values: Mapping[str, Any]) -> "Phrase":
        return Phrase(self.words, values)

    @overrides
    def __repr__(self) -> str:
        return repr(str(self))

    @overrides
    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, str | Promise) else NotImplemented

    @overrides
    def __hash__(self) -> int:
        return hash(str(self))

    @overrides
    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


Label = str | Promise


def _(words: str) -> Phrase:
    """Return words to be translated when they are shown."""
    return Phrase(words)


def pack(label: Label) -> Any:
    """Return a label as data, in no language: a phrase by its English words and values, other text as it is.

    Values are pairs, not an object: their names are of our sentences, and must not be read as fields of a message.
    """
    if not isinstance(label, Phrase):
        return str(label)
    values = [
        [name, pack(v) if isinstance(v, str | Promise) else str(v)]
        for name, v in (label.values or {}).items()
    ]
    return {"words": label.words} | ({"values": values} if values else {})


def unpack(data: Any) -> Label | None:
    """Return what `pack` made of a label, wherever it was made; None for words that are not ours.

    Only words of our own catalogue are ever used as a format, and values only as text.
    """
    return _unpacked(data, 0)


def keep(*labels: Label) -> str:
    """Return labels as one text to store, at most 500 characters, which `told` shows to each reader in their language.

    What people typed stays as it is. Phrases too long to be kept as such are put into the active language's words now.
    """
    if any(isinstance(label, Phrase) for label in labels):
        packed = json.dumps([pack(label) for label in labels], ensure_ascii=False, separators=(",", ":"))
        if len(packed) <= _LONGEST:
            return packed
    return "；".join(str(label) for label in labels)[:_LONGEST]


def told(text: str) -> str:
    """Return a stored text for the reader: what `keep` made of phrases in the active language, anything else as it is."""
    if not text.startswith('[{"') and not text.startswith('["'):
        return text
    try:
        labels = [unpack(each) for each in json.loads(text)]
    except ValueError:
        return text
    is_ours = any(isinstance(label, Phrase) for label in labels) and None not in labels
    return "；".join(str(label) for label in labels) if is_ours else text


def _unpacked(data: Any, depth: int) -> Label | None:
    if isinstance(data, str):
        return data[:_LONGEST]
    if not isinstance(data, dict) or not isinstance(data.get("words"), str) or depth > _DEEPEST:
        return None
    words, given = data["words"], data.get("values")
    if not _is_ours(words):
        return None
    try:
        pairs = dict(given or ())  # before 2026-11-27 they were an object, and such texts are still kept
    except (TypeError, ValueError):
        return None
    if not pairs:
        return Phrase(words)
    values = {str(name): _unpacked(value, depth + 1) or "" for name, value in pairs.items()}
    phrase = Phrase(words, values)
    try:
        str(phrase)
    except (KeyError, TypeError, ValueError):
        return None  # values of another version of these words
    return phrase


def _is_ours(words: str) -> bool:
    """Tell whether words are in the catalogue; the Chinese one is complete and says something else than the English."""
    with override("zh-hans"):
        return gettext(words) != words


__all__ = ["Label", "Phrase", "_", "keep", "pack", "told", "unpack"]
