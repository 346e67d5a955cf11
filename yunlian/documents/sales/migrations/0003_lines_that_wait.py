"""Lines that wait for goods are found by product. Safe on a full table."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('masters', '0001_initial'),
        ('sales', '0002_price_reason'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='salescontractline',
            index=models.Index(condition=models.Q(('is_closed', False), ('noticed_qty__lt', models.F('base_qty'))), fields=['enterprise_id', 'product_id'], name='sales_salescontractline_waits'),
        ),
    ]
