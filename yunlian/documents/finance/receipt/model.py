"""Receipt: money a customer paid, confirmed against the account it came to (flows.md F12)."""

from yunlian.kernel import fields as f
from yunlian.kernel.models import Header, Line
from yunlian.kernel.text import _
from yunlian.masters.models import Account, Partner

from .flow import WITHDRAWAL

PURPOSES = (
    ("contract", _("Contract payment")),
    ("earnest", _("Earnest money")),
    ("deposit", _("Deposit")),
    ("balance", _("Final payment")),
    ("measuring", _("Measuring fee")),
)


class Receipt(Header):
    """One payment received. What its lines do not name stays the customer's free money.

    With `is_auto_applied` the rest pays the customer's open contracts, oldest due first. `withdrawal` says whether a
    dealer on the chain asks to have the payment back, `reason` is the last one given by either side.
    """

    customer = f.Ref(Partner, label=_("Customer"), where={"is_customer": True}, index=True)
    account = f.Ref(Account, label=_("Account"), required=False, hint=_("Needed to confirm."))
    purpose = f.Choice(label=_("Purpose"), choices=PURPOSES, default="contract", initial="contract")
    amount = f.Amount(label=_("Amount"), above="0", required=False, hint=_("Blank: the sum of the lines."))
    payer = f.Text(label=_("Payer"), max_length=100, required=False)
    reference = f.Text(index=True, label=_("Bank reference"), max_length=100, required=False)
    is_auto_applied = f.Boolean(label=_("Pay the oldest contracts with the rest"))
    withdrawal = f.State(WITHDRAWAL)
    reason = f.Told(label=_("Reason given"), max_length=500, readonly=True)


class ReceiptLine(Line):
    """The part of a receipt that is for one contract, or for one intention (earnest money)."""

    receipt = f.Parent(Receipt)
    document = f.Text(label=_("For"), max_length=60, required=False)
    amount = f.Amount(label=_("Amount"), above="0")
    note = f.Text(label=_("Note"), max_length=500, required=False)
