"""A sheet becomes records: which column is which field, which rows are one document, and what is wrong with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import layout
from .bulk import Prepared
from .cells import as_text
from .document import Document
from .fields import Ref, normal_code
from .jobs import Failed
from .layout import Place
from .sheets import Sheet
from .text import Label, _

MAX_ERRORS = 2_000  # listed; all are counted


@dataclass
class Record:
    """One document in the sheet: its rows, what they say, and what it becomes."""

    key: str
    rows: list[tuple[int, Mapping[Place, Any]]] = field(default_factory=list)
    line_rows: list[int] = field(default_factory=list)
    prepared: Prepared | None = None
    is_bad: bool = False

    @property
    def row(self) -> int:
        return self.rows[0][0]


class Findings:
    """What is wrong with a sheet, by row and column."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.columns: dict[Place, tuple[str, str]] = {}
        self._noted: set[tuple[int | None, str, bool]] = set()

    def error(self, row: int | None, place: Place | None, message: Label, code: str = "invalid") -> None:
        """Note what is wrong; the first word about a cell counts."""
        column, heading = self.columns.get(place, (None, None)) if place is not None else (None, None)
        if place is not None:
            spot = (row, place.name, place.is_line)
            if spot in self._noted:
                return
            self._noted.add(spot)
        self.errors.append(
            {
                "row": row,
                "column": column,
                "heading": heading,
                "field": place.name if place is not None else None,
                "code": code,
                "message": str(message),
            }
        )

    def stop_if_bad(self) -> None:
        """Raise Failed with everything found, if anything was."""
        if not self.errors:
            return
        rows = len({error["row"] for error in self.errors})
        self.errors.sort(key=lambda error: (error["row"] or 0, error["column"] or ""))
        message = _("%(n)s rows have errors. Nothing was imported.") % {"n": rows}
        kept = self.errors[:MAX_ERRORS]
        result = {"created": 0, "updated": 0, "errors": kept, "bad_rows": rows, "count": len(self.errors)}
        raise Failed(message, result)


class Reader:
    """Reads the records of a sheet; what is wrong goes to `findings`."""

    def __init__(self, document: Document, sheet: Sheet) -> None:
        self.document, self.sheet, self.findings = document, sheet, Findings()
        self.columns = self.findings.columns
        self._places = self._read_headings()
        self.has_lines = any(place.is_line and place.is_taken for place in self.columns)

    def _read_headings(self) -> list[Place | None]:
        """Return the place of each column, None for one that is shown only. Unknown headings are errors of row 1."""
        meanings, found, errors = layout.heading_map(self.document), [], self.findings.errors
        for heading, letter in zip(self.sheet.headings, self.sheet.letters, strict=True):
            place = meanings.get(layout.plain(heading))
            found.append(place)
            if place is None:
                errors.append(_heading_error(heading, letter, _("There is no such column here.")))
            elif place in self.columns:
                errors.append(_heading_error(heading, letter, _("This column stands twice.")))
            else:
                self.columns[place] = (letter, heading)
        key = layout.key_of(self.document)
        names = {place.name for place in self.columns if not place.is_line}
        if self.document.is_master and key not in names:
            label = str(self.document.fields[key].label)
            errors.append(_heading_error(label, None, _("This column is missing.")))
        self.findings.stop_if_bad()
        return found

    def records(self) -> Iterable[Record]:
        """Give the documents of the sheet: rows that follow each other with the same key, or the same head, are one."""
        record: Record | None = None
        seen: dict[str, int] = {}
        key_place = next(
            (p for p in self.columns if p.name == layout.key_of(self.document) and not p.is_line), None
        )
        for row in self.sheet.rows:
            cells = {
                place: cell
                for place, cell in zip(self._places, row.cells, strict=True)
                if place is not None and cell is not None
            }
            key = normal_code(as_text(cells[key_place])) if key_place in cells else ""
            if record is not None and self._continues(record, key, cells, has_key=key_place is not None):
                self._require_same_head(record, row.number, cells)
                record.rows.append((row.number, cells))
                continue
            if record is not None:
                yield record
            record = Record(key, [(row.number, cells)])
            if key and key in seen:
                message = _("%(code)s stands in row %(row)s already.") % {"code": key, "row": seen[key]}
                self.findings.error(row.number, key_place, message, "twice")
                record.is_bad = True
            if not key and self.document.is_master:
                self.findings.error(row.number, key_place, _("Must be filled in."), "required")
                record.is_bad = True
            seen.setdefault(key, row.number)
        if record is not None:
            yield record

    def _continues(self, record: Record, key: str, cells: Mapping[Place, Any], *, has_key: bool) -> bool:
        if not self.has_lines:
            return False
        if has_key and (key or record.key):
            return key in ("", record.key)
        head = record.rows[0][1]
        return all(head.get(place) == cell for place, cell in cells.items() if not place.is_line)

    def _require_same_head(self, record: Record, row: int, cells: Mapping[Place, Any]) -> None:
        first, head = record.rows[0]
        for place, cell in cells.items():
            if not place.is_line and place.is_taken and head.get(place) != cell:
                self.findings.error(
                    row, place, _("Says otherwise than row %(row)s.") % {"row": first}, "differs"
                )
                record.is_bad = True

    def by_dependence(self, records: list[Record]) -> list[Record]:
        """Return the records so that each stands behind those it refers to in the same sheet."""
        own = [
            p
            for p in self.columns
            if isinstance(p.kind, Ref) and p.kind.remote_field.model is self.document.header
        ]
        if not own:
            return records
        by_key = {record.key: record for record in reversed(records) if record.key}
        above = {
            id(record): [
                other
                for place in own
                for _row, cells in record.rows
                if place in cells and (other := by_key.get(normal_code(as_text(cells[place])))) is not None
            ]
            for record in records
        }
        depth: dict[int, int] = {}
        for record in records:
            self._measure(record, above, depth)
        return sorted(records, key=lambda record: depth[id(record)])

    def _measure(self, record: Record, above: dict[int, list[Record]], depth: dict[int, int]) -> None:
        path, on_path = [record], {id(record)}
        while path:
            here = path[-1]
            waiting = [other for other in above[id(here)] if id(other) not in depth]
            if waiting and id(waiting[0]) in on_path:
                place = next(p for p in self.columns if isinstance(p.kind, Ref))
                self.findings.error(here.row, place, _("Belongs to itself in the end."), "cycle")
                here.is_bad = True
                above[id(here)] = []
            elif waiting:
                path.append(waiting[0])
                on_path.add(id(waiting[0]))
            else:
                depth[id(here)] = 1 + max((depth[id(other)] for other in above[id(here)]), default=0)
                on_path.discard(id(path.pop()))


def _heading_error(heading: str, column: str | None, message: Label) -> dict[str, Any]:
    return {
        "row": 1,
        "column": column,
        "heading": heading,
        "field": None,
        "code": "heading",
        "message": f"{heading}: {message}",
    }
