"""Tables of the packing table: parcels, what is in them, their labels, and where they are."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from orders.floor import LabelState, Parting, Stage
from orders.models.work import Fulfilment, FulfilmentLine


class Consignment(models.Model):
    """Orders of one customer to one address that travel from a place as one parcel: one carriage instead of several.

    Written by: orders.packing.consignments
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    location = models.ForeignKey("inventory.Location", on_delete=models.PROTECT, related_name="+", db_index=False)
    customer = models.ForeignKey("customers.Profile", on_delete=models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("consignment")
        verbose_name_plural = _("consignments")


class ConsignmentPart(models.Model):
    """A shipment in a consignment, until it parts from it: each is in one at most, ever, and never comes back.

    All of one consignment are of one customer and one place; the database refuses others (`consignment_of_one_customer`).
    One that is cancelled or on hold is still a part, and does not travel with the others.
    Written by: orders.packing.consignments
    """

    consignment = models.ForeignKey(Consignment, on_delete=models.PROTECT, related_name="parts")
    fulfilment = models.OneToOneField(Fulfilment, on_delete=models.PROTECT, related_name="consigned")
    parted_at = models.DateTimeField(null=True)
    parted_because = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="consignment_part_says_why_it_left",
                condition=Q(parted_at__isnull=True, parted_because="")
                | Q(parted_at__isnull=False) & one_of("parted_because", Parting),
            ),
        ]


class Parcel(models.Model):
    """A parcel of a fulfilment that is sent, and of others of its consignment. Once closed, what is in it stays.

    One to a store of ours arrives there by scan, or is reported lost; one that was lost and arrives after all has both.
    Written by: orders.packing.parcels
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, related_name="parcels", db_index=False)
    number = models.PositiveSmallIntegerField()
    code = models.CharField(
        max_length=40, blank=True, default="", db_default=""
    )  # on our own label, to be scanned where it comes
    weight_grams = models.PositiveIntegerField(null=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)  # when the carrier took it
    arrived_at = models.DateTimeField(null=True)  # at the store where its customer fetches it
    lost_at = models.DateTimeField(null=True)  # when its store gave it up
    stage = models.CharField(max_length=12, default=Stage.UNKNOWN.value)
    looked_at = models.DateTimeField(null=True)  # when the carrier was asked last where it is

    class Meta:
        verbose_name = _("parcel")
        verbose_name_plural = _("parcels")
        constraints = [
            models.UniqueConstraint(name="parcel_number_once", fields=["fulfilment", "number"]),
            models.UniqueConstraint(name="parcel_code_once", fields=["code"], condition=~Q(code="")),
            models.CheckConstraint(name="parcel_stage_known", condition=one_of("stage", Stage)),
            models.CheckConstraint(
                name="parcel_weighed_when_closed", condition=Q(closed_at__isnull=True) | Q(weight_grams__gte=1)
            ),
            models.CheckConstraint(
                name="parcel_closed_when_it_left", condition=Q(left_at__isnull=True) | Q(closed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="parcel_left_before_it_arrived",
                condition=Q(left_at__isnull=False) | Q(arrived_at__isnull=True, lost_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="parcel_under_way",
                fields=["looked_at"],
                condition=Q(left_at__isnull=False) & ~Q(stage="delivered"),
            )
        ]


class ParcelLine(models.Model):
    """How many pieces of a line are in a parcel: of its own fulfilment, or of one of the same consignment; the database
    refuses others (`parcel_line_of_its_shipment`). Written by: orders.packing.parcels
    """

    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line = models.ForeignKey(FulfilmentLine, on_delete=models.PROTECT, related_name="+")
    quantity = models.PositiveIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="parcel_line_once", fields=["parcel", "line"]),
            models.CheckConstraint(name="parcel_line_quantity_positive", condition=Q(quantity__gte=1)),
        ]


class ParcelScan(models.Model):
    """A scan at the packing table, once per the scanner's own id. Written by: orders.packing.parcels"""

    id = models.UUIDField(primary_key=True)  # minted by the scanning device
    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="+")
    scanned = models.CharField(max_length=80)
    outcome = models.CharField(max_length=20)
    pieces = models.PositiveIntegerField(default=0)
    scanned_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    scanned_at = models.DateTimeField()


class ShipLabel(models.Model):
    """A label that was asked for: the intent first, then what came of it. A parcel has one that is wanted or made at most.

    Written by: orders.packing.labels
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="labels")
    carrier = models.CharField(max_length=40)
    reference = models.CharField(max_length=35, unique=True)  # ours, new with every attempt
    state = models.CharField(max_length=10, default=LabelState.ASKED.value)
    tracking_number = models.CharField(max_length=80, blank=True)
    document = models.BinaryField(null=True)
    said = models.CharField(max_length=200, blank=True)  # by the carrier, when it did not work
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("shipping label")
        verbose_name_plural = _("shipping labels")
        constraints = [
            models.CheckConstraint(name="ship_label_state_known", condition=one_of("state", LabelState)),
            models.UniqueConstraint(
                name="ship_label_once_per_parcel",
                fields=["parcel"],
                condition=Q(state__in=["asked", "made", "cancelling"]),
            ),
            models.CheckConstraint(
                name="ship_label_made_has_a_number", condition=~Q(state="made") | ~Q(tracking_number="")
            ),
        ]
        indexes = [
            models.Index(
                name="ship_label_unsettled", fields=["asked_at"], condition=Q(state__in=["asked", "cancelling"])
            )
        ]


class ParcelNews(models.Model):
    """A point on a parcel's way, as its carrier says; each once. Written by: orders.packing.journeys"""

    parcel = models.ForeignKey(Parcel, on_delete=models.PROTECT, related_name="news", db_index=False)
    stage = models.CharField(max_length=12)
    text = models.CharField(max_length=200)
    place = models.CharField(max_length=80, blank=True)
    occurred_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="parcel_news_once", fields=["parcel", "occurred_at", "text"]),
        ]
