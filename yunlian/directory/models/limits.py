"""What all our processes share towards a platform: tokens, and how full its limits are."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


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
