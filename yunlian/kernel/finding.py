"""The search for everything: numbers first, then master data by code, name and initials, then pages of the menu.

Three statements, however much there is. Only codes the member may view are asked, and only rows in their scope.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from . import meta, permission
from .api import Request, route
from .document import REGISTRY, Document, document_of
from .fields import Ref, Text, normal_code
from .listing import number_branches
from .phonetic import initials, normal, query_tokens
from .scope import Context
from .search import carrying
from .shapes import ID, TEXT, describes, maybe, record, rows
from .sql import run

LIMIT = 30
PER_CODE = 8
CANDIDATES = 200  # masters of a kind looked at; a better match may stand behind the first found


_FOUND = record(code=TEXT, label=TEXT, id=maybe(ID), number=TEXT, name=TEXT, hint=TEXT)


@route("GET", "/api/search", needs="signed", schema=describes(rows(_FOUND)))
def search(request: Request) -> Any:
    """Documents by number, master data by code, name or initials, pages by label."""
    return {"rows": find(request.ctx, request.query.get("q", ""))}


def find(ctx: Context, text: str) -> list[dict[str, Any]]:
    """Return what a text may mean, best first; nothing for a single letter or digit."""
    text = text.strip()[:100]
    if len(text) < 2 and not query_tokens(text):
        return []
    found = [*_numbers(ctx, text), *_masters(ctx, text), *_pages(ctx, text)]
    return found[:LIMIT]


def _numbers(ctx: Context, text: str) -> Iterable[dict[str, Any]]:
    """Documents by number, ours or the partner's, as their lists find them: what was meant exactly first, then the
    newest. Each branch reads its index from the end and stops.
    """
    documents = [d for d in REGISTRY.values() if not d.is_master and permission.may(ctx, d.code, "view")]
    if len(text) < 3:
        return
    branches, values = [], []
    for document in documents:
        scope, params = permission.row_condition(ctx, document)
        for name in document.find.split():
            if not isinstance(document.fields.get(name), Text):
                continue
            for condition, wanted in number_branches(document, name, ctx, text):
                branches.append(
                    f'(SELECT %s AS code, t.id, t.number, t."{name}" AS found, t.date, t.state '
                    f'FROM "{document.header._meta.db_table}" t WHERE t.enterprise_id = %s AND {condition}{scope} '
                    f'ORDER BY t."{name}" DESC LIMIT %s)'
                )
                values += [document.code, ctx.enterprise_id, *wanted, *params, PER_CODE]
    if not branches:
        return
    sql = (
        f"SELECT * FROM (SELECT DISTINCT ON (id) * FROM ({' UNION ALL '.join(branches)}) x ORDER BY id, found = number DESC) y "
        "ORDER BY (found = %s) DESC, date DESC, number DESC, id DESC LIMIT %s"
    )
    for code, id_, number, found, date, state in run(sql, [*values, normal_code(text), LIMIT]):
        document = REGISTRY[code]
        label = document.flow.state(state).label if document.flow is not None else ""
        yield _row(
            code, document.label, id_, number, "" if found == number else found, f"{date} {label}".strip()
        )


def _masters(ctx: Context, text: str) -> Iterable[dict[str, Any]]:
    """Master rows that carry every token of the text; the kinds that documents are searched by come first."""
    masters = {d.code: d for d in REGISTRY.values() if d.is_master and permission.may(ctx, d.code, "view")}
    tokens = sorted(query_tokens(text))
    if not masters or not tokens:
        return
    match, wanted = carrying(tokens)
    sql = (
        "SELECT c.code, array_agg(x.record) FROM unnest(%s::text[]) c(code) CROSS JOIN LATERAL (SELECT k.record "
        f"FROM kernel_token k WHERE k.enterprise_id = %s AND k.code = c.code AND {match} LIMIT %s) x GROUP BY c.code"
    )
    ids: dict[str, list[Any]] = dict(run(sql, [list(masters), ctx.enterprise_id, *wanted, CANDIDATES]))
    if not ids:
        return
    branches, values = [], []
    for code, found in ids.items():
        seen, more = permission.row_condition(ctx, masters[code])
        branches.append(
            f'SELECT %s AS kind, t.id, t."{_known_by(masters[code])}", t.name, t.initials, t.is_active FROM "{masters[code].header._meta.db_table}" t '
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


def _known_by(master: Document) -> str:
    """Return the field whose text people know a row by: its code, unless lists are not searched by that either."""
    names = master.find.split()
    return "code" if "code" in names else names[0]


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
