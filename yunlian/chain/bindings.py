"""Which record of ours stands for an enterprise we are linked with: somebody says so, none is made unasked (flows.md F18)."""

import uuid
from collections.abc import Iterable
from typing import Any

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Partner


def suggest(link: Any) -> None:
    """Begin a link with the partner that is bound to its enterprise already, else with one of its name that is free."""
    rows = Partner.objects.order_by("code").values_list("id", flat=True)
    bound = rows.filter(chain_id=link.partner_chain_id).first()
    link.partner_id = bound or rows.filter(chain_id="", name=link.partner_name, is_active=True).first()


def check(link: Any, partner_id: uuid.UUID | None) -> Iterable[Problem]:
    """Yield when a partner cannot stand for the enterprise of a link: it is another's, or another one is already."""
    if partner_id is None:
        return
    chosen = Partner.objects.filter(id=partner_id).values_list("chain_id", flat=True).first()
    if chosen not in (None, "", link.partner_chain_id):
        yield Problem("partner", _("This partner is linked with another enterprise already."), code="taken")
    bound = Partner.objects.filter(chain_id=link.partner_chain_id).exclude(id=partner_id).first()
    if bound is not None:
        message = _("%(enterprise)s is your partner %(code)s already: choose it.") % {
            "enterprise": link.partner_name,
            "code": bound.code,
        }
        yield Problem("partner", message, code="bound")


def bind(link: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Keep which partner was chosen; none: a new one is made when the link comes into force."""
    partner = given["partner"]
    link.partner_id = None if partner is None else partner.id
    link._state.fields_cache.pop("partner", None)  # the row it led to before
    yield from check(link, link.partner_id)
