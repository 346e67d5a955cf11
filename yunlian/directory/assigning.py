"""Whose contact somebody of customer contact is: a partner there is, or one made of them, in one transaction."""

import uuid
from typing import Any

from yunlian.kernel.api import Request, route
from yunlian.kernel.document import Missing, Problem, Refused, find_document
from yunlian.kernel.fields import uuid_or_none
from yunlian.kernel.load import load, show
from yunlian.kernel.save import save
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import PartnerContact

CODE = "masters.partner_contact"


def assign(ctx: Context, id_: Any, partner: Any) -> uuid.UUID:
    """Assign a contact that waits to `partner`, or with none to a customer made of it; returns the partner's id.

    Raises Missing, Invalid for a partner that is not known, Refused when the contact is somebody's already.
    """
    contact = PartnerContact.objects.filter(id=uuid_or_none(id_)).first()
    if contact is None:
        raise Missing(CODE)
    if contact.partner_id is not None:
        raise Refused(Problem("partner", _("This contact is assigned already."), code="assigned"))
    document = find_document(CODE)
    loaded = show(load(document, ctx, contact.id), ctx)
    typed = {
        name: loaded[name] for name, kind in document.fields.items() if name in loaded and not kind.readonly
    }
    wanted = partner or str(_customer_of(ctx, contact))
    saved = save(CODE, ctx, typed | {"version": loaded["version"], "partner": wanted}, contact.id)
    found: uuid.UUID = saved.header.partner_id
    return found


def _customer_of(ctx: Context, contact: PartnerContact) -> uuid.UUID:
    data = {"code": contact.code, "name": contact.name, "is_customer": True, "contact": contact.name[:60]}
    return save("masters.partner", ctx, data).pk


@route(
    "POST",
    "/api/directory/contacts/{id}/assign",
    needs="masters.partner_contact.edit",
    schema={"body": {"type": "object", "properties": {"partner": {"type": "string", "format": "uuid"}}}},
)
def assign_contact(request: Request, id: str) -> Any:
    """Assign a contact of customer contact to a partner; with none named, a customer is made of it."""
    return {"partner": str(assign(request.ctx, id, request.fields("partner").get("partner")))}
