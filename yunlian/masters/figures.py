"""What a picker of products tells: the reference price, the one that the document at hand is about."""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from yunlian.kernel import permission
from yunlian.kernel.figures import Asked
from yunlian.kernel.scope import Context
from yunlian.kernel.sql import run


def reference_price(ctx: Context, asked: Asked) -> Mapping[uuid.UUID, Decimal | None] | None:
    """Return the sales or the purchase reference price, per base unit, as the document's own prices are guarded."""
    price = asked.document.line_fields.get("price")
    if price is None or (price.guard and permission.hidden(ctx, [price.guard])):
        return None
    column = "purchase_price" if price.guard == "purchase.price" else "list_price"
    sql = f"SELECT id, {column} FROM masters_product WHERE enterprise_id = %s AND id = ANY(%s)"
    return dict(run(sql, [ctx.enterprise_id, list(asked.ids)]))
