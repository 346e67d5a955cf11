"""Notices that wait for their goods are counted on the home page. Safe on a full table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('masters', '0003_responsible'),
        ('org', '0002_ways_in'),
        ('stock', '0005_named_amount'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='dispatchnotice',
            index=models.Index(condition=models.Q(('close', 'open'), ('state', 'approved')), fields=['enterprise_id'], name='stock_dispatchnotice_waits'),
        ),
        AddIndexConcurrently(
            model_name='receiptnotice',
            index=models.Index(condition=models.Q(('close', 'open'), ('state', 'approved')), fields=['enterprise_id'], name='stock_receiptnotice_waits'),
        ),
    ]
