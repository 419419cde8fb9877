"""Tables of the shop floor: what could not be picked and what became of it."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.floor import Consent, ProposalState, ShortageState
from orders.models.placed import Order, OrderLine
from orders.models.work import Fulfilment, FulfilmentLine

SETTLED = [state.value for state in ShortageState if state.is_over]


class Shortage(models.Model):
    """Pieces that somebody could not pick, and what became of them: served elsewhere, other goods instead, or off the order.

    `restores` are the units by order line that the rejection took off the order, charges included: serving them elsewhere puts
    exactly those on again. It is settled once. Written by: orders.shortages
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="+")
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    pieces = models.PositiveIntegerField()
    units = models.PositiveIntegerField()  # of the order line: pieces, or kits
    restores = models.JSONField()
    reason = models.CharField(max_length=20)
    state = models.CharField(max_length=12, choices=choices(ShortageState), default=ShortageState.OPEN.value)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    wait_until = models.DateTimeField(null=True)
    count_id = models.UUIDField(null=True)  # the count that was opened because of it
    new_fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, null=True, related_name="+")
    substitute = models.OneToOneField(OrderLine, on_delete=models.PROTECT, null=True, related_name="+")
    rejected_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    rejected_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("shortage")
        verbose_name_plural = _("shortages")
        constraints = [
            models.CheckConstraint(name="shortage_state_known", condition=one_of("state", ShortageState)),
            models.CheckConstraint(name="shortage_of_something", condition=Q(pieces__gte=1, units__gte=1)),
            models.CheckConstraint(
                name="shortage_settled_when_over",
                condition=Q(state__in=SETTLED, settled_at__isnull=False)
                | (~Q(state__in=SETTLED) & Q(settled_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="shortage_rerouted_somewhere",
                condition=Q(state=ShortageState.REROUTED.value, new_fulfilment__isnull=False)
                | (~Q(state=ShortageState.REROUTED.value) & Q(new_fulfilment__isnull=True)),
            ),
            models.CheckConstraint(
                name="shortage_substituted_by_something",
                condition=Q(state=ShortageState.SUBSTITUTED.value, substitute__isnull=False)
                | (~Q(state=ShortageState.SUBSTITUTED.value) & Q(substitute__isnull=True)),
            ),
        ]
        indexes = [
            models.Index(name="shortage_at_shelf", fields=["location", "product", "-rejected_at"]),
            models.Index(name="shortage_due", fields=["next_attempt_at"], condition=Q(next_attempt_at__isnull=False)),
        ]


class Proposal(models.Model):
    """Other goods that somebody at the shelf proposes for pieces that are missing, and what their customer said.

    While the customer is asked the goods are kept for them. Never dearer than what was ordered unless they said yes to just that
    amount. One at a time for a shortage, settled once. Written by: orders.proposals
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    shortage = models.ForeignKey(Shortage, on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    units = models.PositiveIntegerField()
    amount_minor = models.BigIntegerField()  # what all of it costs at most, as the customer was told
    instead_of_minor = models.BigIntegerField()
    consent = models.CharField(max_length=8, choices=choices(Consent))
    reservation_id = models.UUIDField(null=True)  # what keeps the goods while the customer is asked
    state = models.CharField(max_length=10, choices=choices(ProposalState), default=ProposalState.OPEN.value)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    proposed_at = models.DateTimeField()
    answer_by = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="proposal_state_known", condition=one_of("state", ProposalState)),
            models.CheckConstraint(name="proposal_of_something", condition=Q(units__gte=1, amount_minor__gte=0)),
            models.CheckConstraint(
                name="proposal_dearer_only_when_asked",
                condition=Q(consent=Consent.ASKED.value)
                | Q(consent=Consent.BEFORE.value, amount_minor__lte=models.F("instead_of_minor")),
            ),
            models.CheckConstraint(
                name="proposal_keeps_goods_while_asked",
                condition=~Q(state=ProposalState.OPEN.value)
                | Q(reservation_id__isnull=False, answer_by__isnull=False, settled_at__isnull=True),
            ),
            models.CheckConstraint(
                name="proposal_settled_when_over",
                condition=Q(state=ProposalState.OPEN.value) | Q(settled_at__isnull=False),
            ),
            models.UniqueConstraint(
                name="proposal_one_at_a_time", fields=["shortage"], condition=Q(state=ProposalState.OPEN.value)
            ),
        ]
        indexes = [models.Index(name="proposal_of_shortage", fields=["shortage", "-proposed_at"])]


class Wave(models.Model):
    """Orders of a place that one person picks in one walk. Written by: orders.waves.rounds"""

    id = models.UUIDField(primary_key=True)  # minted by the caller
    number = models.CharField(max_length=24, unique=True)  # what people say: "W-1042"
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    way_out = models.CharField(max_length=10)  # counter, carrier, store, mixed
    holder = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("wave")
        verbose_name_plural = _("waves")
        constraints = [
            models.CheckConstraint(
                name="wave_ends_after_it_began",
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("begun_at")),
            )
        ]
        indexes = [
            models.Index(name="wave_open", fields=["location", "-begun_at"], condition=Q(ended_at__isnull=True)),
        ]


class WaveTote(models.Model):
    """An order's tote in a wave. An order is in one open wave at most. Written by: orders.waves.rounds"""

    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="totes", db_index=False)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="+", db_index=False)
    tote = models.PositiveSmallIntegerField()
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="wave_tote_once", fields=["wave", "tote"]),
            models.UniqueConstraint(name="wave_holds_an_order_once", fields=["fulfilment"], condition=Q(is_open=True)),
        ]


class WaveScan(models.Model):
    """A scan in a wave and into which totes it went, once per the scanner's own id. Written by: orders.waves.totes"""

    id = models.UUIDField(primary_key=True)  # minted by the scanning device
    wave = models.ForeignKey(Wave, on_delete=models.PROTECT, related_name="+")
    scanned = models.CharField(max_length=80)
    outcome = models.CharField(max_length=20)
    placed = models.JSONField()  # [[tote, pieces, still missing there], …]
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    scanned_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
