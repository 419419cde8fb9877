"""An entry is corrected once: an index over corrections alone, which the hot path never touches."""

from django.db import migrations, models

ONCE = "CREATE UNIQUE INDEX CONCURRENTLY stock_entry_corrected_once ON inventory_stockentry (corrects) WHERE corrects IS NOT NULL"
OFTEN = "DROP INDEX CONCURRENTLY stock_entry_corrected_once"


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0015_entries_in_the_order_of_time")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(ONCE, OFTEN)],
            state_operations=[
                migrations.AddConstraint(
                    model_name="stockentry",
                    constraint=models.UniqueConstraint(
                        name="stock_entry_corrected_once",
                        fields=["corrects"],
                        condition=models.Q(("corrects__isnull", False)),
                    ),
                )
            ],
        )
    ]
