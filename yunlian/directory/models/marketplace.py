"""Our apps of a marketplace, and the corps that installed them."""

from django.db import models
from django.db.models import UniqueConstraint


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
