"""Tables of what was accepted and has no place yet."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.lifecycle import Method
from orders.models.placed import Order, OrderLine


class UnroutedPortion(models.Model):
    """What of an order was accepted and has no place yet: promised to it in all, at no place in particular.

    It ends once: routed, when its fulfilments are open, or withdrawn. Written by: orders.unrouted
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="unrouted")
    method = models.CharField(max_length=16, choices=choices(Method))
    is_express = models.BooleanField(default=False)
    promised_at = models.DateTimeField()
    deliver_by = models.DateField(null=True)  # the day on which it arrives at the latest, as it was accepted
    attempts = models.PositiveIntegerField(default=0)
    next_at = models.DateTimeField()
    refusal = models.CharField(max_length=60, blank=True)  # the code of why the last attempt found no place
    accepted_at = models.DateTimeField()
    routed_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("portion without a place")
        verbose_name_plural = _("portions without a place")
        constraints = [
            models.CheckConstraint(name="unrouted_portion_method_known", condition=one_of("method", Method)),
            models.CheckConstraint(
                name="unrouted_portion_ends_once", condition=Q(routed_at__isnull=True) | Q(withdrawn_at__isnull=True)
            ),
            models.UniqueConstraint(
                name="unrouted_portion_once_per_method",
                fields=["order", "method"],
                condition=Q(routed_at__isnull=True, withdrawn_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="unrouted_portion_due",
                fields=["-is_express", "next_at", "id"],
                condition=Q(routed_at__isnull=True, withdrawn_at__isnull=True),
            ),
        ]


class UnroutedLine(models.Model):
    """Goods of a portion without a place. Its id is the demand's in stock. Written by: orders.unrouted"""

    id = models.UUIDField(primary_key=True, editable=False)
    portion = models.ForeignKey(UnroutedPortion, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    per_unit = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="unrouted_line_of_whole_units", condition=Q(per_unit__gte=1, quantity__gte=F("per_unit"))
            ),
        ]
