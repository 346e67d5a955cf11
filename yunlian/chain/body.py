"""What a message may contain: bounded JSON with exact numbers, money with its currency, quantities with their unit.

`parse` reads foreign text in time linear in its length; `check` judges a body before it is queued and after it
arrives. Fields nobody knows are kept. Source: chain protocol A2 (body rules), B13 (limits).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

LARGEST = 256 * 1024  # bytes of one message
DEEPEST = 16  # levels of objects and arrays
MOST_KEYS = 20_000  # keys and array items of one message together
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,8})?")
_WHOLE = 9_007_199_254_740_991  # what every JSON reader keeps exactly: 2^53 - 1


class Malformed(ValueError):
    """A text or body that breaks the rules; `code` is for machines, the message for operators."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def parse(text: str) -> dict[str, Any]:
    """Return the object a text spells. Raises Malformed: too large, too deep, too many keys, a key twice, a float."""
    if len(text) > LARGEST or len(text.encode("utf-8", "surrogatepass")) > LARGEST:
        raise Malformed("too_large", f"A message has at most {LARGEST} bytes.")
    _bound(text)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=_no_float,
            parse_constant=_no_float,
            parse_int=_whole,
        )
    except Malformed:
        raise
    except (ValueError, RecursionError):
        raise Malformed("not_json", "Not JSON.") from None
    if not isinstance(value, dict):
        raise Malformed("not_json", "A message is a JSON object.")
    return value


# A string that never ends is taken whole too, so that no character is read twice.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{},:]', re.DOTALL)


def _bound(text: str) -> None:
    """Count levels and keys without recursion, before the reader recurses."""
    depth = items = 0
    for found in _STRUCTURE.finditer(text):
        mark = found.group()
        if mark in "[{":
            depth += 1
            if depth > DEEPEST:
                raise Malformed("too_deep", f"A message has at most {DEEPEST} levels.")
        elif mark in "]}":
            depth -= 1
        elif mark in ",:":
            items += 1
            if items > MOST_KEYS:
                raise Malformed("too_many", f"A message has at most {MOST_KEYS} keys and items.")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Malformed("key_twice", "A key stands twice in one object.")
    return made


def _no_float(text: str) -> NoReturn:
    raise Malformed("float", f"Numbers with a fraction are written as text, not as {text[:20]}.")


def _whole(text: str) -> int:
    value = int(text) if len(text) <= 17 else _WHOLE + 1
    if abs(value) > _WHOLE:
        raise Malformed("too_large_number", "A whole number beyond 2^53 is written as text.")
    return value


def check(data: Mapping[str, Any]) -> None:
    """Raise Malformed at the first value that breaks the body rules."""
    for path, owner, currency in _objects(data, "", False):
        for key, value in owner.items():
            _check_value(f"{path}/{key}", key, value, owner, currency)


def _objects(value: Any, path: str, currency: bool) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Every object with its path, and whether it or one around it names a currency."""
    if isinstance(value, Mapping):
        currency = currency or isinstance(value.get("currency"), str)
        yield path, value, currency
        for key, inner in value.items():
            yield from _objects(inner, f"{path}/{key}", currency)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from _objects(inner, f"{path}/{index}", currency)


def is_amount(key: str) -> bool:
    """Tell whether a key names money: `amount`, `price`, or a name that ends so."""
    return key in ("amount", "price") or key.endswith(("_amount", "_price"))


def is_qty(key: str) -> bool:
    """Tell whether a key names a quantity: `qty`, or a name that ends so."""
    return key == "qty" or key.endswith("_qty")


def _check_value(path: str, key: str, value: Any, owner: Mapping[str, Any], currency: bool) -> None:
    if not isinstance(key, str):
        raise Malformed("key", f"{path}: keys are text.")
    if isinstance(value, float) or not isinstance(value, str | int | bool | list | tuple | Mapping | None):
        raise Malformed("float", f"{path}: numbers with a fraction, dates and ids are written as text.")
    if isinstance(value, list | tuple) and any(isinstance(item, float) for item in value):
        raise Malformed("float", f"{path}: numbers with a fraction are written as text.")
    if isinstance(value, str) and any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise Malformed("text", f"{path}: not valid Unicode.")
    if value is None:
        return
    if is_amount(key) or is_qty(key):
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise Malformed("decimal", f"{path}: an exact decimal written as text is wanted.")
        if is_amount(key) and not currency:
            raise Malformed("currency", f"{path}: money names its currency.")
        if is_qty(key) and not isinstance(owner.get("unit"), str | Mapping):
            raise Malformed("unit", f"{path}: a quantity names its unit.")
    elif (key == "id" or key.endswith("_id")) and not isinstance(value, str):
        raise Malformed("id", f"{path}: an id is text.")
