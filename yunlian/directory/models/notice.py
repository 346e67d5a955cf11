"""Who was told on their phone of what waits for them."""

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import TenantModel
from yunlian.kernel.text import _
from yunlian.org.models import Employee

from .connection import PLATFORMS, Connection

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
