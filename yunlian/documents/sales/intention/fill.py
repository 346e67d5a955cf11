"""Completes a sales intention before its amounts are computed: units, prices, dates, the customer's address."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.masters.prices import fill_prices
from yunlian.masters.units import fill_factors

from .model import SalesIntention, SalesIntentionLine


def fill(intention: SalesIntention, lines: list[SalesIntentionLine], ctx: Context) -> Iterable[Problem]:
    """Put base units, list prices, the day all is wanted by and the customer's contact where nothing was given."""
    yield from fill_factors(lines, ctx)
    customer = intention.customer
    fill_prices(lines, ctx, customer, intention.date)
    for line in lines:
        line.due_date = line.due_date or intention.due_date
    if customer is not None:
        intention.contact = intention.contact or customer.contact
        intention.phone = intention.phone or customer.phone
        intention.address = intention.address or customer.address
