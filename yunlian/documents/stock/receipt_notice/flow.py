"""The notice's lifecycle, and whether the supplier may have back a delivery that was announced over the chain.

Not once goods of it came in.
"""

from dataclasses import replace

from yunlian.kernel.consent import asked, keep_reason
from yunlian.kernel.document import REASON, STANDARD, Step
from yunlian.kernel.text import _

FLOW = replace(
    STANDARD,
    steps=(
        *STANDARD.steps,
        Step(
            "partner_reject",
            _("Report not taken by the supplier"),
            ("approved",),
            "approved",
            input=(REASON,),
            act=keep_reason,
            is_partner=True,
        ),
    ),
)
WITHDRAWAL = asked(effect=("revoke",), when=("approved",))
