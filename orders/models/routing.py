"""Tables of where orders go, and why there: policies, their switches and simulations, and decisions."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.models.placed import Order
from orders.sourcing.standing import Occasion, Role, SimulationState


class RoutingPolicy(models.Model):
    """One version of the rules by which places are chosen. Can't be changed: a better one is a new version.

    A version that goes back to an old one has its content and names it. Written by: orders.routing.policies
    """

    number = models.PositiveIntegerField(_("version"), primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    content = models.JSONField()
    based_on = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    restores = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    note = models.CharField(_("why"), max_length=200, blank=True)
    author = models.CharField(_("author"), max_length=200)
    created_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("routing policy")
        verbose_name_plural = _("routing policies")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(name="routing_policy_has_a_number", condition=Q(number__gte=1)),
            models.CheckConstraint(
                name="routing_policy_builds_on_earlier",
                condition=(Q(based_on__isnull=True) | Q(based_on__lt=F("number")))
                & (Q(restores__isnull=True) | Q(restores__lt=F("number"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class RoutingSimulation(models.Model):
    """A policy tried on orders of the past, beside the one that was live. Its result is written once.

    Written by: orders.routing.simulations
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, related_name="simulations")
    beside = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    since = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(max_length=10, choices=choices(SimulationState), default=SimulationState.WAITING.value)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    result = models.JSONField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    asked_by = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("routing simulation")
        verbose_name_plural = _("routing simulations")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(name="routing_simulation_state_known", condition=one_of("state", SimulationState)),
            models.CheckConstraint(name="routing_simulation_span_forward", condition=Q(until__gt=F("since"))),
            models.CheckConstraint(
                name="routing_simulation_done_has_a_result", condition=~Q(state="done") | Q(result__isnull=False)
            ),
            models.CheckConstraint(
                name="routing_simulation_ended_when_over",
                condition=Q(state__in=["done", "failed"], ended_at__isnull=False)
                | (~Q(state__in=["done", "failed"]) & Q(ended_at__isnull=True)),
            ),
        ]


class RoutingSwitch(models.Model):
    """A policy went live, into the shadow, or out of it. The newest row of a role is what holds. Can't be changed.

    Nothing goes live untried: it was simulated, or it goes back to what was. Written by: orders.routing.policies
    """

    id = models.BigAutoField(primary_key=True)
    role = models.CharField(max_length=10, choices=choices(Role))
    policy = models.ForeignKey(RoutingPolicy, on_delete=models.PROTECT, null=True, related_name="switches")
    simulation = models.ForeignKey(
        RoutingSimulation, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    goes_back = models.BooleanField(default=False)
    reason = models.CharField(max_length=200, blank=True)
    switched_by = models.CharField(max_length=200)
    switched_at = models.DateTimeField()

    class Meta:
        verbose_name = _("switch of routing policies")
        verbose_name_plural = _("switches of routing policies")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="routing_switch_role_known", condition=one_of("role", Role)),
            models.CheckConstraint(
                name="routing_policy_live_was_tried",
                condition=~Q(role="live") | Q(policy__isnull=False) & (Q(simulation__isnull=False) | Q(goes_back=True)),
            ),
        ]
        indexes = [models.Index(name="routing_switch_newest", fields=["role", "-id"])]


class RoutingDecision(models.Model):
    """Why fulfilments are where they are: inputs, candidates, scores, losers and the policy's version. Can't be changed.

    `outcome` is the whole decision; `shadow` what a policy in the shadow would have done with the same inputs, where one was.
    `candidates` is how decisions told of places before they had an outcome. Written by: orders.routing.recording
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="routing_decisions")
    policy_version = models.CharField(max_length=40)
    chosen = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, related_name="+", null=True, db_index=False
    )
    occasion = models.CharField(max_length=12, choices=choices(Occasion), db_default=Occasion.PLACED.value)
    attempt = models.PositiveSmallIntegerField(db_default=1)
    inputs = models.JSONField()
    candidates = models.JSONField(default=list)
    outcome = models.JSONField(null=True)
    shadow = models.JSONField(null=True)
    shadow_differs = models.BooleanField(db_default=False)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="routing_decision_occasion_known", condition=one_of("occasion", Occasion)),
            models.CheckConstraint(name="routing_decision_attempts_bounded", condition=Q(attempt__range=(1, 10))),
        ]
        indexes = [
            models.Index(
                name="routing_decision_differing", fields=["-decided_at", "-id"], condition=Q(shadow_differs=True)
            ),
            models.Index(name="routing_decision_shadowed", fields=["-decided_at"], condition=Q(shadow__isnull=False)),
        ]
