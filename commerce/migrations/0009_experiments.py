"""Experiments: variants, who met them, what came of it."""

import django.db.models.deletion
from django.db import migrations, models

LAWS = """
-- An experiment that stopped stays as it was: nobody runs it again, or says afterwards why it ended.
CREATE TRIGGER experiment_stays_stopped BEFORE UPDATE OR DELETE ON commerce_experiment
    FOR EACH ROW WHEN (OLD.state = 'stopped') EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER experiment_unit_is_immutable BEFORE UPDATE OR DELETE ON commerce_experimentunit
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
CREATE TRIGGER experiment_outcome_is_immutable BEFORE UPDATE OR DELETE ON commerce_experimentoutcome
    FOR EACH ROW EXECUTE FUNCTION commerce_refuse_change();
"""
LAWLESS = """
DROP TRIGGER experiment_outcome_is_immutable ON commerce_experimentoutcome;
DROP TRIGGER experiment_unit_is_immutable ON commerce_experimentunit;
DROP TRIGGER experiment_stays_stopped ON commerce_experiment;
"""


class Migration(migrations.Migration):
    dependencies = [("commerce", "0008_kits")]

    operations = [
        migrations.CreateModel(
            name="Experiment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", models.SlugField(max_length=60, unique=True)),
                ("name", models.CharField(max_length=120)),
                ("salt", models.CharField(max_length=32)),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "Draft"), ("running", "Running"), ("stopped", "Stopped")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("guardrails", models.JSONField()),
                ("alpha_basis_points", models.PositiveIntegerField()),
                ("matures_seconds", models.PositiveIntegerField()),
                ("author", models.CharField(max_length=200)),
                ("created_at", models.DateTimeField()),
                ("started_at", models.DateTimeField(null=True)),
                ("stopped_at", models.DateTimeField(null=True)),
                ("stop_reason", models.CharField(blank=True, max_length=200)),
                ("stop_facts", models.JSONField(null=True)),
            ],
            options={
                "verbose_name": "experiment",
                "verbose_name_plural": "experiments",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("started_at__isnull", True), ("state", "draft"), ("stopped_at__isnull", True)),
                            models.Q(("started_at__isnull", False), ("state", "running"), ("stopped_at__isnull", True)),
                            models.Q(
                                ("state", "stopped"),
                                ("stopped_at__isnull", False),
                                models.Q(("stop_reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="experiment_state_dated",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("alpha_basis_points__range", (1, 2000))), name="experiment_alpha_sane"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExperimentVariant",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "experiment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="variants", to="commerce.experiment"
                    ),
                ),
                ("name", models.SlugField(max_length=40)),
                ("is_control", models.BooleanField(default=False)),
                ("settings", models.JSONField(default=dict)),
                ("buckets", models.JSONField(default=list)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("experiment", "name"), name="experiment_variant_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_control", True)), fields=("experiment",), name="experiment_one_control"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExperimentUnit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "variant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="units",
                        to="commerce.experimentvariant",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.experiment",
                    ),
                ),
                ("unit", models.UUIDField()),
                ("exposed_at", models.DateTimeField()),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("experiment", "unit"), name="experiment_unit_once")],
            },
        ),
        migrations.CreateModel(
            name="ExperimentOutcome",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="commerce.experiment",
                    ),
                ),
                ("unit", models.UUIDField()),
                ("metric", models.CharField(max_length=20)),
                ("occurred_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("experiment", "unit", "metric"), name="experiment_outcome_once"),
                    models.CheckConstraint(
                        condition=models.Q(("metric__in", ["order", "cancellation", "return", "complaint"])),
                        name="experiment_metric_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(LAWS, LAWLESS),
    ]
