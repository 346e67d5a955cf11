"""Import: a workbook becomes documents or masters, all of them or none.

Everything is judged first, by the rules of an ordinary save, and every bad row is named at once; only when there is none
does anything get written, in one transaction. Masters are matched by code and change only in the columns the sheet has;
documents always enter as new, created ones.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from . import audit, bulk, layout, permission
from .api import Answer, Request, route
from .bulk import Prepared
from .cells import as_text, meant
from .document import Document, Invalid, Problem, find_document
from .fields import Ref, uuid_or_none
from .intake import blank, incomplete, take
from .jobs import Failed, Progress, download, enqueue, job, show_job, whole
from .known import Known
from .layout import Place
from .load import Loaded, load_lines, select_for
from .models import Job
from .records import Reader, Record
from .refusals import problem_of
from .save import compute
from .scope import Context
from .sheets import Sheet, SheetError, read, template
from .sql import run
from .text import Label, _

PIECE = 500
WRITING_SHARE = 0.3  # of the progress shown


@route("GET", "/api/{code}/template.xlsx", needs="{code}.import")
def get_template(request: Request, code: str) -> Any:
    """An empty workbook to fill in and import."""
    document = find_document(code)
    places = layout.chosen(document, request.ctx, for_import=True)
    pairs = zip(places, layout.headings(document, places), strict=True)
    data = template(
        [layout.template_column(place, heading) for place, heading in pairs], title=str(document.label)
    )
    return download(data, f"{code}-template.xlsx")


@route("POST", "/api/{code}/import", needs="{code}.import", takes="xlsx")
def post_import(request: Request, code: str) -> Any:
    """Import a workbook; a worker does it. All rows enter, or none and every bad one is named."""
    document = find_document(code)
    permission.require(request.ctx, document, "edit")
    data = request.http.body
    if not data.startswith(b"PK\x03\x04"):
        raise Invalid(Problem(None, _("Send an xlsx workbook."), code="not_xlsx"))
    return Answer({"job": show_job(enqueue(request.ctx, "import", code, data))}, 202)


@job("import")
@whole
def run_import(ctx: Context, made: Job, progress: Progress) -> Mapping[str, Any]:
    """Import an uploaded workbook. Raises Failed, with every error, when anything in it is wrong."""
    document = find_document(made.subject)
    permission.require(ctx, document, "import")
    permission.require(ctx, document, "edit")
    try:
        sheet = read(bytes(made.content or b""))
    except SheetError as error:
        raise Failed(_sheet_problem(error)) from None
    return Import(document, ctx, sheet, progress).run()


class Import:
    """One import of one sheet, from the reading of its headings to the last row."""

    def __init__(self, document: Document, ctx: Context, sheet: Sheet, progress: Progress) -> None:
        self.document, self.ctx, self.progress = document, ctx, progress
        self.reader = Reader(document, sheet)
        self.findings, self.columns = self.reader.findings, self.reader.columns
        self.total = len(sheet.rows)
        self.known = Known(ctx)

    def run(self) -> dict[str, Any]:
        """Judge everything, then write everything."""
        self.progress(0, self.total)
        records = list(self.reader.records())
        self.known.read_ahead(self._references(records))
        self._prepare(records)
        ordered = self.reader.by_dependence(records)
        seen = 0
        for record in ordered:
            self._judge(record)
            seen += len(record.rows)
            if seen % 100 < len(record.rows):
                run("SELECT 1", [])  # a transaction that only computes would be ended as a forgotten one
                self.progress(int(seen * (1 - WRITING_SHARE)))
        self.findings.stop_if_bad()
        result = self._write(ordered)
        self.findings.stop_if_bad()
        self.progress(self.total)
        return result

    def _references(self, records: Iterable[Record]) -> dict[Any, set[str]]:
        """Return every text typed where something is referred to, by the model referred to."""
        found: dict[Any, set[str]] = defaultdict(set)
        refs = [place for place in self.columns if isinstance(place.kind, Ref) and place.is_taken]
        for record in records:
            for _row, cells in record.rows:
                for place in refs:
                    if place in cells:
                        found[place.kind.remote_field.model].add(as_text(cells[place]))  # type: ignore[union-attr]
        return found

    def _prepare(self, records: list[Record]) -> None:
        """Find the masters that exist; make blank the rest, so that rows of the sheet can refer to each other."""
        document = self.document
        existing: dict[str, Loaded] = {}
        if document.is_master:
            codes = [record.key for record in records if record.key]
            for at in range(0, len(codes), PIECE):
                existing |= _load_by_code(document, self.ctx, codes[at : at + PIECE])
        for record in records:
            loaded = None if record.is_bad else existing.get(record.key)
            if loaded is not None:
                record.prepared = Prepared(loaded, audit.Picture(loaded), list(loaded.lines))
                continue
            header = blank(document.header, self.ctx)
            header.created_at, header.created_by, header.version = self.ctx.now, self.ctx.member_id, 0
            if document.is_master:
                header.code = record.key
            if document.is_master and not record.is_bad:
                self.known.add(document.header, header)
            record.prepared = Prepared(Loaded(document, header))

    def _judge(self, record: Record) -> None:
        """Take a record as a save would, and note every problem at its row."""
        assert record.prepared is not None
        loaded, ctx, document = record.prepared.loaded, self.ctx, self.document
        body = self._body(record)
        problems = list(take(loaded, ctx, body, self.known.find))
        problems += incomplete(loaded)
        if not problems and not record.is_bad and document.fill is not None:
            problems += document.fill(loaded.header, loaded.lines, ctx) or ()
        if not problems and not record.is_bad:
            compute(loaded)
            facts = None if document.facts is None else document.facts(loaded.header, loaded.lines, ctx)
            if document.check is not None:
                problems += document.check(loaded.header, loaded.lines, ctx, facts)
        for problem in problems:
            self._note(record, problem)

    def _row_of(self, record: Record, line: int) -> int:
        return record.line_rows[line - 1] if 0 < line <= len(record.line_rows) else record.row

    def _note(self, record: Record, problem: Problem) -> None:
        record.is_bad = True
        is_line = problem.line is not None
        row = record.row if problem.line is None else self._row_of(record, problem.line)
        kinds = self.document.line_fields if is_line else self.document.fields
        kind = kinds.get(problem.field or "")
        place = Place(problem.field or "", kind, is_line) if kind is not None else None
        self.findings.error(row, place, problem.words(self.ctx.grants), problem.code)

    def _body(self, record: Record) -> dict[str, Any]:
        assert record.prepared is not None
        document, loaded = self.document, record.prepared.loaded
        is_new = record.prepared.before is None
        body = {} if is_new else _echo(loaded.header, document.fields)
        body |= self._values(record, *record.rows[0], is_line=False, is_new=is_new)
        if document.lines is None:
            return body
        if not self.reader.has_lines:
            if not is_new:
                body["lines"] = [
                    _echo(line, document.line_fields) | {"id": str(line.id)} for line in loaded.lines
                ]
            return body
        lines = []
        left = list(loaded.lines)
        for row, cells in record.rows:
            if any(place.is_line and place.is_taken for place in cells):
                values = self._values(record, row, cells, is_line=True, is_new=True)
                lines.append(_matched(values, left, document))
                record.line_rows.append(row)
        body["lines"] = lines
        return body

    def _values(
        self, record: Record, row: int, cells: Mapping[Place, Any], *, is_line: bool, is_new: bool
    ) -> dict[str, Any]:
        """Return what the cells of a row say; what is blank in a new record gets its initial value."""
        found: dict[str, Any] = {}
        for place in self.columns:
            if place.is_line != is_line or not place.is_taken:
                continue
            cell = cells.get(place)
            if cell is None:
                if not is_new:
                    found[place.name] = None
                continue
            if isinstance(place.kind, Ref):
                target, message = self.known.meant(place.kind.remote_field.model, as_text(cell))
                if message is not None:
                    self.findings.error(row, place, message, "unknown")
                    record.is_bad = True
                else:
                    found[place.name] = str(target.id)
            else:
                found[place.name] = meant(place.kind, cell)
        return found

    def _write(self, records: list[Record]) -> dict[str, Any]:
        """Write what is new or changed, in pieces of one transaction."""
        found = [record for record in records if self._is_due(record)]
        self._require_unchanged(found)
        for at in range(0, len(found), PIECE):
            self._write_piece(found[at : at + PIECE])
            share = 1 - WRITING_SHARE + WRITING_SHARE * min(at + PIECE, len(found)) / max(len(found), 1)
            self.progress(int(self.total * share))
        self.findings.stop_if_bad()
        prepared = [record.prepared for record in found if record.prepared is not None]
        bulk.tell(self.document, self.ctx, prepared) if self.document.flow is None else None
        if self.document.flow is not None and prepared:
            bulk.number(self.document, self.ctx, prepared)
            bulk.tell(self.document, self.ctx, prepared)
        created = sum(1 for each in prepared if each.before is None)
        return {
            "created": created,
            "updated": len(prepared) - created,
            "unchanged": len(records) - len(prepared),
            "errors": [],
        }

    def _is_due(self, record: Record) -> bool:
        prepared = record.prepared
        assert prepared is not None
        return prepared.before is None or bool(prepared.changes)

    def _require_unchanged(self, records: list[Record]) -> None:
        old = {r.prepared.loaded.pk: r for r in records if r.prepared and r.prepared.before is not None}
        versions = bulk.lock_versions(self.document, self.ctx, list(old)) if old else {}
        for id_, record in old.items():
            assert record.prepared is not None
            assert record.prepared.before is not None
            if versions.get(id_) != record.prepared.before.header[0]["version"]:
                self.findings.error(record.row, None, _("It was changed meanwhile: import again."), "stale")
        self.findings.stop_if_bad()

    def _write_piece(self, records: list[Record]) -> None:
        """Write some records; when the database refuses, find out which of them it means."""
        prepared = [record.prepared for record in records if record.prepared is not None]
        try:
            with transaction.atomic():
                bulk.write(self.document, self.ctx, prepared)
        except IntegrityError as error:
            if len(records) > 1:
                middle = len(records) // 2
                self._write_piece(records[:middle])
                self._write_piece(records[middle:])
                return
            problem = problem_of(error) or Problem(None, _("Stands here or elsewhere already."), code="taken")
            self._note(records[0], problem)


def _load_by_code(document: Document, ctx: Context, codes: list[str]) -> dict[str, Loaded]:
    select = select_for(document.header)
    sql = (
        f'SELECT {select.columns} FROM "{document.header._meta.db_table}" t{select.joins} '
        "WHERE t.enterprise_id = %s AND t.code = ANY(%s)"
    )
    found = {
        row.code: Loaded(document, row) for row in select.instances(run(sql, [ctx.enterprise_id, codes]))
    }
    if document.lines is not None and found:
        by_id = {loaded.pk: loaded for loaded in found.values()}
        for line in load_lines(document, ctx, list(by_id)):
            by_id[getattr(line, f"{document.parent}_id")].lines.append(line)
    return found


def _echo(instance: Any, kinds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values a record has, as input; those of the sheet are put over them."""
    found: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind.readonly:
            continue
        if isinstance(kind, Ref):
            found[name] = getattr(instance, kind.column_name)
        else:
            found[name] = kind.show(getattr(instance, name))
    return found


def _matched(values: dict[str, Any], left: list[Any], document: Document) -> dict[str, Any]:
    """Return a line's input with the id of the stored line it continues: the first that refers to the same things."""
    refs = [kind for kind in document.line_fields.values() if isinstance(kind, Ref) and not kind.readonly]
    for line in left:
        if all(
            uuid_or_none(values.get(ref.name or "")) == getattr(line, ref.column_name)
            for ref in refs
            if values.get(ref.name or "") is not None or getattr(line, ref.column_name) is not None
        ):
            left.remove(line)
            kept = _echo(line, document.line_fields)
            return kept | values | {"id": str(line.id)}
    return values


_SHEET_PROBLEMS: dict[str, Label] = {
    "too_large": _("The file is larger than %(most)s MB."),
    "locked_or_old": _("Remove the password, or save the file as xlsx: this is an older format."),
    "not_xlsx": _("Send an xlsx workbook."),
    "too_many_parts": _("The workbook has too many parts; keep only the sheet to import."),
    "unreadable": _("The file cannot be read; open it and save it again."),
    "expands": _("The file unpacks to more than %(most)s MB."),
    "far_cells": _(
        "The sheet reaches as far as row %(row)s, column %(column)s. Delete what is empty after the data."
    ),
    "empty": _("The sheet is empty: its first row must hold the headings."),
    "too_many_rows": _("%(count)s rows; at most %(most)s at a time."),
    "no_heading": _("Column %(column)s has content but no heading."),
    "same_heading": _("The heading “%(heading)s” stands twice."),
}


def _sheet_problem(error: SheetError) -> str:
    message = _SHEET_PROBLEMS.get(error.code)
    return str(error) if message is None else str(message) % error.values
