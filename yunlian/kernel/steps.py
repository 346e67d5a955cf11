"""Move a document through its flows: check, execute links, post, negate, close, each in one transaction."""

from collections.abc import Mapping
from typing import Any

from . import audit, ledger, links, permission
from .document import Document, Flow, Invalid, Missing, Problem, Refused, Step, find_document
from .events import announce, make_way
from .intake import take_input
from .load import Loaded, close_fits, load
from .save import check, compute, require_version, save
from .scope import Context
from .sql import Writing
from .text import _


def move(code: str, ctx: Context, id_: Any, step: str, /, version: int | None = None, **given: Any) -> Loaded:
    """Take one step. It happens whole, or raises and changes nothing: Refused names every reason.

    `given` are the step's input fields as JSON values. Raises Missing for an unknown step or document, Forbidden
    without the verb, Invalid for bad input.
    """
    document = find_document(code)
    flow, declared = _entitled(document, ctx, step)
    values = _input(declared, given, ctx)
    loaded = load(document, ctx, id_, lock=True)
    require_version(loaded, ctx, version)
    return _take(loaded, ctx, flow, declared, values)


def save_and_move(code: str, ctx: Context, data: Mapping[str, Any], step: str, id_: Any = None) -> Loaded:
    """Save a document and take a step that asks for nothing, from the same rows in memory: both happen, or neither.

    Raises what `save` and `move` raise.
    """
    document = find_document(code)
    flow, declared = _entitled(document, ctx, step)
    values = _input(declared, {}, ctx)
    return _take(save(code, ctx, data, id_), ctx, flow, declared, values)


def _entitled(document: Document, ctx: Context, step: str) -> tuple[Flow, Step]:
    """Return the step the member may take. Raises Missing when there is none of that name, Forbidden without its verb."""
    if step not in document.steps:
        raise Missing(f"{document.code}.{step}")
    flow, declared = document.steps[step]
    permission.require(ctx, document, step)
    if declared.is_partner and not ctx.is_chain:
        raise permission.Forbidden(f"{document.code}.{step} is taken by the chain.")
    return flow, declared


def _input(step: Step, given: Mapping[str, Any], ctx: Context) -> dict[str, Any]:
    values, problems = take_input({kind.name or "": kind for kind in step.input}, given, ctx)
    if problems:
        raise Invalid(*problems)
    return values


def _require_state(loaded: Loaded, flow: Flow, step: Step) -> None:
    header = loaded.header
    now = getattr(header, flow.field)
    fits = now in step.from_ and (not step.when or header.state in step.when)
    if fits and (step.may is None or step.may(header)) and close_fits(step.effect, header):
        return
    state = flow.state(now).label
    message = _("%(step)s is not possible in state %(state)s.") % {"step": step.label, "state": state}
    raise Refused(Problem(flow.field, message, code="state"))


def _take(loaded: Loaded, ctx: Context, flow: Flow, step: Step, values: dict[str, Any]) -> Loaded:
    document, header = loaded.document, loaded.header
    _require_state(loaded, flow, step)
    make_way(ctx, document.code, step.name, loaded)
    before = audit.Picture(loaded) if step.act is not None else None
    writing = Writing(ctx.enterprise_id)
    setattr(header, flow.field, step.to)
    if step.act is not None:
        problems = list(step.act(header, loaded.lines, values, ctx) or ())
        if problems:
            raise Refused(*problems)
        compute(loaded)
    for effect in step.effect:
        _EFFECTS[effect](loaded, ctx, writing)
    if step.post is not None:
        ledger.post(loaded, ctx, step.post(header, loaded.lines, ctx), writing)
    header.version += 1
    header.updated_at, header.updated_by = ctx.now, ctx.member_id
    _write_header(writing, header)
    if before is not None:
        writing.update(audit.changed_lines(before, loaded), _editable(document))
    loaded.changes = [] if before is None else audit.changes(before, audit.Picture(loaded), document)
    audit.record(writing, ctx, loaded, step.name, loaded.changes, note=str(values.get("reason", "")))
    writing.run()
    announce(ctx, document.code, step.name, loaded)
    return loaded


def _write_header(writing: Writing, header: Any) -> None:
    fixed = ("enterprise_id", "id", "created_at", "created_by", "number")
    writing.update(
        [header], [x.attname for x in type(header)._meta.concrete_fields if x.attname not in fixed]
    )


def _editable(document: Document) -> list[str]:
    """Return the line columns an act may change: everything but keys and counters."""
    if document.lines is None:
        return []
    counters = {name for done in document.counters for name in (done.name, done.linked)}
    keys = {"enterprise_id", "id", f"{document.parent}_id"}
    names = [x.attname for x in document.lines._meta.concrete_fields]
    return [name for name in names if name not in counters and name not in keys]


def _check(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    check(loaded, ctx)


def _post(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    document = loaded.document
    links.execute(loaded, ctx, writing, 1)
    facts = None if document.facts is None else document.facts(loaded.header, loaded.lines, ctx)
    check(loaded, ctx, facts)
    if document.post is not None:
        ledger.post(loaded, ctx, document.post(loaded.header, loaded.lines, facts), writing)


def _negate(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    _require_free(loaded, ctx)
    links.execute(loaded, ctx, writing, -1)
    ledger.negate(loaded, ctx, writing)


def _revoke(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    _require_free(loaded, ctx)
    links.revoke(loaded, ctx, writing)
    ledger.negate(loaded, ctx, writing)


def _require_free(loaded: Loaded, ctx: Context) -> None:
    if links.has_followers(loaded, ctx):
        raise Refused(
            Problem(
                None,
                _("Later documents are made from it: take them back or void them first."),
                code="followed",
            )
        )
    if loaded.header.close == "manual":
        raise Refused(Problem("close", _("It was closed by hand: reopen it first."), code="closed"))


def _release(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    links.release(loaded, ctx, writing)


def _close(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    loaded.header.close = "manual"
    links.give_back(loaded, ctx, writing)
    _post_rest(loaded, ctx, writing, closing=True)


def _reopen(loaded: Loaded, ctx: Context, writing: Writing) -> None:
    loaded.header.close = "open"
    links.take_again(loaded, ctx, writing)
    _post_rest(loaded, ctx, writing, closing=False)


def _post_rest(loaded: Loaded, ctx: Context, writing: Writing, *, closing: bool) -> None:
    rest = loaded.document.rest
    if rest is not None:
        ledger.post(loaded, ctx, rest(loaded.header, loaded.lines, closing), writing)


_EFFECTS = {
    "check": _check,
    "post": _post,
    "negate": _negate,
    "revoke": _revoke,
    "release": _release,
    "close": _close,
    "reopen": _reopen,
}
