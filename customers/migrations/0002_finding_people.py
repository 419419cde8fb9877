"""Indexes for finding customers: by part of their name, by the number of an order."""

import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models

# Left in place when undone: other rooms have indexes of the same kind.
TRIGRAMS = "CREATE EXTENSION IF NOT EXISTS pg_trgm"


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial")]

    operations = [
        migrations.RunSQL(TRIGRAMS, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="profile",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), name="gin_trgm_ops"
                ),
                name="profile_by_part_of_name",
            ),
        ),
        migrations.AddIndex(
            model_name="orderhistory", index=models.Index(fields=["number"], name="order_history_by_number")
        ),
    ]
