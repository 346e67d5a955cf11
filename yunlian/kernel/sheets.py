"""Spreadsheets in and out, as pure functions: what was uploaded becomes rows, rows become a workbook.

Reading refuses what could hurt before the parser sees it: too many bytes, archives that unpack to too much, and sheets
whose last cell lies so far out that a dense table of them would exhaust memory (calamine aborts the process on that).
Writing never produces a formula: a text that a spreadsheet could take for one gets an apostrophe in front, which reading
takes away again, so that what was exported can be imported.
"""

import datetime as dt
import io
import re
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, islice
from typing import Any, Literal

import rustpy_xlsxwriter
import xlsxwriter
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 120 * 1024 * 1024  # bytes of all parts; 20,000 rows of 30 columns are about 40 MB
MAX_PARTS = 500  # files inside the archive
MAX_CELLS = (
    5_000_000  # of the rectangle from A1 to the last cell, which the parser holds whole: 24 bytes each
)
MAX_ROWS = 20_000  # with something in them, the heading not counted
MAX_TEXT = 32_767  # characters of a cell, by the file format
REASON = "⚑"  # begins the heading of the column of reasons, which reading leaves out

Cell = str | Decimal | bool | dt.date | dt.datetime | None


class SheetError(ValueError):
    """A workbook that cannot be read; `code` and `values` let the caller say so in the reader's language."""

    def __init__(self, code: str, message: str, **values: object) -> None:
        """Keep the parts; `message` is English, with `values` in braces."""
        super().__init__(message.format(**values))
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Row:
    """One row with something in it; `number` counts from 1 as the spreadsheet shows it, `cells` follow the headings."""

    number: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The first visible sheet of a workbook. Headings are unique, without the mark of required columns."""

    headings: tuple[str, ...]
    letters: tuple[str, ...]  # of the columns, as the spreadsheet shows them
    rows: list[Row]

    def records(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Give every row's number and its cells by heading."""
        for row in self.rows:
            yield row.number, dict(zip(self.headings, row.cells, strict=True))


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a template; `hint` is shown when a cell of it is selected."""

    heading: str
    kind: Literal["text", "number", "integer", "date"] = "text"
    required: bool = False
    hint: str = ""
    choices: tuple[str, ...] = ()


def read(data: bytes, *, max_rows: int = MAX_ROWS) -> Sheet:
    """Read the first visible sheet; its first row with content holds the headings. Raises SheetError.

    Texts come without blanks around them, empty ones as None; numbers as Decimal of at most 15 digits, which is what
    the format keeps; formulas as the value last computed.
    """
    _guard(data)
    try:
        grid = _first_sheet(CalamineWorkbook.from_filelike(io.BytesIO(data)))
        rows = [
            row
            for number, values in enumerate(grid, start=1)
            if _has_content(row := Row(number, tuple(map(_cell, values))))
        ]
    except (CalamineError, ValueError, OverflowError) as error:
        raise SheetError("unreadable", "The file is not a sound xlsx workbook.") from error
    if not rows:
        raise SheetError("empty", "The sheet is empty: its first row must hold the headings.")
    if len(rows) - 1 > max_rows:
        raise SheetError(
            "too_many_rows", "{count} rows; at most {most} at a time.", count=len(rows) - 1, most=max_rows
        )
    return _under_headings(rows[0], rows[1:])


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


def template(columns: Sequence[Column], *, title: str = "Sheet1", choices_title: str = "选项") -> bytes:
    """Write an empty workbook to fill in: headings with required ones marked *, hints, choices, kinds checked.

    `choices_title` names the hidden sheet that holds the choices, which do not fit into a rule when they are many.
    """
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet(_title(title))
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


# --- reading


_SIGNATURE = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of xlsx files with a password
_ADDRESS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]*)([0-9]*)["']""")


def _guard(data: bytes) -> None:
    """Refuse a file that is no xlsx, or would take too much memory to find that out."""
    if len(data) > MAX_BYTES:
        raise SheetError("too_large", "The file is larger than {most} MB.", most=MAX_BYTES // 1024**2)
    if data.startswith(_OLE):
        raise SheetError(
            "locked_or_old", "Remove the password, or save the file as xlsx: this is an older format."
        )
    if not data.startswith(_SIGNATURE):
        raise SheetError("not_xlsx", "This is not an xlsx workbook.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
        if len(parts) > MAX_PARTS:
            raise SheetError(
                "too_many_parts", "The workbook has too many parts; keep only the sheet to import."
            )
        left = MAX_UNPACKED
        for part in parts:
            content = _unpacked(data, part, left)
            left -= len(content)
            _refuse_far_cells(content)
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, ValueError) as error:
        if isinstance(error, SheetError):
            raise
        raise SheetError("unreadable", "The file is damaged.") from error


def _unpacked(data: bytes, part: zipfile.ZipInfo, most: int) -> bytes:
    """Unpack one part, whatever length its own header claims. Raises SheetError above `most` bytes."""
    if part.flag_bits & 0x1:
        raise SheetError(
            "locked_or_old", "Remove the password, or save the file as xlsx: this is an older format."
        )
    name, extra = struct.unpack_from("<HH", data, part.header_offset + 26)
    start = part.header_offset + 30 + name + extra
    packed = memoryview(data)[start : start + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        content = bytes(packed)
    elif part.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most + 1)
    else:
        raise SheetError("unreadable", "The file is packed in an unusual way; save it again.")
    if len(content) > most:
        raise SheetError("expands", "The file unpacks to more than {most} MB.", most=MAX_UNPACKED // 1024**2)
    return content


def _refuse_far_cells(content: bytes) -> None:
    """Refuse a sheet whose rectangle up to the last cell is too large, formatted but empty cells included."""
    last_row, last_column = 0, 1
    for letters, digits in set(_ADDRESS.findall(content)):
        last_row = max(last_row, int(digits[:9] or 0))
        last_column = max(last_column, _column_number(letters))
    if last_row * last_column > MAX_CELLS:
        raise SheetError(
            "far_cells",
            "The sheet reaches as far as row {row}, column {column}. Delete the empty rows and columns after the data.",
            row=last_row,
            column=_letter(last_column - 1),
        )


def _first_sheet(book: CalamineWorkbook) -> Iterable[list[Any]]:
    for about in book.sheets_metadata:
        if about.typ == SheetTypeEnum.WorkSheet and about.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_name(about.name).iter_rows()
    raise SheetError("empty", "The workbook has no visible sheet.")


_BLANKS = " \t\r\n\u3000\u00a0\ufeff"
_CONTROLS = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127]
)  # PostgreSQL stores no NUL, XML none of them
_QUOTED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
_RISKY = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        text = value.strip(_BLANKS).translate(_CONTROLS)
        return (text[1:] if _QUOTED.match(text) else text) or None
    if isinstance(value, float):
        return Decimal(f"{value:.15g}") if value != int(value) else Decimal(int(value))
    if isinstance(value, dt.datetime) or value is None or isinstance(value, bool | dt.date):
        return value
    if isinstance(value, int):
        return Decimal(value)
    return str(
        value
    )  # times and durations: no field takes them, and the text tells the reader what stood there


def _under_headings(first: Row, rows: list[Row]) -> Sheet:
    names = [_heading(cell) for cell in first.cells]
    for at, name in enumerate(names):
        if not name and any(row.cells[at] is not None for row in rows):
            raise SheetError("no_heading", "Column {column} has content but no heading.", column=_letter(at))
        if name and name in names[:at]:
            raise SheetError("same_heading", "The heading “{heading}” stands twice.", heading=name)
    kept = [at for at, name in enumerate(names) if name and not name.startswith(REASON)]
    shorter = (Row(row.number, tuple(row.cells[at] for at in kept)) for row in rows)
    return Sheet(
        headings=tuple(names[at] for at in kept),
        letters=tuple(_letter(at) for at in kept),
        rows=[row for row in shorter if _has_content(row)],
    )


def _has_content(row: Row) -> bool:
    return any(cell is not None for cell in row.cells)


def _heading(cell: Cell) -> str:
    return "" if cell is None else re.sub(r"\s+", " ", str(cell)).rstrip(" *＊")


def _letter(at: int) -> str:
    """Name the column at index `at`, counted from 0: A … Z, AA …"""
    letters = ""
    while at >= 0:
        at, here = divmod(at, 26)
        letters = chr(65 + here) + letters
        at -= 1
    return letters


def _column_number(letters: bytes) -> int:
    """Count columns from 1, the inverse of `_letter`; more than three letters are beyond any sheet."""
    number = 0
    for letter in letters[:6].upper():
        number = number * 26 + letter - 64
    return number


# --- writing


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
    clean = text.translate(_CONTROLS).encode("utf-8", "replace").decode("utf-8")
    if _RISKY.match(clean):
        clean = f"'{clean}"
    return clean[:MAX_TEXT]


def _title(text: str) -> str:
    """Make a sheet's name legal: 31 characters, none of []:*?/\\ and no apostrophe at its ends."""
    return re.sub(r"[\[\]:*?/\\]", " ", text.translate(_CONTROLS)).strip("' ")[:31].strip("' ") or "Sheet1"


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
        letter = _letter(at)
        source = f"='{_title(choices_title)}'!${letter}$1:${letter}${len(column.choices)}"
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
