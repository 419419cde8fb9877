"""Stock: levels, the journal that proves them, holds, allocations, and what channels were told."""

import uuid

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from inventory.models.places import Location
from inventory.stock import Condition, Counterparty, EntryKind


class StockLevel(models.Model):
    """How much of a product is at a location in one condition. Equals the sum of its entries at any time (law 2).

    `held` counts active holds, also expired ones that nobody swept yet; readers add those back (law 5).
    Triggers refuse a statement after which the latest entry does not say the same. Written by: inventory.ledger
    (the past, in bulk: inventory.history)
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    condition = models.CharField(max_length=16, default=Condition.SELLABLE.value)
    on_hand = models.BigIntegerField(default=0)
    allocated = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    backorder_limit = models.BigIntegerField(default=0)
    has_unrouted = models.BooleanField(db_default=False)  # demand without a place may need what is here
    version = models.BigIntegerField(default=0)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("stock level")
        verbose_name_plural = _("stock levels")
        constraints = [
            models.UniqueConstraint(name="stock_level_once", fields=["product", "location", "condition"]),
            models.CheckConstraint(name="stock_level_condition_known", condition=one_of("condition", Condition)),
            models.CheckConstraint(name="stock_level_on_hand_not_negative", condition=Q(on_hand__gte=0)),
            models.CheckConstraint(name="stock_level_allocated_not_negative", condition=Q(allocated__gte=0)),
            models.CheckConstraint(name="stock_level_held_not_negative", condition=Q(held__gte=0)),
            models.CheckConstraint(
                name="stock_level_backorder_limit_not_negative", condition=Q(backorder_limit__gte=0)
            ),
            models.CheckConstraint(
                name="stock_level_not_oversold",
                condition=Q(on_hand__gte=F("allocated") + F("held") - F("backorder_limit")),
            ),
        ]
        indexes = [models.Index(name="stock_level_has_unrouted", fields=["product"], condition=Q(has_unrouted=True))]


class StockEntry(models.Model):
    """One immutable line of the journal: what changed at a level, and the values after (laws 1, 2, 4).

    Versions of a level have no gap; each entry's values are the previous ones plus its deltas: triggers refuse all else.
    Holds no personal values. Written by: inventory.ledger (the past, in bulk: inventory.history)
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    # The chain trigger proves per statement what a foreign key would prove per row, at a tenth of the cost.
    level = models.ForeignKey(
        StockLevel, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    version = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    on_hand_delta = models.BigIntegerField()
    allocated_delta = models.BigIntegerField()
    held_delta = models.BigIntegerField()
    on_hand_after = models.BigIntegerField()
    allocated_after = models.BigIntegerField()
    held_after = models.BigIntegerField()
    counterparty = models.CharField(max_length=12, blank=True)  # where goods came from or went to
    transfer_id = models.UUIDField(null=True)  # joins the two entries of a move
    corrects = models.UUIDField(null=True)
    reason = models.CharField(max_length=80, blank=True)
    cause_type = models.CharField(max_length=20, blank=True)  # "order_line", "reservation", "import" …
    cause_id = models.CharField(max_length=64, blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=64)
    source = models.CharField(max_length=40, blank=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("stock entry")
        verbose_name_plural = _("stock entries")
        constraints = [
            models.UniqueConstraint(name="stock_entry_version_once", fields=["level", "version"]),
            models.UniqueConstraint(
                name="stock_entry_corrected_once", fields=["corrects"], condition=Q(corrects__isnull=False)
            ),
            models.CheckConstraint(name="stock_entry_kind_known", condition=one_of("kind", EntryKind)),
            models.CheckConstraint(
                name="stock_entry_counterparty_known",
                condition=Q(counterparty="") | one_of("counterparty", Counterparty),
            ),
            models.CheckConstraint(
                name="stock_entry_goods_conserved",
                condition=Q(on_hand_delta=0, counterparty="") | (~Q(on_hand_delta=0) & ~Q(counterparty="")),
            ),
            models.CheckConstraint(
                name="stock_entry_move_has_two_sides",
                condition=~Q(counterparty=Counterparty.LEVEL.value) | Q(transfer_id__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="stock_entry_by_cause", fields=["cause_type", "cause_id"], condition=~Q(cause_type="reservation")
            ),
            models.Index(
                name="stock_entry_by_transfer", fields=["transfer_id"], condition=Q(transfer_id__isnull=False)
            ),
            # What was reported late or ahead of its time; the hot path writes neither, so it pays for neither.
            models.Index(
                name="stock_entry_late_by_level",
                fields=["level", "occurred_at"],
                include=["version", "on_hand_delta", "allocated_delta", "held_delta"],
                condition=Q(occurred_at__lt=F("recorded_at")),
            ),
            models.Index(
                name="stock_entry_early_by_level",
                fields=["level", "occurred_at"],
                include=["version", "on_hand_delta", "allocated_delta", "held_delta"],
                condition=Q(occurred_at__gt=F("recorded_at")),
            ),
            # The journal is written in the order of time, so a few bytes for every range of pages find an hour of it.
            BrinIndex(name="stock_entry_by_time", fields=["recorded_at"], pages_per_range=32, autosummarize=True),
        ]


class HoldState(models.TextChoices):
    ACTIVE = "active", _("Active")
    CONSUMED = "consumed", _("Consumed")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


class Hold(models.Model):
    """One product line of a reservation: a checkout's claim on a level until `expires_at`.

    The holds of one `reservation_id` were made together and end together. Counts until its expiry, not until someone
    sweeps it; ends exactly once. Written by: inventory.reservations, and inventory.expiry which ends them
    """

    id = models.UUIDField(primary_key=True)
    reservation_id = models.UUIDField(db_index=True)
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )  # thousands a second of the same few channels, which are never deleted
    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="holds", db_index=False)
    quantity = models.BigIntegerField()
    state = models.CharField(max_length=10, default=HoldState.ACTIVE)
    reference = models.CharField(max_length=120, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="hold_state_known", condition=one_of("state", HoldState)),
            models.CheckConstraint(name="hold_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="hold_ended_when_not_active",
                condition=Q(state="active", ended_at__isnull=True) | (~Q(state="active") & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="hold_expiry", fields=["level", "expires_at"], condition=Q(state="active"))]


class Allocation(models.Model):
    """A promise to an order line at a level, without expiry. Goods leave from the allocation that promised them (law 7).

    `demand_id` is the order line's id: the rooms above own it. Written by: inventory.allocations
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="allocations")
    demand_id = models.UUIDField(db_index=True)
    quantity = models.BigIntegerField()
    shipped = models.BigIntegerField(default=0)
    released = models.BigIntegerField(default=0)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="allocation_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="allocation_shipped_not_negative", condition=Q(shipped__gte=0)),
            models.CheckConstraint(name="allocation_released_not_negative", condition=Q(released__gte=0)),
            models.CheckConstraint(
                name="allocation_not_overdrawn", condition=Q(quantity__gte=F("shipped") + F("released"))
            ),
        ]


class FeedFigure(models.Model):
    """What we last told a channel of a product's availability. `version` only grows, so a receiver can drop late news.

    Written by: inventory.stock_feed
    """

    channel = models.ForeignKey("commerce.Channel", on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, related_name="+")
    version = models.BigIntegerField()
    available = models.BigIntegerField()
    backorderable = models.BigIntegerField(default=0)
    by_location = models.JSONField(default=dict)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="feed_figure_once", fields=["channel", "product"]),
            models.CheckConstraint(name="feed_figure_not_negative", condition=Q(available__gte=0)),
        ]
