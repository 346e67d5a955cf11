"""Numbers that do not go well, by their last four digits; all others are reached."""

from typing import Final

NOT_DELIVERED: Final = "9991"  # accepted, and never arrives
BLACKLISTED: Final = "9992"  # opted out
NO_BALANCE: Final = "9993"  # the account is empty
NO_ANSWER: Final = "9994"  # sent, but the answer does not come in time
BUSY_ONCE: Final = "9995"  # refused as busy the first time
