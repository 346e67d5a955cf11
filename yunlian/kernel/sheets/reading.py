"""An uploaded workbook becomes rows; what could hurt is refused before the parser sees it."""

import datetime as dt
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from xml.parsers.expat import ExpatError, ParserCreate

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from .cells import BLANKS, CONTROLS, MAX_ROWS, QUOTED, REASON, Cell, Row, Sheet, letter

MAX_BYTES = 20 * 1024 * 1024
MAX_UNPACKED = 120 * 1024 * 1024  # bytes of all parts; 20,000 rows of 30 columns are about 40 MB
MAX_PARTS = 500  # files inside the archive
MAX_CELLS = 5_000_000  # from A1 to the last cell, which the parser holds whole, 24 bytes each


class SheetError(ValueError):
    """A workbook that cannot be read; `code` and `values` let the caller say so in the reader's language."""

    def __init__(self, code: str, message: str, **values: object) -> None:
        """Keep the parts; `message` is English, with `values` in braces."""
        super().__init__(message.format(**values))
        self.code = code
        self.values = values


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


_SIGNATURE = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"  # the container of .xls, and of xlsx files with a password
_ADDRESS = re.compile(r"([A-Za-z]{0,6})[A-Za-z]*([0-9]{0,9})")


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
            if b"sheetData" in content:  # whatever the part is called: where the parser looks for cells
                _Extent(content)
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        ExpatError,
        NotImplementedError,
        ValueError,
    ) as error:
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


class _Extent:
    """How far a sheet reaches, formatted but empty cells included: its rectangle is refused as soon as it is too large.

    A row or a cell without an address follows the one before it, as the parser has it.
    """

    def __init__(self, content: bytes) -> None:
        """Walk through the tags. Raises SheetError, and ExpatError where the part is not well-formed."""
        self.row = self.column = self.last_row = self.last_column = 0
        parser = ParserCreate()
        parser.StartElementHandler = self._start
        parser.StartDoctypeDeclHandler = self._refuse_declarations
        parser.Parse(content, True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if tag == "row":
            self.row, self.column = int(attributes.get("r", "")[:9] or self.row + 1), 0
        elif tag == "c":
            letters, digits = _ADDRESS.match(attributes.get("r", "")).groups()  # type: ignore[union-attr]
            self.row = int(digits or self.row)
            self.column = _column_number(letters) or self.column + 1
        else:
            return
        self.last_row, self.last_column = max(self.last_row, self.row), max(self.last_column, self.column)
        if self.last_row * self.last_column > MAX_CELLS:
            raise SheetError(
                "far_cells",
                "The sheet reaches as far as row {row}, column {column}. Delete the empty rows and columns after the data.",
                row=self.last_row,
                column=letter(self.last_column - 1),
            )

    def _refuse_declarations(self, *_: object) -> None:
        raise SheetError("unreadable", "The file is not a sound xlsx workbook.")


def _first_sheet(book: CalamineWorkbook) -> Iterable[list[Any]]:
    for about in book.sheets_metadata:
        if about.typ == SheetTypeEnum.WorkSheet and about.visible == SheetVisibleEnum.Visible:
            return book.get_sheet_by_name(about.name).iter_rows()
    raise SheetError("empty", "The workbook has no visible sheet.")


def _cell(value: object) -> Cell:
    if isinstance(value, str):
        text = value.strip(BLANKS).translate(CONTROLS)
        return (text[1:] if QUOTED.match(text) else text) or None
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
            raise SheetError("no_heading", "Column {column} has content but no heading.", column=letter(at))
        if name and name in names[:at]:
            raise SheetError("same_heading", "The heading “{heading}” stands twice.", heading=name)
    kept = [at for at, name in enumerate(names) if name and not name.startswith(REASON)]
    shorter = (Row(row.number, tuple(row.cells[at] for at in kept)) for row in rows)
    return Sheet(
        headings=tuple(names[at] for at in kept),
        letters=tuple(letter(at) for at in kept),
        rows=[row for row in shorter if _has_content(row)],
    )


def _has_content(row: Row) -> bool:
    return any(cell is not None for cell in row.cells)


def _heading(cell: Cell) -> str:
    return "" if cell is None else re.sub(r"\s+", " ", str(cell)).rstrip(" *＊")


def _column_number(letters: str) -> int:
    """Count columns from 1, the inverse of `letter`; 0 without letters."""
    number = 0
    for character in letters.upper():
        number = number * 26 + ord(character) - 64
    return number
