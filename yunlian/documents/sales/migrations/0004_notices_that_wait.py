"""Intentions that wait for a contract are counted on the home page. Safe on a full table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('masters', '0003_responsible'),
        ('org', '0002_ways_in'),
        ('sales', '0003_lines_that_wait'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='salesintention',
            index=models.Index(condition=models.Q(('close', 'open'), ('state', 'approved')), fields=['enterprise_id'], name='sales_salesintention_waits'),
        ),
    ]
