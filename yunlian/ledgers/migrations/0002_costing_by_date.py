"""Costs follow the business date: rows that correct earlier ones, and an index in that order. Safe on a full table."""

from django.contrib.postgres.operations import (
    AddConstraintNotValid,
    AddIndexConcurrently,
    RemoveIndexConcurrently,
    ValidateConstraint,
)
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('kernel', '0001_initial'),
        ('ledgers', '0001_initial'),
        ('masters', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='costentry',
            name='adjusts',
            field=models.UUIDField(null=True),
        ),
        AddIndexConcurrently(
            model_name='costentry',
            index=models.Index(fields=['enterprise_id', 'product_id', 'date', 'at'], name='ledgers_costentry_dated'),
        ),
        AddIndexConcurrently(
            model_name='costentry',
            index=models.Index(condition=models.Q(('adjusts__isnull', False)), fields=['enterprise_id', 'adjusts'], name='ledgers_costentry_adjusts'),
        ),
        RemoveIndexConcurrently(
            model_name='costentry',
            name='ledgers_costentry_product',
        ),
        AddConstraintNotValid(
            model_name='costentry',
            constraint=models.CheckConstraint(condition=models.Q(('adjusts__isnull', True), ('qty', 0), _connector='OR'), name='ledgers_costentry_corrects'),
        ),
        ValidateConstraint(
            model_name='costentry',
            name='ledgers_costentry_corrects',
        ),
    ]
