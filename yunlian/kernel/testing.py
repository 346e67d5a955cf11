"""Tests that every document inherits, and the one factory they and all others use.

`make()` builds a valid document from its kinds: references are made too, and what is made from another document is
pulled from one. `DocumentSuite` asks of every document what the kernel promises of all.
"""

import datetime as dt
import itertools
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, transaction

from . import events, exporting, importing, ledger, listing, meta, pulling, sheets
from .document import Document, Missing, Refused, document_of, find_document
from .fields import (
    Amount,
    AnyKind,
    Boolean,
    Choice,
    Code,
    Date,
    Done,
    Integer,
    Number,
    Phone,
    Price,
    Qty,
    Rate,
    Reason,
    Ref,
    State,
    Tags,
)
from .ledger import LEDGERS
from .load import Loaded, load, show
from .permission import Forbidden
from .preview import preview
from .save import remove, save
from .scope import Context, Grants, read_only, tenant
from .steps import move, save_and_move
from .verify import verify

ALL = Grants(frozenset("*"), {"*": "all"}, frozenset("*"), frozenset("*"))
TODAY = dt.date(2026, 11, 23)
NOW = dt.datetime(2026, 11, 23, 4, 0, tzinfo=dt.UTC)
# What a master needs beyond its kinds to be of use in any test, by code.
DEFAULTS: dict[str, dict[str, Any]] = {}
_serial = itertools.count(1)


def context(
    enterprise_id: int, member_id: uuid.UUID | None = None, grants: Grants = ALL, **more: Any
) -> Context:
    """Return somebody who may do everything unless told otherwise, the partner's steps too, at a fixed moment."""
    values: dict[str, Any] = {
        "is_chain": True,
        "member_name": "测试员",
        "department_id": None,
        "tree": (),
        "now": NOW,
        "today": TODAY,
    }
    return Context(
        enterprise_id=enterprise_id, member_id=member_id or uuid.uuid4(), grants=grants, **(values | more)
    )


def data(
    code: str, ctx: Context, /, lines: int | list[dict[str, Any]] = 1, **overrides: Any
) -> dict[str, Any]:
    """Return a valid body. `a__b` overrides field b of the row that field a points to; `lines__x` one of every line.

    `lines` is how many to make, or the lines themselves.
    """
    document = find_document(code)
    if isinstance(lines, list):
        overrides, lines = overrides | {"lines": lines}, len(lines)
    own = {key: value for key, value in overrides.items() if "__" not in key}
    nested: dict[str, dict[str, Any]] = {}
    for key, value in overrides.items():
        if "__" in key:
            head, _sep, tail = key.partition("__")
            nested.setdefault(head, {})[tail] = value
    body = _pulled(document, ctx, lines) if document.links and "lines" not in own else {}
    for name, kind in document.fields.items():
        if name not in body and (kind.required or name in nested) and kind.initial is None:
            body[name] = _value(kind, ctx, nested.get(name, {}), DEFAULTS.get(code, {}))
    body |= DEFAULTS.get(code, {}) | own
    if document.lines is not None:
        line_nested = nested.get("lines", {})
        rows = body.get("lines") or [{} for _ in range(lines)]
        body["lines"] = (
            [_line(document, ctx, row, line_nested) for row in rows] if "lines" not in own else own["lines"]
        )
    return body


def _pulled(document: Document, ctx: Context, lines: int) -> dict[str, Any]:
    source = make(document.links[0].source, ctx, lines=lines, upto="approved")
    return pulling.push(document.links[0].source, ctx, source.pk, document.code)


def _line(document: Document, ctx: Context, row: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value for key, value in overrides.items() if "__" not in key}
    made = {
        name: _value(kind, ctx, {}, {})
        for name, kind in document.line_fields.items()
        if kind.required and name not in row and kind.initial is None and not isinstance(kind, Done)
    }
    for key, value in overrides.items():
        if "__" in key:
            head, _sep, tail = key.partition("__")
            made[head] = _value(document.line_fields[head], ctx, {tail: value}, {})
    return made | row | plain


def _value(kind: AnyKind, ctx: Context, nested: dict[str, Any], defaults: dict[str, Any]) -> Any:
    if isinstance(kind, Ref):
        target = document_of(kind.remote_field.model)
        return str(make(target.code, ctx, **(kind.where | nested)).pk)
    return _plain(kind, ctx)


def _plain(kind: Any, ctx: Context) -> Any:
    n = next(_serial)
    makers: list[tuple[type[Any], Callable[[], Any]]] = [
        (Choice, lambda: kind.options[0][0]),
        (Code, lambda: f"T{n:05}"),
        (Phone, lambda: f"139{n:08}"),
        (Date, lambda: ctx.today.isoformat()),
        (Boolean, lambda: False),
        (Integer, lambda: max(kind.low, 1)),
        (Rate, lambda: "0"),
        (Qty, lambda: "3"),
        (Price, lambda: "12.5"),
        (Amount, lambda: "100.00"),
        (Number, lambda: "1"),
        (Tags, list),
    ]
    return next((maker() for type_, maker in makers if isinstance(kind, type_)), f"名称{n}")


def make(
    code: str,
    ctx: Context,
    /,
    lines: int | list[dict[str, Any]] = 1,
    upto: str | None = None,
    **overrides: Any,
) -> Loaded:
    """Save a valid document and move it to a state; masters are just saved."""
    document = find_document(code)
    loaded = save(code, ctx, data(code, ctx, lines, **overrides))
    if document.flow is not None and upto not in (None, "created"):
        loaded = move(
            code, ctx, loaded.pk, {"approved": "approve", "submitted": "submit", "voided": "void"}[upto or ""]
        )
    return loaded


def refusal(act: Callable[..., Any], *args: Any, **kwargs: Any) -> list[tuple[str | None, int | None]]:
    """Return the (field, line) of every problem an act is refused with; fails when it is not refused.

    Rolls back to before the act, as a request would.
    """
    with pytest.raises(Refused) as caught, savepoint():
        act(*args, **kwargs)
    return [(problem.field, problem.line) for problem in caught.value.problems]


def guarded(guard: str, act: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """Return the one problem an act is refused with, as who may read the guard is told; others are told no figure of it."""
    with pytest.raises(Refused) as caught, savepoint():
        act(*args, **kwargs)
    (problem,) = caught.value.problems
    assert problem.guard == guard
    assert not re.search(r"\d\.\d", f"{caught.value} {problem.words(None)} {problem.words(Grants())}")
    return problem.words(Grants(read_guards=frozenset((guard,))))


def keep_subscribers(patch: pytest.MonkeyPatch, *packages: str) -> None:
    """Let only subscribers of these packages hear of acts: a layer is tested without those above it."""
    kept = {
        key: [each for each in subscribers if each.__module__.startswith(packages)]
        for key, subscribers in events._inside.items()
    }
    patch.setattr(events, "_inside", kept)


@contextmanager
def savepoint() -> Iterator[None]:
    """Undo what is done inside when it raises."""
    with transaction.atomic():
        yield


class Statements:
    """Counts the statements executed inside a `with` block."""

    def __init__(self) -> None:
        self.count = 0
        self.sql: list[str] = []

    def __enter__(self) -> "Statements":
        self._wrapper = connection.execute_wrapper(self._note)
        self._wrapper.__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        self._wrapper.__exit__(*args)

    def _note(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith(("SAVEPOINT", "RELEASE")):
            self.count += 1
            self.sql.append(sql)
        return execute(sql, params, many, context)


@pytest.mark.django_db
class DocumentSuite:
    """Inherit it as `TestX(DocumentSuite)` with `code`; the fixture `ctx` enters an enterprise."""

    code: ClassVar[str]
    # Overrides that make a valid body where kinds alone do not.
    overrides: ClassVar[dict[str, Any]] = {}
    # Why a document cannot be taken back by itself, when it cannot.
    irreversible: ClassVar[str] = ""

    def _make(self, ctx: Context, lines: int = 1, upto: str | None = None) -> Loaded:
        return make(self.code, ctx, lines=lines, upto=upto, **self.overrides)

    @property
    def document(self) -> Document:
        return find_document(self.code)

    def test_what_is_saved_is_read_again(self, ctx: Context) -> None:
        made = show(self._make(ctx), ctx)
        again = show(load(self.document, ctx, uuid.UUID(made["id"])), ctx)
        assert again == made

    def test_what_is_read_can_be_saved_again_unchanged(self, ctx: Context) -> None:
        made = self._make(ctx)
        before = show(load(self.document, ctx, made.pk), ctx)
        after = show(save(self.code, ctx, before, made.pk), ctx)
        assert after["version"] == before["version"] + 1
        for varying in ("version", "updated_at"):
            before.pop(varying), after.pop(varying)
        assert after == before

    def test_a_stale_version_is_refused_and_names_who_changed_it(self, ctx: Context) -> None:
        made = self._make(ctx)
        body = show(load(self.document, ctx, made.pk), ctx)
        save(self.code, ctx, body, made.pk)
        assert refusal(save, self.code, ctx, body, made.pk) == [("version", None)]

    def test_surplus_fields_are_refused(self, ctx: Context) -> None:
        body = data(self.code, ctx, **self.overrides)
        assert refusal(save, self.code, ctx, body | {"surprise": 1}) == [("surprise", None)]
        save(self.code, ctx, body)

    def test_missing_fields_are_all_named(self, ctx: Context) -> None:
        required = {
            name
            for name, kind in self.document.fields.items()
            if kind.required and not kind.readonly and kind.initial is None and not isinstance(kind, Boolean)
        }
        body: dict[str, Any] = {"lines": []} if self.document.lines is not None else {}
        if required:
            named = {field for field, _line in refusal(save, self.code, ctx, body)}
            assert required <= named

    def test_another_enterprise_cannot_see_it(self, ctx: Context, stranger: Context) -> None:
        made = self._make(ctx)
        connection.cursor().execute(f"SET LOCAL app.enterprise_id = '{stranger.enterprise_id}'")
        with pytest.raises(Missing):
            load(self.document, stranger, made.pk)
        connection.cursor().execute(f"SET LOCAL app.enterprise_id = '{ctx.enterprise_id}'")
        assert load(self.document, ctx, made.pk).pk == made.pk

    def test_without_the_verb_nothing_can_be_saved(self, ctx: Context) -> None:
        body = data(self.code, ctx, **self.overrides)
        nobody = context(ctx.enterprise_id, ctx.member_id, Grants())
        with pytest.raises(Forbidden), savepoint():
            save(self.code, nobody, body)
        save(self.code, ctx, body)

    def test_it_stands_in_its_list(self, ctx: Context) -> None:
        made = self._make(ctx)
        page = listing.page(self.document, ctx, listing.Query(limit=200))
        assert any(str(made.pk) in row for row in page.rows)

    def test_exported_and_imported_again_it_is_the_same(self, ctx: Context) -> None:
        if self.document.flow is not None or "import" not in self.document.verbs:
            return
        self._make(ctx, lines=2)
        sheet = sheets.read(exporting.export(self.document, ctx, listing.Query(limit=200)))
        result = importing.Import(self.document, ctx, sheet, lambda done, total=None: None).run()
        assert (result["created"], result["updated"]) == (0, 0)
        assert result["unchanged"] > 0

    def test_metadata_names_only_known_kinds(self, ctx: Context) -> None:
        described = meta.describe(self.code, ctx)
        assert set(described["columns"]) <= set(described["fields"])
        for section in described["form"]:
            fields = described["sections"]["lines"]["fields"] if section["of"] else described["fields"]
            assert set(section["fields"]) <= set(fields)

    def test_a_preview_says_what_saving_makes_and_writes_nothing(self, ctx: Context) -> None:
        body = data(self.code, ctx, lines=2, **self.overrides)
        with Statements() as counted, read_only():
            foreseen = preview(self.code, ctx, body)
        assert not [sql for sql in counted.sql if re.match(r"(WITH|INSERT|UPDATE|DELETE)", sql)]
        made = show(save(self.code, ctx, body), ctx)
        assert foreseen["problems"] == []
        for section in self.document.form:
            # Number and states are what saving adds; reasons name a source only then.
            kinds = self.document.line_fields if section.of else self.document.fields
            names = [
                n
                for n in section.fields.split()
                if n != "number" and not isinstance(kinds[n], State | Reason)
            ]
            pairs = (
                zip(foreseen["lines"], made["lines"], strict=True)
                if section.of
                else [(foreseen["header"], made)]
            )
            for seen, saved in pairs:
                assert {name: seen[name] for name in names} == {name: saved[name] for name in names}

    def test_who_may_not_edit_gets_no_preview(self, ctx: Context) -> None:
        body = data(self.code, ctx, **self.overrides)
        viewer = context(
            ctx.enterprise_id, ctx.member_id, Grants(frozenset({f"{self.code}.view"}), {"*": "all"})
        )
        with pytest.raises(Forbidden):
            preview(self.code, viewer, body)
        assert preview(self.code, ctx, body)["header"]

    def test_statements_do_not_grow_with_lines(self, ctx: Context) -> None:
        if self.document.lines is None:
            return
        bodies = [data(self.code, ctx, lines=n, **self.overrides) for n in (2, 9)]
        counts = []
        for body in bodies:
            with Statements() as counted:
                preview(self.code, ctx, body)
            asked = counted.count
            with Statements() as counted:
                save(self.code, ctx, body)
            counts.append((asked, counted.count))
        assert counts[0] == counts[1]


class FlowSuite(DocumentSuite):
    """What documents with the standard lifecycle promise besides."""

    def test_a_draft_has_no_number_and_a_created_one_has(self, ctx: Context) -> None:
        draft = save(self.code, ctx, {"draft": True})
        assert draft.header.number is None
        made = [self._make(ctx).header.number for _ in range(2)]
        assert all(made)
        assert made[0] != made[1]

    def test_a_draft_keeps_what_it_is_made_from_and_counts_it_once_it_is_finished(self, ctx: Context) -> None:
        for link in self.document.links:
            source = make(link.source, ctx, upto="approved")
            row = source.header if link.of_header else source.lines[0]
            pulled = pulling.pull(self.code, ctx, link.source, {str(row.id): None})
            body = data_from(self.code, ctx, pulled, self.overrides)
            counter = find_document(link.source).done(link.fills[1]).linked

            def taken(link: Any = link, source: Any = source, row: Any = row, counter: str = counter) -> Any:
                found = load(find_document(link.source), ctx, source.pk)
                return next(getattr(r, counter) for r in (found.header, *found.lines) if r.id == row.id)

            drafts = [save(self.code, ctx, body | {"draft": True}) for _n in range(2)]
            assert taken() == 0
            remove(self.code, ctx, drafts.pop().pk)
            shown = show(load(self.document, ctx, drafts[0].pk), ctx)
            assert [each["line"] for each in shown["lines"][0]["sources"]] == [str(row.id)]
            shown["lines"] = [{**line} for line in shown["lines"]]
            for line in shown["lines"]:
                del line["sources"]  # a form that knows nothing of them
            finished = save(self.code, ctx, shown, drafts[0].pk)
            assert finished.header.number
            assert taken() > 0
            assert verify(ctx.enterprise_id) == []

    def test_an_illegal_step_is_refused_and_changes_nothing(self, ctx: Context) -> None:
        made = self._make(ctx)
        assert refusal(move, self.code, ctx, made.pk, "unapprove") == [("state", None)]
        assert load(self.document, ctx, made.pk).header.state == "created"

    def test_a_step_without_its_verb_is_forbidden(self, ctx: Context) -> None:
        made = self._make(ctx)
        viewer = context(
            ctx.enterprise_id, ctx.member_id, Grants(frozenset({f"{self.code}.view"}), {"*": "all"})
        )
        with pytest.raises(Forbidden), savepoint():
            move(self.code, viewer, made.pk, "submit")
        assert move(self.code, ctx, made.pk, "submit").header.state == "submitted"

    def test_an_approved_document_cannot_be_edited(self, ctx: Context) -> None:
        made = self._make(ctx, upto="approved")
        body = show(load(self.document, ctx, made.pk), ctx)
        assert refusal(save, self.code, ctx, body, made.pk) == [("state", None)]

    def test_taking_approval_back_leaves_every_ledger_as_it_was(self, ctx: Context) -> None:
        made = self._make(ctx, lines=2)
        before = _balances(self.document, ctx)
        move(self.code, ctx, made.pk, "approve")
        move(self.code, ctx, made.pk, "unapprove")
        assert _balances(self.document, ctx) == before
        move(self.code, ctx, made.pk, "approve")
        assert verify(ctx.enterprise_id) == []

    def test_approval_statements_do_not_grow_with_lines(self, ctx: Context) -> None:
        counts = []
        for n in (2, 9):
            made = self._make(ctx, lines=n)
            with Statements() as counted:
                move(self.code, ctx, made.pk, "approve")
            counts.append(counted.count)
        assert counts[0] == counts[1]

    def test_saved_and_approved_at_once_it_stands_as_if_one_after_the_other(self, ctx: Context) -> None:
        made = save_and_move(self.code, ctx, data(self.code, ctx, lines=2, **self.overrides), "approve")
        again = load(self.document, ctx, made.pk)
        assert (again.header.state, again.header.number) == ("approved", made.header.number)
        assert show(again, ctx) == show(made, ctx)
        move(self.code, ctx, made.pk, "unapprove")
        assert verify(ctx.enterprise_id) == []

    def test_saved_and_approved_at_once_happens_whole_or_not_at_all(self, ctx: Context) -> None:
        body = data(self.code, ctx, **self.overrides)
        count = self.document.header.objects.count()
        sources = {f"{link.source}.view" for link in self.document.links}
        verbs = frozenset({f"{self.code}.view", f"{self.code}.edit", *sources})
        guards = frozenset(self.document.guards)
        clerk = context(ctx.enterprise_id, ctx.member_id, Grants(verbs, {"*": "all"}, guards, guards))
        with pytest.raises(Forbidden), savepoint():
            save_and_move(self.code, clerk, body, "approve")
        assert refusal(save_and_move, self.code, ctx, body, "unapprove") == [("state", None)]
        assert self.document.header.objects.count() == count
        save(self.code, clerk, body)
        assert self.document.header.objects.count() == count + 1

    def test_approved_it_moves_what_it_posts_to(self, ctx: Context) -> None:
        """A posting of zeros is none: somewhere in the chain of quantity, unit and price something was left blank."""
        made = self._make(ctx)
        move(self.code, ctx, made.pk, "approve")
        posted = [
            kind.__name__
            for kind in self.document.ledgers
            for entry in kind.objects.filter(doc_id=made.pk)
            if any(getattr(entry, measure) for measure in LEDGERS[kind].measures)
        ]
        assert bool(posted) == bool(self.document.ledgers and self.document.post)

    def test_a_voided_document_keeps_its_number_and_frees_its_sources(self, ctx: Context) -> None:
        made = self._make(ctx)
        number = made.header.number
        voided = move(self.code, ctx, made.pk, "void")
        assert (voided.header.number, voided.header.state) == (number, "voided")
        for rows in voided.sources.values():
            for row in rows:
                source = find_document(row.source_code)
                found = load(source, ctx, row.source_doc_id)
                held = next(r for r in (found.header, *found.lines) if r.id == row.source_line)
                assert getattr(held, f"linked_{row.counter}") == 0

    def test_sources_can_be_pulled_in_parts_to_the_end(self, ctx: Context) -> None:
        for link in self.document.links:
            if link.of_header:
                continue
            source = make(link.source, ctx, upto="approved")
            line = source.lines[0].id
            for qty in ("1", None):
                body = pulling.pull(self.code, ctx, link.source, {str(line): qty})
                save(self.code, ctx, data_from(self.code, ctx, body, self.overrides))
            assert refusal(pulling.pull, self.code, ctx, link.source, {str(line): None}) == [(None, None)]


def data_from(code: str, ctx: Context, pulled: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Complete a pulled body with what its kinds require."""
    document = find_document(code)
    body = dict(pulled)
    for name, kind in document.fields.items():
        if name not in body and kind.required and kind.initial is None:
            body[name] = _value(kind, ctx, {}, {})
    body["lines"] = [_line(document, ctx, row, {}) for row in pulled["lines"]]
    return body | {key: value for key, value in overrides.items() if "__" not in key}


def _balances(document: Document, ctx: Context) -> dict[str, list[Any]]:
    """Return every non-zero balance of the document's ledgers."""
    found = {}
    for entry in document.ledgers:
        for fold in ledger.LEDGERS[entry].folds:
            rows = fold.balance.objects.all().values_list(*fold.keys, *fold.measures)
            found[fold.balance.__name__] = sorted(
                (tuple(map(str, row)) for row in rows if any(row[len(fold.keys) :])), key=str
            )
    return found


@pytest.fixture
def ctx(db: None, enterprise: int) -> Iterator[Context]:
    """Somebody who may do everything, inside a fresh enterprise."""
    with tenant(enterprise):
        yield context(enterprise, _employee(enterprise))


def _employee(enterprise: int) -> uuid.UUID:
    maker = context(enterprise)
    member = document_of(apps.get_model(settings.MEMBER_MODEL))
    return make(member.code, maker).pk


@pytest.fixture
def enterprise() -> int:
    """An enterprise id nobody else uses in this session."""
    return 1_000_000 + next(_serial)


@pytest.fixture
def stranger() -> Context:
    """Somebody of another enterprise."""
    return context(9_000_000)
