"""The states of a link and of a credential, and the steps people take between them (flows.md F18)."""

from yunlian.kernel.document import REASON, Flow, State, Step
from yunlian.kernel.text import _

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
        Step("dissolved", _("Dissolved by the partner"), ("linked",), "dissolved", is_partner=True),
        Step(
            "dissolve",
            _("Dissolve"),
            ("linked",),
            "dissolved",
            tone="danger",
            confirm=_("Nothing more is sent or received over this link; what was exchanged stays."),
        ),
    ),
    field="state",
)

CREDENTIAL = Flow(
    label=_("State"),
    states=(State("valid", _("Valid"), "good"), State("revoked", _("Revoked"), "bad")),
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

OFFER = Flow(
    label=_("State"),
    states=(
        State("new", _("New"), "moving"),
        State("linked", _("Linked"), "good"),
        State("changed", _("Changed"), "waiting"),
        State("off_shelf", _("Off shelf"), "bad"),
        State("ignored", _("Ignored")),
    ),
    steps=(Step("ignore", _("Ignore"), ("new", "changed"), "ignored"),),
    field="state",
)
