"""Whether every name in every declaration is there: asked once as the program starts, when all is declared."""

from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

from . import fields as f
from . import formula
from .document import LEADS, REGISTRY, Document, Lead, Link, find_listed, kinds_of


def check_declarations() -> None:
    """Compare every name in every declaration with what exists; raises ImproperlyConfigured naming all slips.

    Asked once as the program starts, when everything is declared: a document may be linked to one declared later.
    """
    slips = [f"{document.code}: {slip}" for document in REGISTRY.values() for slip in _slips(document)]
    slips += [f"{each.of}: {slip}" for each in LEADS for slip in _lead_slips(each)]
    if slips:
        raise ImproperlyConfigured("\n".join(slips))


def _lead_slips(each: Lead) -> Iterable[str]:
    theirs = set(find_listed(each.to).fields) if each.is_list else set(each.by)
    ours = set(find_listed(each.of).fields)
    yield from (f"leads by {name}" for name in each.by if name not in theirs)
    yield from (f"leads by {name}" for name in each.by.values() if name not in ours | {"id"})
    if not each.is_list and not (each.label and each.needs):
        yield f"{each.to} is no list and lacks its label, or who may see it"


def _slips(document: Document) -> Iterable[str]:
    header, line = set(document.fields), set(document.line_fields)
    for name in (*document.columns.split(), *document.sums.split(), *document.sort.lstrip("-").split(",")):
        if name not in header:
            yield f"no field {name}"
    for section in document.form:
        for name in section.fields.split():
            if name not in (line if section.of else header):
                yield f"form names {name}"
    for path in document.find.split():
        yield from _find_slips(document, path)
    for kinds, scope in (
        (document.fields, "header"),
        (kinds_of(document.lines) if document.lines else {}, "line"),
    ):
        for name, kind in kinds.items():
            yield from _formula_slips(document, name, kind, scope, list(kinds))
    for reason in document.reasons:
        for name in (reason.of, *reason.by):
            if name not in line:
                yield f"{reason.name} names {name}"
    for link in document.links:
        yield from _link_slips(document, link)
    names = [step.name for flow in document.flows for step in flow.steps]
    if len(names) != len(set(names)):
        yield "two steps share a name"
    for flow in document.flows:
        known = {state.name for state in flow.states}
        for step in flow.steps:
            if not {*step.from_, step.to} <= known:
                yield f"step {step.name} names an unknown state"
    if document.flow is not None and document.series is None:
        yield "a flow needs a series of numbers"


def _find_slips(document: Document, path: str) -> Iterable[str]:
    head, _dot, rest = path.partition(".")
    is_line = head == "lines"
    kind = document.line_fields.get(rest.partition(".")[0]) if is_line else document.fields.get(head)
    if kind is None or (is_line and not isinstance(kind, f.Ref)):
        yield f"find names {path}"


def _formula_slips(
    document: Document, name: str, kind: f.AnyKind, scope: str, order: list[str]
) -> Iterable[str]:
    """A formula is run as its document is saved, in the order of declaration: it may use what is there by then."""
    if not kind.formula:
        return
    if not isinstance(kind, f.Number):
        yield f"formula of {name}, which is no number"
    for used in formula.names(kind.formula):
        section, _dot, inner = used.rpartition(".")
        known = document.line_fields if section == "lines" or scope == "line" else document.fields
        if inner not in known:
            yield f"formula of {name} names {used}"
        elif isinstance(known[inner], f.Done):
            yield f"formula of {name} names {used}, which moves without the document being saved"
        elif not section and known[inner].formula and order.index(inner) >= order.index(name):
            yield f"formula of {name} names {used}, which is computed after it"


def _link_slips(document: Document, link: Link) -> Iterable[str]:
    source = REGISTRY.get(link.source)
    if source is None:
        yield f"link to unknown {link.source}"
        return
    theirs = source.fields if link.of_header else source.line_fields
    if not isinstance(theirs.get(link.fills[1]), f.Done):
        yield f"{link.source}.{link.fills[1]} is not a Done field"
    if link.fills[0] not in document.line_fields:
        yield f"link fills unknown {link.fills[0]}"
    for ours, their in link.header.items():
        if ours not in document.fields or their not in source.fields:
            yield f"link maps {ours} from {their}"
    for ours, their in link.line.items():
        if ours not in document.line_fields or their not in (
            source.fields if link.of_header else source.line_fields
        ):
            yield f"link maps line {ours} from {their}"
    for ours in link.same:
        if ours not in link.header and ours not in link.line:
            yield f"link compares {ours}, which it does not map"
    for code, name in link.onward:
        further = REGISTRY.get(code)
        if further is None or not isinstance(further.line_fields.get(name), f.Done):
            yield f"link carries on to {code}.{name}, which is not a Done field"
