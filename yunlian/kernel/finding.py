"""The search for everything: numbers first, then master data by code, name and initials, then pages of the menu.

Three statements, however much there is. Only codes the member may view are asked, and only rows in their scope.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from . import meta, permission
from .api import Request, route
from .document import REGISTRY, Document, document_of
from .fields import Ref, normal_code
from .phonetic import initials, normal, query_tokens
from .scope import Context
from .sql import run

LIMIT = 30
PER_CODE = 8
CANDIDATES = 200  # masters looked at; a better match may stand behind the first found


@route("GET", "/api/search", needs="signed")
def search(request: Request) -> Any:
    """Documents by number, master data by code, name or initials, pages by label."""
    return {"rows": find(request.ctx, request.query.get("q", ""))}


def find(ctx: Context, text: str) -> list[dict[str, Any]]:
    """Return what a text may mean, best first; nothing for fewer than two characters."""
    text = text.strip()[:100]
    if len(text) < 2:
        return []
    found = [*_numbers(ctx, text), *_masters(ctx, text), *_pages(ctx, text)]
    return found[:LIMIT]


def _numbers(ctx: Context, text: str) -> Iterable[dict[str, Any]]:
    """Documents whose number is the text, or begins with it."""
    wanted = normal_code(text)
    documents = [d for d in REGISTRY.values() if not d.is_master and permission.may(ctx, d.code, "view")]
    if not documents or len(wanted) < 3:
        return
    branches, values = [], []
    for document in documents:
        scope, params = permission.row_condition(ctx, document)
        branches.append(
            f'(SELECT %s AS code, t.id, t.number, t.date, t.state FROM "{document.header._meta.db_table}" t '
            f"WHERE t.enterprise_id = %s AND t.number >= %s AND t.number < %s{scope} "
            "ORDER BY t.number LIMIT %s)"
        )
        values += [document.code, ctx.enterprise_id, wanted, wanted + "\U0010ffff", *params, PER_CODE]
    sql = f"SELECT * FROM ({' UNION ALL '.join(branches)}) x ORDER BY (number = %s) DESC, date DESC, id DESC LIMIT %s"
    for code, id_, number, date, state in run(sql, [*values, wanted, LIMIT]):
        document = REGISTRY[code]
        label = document.flow.state(state).label if document.flow is not None else ""
        yield _row(code, document.label, id_, number, "", f"{date} {label}".strip())


def _masters(ctx: Context, text: str) -> Iterable[dict[str, Any]]:
    """Master rows that carry every token of the text; the kinds that documents are searched by come first."""
    masters = {d.code: d for d in REGISTRY.values() if d.is_master and permission.may(ctx, d.code, "view")}
    tokens = sorted(query_tokens(text))
    if not masters or not tokens:
        return
    sql = (
        "SELECT code, array_agg(record) FROM (SELECT code, record FROM kernel_token WHERE enterprise_id = %s "
        "AND code = ANY(%s) AND token = ANY(%s) GROUP BY code, record HAVING count(DISTINCT token) = %s LIMIT %s) x "
        "GROUP BY code"
    )
    ids: dict[str, list[Any]] = dict(
        run(sql, [ctx.enterprise_id, list(masters), tokens, len(tokens), CANDIDATES])
    )
    if not ids:
        return
    branches, values = [], []
    for code, found in ids.items():
        seen, more = permission.row_condition(ctx, masters[code])
        branches.append(
            f'SELECT %s AS kind, t.id, t.code, t.name, t.initials, t.is_active FROM "{masters[code].header._meta.db_table}" t '
            f"WHERE t.enterprise_id = %s AND t.id = ANY(%s){seen}"
        )
        values += [code, ctx.enterprise_id, found, *more]
    plain, order = normal(text), _ranks()

    def rank(row: Any) -> tuple[Any, ...]:
        kind, _id, code, name, short, is_active = row
        heads = (normal(code), normal(name), short)
        is_exact = plain in heads
        begins = any(head.startswith(plain) for head in heads)
        return not is_exact, not is_active, not begins, -order[kind], code

    rows = sorted(run(" UNION ALL ".join(branches), values), key=rank)
    counted: Counter[str] = Counter()
    for kind, id_, code, name, _short, _is_active in rows:
        counted[kind] += 1
        if counted[kind] <= PER_CODE:
            yield _row(kind, masters[kind].label, id_, code, name, "")


def _ranks() -> Counter[str]:
    """Count by how many documents each kind of master is searched: what people look documents up by, they look up."""
    counted: Counter[str] = Counter()
    for document in REGISTRY.values():
        for path in document.find.split():
            kind = _ref_of(document, path)
            if kind is not None:
                counted[document_of(kind.remote_field.model).code] += 1
    return counted


def _ref_of(document: Document, path: str) -> Ref | None:
    head, _dot, rest = path.partition(".")
    kinds = document.line_fields if head == "lines" else document.fields
    kind = kinds.get(rest.partition(".")[0] if head == "lines" else head)
    return kind if isinstance(kind, Ref) else None


def _pages(ctx: Context, text: str) -> Iterable[dict[str, Any]]:
    """Entries of the menu whose label holds the text, or its initials."""
    plain = normal(text)
    for group in meta.menu(ctx)["menu"]:
        for item in group["items"]:
            label = str(item["label"])
            if plain in normal(label) or initials(label).startswith(plain):
                yield _row(item["code"], item["label"], None, "", label, "")


def _row(code: str, label: Any, id_: Any, number: str, name: str, hint: str) -> dict[str, Any]:
    return {"code": code, "label": label, "id": id_, "number": number, "name": name, "hint": hint}
