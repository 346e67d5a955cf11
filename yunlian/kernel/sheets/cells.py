"""What both directions share: cells, rows, columns, and how a text is kept from being a formula."""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_ROWS = 20_000  # with something in them, the heading not counted
REASON = "⚑"  # begins the heading of the column of reasons, which reading leaves out

Cell = str | Decimal | bool | dt.date | dt.datetime | None


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


BLANKS = " \t\r\n\u3000\u00a0\ufeff"
CONTROLS = dict.fromkeys(
    [*range(9), 11, 12, *range(14, 32), 127]
)  # PostgreSQL stores no NUL, XML none of them
QUOTED = re.compile(r"'+[=+\-@\t\r\n＝＋－＠]")
RISKY = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def letter(at: int) -> str:
    """Name the column at index `at`, counted from 0: A … Z, AA …"""
    letters = ""
    while at >= 0:
        at, here = divmod(at, 26)
        letters = chr(65 + here) + letters
        at -= 1
    return letters
