"""The lists of directory sync: connections, runs, their changes, matches, callbacks, hand-overs; and their verbs."""

from yunlian.kernel import retention
from yunlian.kernel.document import View, declare_view
from yunlian.kernel.text import _

from .models import Callback, Change, Connection, Decision, Guest, Handover, Match, Notice, Run

CONNECTION = declare_view(
    View(
        code="directory.connection",
        label=_("Connection"),
        header=Connection,
        columns="platform direction origin corp_id corp_name state bound_at synced_at",
        verbs=("view", "export", "edit"),
    )
)
RUN = declare_view(
    View(
        code="directory.run",
        label=_("Sync"),
        header=Run,
        columns="at direction trigger state member_name applied_at undone_at error",
        acts={
            "plan": _("Plan a sync"),
            "apply": _("Apply a plan"),
            "override": _("Apply beyond the deletion guard"),
            "undo": _("Undo a sync"),
        },
    )
)
CHANGE = declare_view(
    View(
        code="directory.change",
        label=_("Change"),
        header=Change,
        menu=None,
        columns="run kind act name place reason state error remedy done_at",
        find="name place",
        sort="id",
        acts={"decide": _("Decide conflicts")},
    )
)
DECISION = declare_view(
    View(
        code="directory.decision",
        label=_("Decision"),
        header=Decision,
        menu=None,
        columns="kind name what value by_name at",
        find="name",
    )
)
MATCH = declare_view(
    View(
        code="directory.match",
        label=_("Match"),
        header=Match,
        menu=None,
        columns="kind employee department theirs since ended_at",
        find="theirs",
    )
)
CALLBACK = declare_view(
    View(
        code="directory.callback",
        label=_("Callback"),
        header=Callback,
        columns="receiver event fault at took_ms handled_at address",
        find="event",
    )
)
HANDOVER = declare_view(
    View(
        code="directory.handover",
        label=_("Hand-over"),
        header=Handover,
        columns="employee state left_at to done_at",
        sort="-left_at,-id",
        acts={"transfer": _("Hand customers over"), "restore": _("Bring a leaver back")},
    )
)
GUEST = declare_view(
    View(
        code="directory.guest",
        label=_("Guest from a branch"),
        header=Guest,
        columns="employee home_name given_by given_at ended_at",
        verbs=("view", "export", "edit"),
    )
)

NOTICE = declare_view(
    View(
        code="directory.notice",
        label=_("Approval notice"),
        header=Notice,
        columns="number employee platform state error remedy at sent_at settled_at",
        find="number",
        acts={"retry": _("Send a notice again")},
    )
)

retention.keep(retention.Kept("directory_callback", days=30))
# A run can be taken back for a year; its changes go with it.
retention.keep(
    retention.Kept("directory_run", days=400, where="t.state NOT IN ('planning', 'applying', 'undoing')")
)
