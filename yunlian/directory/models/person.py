"""People between here and elsewhere: asked for something, left, or come from another branch."""

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import TenantModel
from yunlian.kernel.text import _
from yunlian.org.models import Employee

from .connection import Connection

PASSING_STATES = (
    ("waiting", _("To be handed over")),
    ("asked", _("Under way")),
    ("done", _("Handed over")),
    ("refused", _("The customer refused")),
    ("full", _("The colleague has as many customers as they may")),
    ("failed", _("Failed")),
)
HANDOVER_STATES = (("open", _("Waits for hand-over")), ("done", _("Hand-over done")))


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


class Passing(TenantModel):
    """One customer of the platform on the way from somebody who left, `giver`, to a colleague, `taker`; keys are the platform's.

    WeCom lets the customer refuse for a day: `asked` until then. `due_at` is when to ask the platform next.
    """

    handover = f.Ref(Handover, label=_("Hand-over"), null=False, cascade=True)
    connection = f.Ref(Connection, label=_("Connection"), null=False, cascade=True)
    customer = f.Text(label=_("On the platform"), max_length=100)
    giver = models.CharField(max_length=100, default="")
    taker = models.CharField(max_length=100, default="")
    state = f.Choice(label=_("State"), choices=PASSING_STATES, default="waiting")
    error = f.Text(label=_("Error"), max_length=60, required=False)
    error_text = f.Text(label=_("What the platform said"), max_length=500, required=False)
    remedy = f.Text(label=_("Remedy"), max_length=500, required=False)
    due_at = models.DateTimeField(null=True)
    done_at = f.Moment(label=_("Done"), readonly=True)

    class Meta:
        constraints = (
            UniqueConstraint(
                name="directory_passing_once", fields=["enterprise_id", "handover_id", "customer"]
            ),
        )
        indexes = (
            Index(
                fields=["enterprise_id", "due_at"],
                name="directory_passing_due",
                condition=Q(due_at__isnull=False),
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
