"""Tables of experiments: what is tried on whom, and what came of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class ExperimentState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    RUNNING = "running", _("Running")
    STOPPED = "stopped", _("Stopped")


class Experiment(models.Model):
    """Something that is tried in several variants at once. Runs once; stopped for ever, by hand or by a guardrail.

    A rate that a guardrail watches counts orders older than `matures_seconds`. Written by: commerce.operations.experiments
    """

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    salt = models.CharField(max_length=32)
    state = models.CharField(max_length=10, choices=ExperimentState.choices, default=ExperimentState.DRAFT)
    guardrails = models.JSONField()  # metric → how much worse than the control is tolerated, in basis points
    alpha_basis_points = models.PositiveIntegerField()  # how often it may be stopped although nothing is wrong
    matures_seconds = models.PositiveIntegerField()
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=200, blank=True)
    stop_facts = models.JSONField(null=True)

    class Meta:
        app_label = "commerce"
        verbose_name = _("experiment")
        verbose_name_plural = _("experiments")
        constraints = [
            models.CheckConstraint(
                name="experiment_state_dated",
                condition=Q(state="draft", started_at__isnull=True, stopped_at__isnull=True)
                | Q(state="running", started_at__isnull=False, stopped_at__isnull=True)
                | (Q(state="stopped", stopped_at__isnull=False) & ~Q(stop_reason="")),
            ),
            models.CheckConstraint(name="experiment_alpha_sane", condition=Q(alpha_basis_points__range=(1, 2_000))),
        ]

    def __str__(self) -> str:
        return self.name


class ExperimentVariant(models.Model):
    """One way of an experiment; `settings` say what is different, the control's are empty.

    `buckets` are the ranges [from, to) of 10,000 that belong to it; it may get more, never lose any.
    Written by: commerce.operations.experiments
    """

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="variants")
    name = models.SlugField(max_length=40)
    is_control = models.BooleanField(default=False)
    settings = models.JSONField(default=dict)
    buckets = models.JSONField(default=list)

    class Meta:
        app_label = "commerce"
        constraints = [
            models.UniqueConstraint(name="experiment_variant_once", fields=["experiment", "name"]),
            models.UniqueConstraint(name="experiment_one_control", fields=["experiment"], condition=Q(is_control=True)),
        ]


class ExperimentUnit(models.Model):
    """Someone who met a variant, once: a salted hash, nobody's name. Written by: commerce.operations.experiments"""

    id = models.BigAutoField(primary_key=True)
    variant = models.ForeignKey(ExperimentVariant, on_delete=models.PROTECT, related_name="units", db_index=False)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.UUIDField()
    exposed_at = models.DateTimeField()

    class Meta:
        app_label = "commerce"
        constraints = [models.UniqueConstraint(name="experiment_unit_once", fields=["experiment", "unit"])]


class ExperimentOutcome(models.Model):
    """What someone did after meeting a variant, once per metric: ordered, cancelled, returned, complained.

    Written by: commerce.operations.experiments
    """

    id = models.BigAutoField(primary_key=True)
    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.UUIDField()
    metric = models.CharField(max_length=20)
    occurred_at = models.DateTimeField()

    class Meta:
        app_label = "commerce"
        constraints = [
            models.UniqueConstraint(name="experiment_outcome_once", fields=["experiment", "unit", "metric"]),
            models.CheckConstraint(
                name="experiment_metric_known",
                condition=Q(metric__in=["order", "cancellation", "return", "complaint"]),
            ),
        ]
