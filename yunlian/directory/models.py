"""Tables of directory sync: connections and what they know, runs and their changes, decisions, callbacks, hand-overs."""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Index, Q, UniqueConstraint
from typing_extensions import override

from yunlian.kernel import fields as f
from yunlian.kernel.models import Record, TenantModel
from yunlian.kernel.text import _
from yunlian.org.models import Department, Employee

PLATFORMS = (("wecom", _("WeCom")), ("dingtalk", _("DingTalk")))
DIRECTIONS = (("push", _("From here to the platform")), ("pull", _("From the platform to here")))
ORIGINS = (("own", _("Own app")), ("market", _("Installed from the marketplace")))
CONNECTION_STATES = (
    ("off", _("Off")),
    ("on", _("On")),
    ("stopped", _("Stopped by the platform")),
    ("removed", _("Removed on the platform")),
    ("left", _("Unbound")),
)
RECEIVERS = (("contacts", _("Contacts")), ("customers", _("Customer contact")), ("app", _("App")))
KINDS = (("person", _("Person")), ("department", _("Department")))
TRIGGERS = (
    ("hand", _("By hand")),
    ("schedule", _("Nightly")),
    ("callback", _("Reported by the platform")),
    ("decision", _("After a decision")),
)
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
HANDOVER_STATES = (("open", _("Waits for hand-over")), ("done", _("Hand-over done")))


class Connection(Record):
    """An enterprise's tie to one platform: who is right (`direction`), which corp, and which part of its tree.

    `root` is the platform's key of the department under which our part lies ("1" is the whole corp), `department` ours
    that stands for it. `wrapped` holds the secrets, sealed; `settings` what is no secret. `vanish_share` of the people,
    and at least `vanish_min`, may go in one run before it is held. `nightly_at` is an hour where the enterprise is.
    `seen` is what the platform let us see when a whole plan was last applied.
    """

    platform = f.Choice(label=_("Platform"), choices=PLATFORMS)
    direction = f.Choice(label=_("Direction"), choices=DIRECTIONS)
    origin = f.Choice(label=_("App"), choices=ORIGINS, default="own")
    state = f.Choice(label=_("State"), choices=CONNECTION_STATES, default="off", readonly=True)
    corp_id = f.Text(label=_("Corp ID"), max_length=64)
    corp_name = f.Text(label=_("Corp"), max_length=200, required=False)
    root = models.CharField(max_length=64, default="1")
    department = f.Ref(Department, label=_("Our department"), required=False)
    settings = models.JSONField(default=dict)
    wrapped = models.BinaryField(max_length=8192, null=True)
    vanish_share = f.Rate(label=_("Most that may vanish"), low="0", high="1", default=Decimal("0.1"))
    vanish_min = f.Integer(label=_("At least so many"), default=5, null=False)
    nightly_at = f.Integer(label=_("Hour of the nightly run"), high=23, required=False, default=3)
    seen = models.JSONField(default=dict)
    bound_at = f.Moment(label=_("Bound at"), readonly=True)
    stopped_at = f.Moment(label=_("Stopped at"), readonly=True)
    synced_at = f.Moment(label=_("Last run"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="directory_connection_platform", fields=["enterprise_id", "platform"]),
            CheckConstraint(
                name="directory_connection_share", condition=Q(vanish_share__gte=0, vanish_share__lte=1)
            ),
            CheckConstraint(
                name="directory_connection_hour",
                condition=Q(nightly_at__isnull=True) | Q(nightly_at__range=(0, 23)),
            ),
        )

    @override
    def __str__(self) -> str:
        return f"{self.platform} {self.corp_id}"


class CallbackAddress(models.Model):
    """Where a platform reports: the path key finds the enterprise before any enterprise is entered.

    `token` and the sealed AES key were made by us, for this receiver alone. `receive_id` must stand in every message.
    Suites of the marketplace have no enterprise: the message names the corp.
    """

    key = models.CharField(max_length=60, unique=True)
    enterprise_id = models.BigIntegerField(null=True)
    connection_id = models.UUIDField(null=True)
    platform = models.CharField(max_length=20)
    receiver = models.CharField(max_length=20)
    token = models.CharField(max_length=64)
    wrapped = models.BinaryField(max_length=200)
    receive_id = models.CharField(max_length=64)
    verified_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_callbackaddress_receiver",
                fields=["enterprise_id", "platform", "receiver"],
                condition=Q(enterprise_id__isnull=False),
            ),
        )


class Territory(models.Model):
    """Whose part of a corp's tree lies below `root`; several enterprises may share a corp, each with its own part."""

    platform = models.CharField(max_length=20)
    corp_id = models.CharField(max_length=64)
    root = models.CharField(max_length=64)
    enterprise_id = models.BigIntegerField()
    connection_id = models.UUIDField()
    is_live = models.BooleanField(default=True)

    class Meta:
        constraints = (
            UniqueConstraint(name="directory_territory_one", fields=["enterprise_id", "platform"]),
            UniqueConstraint(
                name="directory_territory_part",
                fields=["platform", "corp_id", "root"],
                condition=Q(is_live=True),
            ),
        )


class Suite(models.Model):
    """Our app of a marketplace: credentials sealed, and the newest ticket the platform has sent."""

    platform = models.CharField(max_length=20)
    suite_key = models.CharField(max_length=64, unique=True)
    wrapped = models.BinaryField(max_length=2048)
    ticket = models.BinaryField(max_length=512, null=True)
    ticket_at = models.DateTimeField(null=True)


class Installed(models.Model):
    """A corp that installed our app from the marketplace, as the platform last said; bound by its own administrator."""

    platform = models.CharField(max_length=20)
    suite_key = models.CharField(max_length=64)
    corp_id = models.CharField(max_length=64)
    corp_name = models.CharField(max_length=200, default="")
    agent_id = models.CharField(max_length=40, default="")
    admin = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=20, default="on")
    ends_at = models.DateTimeField(null=True)
    is_trial = models.BooleanField(default=False)
    told_at = models.DateTimeField()

    class Meta:
        constraints = (
            UniqueConstraint(name="directory_installed_corp", fields=["platform", "suite_key", "corp_id"]),
        )


class Arrival(models.Model):
    """That an administrator of a corp came from DingTalk's admin console; good once, for the browser that has the token.

    `digest` is the token's SHA-256, `theirs` who they are in the corp, `is_seen` whether the app's visible range has them.
    """

    digest = models.BinaryField(max_length=32, unique=True)
    corp_id = models.CharField(max_length=64)
    theirs = models.CharField(max_length=100)
    name = models.CharField(max_length=200, default="")
    is_seen = models.BooleanField(default=False)
    created_at = models.DateTimeField()


class TokenRow(models.Model):
    """An access token of one app, for all our processes; sealed. `holder` is who fetches one now, until when."""

    key = models.CharField(max_length=200, primary_key=True)
    wrapped = models.BinaryField(max_length=2048, null=True)
    expires_at = models.FloatField(default=0)
    holder = models.UUIDField(null=True)
    until = models.FloatField(default=0)


class PaceRow(models.Model):
    """How full the buckets under a platform's limits are, for all our processes; lost with a crash, which is harmless."""

    key = models.CharField(max_length=300, primary_key=True)
    at = models.FloatField(default=0)
    levels = ArrayField(models.FloatField(), default=list)
    blocked_until = models.FloatField(default=0)


class _Who(TenantModel):
    """A person or a department of ours."""

    kind = f.Choice(label=_("Kind"), choices=KINDS)
    employee = f.Ref(Employee, label=_("Employee"), required=False, cascade=True)
    department = f.Ref(Department, label=_("Department"), required=False, cascade=True)

    class Meta:
        abstract = True


class Match(_Who):
    """That one of ours is one of theirs. Ended ones are kept, so that binding again restores them.

    `told` is what the platform was last told, or last told us: what stands in for fields it does not let us read.
    """

    connection = f.Ref(Connection, null=False, cascade=True)
    theirs = f.Text(label=_("On the platform"), max_length=100)
    union = models.CharField(max_length=100, default="")
    told = models.JSONField(default=dict)
    since = f.Moment(label=_("Since"), readonly=True, null=False)
    ended_at = f.Moment(label=_("Ended"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_match_theirs",
                fields=["enterprise_id", "connection_id", "kind", "theirs"],
                condition=Q(ended_at=None),
            ),
            UniqueConstraint(
                name="directory_match_employee",
                fields=["enterprise_id", "connection_id", "employee_id"],
                condition=Q(ended_at=None),
            ),
            UniqueConstraint(
                name="directory_match_department",
                fields=["enterprise_id", "connection_id", "department_id"],
                condition=Q(ended_at=None),
            ),
            CheckConstraint(
                name="directory_match_one",
                condition=Q(kind="person", employee_id__isnull=False, department_id=None)
                | Q(kind="department", department_id__isnull=False, employee_id=None),
            ),
        )
        indexes = (
            Index(fields=["enterprise_id", "employee_id"], name="directory_match_of_employee"),
            Index(fields=["enterprise_id", "department_id"], name="directory_match_of_department"),
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
    """What a run does, or did, to one person or department of the target; see planning.Change.

    `no` is the order in which changes can be made. `attempted_at` is written before the platform is called: who comes
    back after a crash then knows that what they find there may be their own work. `undo` is exactly what taking it back
    needs.
    """

    run = f.Ref(Run, label=_("Run"), null=False, cascade=True)
    no = models.IntegerField()
    kind = f.Choice(label=_("Kind"), choices=KINDS)
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


class Callback(TenantModel):
    """One message of a platform, stored before it was answered; kept 30 days. `fault` names the check it failed.

    `text` is what it said, decrypted; `body` and `query` are what came, for who must find out what is wrong.
    """

    connection = f.Ref(Connection, label=_("Connection"), null=False, cascade=True)
    receiver = f.Choice(label=_("Receiver"), choices=RECEIVERS)
    digest = models.BinaryField(max_length=32)
    at = f.Moment(label=_("Received at"), readonly=True, null=False)
    fault = f.Text(label=_("Fault"), max_length=40, required=False)
    event = f.Text(label=_("Event"), max_length=60, required=False)
    query = models.JSONField(default=dict)
    body = models.TextField(default="")
    text = models.TextField(default="")
    address = f.Text(label=_("Sent from"), max_length=60, required=False)
    took_ms = f.Integer(label=_("Answered in, ms"), null=False, default=0)
    handled_at = f.Moment(label=_("Looked at"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_callback_once",
                fields=["enterprise_id", "connection_id", "receiver", "digest"],
            ),
        )
        indexes = (
            Index(
                fields=["enterprise_id", "id"],
                name="directory_callback_waiting",
                condition=Q(handled_at=None),
            ),
        )


class Look(TenantModel):
    """What to look at again on the platform; many reports of one person are one look. Kinds: also `contact` and `all`."""

    connection = f.Ref(Connection, null=False, cascade=True)
    kind = models.CharField(max_length=12)
    key = models.CharField(max_length=130)
    due_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    error = models.CharField(max_length=500, default="")

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_look_once", fields=["enterprise_id", "connection_id", "kind", "key"]
            ),
        )


class Ask(TenantModel):
    """That somebody was asked for their mobile, and by whom; answered by themselves.

    `told_on` is the platform on which they, or the head who answers for them, got a message; blank for who is on none.
    """

    employee = f.Ref(Employee, label=_("Employee"), null=False, cascade=True)
    asked_by = f.Text(label=_("Asked by"))
    asked_at = f.Moment(label=_("Asked"), readonly=True, null=False)
    told_on = models.CharField(max_length=20, default="")
    answered_at = f.Moment(label=_("Answered"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_ask_open",
                fields=["enterprise_id", "employee_id"],
                condition=Q(answered_at=None),
            ),
        )


class Handover(TenantModel):
    """What somebody who left still owns, until it is given to a colleague. `roles` are those they held."""

    employee = f.Ref(Employee, label=_("Who left"), null=False, cascade=True)
    state = f.Choice(label=_("State"), choices=HANDOVER_STATES, default="open")
    left_at = f.Moment(label=_("Left"), readonly=True, null=False)
    to = f.Ref(Employee, label=_("Handed over to"), required=False)
    given = models.JSONField(default=dict)
    done_at = f.Moment(label=_("Handed over"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_handover_open",
                fields=["enterprise_id", "employee_id"],
                condition=Q(state="open"),
            ),
        )


class Guest(TenantModel):
    """That somebody of another branch of the same corp has a role here: our employee, and the login they come with."""

    employee = f.Ref(Employee, label=_("Employee"), null=False, cascade=True)
    connection = f.Ref(Connection, null=False, cascade=True)
    user_id = models.BigIntegerField()
    home_id = models.BigIntegerField()
    home_name = f.Text(label=_("Comes from"))
    given_by = f.Text(label=_("Given by"), required=False)
    given_at = f.Moment(label=_("Given"), readonly=True, null=False)
    ended_at = f.Moment(label=_("Ended"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_guest_once",
                fields=["enterprise_id", "user_id"],
                condition=Q(ended_at=None),
            ),
        )


NOTICE_STATES = (
    ("waiting", _("To be sent")),
    ("sent", _("Sent")),
    ("settling", _("Decided, card to be changed")),
    ("settled", _("Decided")),
    ("dropped", _("Decided before it was sent")),
    ("failed", _("Failed")),
)


class Notice(TenantModel):
    """That somebody was told on their phone of a document that waits for them: one per document, version and person.

    `theirs` is who they are on the platform, `task` what names the card there and `handle` what changes it. `due_at` is
    when the next thing is to be done: sending, changing the card, or, once sent, reminding.
    """

    connection = f.Ref(Connection, label=_("Connection"), null=False, cascade=True)
    platform = f.Choice(label=_("Platform"), choices=PLATFORMS, default="wecom")
    employee = f.Ref(Employee, label=_("Employee"), null=False, cascade=True)
    theirs = f.Text(label=_("On the platform"), max_length=100)
    code = models.CharField(max_length=60)
    record = models.UUIDField()
    version = models.IntegerField()
    number = f.Text(label=_("Document"), max_length=60)
    state = f.Choice(label=_("State"), choices=NOTICE_STATES, default="waiting")
    task = models.CharField(max_length=64)
    handle = models.CharField(max_length=200, default="")
    message = models.CharField(max_length=200, default="")
    needs_page = models.BooleanField(default=False)
    outcome = f.Text(label=_("Outcome"), max_length=200, required=False)
    tries = models.SmallIntegerField(default=0)
    reminded = models.SmallIntegerField(default=0)
    error = f.Text(label=_("Error"), max_length=60, required=False)
    error_text = f.Text(label=_("What the platform said"), max_length=500, required=False)
    remedy = f.Text(label=_("Remedy"), max_length=500, required=False)
    at = f.Moment(label=_("At"), readonly=True, null=False)
    due_at = models.DateTimeField(null=True)
    sent_at = f.Moment(label=_("Sent"), readonly=True)
    settled_at = f.Moment(label=_("Decided"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_notice_once",
                fields=["enterprise_id", "connection_id", "employee_id", "code", "record", "version"],
            ),
            UniqueConstraint(name="directory_notice_task", fields=["enterprise_id", "task"]),
        )
        indexes = (
            Index(
                fields=["enterprise_id", "due_at"],
                name="directory_notice_due",
                condition=Q(due_at__isnull=False),
            ),
            Index(fields=["enterprise_id", "code", "record"], name="directory_notice_of"),
        )


def shown_moment(value: Any) -> str | None:
    """Return a moment as the API answers it."""
    return None if value is None else value.isoformat().replace("+00:00", "Z")
