"""Tables of the work on orders: fulfilments, their lines, and the scans of picking."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.lifecycle import OPEN, Method, State
from orders.models.placed import Order, OrderLine

OPEN_STATES = [state.value for state in State if state in OPEN]


class Fulfilment(models.Model):
    """The work one location does for one order by one method. Its state moves only as `orders.lifecycle` says.

    A lease says who works on it until when; a pickup has a code from the start. Written by: orders.fulfilment
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="fulfilments")
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    store = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )  # to which it is sent, to be fetched there; once it is under way `location` is the store, too
    origin = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )  # from where it was sent to its store
    method = models.CharField(max_length=16, choices=choices(Method))
    state = models.CharField(max_length=20, choices=choices(State), default=State.PLACED.value)
    window_starts_at = models.DateTimeField(null=True)
    window_ends_at = models.DateTimeField(null=True)
    slot_hold_id = models.UUIDField(null=True)  # the quota hold of the pickup window
    day_hold_ids = ArrayField(
        models.UUIDField(), default=list, db_default=[]
    )  # of the day of its place, and of its method
    promised_at = models.DateTimeField()  # ready by (pickup) or shipped by: what the customer was told
    deliver_by = models.DateTimeField(null=True)  # by when what is sent arrives, as it was told
    keep_until = models.DateTimeField(null=True)
    pickup_code = models.CharField(max_length=12, blank=True)
    failed_code_attempts = models.PositiveSmallIntegerField(default=0)
    is_on_shelf = models.BooleanField(default=False)  # picked goods lie on the pickup shelf and must go somewhere
    lease_holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    lease_expires_at = models.DateTimeField(null=True)
    arrived_at = models.DateTimeField(null=True)
    bay = models.CharField(max_length=40, blank=True)
    version = models.BigIntegerField(default=1)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("fulfilment")
        verbose_name_plural = _("fulfilments")
        constraints = [
            models.CheckConstraint(name="fulfilment_state_known", condition=one_of("state", State)),
            models.CheckConstraint(name="fulfilment_method_known", condition=one_of("method", Method)),
            models.CheckConstraint(
                name="fulfilment_lease_is_whole",
                condition=Q(lease_holder__isnull=True, lease_expires_at__isnull=True)
                | Q(lease_holder__isnull=False, lease_expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="fulfilment_window_is_whole",
                condition=Q(window_starts_at__isnull=True, window_ends_at__isnull=True)
                | Q(window_ends_at__gt=F("window_starts_at")),
            ),
            models.CheckConstraint(
                name="fulfilment_to_store_names_it",
                condition=Q(method=Method.SHIP_TO_STORE.value, store__isnull=False)
                | ~Q(method=Method.SHIP_TO_STORE.value) & Q(store__isnull=True),
            ),
            models.CheckConstraint(
                name="fulfilment_under_way_is_the_stores",
                condition=~Q(state=State.UNDER_WAY.value) | Q(location=F("store")),
            ),
            # Two customers of one store never hold the same code at once.
            models.UniqueConstraint(
                name="pickup_code_once_per_location",
                fields=["location", "pickup_code"],
                condition=Q(state__in=OPEN_STATES) & ~Q(pickup_code=""),
            ),
        ]
        indexes = [
            models.Index(name="fulfilment_by_location", fields=["location", "-created_at"]),
            models.Index(
                name="fulfilment_queue",
                fields=["location", "promised_at"],
                condition=Q(state__in=OPEN_STATES) | Q(is_on_shelf=True),
            ),
        ]

    @property
    def holds(self) -> list[uuid.UUID]:
        """What it claims of windows and days, given back when nobody will come."""
        return [*([self.slot_hold_id] if self.slot_hold_id else []), *self.day_hold_ids]


class FulfilmentLine(models.Model):
    """What a fulfilment owes of one order line: wanted = picked + rejected + still to do. Of what was rejected, `called_off`
    pieces are not missing: the customer does without them, or another part of the order owes them now.

    A line of a kit is owed in the goods that were in the kit when it was ordered: one row each, `per_unit` pieces of it in
    one kit. What is rejected are whole kits, so all rows of one kit lack the same number of them.
    Written by: orders.fulfilment
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    allocation_id = models.UUIDField()
    quantity = models.PositiveIntegerField()
    per_unit = models.PositiveIntegerField(default=1)
    picked = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    called_off = models.PositiveIntegerField(default=0, db_default=0)
    reject_reason = models.CharField(max_length=20, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="fulfilment_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="fulfilment_line_not_overpicked", condition=Q(quantity__gte=F("picked") + F("rejected"))
            ),
            models.CheckConstraint(
                name="fulfilment_line_called_off_of_rejected", condition=Q(rejected__gte=F("called_off"))
            ),
            models.CheckConstraint(
                name="fulfilment_line_of_whole_units",
                condition=Q(per_unit__gte=1)
                & Q(Exact(F("quantity") % F("per_unit"), 0), Exact(F("rejected") % F("per_unit"), 0)),
            ),
        ]

    @property
    def missing(self) -> int:
        """Pieces still to pick."""
        return self.quantity - self.picked - self.rejected

    @property
    def short(self) -> int:
        """Pieces that were not there."""
        return self.rejected - self.called_off

    @property
    def units(self) -> int:
        """How many of the order line's product are still owed: pieces, or kits."""
        return (self.quantity - self.rejected) // self.per_unit

    @property
    def is_of_kit(self) -> bool:
        return self.product_id != self.order_line.product_id


class PickScan(models.Model):
    """One accepted or refused scan while picking, once per the scanner's own id, so that a replay changes nothing.

    Written by: orders.picking
    """

    id = models.UUIDField(primary_key=True)  # minted by the scanning device
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="scans")
    line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, null=True, related_name="+")
    scanned = models.CharField(max_length=80)
    pieces = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=20)  # picked, wrong_item, already_complete, unknown_barcode; counted
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    scanned_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
