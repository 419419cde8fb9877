"""Thresholds to begin with, so that nothing large goes through on one pair of eyes. All of them can be changed."""

from django.db import migrations

# (measure, limit, rank, approvals): half off or more, a loss, and what brings in 50,000.00 in four weeks are for a lead;
# a thousand products and more are looked at by two colleagues.
THRESHOLDS = [
    ("depth", 5_000, "lead", 1),
    ("margin", 0, "lead", 1),
    ("revenue", 5_000_000, "lead", 1),
    ("products", 1_000, "colleague", 2),
]


def begin(apps, schema_editor):
    threshold = apps.get_model("pricing", "ApprovalThreshold")
    for measure, limit, rank, approvals in THRESHOLDS:
        threshold.objects.get_or_create(measure=measure, limit=limit, rank=rank, defaults={"approvals": approvals})


class Migration(migrations.Migration):
    dependencies = [("pricing", "0007_ruleset_drafts")]

    operations = [migrations.RunPython(begin, migrations.RunPython.noop)]
