"""What a cell of a spreadsheet means for a field: words of any language become values the API takes."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation

from .fields import AnyKind, Boolean, Choice, Date, Integer, Moment, Number, Tags, Text
from .layout import YES_NO, plain
from .sheets import Cell

# What a Chinese input method writes instead of a digit, a comma, a point or a minus.
_NARROW = str.maketrans("０１２３４５６７８９，．。－−", "0123456789,..--")
_CURRENCY = re.compile(r"^\s*([+-]?)\s*[¥￥]\s*")
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?$")


def meant(kind: AnyKind, cell: Cell) -> Any:
    """Return what a filled cell says, as a JSON value for the kind to parse; it refuses what makes no sense."""
    if isinstance(kind, Boolean):
        return _yes_no().get(plain(as_text(cell)), as_text(cell))
    if isinstance(kind, Choice):
        text = as_text(cell)
        return _words(tuple(kind.options)).get(plain(text), text)
    if isinstance(kind, Tags):
        return [word for word in re.split(r"[,，、;；\s]+", as_text(cell)) if word]
    if isinstance(kind, Date):
        return _date(cell)
    if isinstance(kind, Moment):
        return cell.isoformat() + "Z" if isinstance(cell, dt.datetime) and cell.tzinfo is None else cell
    if isinstance(kind, Text):
        return as_text(cell)
    if isinstance(kind, Number | Integer) and isinstance(cell, str):
        return _CURRENCY.sub(r"\1", cell.translate(_NARROW))
    return cell


def as_text(cell: Cell) -> str:
    """Return a cell as somebody would have typed it: 10101, not 10101.0."""
    if isinstance(cell, Decimal):
        return format(cell.normalize(), "f")
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    if isinstance(cell, dt.date):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _date(cell: Cell) -> Any:
    if isinstance(cell, str) and (found := _DATE.match(cell.strip())):
        year, month, day = found.groups()
        return f"{year}-{month:0>2}-{day:0>2}"
    return cell


@cache
def _yes_no() -> Mapping[str, bool]:
    found = {
        "true": True,
        "1": True,
        "y": True,
        "√": True,
        "false": False,
        "0": False,
        "n": False,
        "×": False,
    }
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found |= {plain(str(YES_NO[0])): True, plain(str(YES_NO[1])): False}
    return found


@cache
def _words(options: tuple[tuple[str, Any], ...]) -> Mapping[str, str]:
    found = {plain(value): value for value, _label in options}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            for value, label in options:
                found.setdefault(plain(str(label)), value)
    return found
