"""Moving goods: transfers between places, and the shelves where products lie."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from inventory.models.places import Location
from inventory.moving import DifferenceReason, TransferState
from inventory.stock import Condition


class Transfer(models.Model):
    """Goods on their way from one place of ours to another.

    Sent goods lie at the destination in condition `in_transit` until they are received, lost or brought back; the journal's
    entries of a transfer bear its id as `transfer_id` and sum to zero. Once sent, its lines never get larger, and an
    ended one never changes. Written by: inventory.transport.transfers
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "T-100042"
    origin = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", verbose_name=_("from"))
    destination = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", verbose_name=_("to"))
    condition = models.CharField(max_length=16, default=Condition.SELLABLE.value)  # of the goods where they leave
    state = models.CharField(max_length=16, choices=choices(TransferState), default=TransferState.DRAFT.value)
    expected_on = models.DateField(_("expected on"), null=True)
    note = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=64, blank=True)  # what others call it: a proposal, an ERP's document
    source = models.CharField(max_length=40, blank=True)
    version = models.BigIntegerField(default=0)  # grows with every change, so that late news of it can be dropped
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = [
            models.CheckConstraint(name="transfer_state_known", condition=one_of("state", TransferState)),
            models.CheckConstraint(
                name="transfer_condition_known",
                condition=one_of("condition", Condition) & ~Q(condition=Condition.IN_TRANSIT.value),
            ),
            models.CheckConstraint(name="transfer_leaves_its_place", condition=~Q(origin=F("destination"))),
            models.CheckConstraint(
                name="transfer_on_the_way_is_expected",
                condition=~Q(state__in=["sent", "partly_received"])
                | Q(expected_on__isnull=False, sent_at__isnull=False),
            ),
            models.CheckConstraint(
                name="transfer_ended_when_over",
                condition=Q(state__in=["received", "cancelled"], ended_at__isnull=False)
                | Q(state__in=["draft", "sent", "partly_received"], ended_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="transfer_coming",
                fields=["destination", "expected_on"],
                condition=Q(state__in=["sent", "partly_received"]),
            ),
            models.Index(name="transfer_of_origin", fields=["origin", "created_at"]),
            models.Index(name="transfer_of_destination", fields=["destination", "created_at"]),
        ]

    def __str__(self) -> str:
        return self.number


class TransferLine(models.Model):
    """One product of a transfer, in pieces. What was sent is received, lost or returned, and never more than that (law 7).

    `pack` is how many pieces the case pack holds that was scanned (1: single pieces). Written by: inventory.transport.transfers
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    transfer = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="lines", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    quantity = models.BigIntegerField()
    pack = models.PositiveIntegerField(default=1)
    received = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0)
    returned = models.BigIntegerField(default=0)  # brought back, or never left
    difference_reason = models.CharField(max_length=16, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="transfer_line_once", fields=["transfer", "product"]),
            models.CheckConstraint(name="transfer_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="transfer_line_pack_positive", condition=Q(pack__gte=1)),
            models.CheckConstraint(
                name="transfer_line_parts_not_negative", condition=Q(received__gte=0, lost__gte=0, returned__gte=0)
            ),
            models.CheckConstraint(
                name="transfer_line_not_more_than_sent",
                condition=Q(quantity__gte=F("received") + F("lost") + F("returned")),
            ),
            models.CheckConstraint(
                name="transfer_line_reason_known",
                condition=Q(difference_reason="", lost=0) | one_of("difference_reason", DifferenceReason),
            ),
        ]


class TransferScan(models.Model):
    """A scan that was counted into a draft, so that sending it again counts it once. Gone when the transfer is sent.

    Written by: inventory.transport.transfers
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    transfer = models.ForeignKey(Transfer, on_delete=models.CASCADE, related_name="+")


class ShelfPlace(models.Model):
    """A shelf on which a product lies at a location. It may lie on several, and one of them is where pickers look first.

    Shelves have no quantities: the ledger counts per location. Written by: inventory.shelves
    """

    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+")
    shelf = models.CharField(_("shelf"), max_length=20)
    is_primary = models.BooleanField(_("where pickers look first"), default=False)
    placed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("place on a shelf")
        verbose_name_plural = _("places on shelves")
        constraints = [
            models.UniqueConstraint(name="shelf_place_once", fields=["location", "product", "shelf"]),
            models.UniqueConstraint(
                name="shelf_place_one_primary", fields=["location", "product"], condition=Q(is_primary=True)
            ),
            models.CheckConstraint(name="shelf_place_named", condition=~Q(shelf="")),
        ]
        indexes = [models.Index(name="shelf_place_by_shelf", fields=["location", "shelf"])]
