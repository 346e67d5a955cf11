"""Runs, what they read, what they do, and what was decided about it."""

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import TenantModel
from yunlian.kernel.text import _

from .connection import DIRECTIONS, Connection
from .match import KINDS

TRIGGERS = (
    ("hand", _("By hand")),
    ("schedule", _("Nightly")),
    ("callback", _("Reported by the platform")),
    ("decision", _("After a decision")),
)
CHANGE_KINDS = (*KINDS, ("position", _("Position")))
RUN_STATES = (
    ("planning", _("Being planned")),
    ("planned", _("Planned")),
    ("held", _("Held")),
    ("applying", _("Being applied")),
    ("applied", _("Applied")),
    ("stopped", _("Stopped half-way")),
    ("undoing", _("Being undone")),
    ("undone", _("Undone")),
    ("failed", _("Failed")),
    ("dropped", _("Dropped")),
)
ACTS = (
    ("add", _("Add")),
    ("change", _("Change")),
    ("move", _("Move")),
    ("disable", _("Disable")),
    ("restore", _("Restore")),
    ("conflict", _("Conflict")),
    ("none", _("Link only")),
)
CHANGE_STATES = (
    ("planned", _("Planned")),
    ("left_out", _("Left out")),
    ("applied", _("Applied")),
    ("failed", _("Failed")),
    ("undone", _("Undone")),
    ("not_undone", _("Cannot be undone")),
)


class Run(TenantModel):
    """One sync: planned first, then perhaps applied, then perhaps undone. At most one of a connection is at work.

    `part` names the keys it looked at, as [kind, key]; empty for a whole run. `tally` counts by kind and act, `guards` say
    why it is held. `seen` is what the platform let us see.
    """

    connection = f.Ref(Connection, label=_("Connection"), null=False, cascade=True)
    direction = f.Choice(label=_("Direction"), choices=DIRECTIONS)
    trigger = f.Choice(label=_("Began"), choices=TRIGGERS, default="hand")
    state = f.Choice(label=_("State"), choices=RUN_STATES, default="planning")
    part = models.JSONField(default=list)
    tally = models.JSONField(default=dict)
    guards = models.JSONField(default=list)
    seen = models.JSONField(default=dict)
    is_automatic = models.BooleanField(default=False)
    override_reason = f.Text(label=_("Released because"), max_length=500, required=False)
    override_name = models.CharField(max_length=200, default="")
    job = models.UUIDField(null=True)
    beat_at = models.DateTimeField(null=True)
    error = f.Text(label=_("Error"), max_length=500, required=False)
    member = models.UUIDField()
    member_name = f.Text(label=_("By"), required=False)
    at = f.Moment(label=_("Begun"), readonly=True, null=False)
    applied_at = f.Moment(label=_("Applied"), readonly=True)
    undone_at = f.Moment(label=_("Undone"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_run_at_work",
                fields=["enterprise_id", "connection_id"],
                condition=Q(state__in=["planning", "applying", "undoing"]),
            ),
        )
        indexes = (Index(fields=["enterprise_id", "connection_id", "-id"], name="directory_run_newest"),)


class Change(TenantModel):
    """What a run does, or did, to one person, department or position of the target; see planning.Change.

    `no` is the order in which changes can be made. `attempted_at` is written before the platform is called: who comes
    back after a crash then knows that what they find there may be their own work. `undo` is exactly what taking it back
    needs.
    """

    run = f.Ref(Run, label=_("Run"), null=False, cascade=True)
    no = models.IntegerField()
    kind = f.Choice(label=_("Kind"), choices=CHANGE_KINDS)
    act = f.Choice(label=_("What"), choices=ACTS)
    state = f.Choice(label=_("State"), choices=CHANGE_STATES, default="planned")
    source = models.CharField(max_length=100)
    target = models.CharField(max_length=100, default="")
    name = f.Text(label=_("Name"))
    place = f.Text(label=_("Department"), required=False)
    reason = f.Text(label=_("Reason"), max_length=40, required=False)
    params = models.JSONField(default=dict)
    fields = models.JSONField(default=dict)
    wanted = models.JSONField(default=dict)
    was = models.JSONField(default=dict)
    undo = models.JSONField(default=dict)
    error = f.Text(label=_("Error"), max_length=60, required=False)
    error_text = f.Text(label=_("What the platform said"), max_length=500, required=False)
    remedy = f.Text(label=_("Remedy"), max_length=500, required=False)
    attempted_at = models.DateTimeField(null=True)
    done_at = f.Moment(label=_("Done"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="directory_change_no", fields=["enterprise_id", "run_id", "no"]),
        )
        indexes = (
            Index(
                fields=["enterprise_id", "run_id", "no"],
                name="directory_change_waiting",
                condition=Q(state="planned"),
            ),
            Index(fields=["enterprise_id", "run_id", "act", "no"], name="directory_change_act"),
        )


class Decision(TenantModel):
    """What somebody decided about a conflict, for this and every later plan, until it is forgotten.

    `key` is the person's or department's on the source's side, `topic` the question; see planning.topic.
    """

    connection = f.Ref(Connection, null=False, cascade=True)
    kind = f.Choice(label=_("Kind"), choices=KINDS)
    key = models.CharField(max_length=100)
    topic = models.CharField(max_length=20)
    name = f.Text(label=_("Name"), required=False)
    what = f.Text(label=_("Decision"), max_length=20)
    value = f.Text(label=_("Whom or which"), max_length=100, required=False)
    by_name = f.Text(label=_("By"), required=False)
    at = f.Moment(label=_("At"), readonly=True, null=False)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_decision_one",
                fields=["enterprise_id", "connection_id", "kind", "key", "topic"],
            ),
        )


class Seen(TenantModel):
    """What a run read of the platform, until it is planned: one row per person or department."""

    run = f.Ref(Run, null=False, cascade=True)
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=100)
    name = models.CharField(max_length=200, default="")
    account = models.CharField(max_length=100, default="")
    mobile = models.CharField(max_length=40, default="")
    position = models.CharField(max_length=200, default="")
    departments = models.JSONField(default=list)
    has_main = models.BooleanField(default=True)
    parent = models.CharField(max_length=64, default="")
    is_active = models.BooleanField(default=True)
    is_admin = models.BooleanField(default=False)
    union = models.CharField(max_length=100, default="")

    class Meta:
        constraints = (
            UniqueConstraint(name="directory_seen_once", fields=["enterprise_id", "run_id", "kind", "key"]),
        )
