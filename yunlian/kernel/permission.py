"""Who may do what: one place decides for API, metadata, export, print, search and phone alike."""

from collections.abc import Iterable

from .document import Listed, View
from .scope import Context


class Forbidden(Exception):
    """The member lacks the verb. HTTP 403."""


def may(ctx: Context, code: str, verb: str) -> bool:
    """Whether the member's roles grant `code.verb`."""
    verbs = ctx.grants.verbs
    return f"{code}.{verb}" in verbs or "*" in verbs


def require(ctx: Context, document: Listed, verb: str) -> None:
    """Raise Forbidden when the member lacks the verb on this code."""
    if not may(ctx, document.code, verb):
        raise Forbidden(f"{document.code}.{verb}")


def row_condition(ctx: Context, document: Listed, alias: str = "t") -> tuple[str, list[object]]:
    """Return the SQL condition, and its values, that keeps only rows in the member's scope for this code.

    Masters belong to the whole enterprise and have no owner, so any scope shows all of them.
    """
    if isinstance(document, View) or document.is_master:
        return "", []
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


def scope_of(ctx: Context, code: str) -> str:
    """Return own, department, tree or all."""
    return ctx.grants.scopes.get(code) or ctx.grants.scopes.get("*") or "own"


def hidden(ctx: Context, guards: Iterable[str]) -> frozenset[str]:
    """Return which of these guards the member may not read."""
    return frozenset() if "*" in ctx.grants.read_guards else frozenset(guards) - ctx.grants.read_guards


def locked(ctx: Context, guards: Iterable[str]) -> frozenset[str]:
    """Return which of these guards the member may not write."""
    return frozenset() if "*" in ctx.grants.write_guards else frozenset(guards) - ctx.grants.write_guards
