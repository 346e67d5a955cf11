"""What the console must know about a code, cut to what this member may see: fields, form, columns, steps, links."""

from collections.abc import Mapping
from typing import Any

from . import permission
from .document import (
    LEADS,
    REGISTRY,
    VIEWS,
    Document,
    Flow,
    Lead,
    Listed,
    Step,
    document_of,
    find_listed,
    pushes,
)
from .fields import AnyKind, Done, Ref, State
from .scope import Context


def menu(ctx: Context) -> dict[str, Any]:
    """Return the apps with the lists the member may view, in order of declaration, and every verb held."""
    apps: dict[str, list[dict[str, Any]]] = {}
    everything: list[Listed] = [*REGISTRY.values(), *VIEWS.values()]
    for listed in everything:
        if listed.menu is not None and permission.may(ctx, listed.code, "view"):
            item = {"code": listed.code, "label": listed.label, "kind": _sort_of(listed)}
            apps.setdefault(listed.app, []).append(item)
    can = [
        f"{listed.code}.{verb}"
        for listed in everything
        for verb in listed.permissions
        if permission.may(ctx, listed.code, verb)
    ]
    return {"menu": [{"app": app, "items": items} for app, items in apps.items()], "can": can}


def _sort_of(listed: Listed) -> str:
    if isinstance(listed, Document):
        return "master" if listed.is_master else "document"
    return "ledger"


def describe(code: str, ctx: Context) -> dict[str, Any]:
    """Return the metadata of a document, master or view. Raises Missing for an unknown code, Forbidden without view."""
    listed = find_listed(code)
    permission.require(ctx, listed, "view")
    hidden = permission.hidden(ctx, listed.guards)
    fixed = permission.locked(ctx, listed.guards)
    shown: dict[str, Any] = {
        "code": code,
        "label": listed.label,
        "kind": _sort_of(listed),
        "app": listed.app,
        "fields": _fields(listed.fields, hidden, fixed),
        "columns": _visible(listed.columns, listed.fields, hidden),
        "find": listed.find.split(),
        "sums": _visible(listed.sums, listed.fields, hidden),
        "sort": listed.sort,
        "sections": {},
        "form": [],
        "tracks": [],
        "steps": [],
        "pulls": [],
        "pushes": [],
        "leads": [_lead(each) for each in LEADS if each.of == code and _may_follow(each, ctx, hidden)],
        "chained": False,
        "fills": False,
        "can": {
            verb: permission.may(ctx, code, verb) for verb in ("view", "edit", "delete", "export", "import")
        },
    }
    if isinstance(listed, Document):
        shown |= _document(listed, ctx, hidden, fixed)
    return shown


def _document(
    document: Document, ctx: Context, hidden: frozenset[str], fixed: frozenset[str]
) -> dict[str, Any]:
    steps = [
        _step(flow, step)
        for flow, step in document.steps.values()
        if not step.is_partner and permission.may(ctx, document.code, step.name)
    ]
    return {
        "sections": {"lines": {"fields": _fields(document.line_fields, hidden, fixed)}}
        if document.lines
        else {},
        "form": [
            {
                "label": section.label,
                "of": section.of,
                "fields": _visible(
                    section.fields, document.line_fields if section.of else document.fields, hidden
                ),
            }
            for section in document.form
        ],
        "tracks": [_track(flow, document) for flow in document.flows],
        "steps": steps,
        "pulls": [
            {"source": link.source, "label": REGISTRY[link.source].label}
            for link in document.links
            if permission.may(ctx, link.source, "view")
        ],
        "pushes": [
            {"target": target.code, "label": target.label}
            for target in pushes(document.code)
            if permission.may(ctx, target.code, "edit")
        ],
        "chained": document.is_chained,
        "fills": document.fill is not None,
    }


def _may_follow(each: Lead, ctx: Context, hidden: frozenset[str]) -> bool:
    fields = find_listed(each.of).fields
    return any(permission.may(ctx, code, "view") for code in each.needs or (each.to,)) and all(
        name == "id" or fields[name].guard not in hidden for name in each.by.values()
    )


def _lead(each: Lead) -> dict[str, Any]:
    return {
        "to": each.to,
        "label": each.label or find_listed(each.to).label,
        "list": each.is_list,
        "by": each.by,
        "given": each.given,
    }


def _visible(names: str, kinds: Mapping[str, AnyKind], hidden: frozenset[str]) -> list[str]:
    return [name for name in names.split() if kinds[name].guard not in hidden]


def _track(flow: Flow, document: Document) -> dict[str, Any]:
    states = [{"value": state.name, "label": state.label, "tone": state.tone} for state in flow.states]
    return {"field": flow.field, "label": flow.label, "states": states}


def _step(flow: Flow, step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "label": step.label,
        "track": flow.field,
        "from": step.from_,
        "to": step.to,
        "tone": step.tone,
        "confirm": step.confirm or None,
        "close": "open" if "close" in step.effect else "manual" if "reopen" in step.effect else None,
        "input": [describe_field(kind) | {"name": kind.name} for kind in step.input],
    }


def _fields(kinds: Mapping[str, AnyKind], hidden: frozenset[str], fixed: frozenset[str]) -> dict[str, Any]:
    shown = {}
    for name, kind in kinds.items():
        if kind.guard in hidden:
            continue
        shown[name] = describe_field(kind)
        if kind.guard in fixed:
            shown[name]["readonly"] = True
        if isinstance(kind, Done):
            shown[name]["of"] = kind.of
    return shown


def describe_field(kind: AnyKind) -> dict[str, Any]:
    """Return what the console must know of one field."""
    shown: dict[str, Any] = {
        "kind": kind.kind,
        "label": kind.label,
        "required": kind.required,
        "readonly": kind.readonly,
    }
    if kind.once:
        shown["once"] = True
    if kind.hint:
        shown["hint"] = kind.hint
    if kind.guard:
        shown["guard"] = kind.guard
    if kind.formula:
        shown["formula"] = kind.formula
    if isinstance(kind, Ref):
        shown["ref"] = (
            document_of(kind.remote_field.model).code if kind.remote_field.model in _known() else None
        )
        return shown | kind.meta()
    if kind.initial is not None and not callable(kind.initial):
        shown["default"] = kind.initial
    if isinstance(kind, State):
        shown["track"] = kind.flow.field
    return shown | kind.meta()


def _known() -> set[type[Any]]:
    return {document.header for document in REGISTRY.values()}
