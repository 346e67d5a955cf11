"""Whether a dealer on the chain may have a payment back: not while finance has confirmed it."""

from collections.abc import Iterable
from typing import Any

from yunlian.kernel.consent import asked
from yunlian.kernel.document import Problem
from yunlian.kernel.text import _


def check_unconfirmed(receipt: Any) -> Iterable[Problem]:
    """Yield that confirmed money is reversed first."""
    if receipt.state == "approved":
        message = _("The receipt is confirmed: reverse it before the payment can be taken back.")
        yield Problem("state", message, code="confirmed")


WITHDRAWAL = asked(
    effect=("release",), when=("created", "submitted", "rereview", "approved"), check=check_unconfirmed
)
