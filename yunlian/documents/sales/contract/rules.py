"""What must hold for a sales contract. No query, clock or write."""

from collections.abc import Iterable

from yunlian.kernel.document import Problem
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _

from .facts import Facts
from .model import SalesContract, SalesContractLine


def check(
    contract: SalesContract, lines: list[SalesContractLine], ctx: Context, facts: Facts
) -> Iterable[Problem]:
    """Yield every reason to refuse."""
    if contract.due_date is not None and contract.due_date < contract.date:
        yield Problem("due_date", _("Before the date of the contract."))
    for line in lines:
        if line.product.status == "stopped":
            yield Problem(
                "product", _("%(code)s is no longer sold.") % {"code": line.product.code}, line.no, "stopped"
            )
    yield from _check_agreed(contract, lines, facts)
    if contract.state == "approved":
        yield from _check_credit(contract, facts)


def _check_agreed(contract: SalesContract, lines: list[SalesContractLine], facts: Facts) -> Iterable[Problem]:
    """After collaboration is complete both orders agree in quantity, price and total (flows.md F5, invariant 1)."""
    if not facts.origin:
        return
    for line in lines:
        if line.id not in facts.origin:
            message = _("The customer agreed to no such line: sell it by a contract of its own.")
            yield Problem("product", message, line.no, "agreed")
        for link, agreed in facts.origin.get(line.id, ()):
            if link.qty != agreed.base_qty or line.base_qty != agreed.base_qty:
                yield Problem(
                    "qty",
                    _("The customer agreed to %(qty)s.") % {"qty": agreed.qty.normalize()},
                    line.no,
                    "agreed",
                )
            if line.net != agreed.amount or line.price * agreed.factor != agreed.price * line.factor:
                message = _("The customer agreed to %(price)s, %(amount)s in all.")
                values = {"price": agreed.price.normalize(), "amount": agreed.amount}
                plain = _("The customer agreed to another price.")
                yield Problem("price", plain, line.no, "agreed", "sales.price", message % values)
    if contract.fee_amount:
        yield Problem("fee_amount", _("The customer agreed to no fees."), code="agreed")


def _check_credit(contract: SalesContract, facts: Facts) -> Iterable[Problem]:
    """A customer on account may owe, after what they have free with us, at most their limit."""
    customer = contract.customer
    if customer.settlement != "account" or customer.credit_limit is None:
        return
    left = customer.credit_limit - facts.owed + facts.free
    if contract.total > left:
        exact = _("%(total)s is more than the %(left)s left of the customer's credit.") % {
            "total": contract.total,
            "left": left,
        }
        plain = _("It is more than what is left of the customer's credit.")
        yield Problem("total", plain, code="credit", guard="sales.price", exact=exact)
