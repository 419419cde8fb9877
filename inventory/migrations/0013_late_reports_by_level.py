"""Looking back finds what was reported late, or ahead of its time, by level: few entries, none of the hot path."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

DELTAS = ("version", "on_hand_delta", "allocated_delta", "held_delta")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("inventory", "0012_seals")]

    operations = [
        AddIndexConcurrently(
            "stockentry",
            models.Index(
                name="stock_entry_late_by_level",
                fields=["level", "occurred_at"],
                include=DELTAS,
                condition=models.Q(("occurred_at__lt", models.F("recorded_at"))),
            ),
        ),
        AddIndexConcurrently(
            "stockentry",
            models.Index(
                name="stock_entry_early_by_level",
                fields=["level", "occurred_at"],
                include=DELTAS,
                condition=models.Q(("occurred_at__gt", models.F("recorded_at"))),
            ),
        ),
    ]
