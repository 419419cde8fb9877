"""Tables of drafts tried on what was bought."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from pricing.models.drafts import RulesetDraft
from pricing.simulation_states import SimulationState


class RulesetSimulation(models.Model):
    """A draft, as it was when it was asked for, tried on baskets of the past. Its result is written once.

    Written by: pricing.simulations
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    draft = models.ForeignKey(RulesetDraft, on_delete=models.PROTECT, related_name="simulations")
    revision = models.PositiveIntegerField()
    content = models.JSONField()
    effective_from = models.DateTimeField(null=True)
    effective_to = models.DateTimeField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=choices(SimulationState), default=SimulationState.WAITING.value)
    is_in_order = models.BooleanField(default=True)  # limits are used up from basket to basket
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    asked_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="ruleset_simulation_state_known", condition=one_of("state", SimulationState)),
            models.CheckConstraint(name="ruleset_simulation_span_forward", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="ruleset_simulation_done_has_a_result", condition=~Q(state="done") | Q(result__isnull=False)
            ),
            models.CheckConstraint(
                name="ruleset_simulation_ended_when_over",
                condition=Q(state__in=["done", "failed"], ended_at__isnull=False)
                | (~Q(state__in=["done", "failed"]) & Q(ended_at__isnull=True)),
            ),
        ]


class RulesetSimulationPart(models.Model):
    """A portion of a simulation's baskets, those of `[since, until)`: who takes it, runs it and keeps what it came to.

    What is `kept` of a part that is done is never worked out again; one whose worker fell silent is begun anew by the next,
    and `attempt` keeps the former one from writing. Parts are gone when the result stands. Written by: pricing.simulations
    """

    simulation = models.ForeignKey(RulesetSimulation, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=choices(SimulationState), default=SimulationState.WAITING.value)
    attempt = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    kept = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="ruleset_simulation_part_once", fields=["simulation", "number"]),
            models.CheckConstraint(
                name="ruleset_simulation_part_state_known", condition=Q(state__in=["waiting", "running", "done"])
            ),
            models.CheckConstraint(name="ruleset_simulation_part_forward", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="ruleset_simulation_part_done_is_kept", condition=~Q(state="done") | Q(kept__isnull=False)
            ),
        ]
