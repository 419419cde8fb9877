"""Tables of goods: places, levels, the journal, holds and allocations."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from commerce.enums import choices, one_of
from commerce.roles import Role
from inventory.stock import Capability, Condition, Counterparty, EntryKind, LocationKind


class Location(models.Model):
    """A place where goods are: store, warehouse, micro-fulfilment centre, partner. Written by: inventory.locations"""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=choices(LocationKind))
    capabilities = ArrayField(models.CharField(max_length=20), verbose_name=_("capabilities"), default=list, blank=True)
    street = models.CharField(_("street"), max_length=160, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(
        _("region (ISO 3166-2 part)"), max_length=4, blank=True
    )  # for public holidays: "BY", "ZH"
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, default="Europe/Berlin")
    opening_hours = models.CharField(_("opening hours (OSM syntax)"), max_length=300, blank=True)
    pickup_slot_minutes = models.PositiveSmallIntegerField(_("length of a pickup window in minutes"), default=60)
    pickup_slot_capacity = models.PositiveIntegerField(_("orders per pickup window"), default=10)
    pickup_lead_minutes = models.PositiveIntegerField(_("preparation time in minutes"), default=120)
    pickup_horizon_days = models.PositiveSmallIntegerField(_("bookable days ahead"), default=7)
    pickup_keep_days = models.PositiveSmallIntegerField(_("days an order is kept for its customer"), default=3)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="location_kind_known", condition=one_of("kind", LocationKind)),
            models.CheckConstraint(
                name="location_capabilities_known",
                condition=Q(capabilities__contained_by=[c.value for c in Capability]),
            ),
            models.CheckConstraint(
                name="location_slot_minutes_sane", condition=Q(pickup_slot_minutes__range=(5, 1440))
            ),
            models.CheckConstraint(
                name="location_coordinates_on_earth",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class StaffAssignment(models.Model):
    """What role a person has where; no location means everywhere. Written by: inventory.locations"""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    location = models.ForeignKey(
        Location,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("location"),
    )
    role = models.CharField(_("role"), max_length=20, choices=choices(Role))

    class Meta:
        verbose_name = _("staff assignment")
        verbose_name_plural = _("staff assignments")
        constraints = [
            models.UniqueConstraint(
                name="staff_assignment_once", fields=["user", "location", "role"], nulls_distinct=False
            ),
            models.CheckConstraint(name="staff_assignment_role_known", condition=one_of("role", Role)),
        ]


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
        ]


class HoldState(models.TextChoices):
    ACTIVE = "active", _("Active")
    CONSUMED = "consumed", _("Consumed")
    RELEASED = "released", _("Released")
    EXPIRED = "expired", _("Expired")


class Hold(models.Model):
    """One product line of a reservation: a checkout's claim on a level until `expires_at`.

    The holds of one `reservation_id` were made together and end together. Counts until its expiry, not until someone
    sweeps it; ends exactly once. Written by: inventory.reservations
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
    by_location = models.JSONField(default=dict)
    told_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="feed_figure_once", fields=["channel", "product"]),
            models.CheckConstraint(name="feed_figure_not_negative", condition=Q(available__gte=0)),
        ]


class PostalPlace(models.Model):
    """Where a postal code lies, for distances. Written by: inventory.locations"""

    country = models.CharField(max_length=2)
    postal_code = models.CharField(max_length=12)
    place = models.CharField(max_length=120, blank=True)
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(name="postal_place_once", fields=["country", "postal_code"])]
