"""An enterprise's tie to a platform, where the platform reports, and whose part of a corp is whose."""

from decimal import Decimal

from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint
from typing_extensions import override

from yunlian.kernel import fields as f
from yunlian.kernel.models import Record
from yunlian.kernel.text import _
from yunlian.org.models import Department

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
