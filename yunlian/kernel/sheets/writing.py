"""Rows become a workbook: an export, a template to fill in, or an upload with its errors marked."""

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any

import rustpy_xlsxwriter
import xlsxwriter

from .cells import CONTROLS, MAX_ROWS, REASON, RISKY, Cell, Column, letter
from .reading import read

MAX_TEXT = 32_767  # characters of a cell, by the file format


def write(headings: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "Sheet1") -> bytes:
    """Write a workbook of one sheet: numbers as numbers, dates as dates, never a formula.

    Rows are taken one by one; only the file is held in memory. Numbers of more than 15 digits, which the format would
    change, and dates before 1900 are written as text.
    """
    rows = iter(rows)
    sample = [tuple(map(_written, row)) for row in islice(rows, 200)]
    rest = (tuple(map(_written, row)) for row in rows)
    names = _unique([_text(heading) for heading in headings])
    target = io.BytesIO()
    if not sample:
        with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
            book.add_worksheet(_title(title)).write_row(0, 0, names)
        return target.getvalue()
    rustpy_xlsxwriter.write_worksheet(
        (dict(zip(names, row, strict=True)) for row in chain(sample, rest)),
        target,
        sheet_name=_title(title),
        freeze_row=1,
        autofilter=True,
        header_format=rustpy_xlsxwriter.Format().set_bold().set_background_color("#EEF1F5"),
        column_widths={
            name: _width(name, column) for name, column in zip(names, zip(*sample, strict=True), strict=True)
        },
        column_formats={
            name: rustpy_xlsxwriter.Format().set_num_format(shown)
            for name, column in zip(names, zip(*sample, strict=True), strict=True)
            if (shown := _number_format(column))
        },
    )
    return target.getvalue()


def template(
    columns: Sequence[Column],
    *,
    title: str = "Sheet1",
    choices_title: str = "选项",
    notes: tuple[str, Sequence[str]] | None = None,
) -> bytes:
    """Write an empty workbook to fill in: headings with required ones marked *, hints, choices, kinds checked.

    `choices_title` names the hidden sheet that holds the choices, which do not fit into a rule when they are many;
    `notes` are the title and the lines of a sheet behind it that says how to fill it in.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet(_title(title))
        if notes is not None:
            behind = book.add_worksheet(_title(notes[0]))
            behind.set_column(0, 0, 100, book.add_format({"text_wrap": True, "valign": "top"}))
            for row, line in enumerate(notes[1]):
                behind.write_string(row, 0, _text(line))
        lists = book.add_worksheet(_title(choices_title))
        lists.hide()
        bold = {"bold": True, "border": 1, "border_color": "#CDD3DB", "valign": "vcenter"}
        plain = book.add_format(bold | {"bg_color": "#EEF1F5"})
        needed = book.add_format(bold | {"bg_color": "#FDE9D9"})
        shown = {"number": "General", "integer": "0", "date": "yyyy-mm-dd", "text": "@"}
        formats = {kind: book.add_format({"num_format": code}) for kind, code in shown.items()}
        for at, column in enumerate(columns):
            heading = _text(column.heading)
            sheet.write_string(
                0, at, f"{heading} *" if column.required else heading, needed if column.required else plain
            )
            sheet.set_column(at, at, _width(heading, column.choices), formats[column.kind])
            for row, choice in enumerate(column.choices):
                lists.write_string(row, at, _text(choice))
            rule = _rule(column, at, choices_title)
            if column.hint:
                sheet.write_comment(0, at, column.hint, {"x_scale": 1.6})
            sheet.data_validation(1, at, MAX_ROWS, at, rule)
        sheet.set_row(0, 24)
        sheet.freeze_panes(1, 0)
    return target.getvalue()


def errors_workbook(
    data: bytes, errors: Iterable[tuple[int, str | None, str]], *, reason: str = "原因"
) -> bytes:
    """Give an uploaded workbook back with its bad cells coloured and a first column of reasons.

    `errors` are row number, heading (None when the whole row is meant) and message. Every row keeps its number, and the
    column of reasons is left out when the file is uploaded again.
    """
    original = read(data)
    by_row: dict[int, list[tuple[str | None, str]]] = {}
    for number, heading, message in errors:
        by_row.setdefault(number, []).append((heading, message))
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        formats = _ErrorFormats(book)
        sheet.write_string(0, 0, f"{REASON} {reason}", formats.heading)
        for at, heading in enumerate(original.headings, start=1):
            sheet.write_string(0, at, _text(heading), formats.heading)
            sheet.set_column(at, at, _width(heading, [row.cells[at - 1] for row in original.rows[:200]]))
        for row in original.rows:
            bad = by_row.get(row.number, ())
            marked = {heading for heading, _ in bad}
            if bad:
                lines = (f"{heading}：{message}" if heading else message for heading, message in bad)
                sheet.write_string(row.number - 1, 0, _text("\n".join(lines)), formats.reason)
            for at, (heading, value) in enumerate(zip(original.headings, row.cells, strict=True), start=1):
                _put(sheet, row.number - 1, at, value, formats, is_bad=heading in marked or None in marked)
        sheet.set_column(0, 0, 48)
        sheet.freeze_panes(1, 1)
        sheet.autofilter(0, 0, max(by_row, default=1), len(original.headings))
    return target.getvalue()


def _written(value: Any) -> Any:
    """Turn a value into what the writer may take for a number, a date or a text, and never for a formula."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | Decimal):
        return value if _fits(Decimal(value)) else _text(format(Decimal(value), "f"))
    if isinstance(value, dt.datetime):
        return value.replace(tzinfo=None) if value.year >= 1900 else _text(value.isoformat(" "))
    if isinstance(value, dt.date):
        return value if value.year >= 1900 else _text(value.isoformat())
    return _text(str(value))


def _fits(number: Decimal) -> bool:
    """Tell whether a binary double keeps this number's digits."""
    return (
        number.is_finite()
        and len(number.normalize().as_tuple().digits) <= 15
        and abs(number.adjusted()) < 300
    )


def _text(text: str) -> str:
    clean = text.translate(CONTROLS).encode("utf-8", "replace").decode("utf-8")
    if RISKY.match(clean):
        clean = f"'{clean}"
    return clean[:MAX_TEXT]


def _title(text: str) -> str:
    """Make a sheet's name legal: 31 characters, none of []:*?/\\ and no apostrophe at its ends."""
    return re.sub(r"[\[\]:*?/\\]", " ", text.translate(CONTROLS)).strip("' ")[:31].strip("' ") or "Sheet1"


def _unique(names: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for name in names:
        candidate, again = name, 1
        while candidate in found:
            again += 1
            candidate = f"{name} ({again})"
        found[candidate] = None
    return list(found)


def _width(heading: str, values: Iterable[object]) -> float:
    """Choose a column's width in characters, where a Chinese one counts double."""
    longest = max((_cells(str(value)) for value in (heading, *values) if value is not None), default=0)
    return float(min(max(longest + 2, 10), 60))


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _number_format(values: Iterable[object]) -> str:
    """Show dates as dates, and decimals with the places they came with if all have the same."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, dt.datetime) for value in present):
        return "yyyy-mm-dd hh:mm"
    if present and all(isinstance(value, dt.date) for value in present):
        return "yyyy-mm-dd"
    places = {value.as_tuple().exponent for value in present if isinstance(value, Decimal)}
    if len(places) == 1 and isinstance(exponent := places.pop(), int) and -8 <= exponent < 0:
        return "0." + "0" * -exponent
    return ""


def _rule(column: Column, at: int, choices_title: str) -> Mapping[str, object]:
    """Say what a cell of the column takes, and its hint."""
    rule: dict[str, object] = {"validate": "any", "ignore_blank": True}
    if column.choices:
        here = letter(at)
        source = f"='{_title(choices_title)}'!${here}$1:${here}${len(column.choices)}"
        rule |= {"validate": "list", "source": source}
    elif column.kind == "date":
        rule |= {"validate": "date", "criteria": ">=", "value": dt.date(1900, 1, 1)}
    elif column.kind in {"number", "integer"}:
        kind = "decimal" if column.kind == "number" else "integer"
        rule |= {"validate": kind, "criteria": "between", "minimum": -1e15, "maximum": 1e15}
    if column.hint:
        rule |= {"input_title": column.heading[:32], "input_message": column.hint[:255]}
    return rule


class _ErrorFormats:
    """The looks of cells in a workbook of errors."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        bad = {"bg_color": "#FBE3E3", "font_color": "#C22F2F"}
        self.heading = book.add_format({"bold": True, "bg_color": "#EEF1F5"})
        self.reason = book.add_format({"text_wrap": True, "font_color": "#C22F2F", "valign": "top"})
        self.cell = {
            (kind, is_bad): book.add_format({"num_format": shown} | (bad if is_bad else {}))
            for kind, shown in (("text", "@"), ("number", "General"), ("date", "yyyy-mm-dd"))
            for is_bad in (False, True)
        }


def _put(
    sheet: xlsxwriter.worksheet.Worksheet,
    row: int,
    at: int,
    value: Cell,
    formats: _ErrorFormats,
    *,
    is_bad: bool,
) -> None:
    shown = _written(value)
    if shown is None:
        if is_bad:
            sheet.write_blank(row, at, None, formats.cell["text", True])
    elif isinstance(shown, str):
        sheet.write_string(row, at, shown, formats.cell["text", is_bad])
    elif isinstance(shown, bool):
        sheet.write_boolean(row, at, shown, formats.cell["number", is_bad])
    elif isinstance(shown, dt.date):
        sheet.write_datetime(row, at, shown, formats.cell["date", is_bad])
    else:
        sheet.write_number(row, at, shown, formats.cell["number", is_bad])
