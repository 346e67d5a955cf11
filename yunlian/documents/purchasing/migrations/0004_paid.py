from decimal import Decimal

from django.db import migrations, models
from django.db.models import F, Q


# The owner is bound by row security too, and a migration acts in no enterprise.
_READ = ("kernel_linkrow", "ledgers_payablebalance", "ledgers_tiedprepaid", "purchasing_purchaseorder")


class Migration(migrations.Migration):
    """What payments name, and what the cashier paid: two figures, of which the second follows the ledgers."""

    dependencies = [
        ("kernel", "__first__"),
        ("ledgers", "0001_initial"),
        ("purchasing", "0003_states"),
    ]

    operations = [
        migrations.RemoveConstraint("purchaseorder", "purchasing_purchaseorder_paid_amount_taken"),
        migrations.RenameField("purchaseorder", "paid_amount", "named_amount"),
        migrations.RenameField("purchaseorder", "linked_paid_amount", "linked_named_amount"),
        migrations.AddConstraint(
            "purchaseorder",
            models.CheckConstraint(
                condition=Q(
                    ("amount__gte", F("linked_named_amount")),
                    ("linked_named_amount__gte", F("named_amount")),
                    ("named_amount__gte", 0),
                ),
                name="purchasing_purchaseorder_named_amount_taken",
            ),
        ),
        migrations.AddField(
            "purchaseorder",
            "paid_amount",
            models.DecimalField(decimal_places=2, default=Decimal("0"), max_digits=18),
        ),
        migrations.RunSQL(
            [
                *(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" for table in _READ),
                "UPDATE kernel_linkrow SET counter = 'named_amount' "
                "WHERE source_code = 'purchase.order' AND counter = 'paid_amount'",
                "UPDATE purchasing_purchaseorder o SET paid_amount = "
                "coalesce((SELECT sum(b.applied) FROM ledgers_payablebalance b "
                "WHERE b.enterprise_id = o.enterprise_id AND b.order_id = o.id), 0) + "
                "coalesce((SELECT sum(t.prepaid) FROM ledgers_tiedprepaid t "
                "WHERE t.enterprise_id = o.enterprise_id AND t.for_doc_id = o.id), 0)",
                *(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY" for table in _READ),
            ],
            migrations.RunSQL.noop,
        ),
    ]
