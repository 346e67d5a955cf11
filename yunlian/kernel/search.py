"""Find master rows by a piece of their code, name or pinyin initials: tokens by equality, then the row itself.

Equality on a token uses an index under row security; LIKE would not (reliability.md section 6).
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from .document import Document
from .fields import Text
from .load import Loaded
from .models import Token
from .phonetic import initials, query_tokens, tokens
from .scope import Context
from .sql import Writing, run


def token_rows(writing: Writing, loaded: Loaded, *, is_new: bool, is_gone: bool = False) -> None:
    """Add the rewriting of a master's tokens to a statement."""
    write_tokens(writing, [] if is_gone else [loaded], [] if is_new else [loaded.pk])


def write_tokens(writing: Writing, found: Sequence[Loaded], forgotten: Sequence[uuid.UUID]) -> None:
    """Add to a statement: forget what some masters were found by, and note what others are found by."""
    if forgotten:
        writing.raw(
            "DELETE FROM kernel_token WHERE enterprise_id = %s AND record = ANY(%s)",
            [writing.enterprise_id, list(forgotten)],
        )
    rows = [
        {"token": token, "code": loaded.document.code, "record": loaded.pk}
        for loaded in found
        for token in sorted(
            tokens(loaded.header.code, loaded.header.name, *searched(loaded.document, loaded.header))
        )
    ]
    writing.insert_new(Token, rows)


def searched(document: Document, header: Any) -> Iterable[str]:
    """Return the further texts a master is found by: those its `find` names."""
    for name in document.find.split():
        kind = document.fields.get(name)
        if name not in ("code", "name", "number") and isinstance(kind, Text):
            yield getattr(header, name) or ""


def set_initials(header: Any) -> None:
    """Fill the pinyin initials of a master's name, at most 100 letters."""
    header.initials = initials(header.name or "")[:100]


def find_records(ctx: Context, code: str, text: str, limit: int) -> list[uuid.UUID]:
    """Return ids of rows of a master that carry every token of a text, in no order; a text too short finds nothing."""
    wanted = sorted(query_tokens(text))
    if not wanted:
        return []
    match, values = carrying(wanted)
    sql = (
        f"SELECT k.record FROM kernel_token k WHERE k.enterprise_id = %s AND k.code = %s AND {match} LIMIT %s"
    )
    return [row[0] for row in run(sql, [ctx.enterprise_id, code, *values, limit])]


def carrying(wanted: Sequence[str]) -> tuple[str, list[Any]]:
    """Return the end of a condition over tokens `k` that keeps records with every wanted one, and its values.

    A common surname stands in very many rows: one token is read off its index as far as wanted, and nothing is counted.
    """
    if len(wanted) == 1:
        return "k.token = %s", [wanted[0]]
    return "k.token = ANY(%s) GROUP BY k.record HAVING count(DISTINCT k.token) = %s", [
        list(wanted),
        len(wanted),
    ]
