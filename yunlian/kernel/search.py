"""Find master rows by a piece of their code, name or pinyin initials: tokens by equality, then the row itself.

Equality on a token uses an index under row security; LIKE would not (reliability.md section 6).
"""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from .document import Document
from .fields import Text
from .identity import new_id
from .load import Loaded
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
        {
            "code": loaded.document.code,
            "record": loaded.pk,
            "tokens": sorted(
                tokens(loaded.header.code, loaded.header.name, *searched(loaded.document, loaded.header))
            ),
        }
        for loaded in found
    ]
    if rows:
        # A thousand products have sixty thousand tokens: the server makes their ids, alike but for the random half.
        writing.raw(
            "INSERT INTO kernel_token (enterprise_id, id, token, code, record) "
            "SELECT %s, (left(%s, 19) || right(gen_random_uuid()::text, 17))::uuid, token, v.code, v.record "
            "FROM json_to_recordset(%s::json) AS v(code text, record uuid, tokens text[]), unnest(v.tokens) AS token",
            [writing.enterprise_id, str(new_id()), msgspec.json.encode(rows).decode()],
        )


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
    sql = (
        "SELECT record FROM kernel_token WHERE enterprise_id = %s AND code = %s AND token = ANY(%s) "
        "GROUP BY record HAVING count(DISTINCT token) = %s LIMIT %s"
    )
    return [row[0] for row in run(sql, [ctx.enterprise_id, code, wanted, len(wanted), limit])]
