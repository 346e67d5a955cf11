"""Completes a contract before its amounts are computed: units, prices, the warehouse, shares of the order's discount."""

from collections.abc import Iterable
from decimal import Decimal

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.prices import fill_prices
from yunlian.masters.units import fill_factors
from yunlian.masters.warehouses import fill_warehouse

from .amounts import ZERO, nets
from .model import SalesContract, SalesContractLine


def fill(contract: SalesContract, lines: list[SalesContractLine], ctx: Context) -> Iterable[Problem]:
    """Put base units, list prices, the default warehouse and the customer's contact where nothing was given."""
    yield from fill_factors(lines, ctx)
    fill_prices(lines, ctx, contract.customer, contract.date)
    _fill_header(contract)
    yield from _fill_shares(contract, lines)


def _fill_header(contract: SalesContract) -> None:
    fill_warehouse(contract)
    customer = contract.customer
    if customer is not None:
        contract.contact = contract.contact or customer.contact
        contract.phone = contract.phone or customer.phone
        contract.address = contract.address or customer.address


def _fill_shares(contract: SalesContract, lines: list[SalesContractLine]) -> Iterable[Problem]:
    zero = Decimal(0)
    typed = [(line.qty or zero, line.price or zero, line.discount or zero) for line in lines]
    try:
        made = nets(typed, contract.discount_amount or ZERO)
    except ValueError:
        yield Problem("discount_amount", _("More than all lines come to."), code="range")
        return
    for line, net in zip(lines, made, strict=True):
        line.share = net.share
