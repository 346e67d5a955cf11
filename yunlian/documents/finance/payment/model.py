"""Payment: money we pay a supplier, for orders or in advance (flows.md F13)."""

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header, Line
from yunlian.kernel.text import _
from yunlian.masters.models import Account, Partner

from .flow import PAID, THEIRS, WITHDRAWAL


class Payment(Header):
    """One payment to one supplier. What its lines do not name is prepaid without an order.

    `withdrawal` says whether the supplier's enterprise was told of it and lets us have it back, `reason` is the last one,
    `theirs_…` is what they told us of their receipt.
    """

    supplier = f.Ref(Partner, label=_("Supplier"), where={"is_supplier": True}, index=True)
    account = f.Ref(Account, label=_("Account"), required=False, hint=_("Needed to pay."))
    amount = f.Amount(label=_("Amount"), above="0", required=False, hint=_("Blank: the sum of the lines."))
    reference = f.Text(index=True, label=_("Bank reference"), max_length=100, required=False)
    paid = f.State(PAID)
    theirs_number = f.Code(index=True, label=_("Supplier's number"), readonly=True)
    theirs_state = f.Choice(
        label=_("Supplier's state"), choices=THEIRS, required=False, readonly=True, default=""
    )
    withdrawal = f.State(WITHDRAWAL)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)


class PaymentLine(Line):
    """The part of a payment that is for one purchase order, or for the goods of one stock-in."""

    payment = f.Parent(Payment)
    document = f.Text(label=_("For"), max_length=60, required=False)
    amount = f.Amount(label=_("Amount"), above="0")
    note = f.Text(label=_("Note"), max_length=500, required=False)
