from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    """The counter of payments that name a stock-in says so."""

    dependencies = [
        ("kernel", "__first__"),
        ("stock", "0004_withdrawal"),
    ]

    operations = [
        migrations.RemoveConstraint("purchasein", "stock_purchasein_paid_amount_taken"),
        migrations.RenameField("purchasein", "paid_amount", "named_amount"),
        migrations.RenameField("purchasein", "linked_paid_amount", "linked_named_amount"),
        migrations.AddConstraint(
            "purchasein",
            models.CheckConstraint(
                condition=Q(
                    ("amount__gte", F("linked_named_amount")),
                    ("linked_named_amount__gte", F("named_amount")),
                    ("named_amount__gte", 0),
                ),
                name="stock_purchasein_named_amount_taken",
            ),
        ),
        migrations.RunSQL(
            [
                # The owner is bound by row security too, and a migration acts in no enterprise.
                "ALTER TABLE kernel_linkrow NO FORCE ROW LEVEL SECURITY",
                "UPDATE kernel_linkrow SET counter = 'named_amount' "
                "WHERE source_code = 'stock.purchase_in' AND counter = 'paid_amount'",
                "ALTER TABLE kernel_linkrow FORCE ROW LEVEL SECURITY",
            ],
            migrations.RunSQL.noop,
        ),
    ]
