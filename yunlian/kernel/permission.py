"""Who may do what: one place decides for API, metadata, export, print, search and phone alike."""

import hashlib
from collections.abc import Iterable
from functools import cache

from .document import REGISTRY, VIEWS, Document, Listed, View
from .fields import Ref
from .scope import Context

_WRITING = ("edit", "delete", "import")


class Forbidden(Exception):
    """The member lacks the verb. HTTP 403."""


def may(ctx: Context, code: str, verb: str) -> bool:
    """Whether the member's roles grant `code.verb`; who may do all there is may not do what there is not."""
    verbs = ctx.grants.verbs
    return f"{code}.{verb}" in verbs or ("*" in verbs and _exists(code, verb))


def _exists(code: str, verb: str) -> bool:
    """Whether a document can be made, changed or deleted at all; whatever else there is not is missing."""
    document = REGISTRY.get(code)
    return document is None or verb not in _WRITING or verb in document.permissions


def require(ctx: Context, document: Listed, verb: str) -> None:
    """Raise Forbidden when the member lacks the verb on this code."""
    if not may(ctx, document.code, verb):
        raise Forbidden(f"{document.code}.{verb}")


def require_pick(ctx: Context, master: Document) -> None:
    """Raise Forbidden unless the member may look rows of a master up by code and name: who may see it, or may see or edit
    anything that points to it, and so picks it in a form or a filter."""
    if not any(
        may(ctx, code, verb) for code in {master.code, *_pointing_to(master)} for verb in ("view", "edit")
    ):
        raise Forbidden(f"{master.code}.view")


@cache
def _pointing_to(master: Document) -> frozenset[str]:
    """Return the codes with a field, or a step that asks for one, that leads to the master."""
    found = set()
    every: list[Listed] = [*REGISTRY.values(), *VIEWS.values()]
    for each in every:
        kinds = [*each.fields.values()]
        if isinstance(each, Document):
            kinds += [
                *each.line_fields.values(),
                *(kind for _flow, step in each.steps.values() for kind in step.input),
            ]
        if any(isinstance(kind, Ref) and kind.remote_field.model is master.header for kind in kinds):
            found.add(each.code)
    return frozenset(found)


def row_condition(ctx: Context, document: Listed, alias: str = "t") -> tuple[str, list[object]]:
    """Return the SQL condition, and its values, that keeps only rows in the member's scope for this code.

    Masters belong to the whole enterprise and have no owner, so any scope shows all of them but what stands behind a
    guard by its kind.
    """
    if isinstance(document, View):
        return "", []
    if document.is_master:
        return _seen_kinds(ctx, document, alias)
    scope = scope_of(ctx, document.code)
    if scope == "all":
        return "", []
    if scope == "own":
        return f" AND {alias}.owner_id = %s", [ctx.member_id]
    departments = list(ctx.tree) if scope == "tree" else [ctx.department_id] if ctx.department_id else []
    return f" AND ({alias}.owner_id = %s OR {alias}.department_id = ANY(%s::uuid[]))", [
        ctx.member_id,
        departments,
    ]


def _seen_kinds(ctx: Context, document: Document, alias: str) -> tuple[str, list[object]]:
    where, values = "", list[object]()
    for column, guards in document.row_guards:
        if shut := [value for value, guard in guards.items() if guard in hidden(ctx, guards.values())]:
            where += f' AND {alias}."{column}" <> ALL(%s)'
            values.append(shut)
    return where, values


def scope_of(ctx: Context, code: str) -> str:
    """Return own, department, tree or all."""
    return ctx.grants.scopes.get(code) or ctx.grants.scopes.get("*") or "own"


def hidden(ctx: Context, guards: Iterable[str]) -> frozenset[str]:
    """Return which of these guards the member may not read."""
    return frozenset() if "*" in ctx.grants.read_guards else frozenset(guards) - ctx.grants.read_guards


def sight(ctx: Context) -> bytes:
    """Return a digest of all that decides what the member may see: what was kept under another one is not shown again."""
    grants = ctx.grants
    views = sorted(verb for verb in grants.verbs if verb.endswith((".view", ".export", "*")))
    parts = [
        *views,
        "",
        *sorted(grants.read_guards),
        "",
        *(f"{k}={v}" for k, v in sorted(grants.scopes.items())),
    ]
    if {*grants.scopes.values()} & {"department", "tree"}:  # else new departments change nothing that is seen
        parts += ["", str(ctx.department_id), *sorted(map(str, ctx.tree))]
    return hashlib.sha256("\n".join(parts).encode()).digest()


def locked(ctx: Context, guards: Iterable[str]) -> frozenset[str]:
    """Return which of these guards the member may not write."""
    return frozenset() if "*" in ctx.grants.write_guards else frozenset(guards) - ctx.grants.write_guards
