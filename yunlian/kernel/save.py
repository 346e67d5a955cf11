"""Save one document: take input, complete, compute, check, link, number and write, in a fixed number of statements."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from . import audit, links, permission, sources
from .document import Document, Invalid, Problem, Refused, find_document, fixed
from .events import announce
from .faults import fault
from .fields import Number, moment_text
from .intake import blank, incomplete, take
from .load import Loaded, load
from .models import Audit, Doc, LinkRow
from .numbering import take_number
from .scope import Context
from .search import set_initials, token_rows
from .sql import Writing
from .text import _


def save(code: str, ctx: Context, data: Mapping[str, Any], id_: Any = None) -> Loaded:
    """Create (no id) or rewrite a document or master; returns it as stored.

    Raises Invalid when the input does not fit or is incomplete, Refused when a rule, a quantity or the version says no;
    both name every problem. Rules judge what is whole, so they are asked only then. `draft: true` saves incomplete input
    without rules or number, and what it is made from without counting it. `version` is required when rewriting.
    """
    document = find_document(code)
    permission.require(ctx, document, "edit")
    if not isinstance(data, Mapping):
        raise Invalid(Problem(None, _("Must be an object.")))
    is_draft = bool(data.get("draft")) and document.flow is not None
    loaded = begin(document, ctx) if id_ is None else _opened(document, ctx, id_, data)
    before = None if id_ is None else audit.Picture(loaded)
    if document.links:
        sources.find_named(loaded, ctx, data)
    had = list(loaded.lines)
    problems = list(take(loaded, ctx, data))
    require_matching(loaded, data, problems)
    if document.links:
        sources.inherit(loaded, ctx, data)
    if document.fill is not None:
        problems += document.fill(loaded.header, loaded.lines, ctx) or ()
    compute(loaded)
    takings = sources.take_sources(loaded, data, problems, is_draft=is_draft) if document.links else []
    if not is_draft:
        said = {(problem.field, problem.line) for problem in problems}
        problems += [each for each in incomplete(loaded) if (each.field, each.line) not in said]
    if problems:
        raise Invalid(*problems)
    _judge(loaded, ctx, is_draft)
    writing = Writing(ctx.enterprise_id)
    if document.links:
        (links.note_down if is_draft else links.relink)(loaded, ctx, takings, writing)
    _write(loaded, ctx, writing, had, before, is_draft)
    return loaded


def require_matching(loaded: Loaded, data: Mapping[str, Any], problems: list[Problem]) -> None:
    """Raise Invalid unless every submitted line has become one."""
    rows = data.get("lines")
    if rows is not None and not (isinstance(rows, list) and len(rows) == len(loaded.lines)):
        raise Invalid(*problems or [Problem("lines", _("Must be a list of lines."))])


def _judge(loaded: Loaded, ctx: Context, is_draft: bool) -> None:
    if not is_draft:
        check(loaded, ctx)
    elif loaded.header.state != "draft":
        raise Refused(Problem("draft", _("Only a new document can be kept as a draft.")))


def check(loaded: Loaded, ctx: Context, facts: Any = None) -> None:
    """Run the document's rules; raises Refused with every problem."""
    document = loaded.document
    if document.check is None:
        return
    if facts is None and document.facts is not None:
        facts = document.facts(loaded.header, loaded.lines, ctx)
    problems = list(document.check(loaded.header, loaded.lines, ctx, facts))
    if problems:
        raise Refused(*problems)


def begin(document: Document, ctx: Context) -> Loaded:
    """Return a new, blank document; nothing is written."""
    header = blank(document.header, ctx)
    header.created_at, header.created_by, header.version = ctx.now, ctx.member_id, 0
    return Loaded(document, header)


def _opened(document: Document, ctx: Context, id_: Any, data: Mapping[str, Any]) -> Loaded:
    loaded = load(document, ctx, id_, lock=True)
    version = data.get("version")
    if not isinstance(version, int) or isinstance(version, bool):
        raise Invalid(Problem("version", _("Give the version you edited."), code="required"))
    require_version(loaded, ctx, version)
    require_editable(loaded)
    return loaded


def require_editable(loaded: Loaded) -> None:
    """Raise Refused in a state in which a document is not edited."""
    problems = fixed(loaded.document, loaded.header)
    if problems:
        raise Refused(*problems)


def require_version(loaded: Loaded, ctx: Context, version: int | None) -> None:
    """Raise Refused, naming who changed what, unless the member saw the newest version (L4)."""
    if version is None or version == loaded.header.version:
        return
    rows = Audit.objects.filter(code=loaded.document.code, record=loaded.pk, version__gt=version).order_by(
        "version", "at"
    )[:50]
    hidden = permission.hidden(ctx, loaded.document.guards)
    made = [
        change | {"by": {"id": str(row.by), "name": row.by_name}, "at": moment_text(row.at), "act": row.act}
        for row in rows
        for change in (audit.visible(row.changes, loaded.document, hidden) or [{"field": None, "line": None}])
    ]
    who = ", ".join(dict.fromkeys(row.by_name for row in rows)) or "?"
    message = _("%(who)s changed it meanwhile: look at the changes and decide again.") % {"who": who}
    raise Refused(Problem("version", message, code="stale"), changes=made)


def compute(loaded: Loaded) -> None:
    """Run the formulas: lines first, then the header, which may total them. Each rounds to its own scale, half up."""
    document = loaded.document
    for line in loaded.lines:
        for name, run_formula, kind in document.line_formulas:
            setattr(line, name, _scaled(run_formula(line.__dict__), kind))
    if document.formulas:
        env = loaded.header.__dict__ | {"lines": [line.__dict__ for line in loaded.lines]}
        for name, run_formula, kind in document.formulas:
            env[name] = _scaled(run_formula(env), kind)
            setattr(loaded.header, name, env[name])


def _scaled(value: Any, kind: Number) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool):
        value = Decimal(value)
    exact: Decimal = value.quantize(Decimal(1).scaleb(-kind.places), rounding="ROUND_HALF_UP")
    return exact


def _write(
    loaded: Loaded,
    ctx: Context,
    writing: Writing,
    had: list[Any],
    before: audit.Picture | None,
    is_draft: bool,
) -> None:
    document, header = loaded.document, loaded.header
    header.version += 1
    header.updated_at, header.updated_by = ctx.now, ctx.member_id
    numbered = _number(document, header, writing, is_draft)
    is_new = before is None
    if document.is_master:
        set_initials(header)
    if is_new:
        if not document.is_master:
            writing.insert([Doc(enterprise_id=ctx.enterprise_id, id=header.id, code=document.code)])
        writing.insert([header], computed={"number": numbered} if numbered else None)
    else:
        _update(writing, header, numbered)
    if document.lines is not None:
        writing.delete(document.lines, [line.id for line in had if line not in loaded.lines])
        writing.insert(loaded.lines, upsert=_line_columns(document) if not is_new else ())
    if document.is_master:
        token_rows(writing, loaded, is_new=is_new)
    loaded.changes = [] if before is None else audit.changes(before, audit.Picture(loaded), document)
    audit.record(writing, ctx, loaded, "created" if is_new else "edited", loaded.changes)
    fault("save.before_write")
    number = writing.run(numbered or "NULL::text")
    if numbered:
        header.number = number
    header._state.adding = False
    for line in loaded.lines:
        line._state.adding = False
    announce(ctx, document.code, "saved", loaded)


def _number(document: Document, header: Any, writing: Writing, is_draft: bool) -> str | None:
    """Leave draft, if it does, and take a number; returns the SQL expression for it."""
    if document.flow is None or is_draft or header.state != "draft":
        return None
    assert document.series is not None
    header.state = "created"
    return take_number(writing, document.series, header.date)


def _update(writing: Writing, header: Any, numbered: str | None) -> None:
    names = [x.attname for x in type(header)._meta.concrete_fields if x.attname not in _FIXED]
    writing.update(
        [header],
        [name for name in names if name != "number"],
        computed={"number": numbered} if numbered else None,
    )


def _line_columns(document: Document) -> list[str]:
    assert document.lines is not None
    return [x.attname for x in document.lines._meta.concrete_fields if x.attname not in _FIXED]


_FIXED = frozenset(("enterprise_id", "id", "created_at", "created_by", "number"))


def remove(code: str, ctx: Context, id_: Any) -> None:
    """Delete a draft, or a master nothing refers to. Raises Refused otherwise; documents with a number are voided."""
    document = find_document(code)
    permission.require(ctx, document, "delete")
    loaded = load(document, ctx, id_, lock=True)
    if document.flow is not None and loaded.header.state != "draft":
        raise Refused(
            Problem("state", _("It has a number, so it is voided rather than deleted."), code="state")
        )
    loaded.header.version += 1
    writing = Writing(ctx.enterprise_id)
    writing.delete(LinkRow, [row.id for rows in loaded.sources.values() for row in rows])
    writing.delete(document.header, [loaded.pk])
    if document.is_master:
        token_rows(writing, loaded, is_new=False, is_gone=True)
    audit.record(writing, ctx, loaded, "deleted", [])
    writing.run()
    announce(ctx, document.code, "deleted", loaded)
