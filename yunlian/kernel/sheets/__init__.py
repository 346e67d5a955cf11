"""Spreadsheets in and out, as pure functions: what was uploaded becomes rows, rows become a workbook.

Reading refuses what could hurt before the parser sees it: too many bytes, archives that unpack to too much, and sheets
whose last cell lies so far out that a dense table of them would exhaust memory (calamine aborts the process on that).
Writing never produces a formula: a text that a spreadsheet could take for one gets an apostrophe in front, which reading
takes away again, so that what was exported can be imported.
"""

from .cells import CONTENT_TYPE, MAX_ROWS, REASON, Cell, Column, Row, Sheet
from .reading import MAX_BYTES, SheetError, read
from .writing import errors_workbook, template, write

__all__ = [
    "CONTENT_TYPE", "MAX_BYTES", "MAX_ROWS", "REASON", "Cell", "Column", "Row", "Sheet", "SheetError",
    "errors_workbook", "read", "template", "write",
]  # fmt: skip
