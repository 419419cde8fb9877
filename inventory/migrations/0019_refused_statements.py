"""Statements that were refused are kept for a while, with the reason, so that staff see them."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("inventory", "0018_claims_of_kits")]

    operations = [
        migrations.CreateModel(
            name="RefusedStatement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=64)),
                ("meaning", models.CharField(max_length=10)),
                ("condition", models.CharField(max_length=20)),
                ("as_of", models.DateTimeField()),
                ("code", models.CharField(max_length=40)),
                ("sentence", models.CharField(max_length=500)),
                ("facts", models.JSONField(default=dict)),
                ("sent_by", models.CharField(max_length=200)),
                ("times", models.PositiveIntegerField(default=1)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField(db_index=True)),
                (
                    "location",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="inventory.location",
                    ),
                ),
                (
                    "source",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refused",
                        to="inventory.statementsource",
                    ),
                ),
            ],
            options={
                "verbose_name": "refused statement",
                "verbose_name_plural": "refused statements",
                "constraints": [
                    models.UniqueConstraint(fields=("source", "reference"), name="refused_statement_once"),
                    models.CheckConstraint(
                        condition=models.Q(("last_at__gte", models.F("first_at")), ("times__gte", 1)),
                        name="refused_statement_times_counted",
                    ),
                ],
            },
        ),
    ]
