"""Whether the supplier may have a delivery back that was announced over the chain: not once goods of it came in."""

from yunlian.kernel.consent import asked

WITHDRAWAL = asked(effect=("revoke",), when=("approved",))
