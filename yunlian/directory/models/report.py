"""What a platform has reported, and what is to be looked at again because of it."""

from django.db import models
from django.db.models import Index, Q, UniqueConstraint

from yunlian.kernel import fields as f
from yunlian.kernel.models import TenantModel
from yunlian.kernel.text import _

from .connection import Connection

RECEIVERS = (("contacts", _("Contacts")), ("customers", _("Customer contact")), ("app", _("App")))


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
