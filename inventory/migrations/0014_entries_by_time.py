"""An hour of the whole journal is found by an index that costs nearly nothing to keep."""

import django.contrib.postgres.indexes
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0013_late_reports_by_level")]

    operations = [
        AddIndexConcurrently(
            "stockentry",
            django.contrib.postgres.indexes.BrinIndex(
                name="stock_entry_by_time", fields=["recorded_at"], pages_per_range=32, autosummarize=True
            ),
        ),
    ]
