"""What saving would make of a body: read, completed and computed, and nothing written.

The console asks it while somebody types, so that unit, price and whatever else a `fill` knows stand there before the
first save. The rules of the document are not asked: they judge what is whole.
"""

from collections.abc import Mapping
from typing import Any

from . import permission, sources
from .document import Document, Missing, find_document
from .fields import uuid_or_none
from .intake import take
from .load import Loaded, complete, load, show_fields
from .save import begin, compute, require_editable, require_matching
from .scope import Context


def preview(code: str, ctx: Context, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `header` and `lines` (with `no`, the position in the body) as far as the member may see, and `problems`.

    `id` names the document that is being edited; its version is not asked. Raises Forbidden, Missing, Refused when it
    cannot be edited, and Invalid when the lines cannot be told apart. Any other problem is among the answer's.
    """
    document = find_document(code)
    permission.require(ctx, document, "edit")
    loaded = _edited(document, ctx, data.get("id"))
    if document.links:
        sources.find_named(loaded, ctx, data)
    problems = list(take(loaded, ctx, data))
    require_matching(loaded, data, problems)
    if document.links:
        sources.inherit(loaded, ctx, data)
    if document.fill is not None:
        problems += document.fill(loaded.header, loaded.lines, ctx) or ()
    compute(loaded)
    complete(loaded, ctx)
    hidden = permission.hidden(ctx, document.guards)
    return {
        "header": show_fields(loaded.header, document.fields, hidden),
        "lines": [{"no": x.no} | show_fields(x, document.line_fields, hidden) for x in loaded.lines],
        "problems": [problem.shown(ctx.grants) for problem in problems],
    }


def _edited(document: Document, ctx: Context, id_: Any) -> Loaded:
    if id_ is None:
        return begin(document, ctx)
    found = uuid_or_none(id_)
    if found is None:
        raise Missing(document.code)
    loaded = load(document, ctx, found)
    require_editable(loaded)
    return loaded
