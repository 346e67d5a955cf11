"""The states of a link, a credential and an offer, and the steps people take between them (flows.md F18)."""

from collections.abc import Iterable
from typing import Any

from yunlian.kernel import fields as f
from yunlian.kernel.document import REASON, Flow, Problem, State, Step
from yunlian.kernel.scope import Context
from yunlian.kernel.text import _
from yunlian.masters.models import Partner, Product

from . import bindings, offers

_WHY = f.Text(
    label=_("Reason"), max_length=500, required=False, hint=_("Needed while something is still open.")
)
_WHY.name = "reason"
_SEEN = f.Boolean(label=_("I have seen what is still open: dissolve all the same"))
_SEEN.name = "is_seen"
_PARTNER = f.Ref(
    Partner,
    label=_("Which of our partners it is"),
    required=False,
    hint=_("Blank: a new partner is made under its name."),
)
_PARTNER.name = "partner"


def _keep_reason(link: Any, lines: list[Any], given: dict[str, Any], ctx: Context) -> Iterable[Problem]:
    """Keep why, for the partner too."""
    link.reason = given["reason"]
    return ()


LINK = Flow(
    label=_("State"),
    states=(
        State("inviting", _("Inviting"), "waiting"),
        State("linked", _("Linked"), "good"),
        State("refused", _("Refused"), "bad"),
        State("withdrawn", _("Withdrawn")),
        State("dissolved", _("Dissolved")),
    ),
    steps=(
        Step(
            "accept",
            _("Accept"),
            ("inviting",),
            "linked",
            input=(_PARTNER,),
            act=bindings.bind,
            tone="primary",
            may=lambda link: link.direction == "downstream",
        ),
        Step(
            "refuse",
            _("Refuse"),
            ("inviting",),
            "refused",
            input=(REASON,),
            act=lambda link, lines, given, ctx: setattr(link, "reason", given["reason"]),
            tone="danger",
            may=lambda link: link.direction == "downstream",
        ),
        Step(
            "withdraw",
            _("Withdraw"),
            ("inviting",),
            "withdrawn",
            may=lambda link: link.direction == "upstream",
        ),
        Step(
            "refresh",
            _("Ask for the catalogue"),
            ("linked",),
            "linked",
            may=lambda link: link.direction == "downstream",
        ),
        Step("accepted", _("Accepted by the partner"), ("inviting",), "linked", is_partner=True),
        Step(
            "refused",
            _("Refused by the partner"),
            ("inviting",),
            "refused",
            input=(REASON,),
            act=lambda link, lines, given, ctx: setattr(link, "reason", given["reason"]),
            is_partner=True,
        ),
        Step("withdrawn", _("Withdrawn by the partner"), ("inviting",), "withdrawn", is_partner=True),
        Step(
            "dissolved",
            _("Dissolved by the partner"),
            ("linked",),
            "dissolved",
            input=(_WHY,),
            act=_keep_reason,
            is_partner=True,
        ),
        Step(
            "dissolve",
            _("Dissolve"),
            ("linked",),
            "dissolved",
            input=(_WHY, _SEEN),
            act=_keep_reason,
            tone="danger",
            confirm=_("Nothing more is sent or received over this link; what was exchanged stays."),
        ),
    ),
    field="state",
)

CREDENTIAL = Flow(
    label=_("State"),
    # Early and expired are what time makes of a valid one, shown and never stored.
    states=(
        State("valid", _("Valid"), "good"),
        State("early", _("Not valid yet"), "waiting"),
        State("expired", _("Expired"), "bad"),
        State("revoked", _("Revoked"), "bad"),
    ),
    steps=(
        Step(
            "revoke",
            _("Revoke"),
            ("valid",),
            "revoked",
            tone="danger",
            confirm=_("Whatever uses this credential is refused from now on."),
        ),
    ),
    field="state",
)

_CODE = f.Code(label=_("Our code"), required=False, hint=_("Blank: their code."))
_CODE.name = "code"
_PRODUCT = f.Ref(Product, label=_("Our product"))
_PRODUCT.name = "product"


OFFER = Flow(
    label=_("State"),
    states=(
        State("new", _("New")),
        State("linked", _("Linked"), "good"),
        State("changed", _("Changed"), "waiting"),
        State("off_shelf", _("Off shelf"), "bad"),
        State("ignored", _("Ignored")),
    ),
    steps=(
        Step(
            "download",
            _("Download"),
            ("new", "changed", "ignored"),
            "linked",
            input=(_CODE,),
            act=offers.download,
            tone="primary",
        ),
        Step(
            "map",
            _("Map"),
            ("new", "changed", "ignored", "linked"),
            "linked",
            input=(_PRODUCT,),
            act=offers.map_to,
        ),
        Step("ignore", _("Ignore"), ("new", "changed"), "ignored"),
    ),
    field="state",
)
