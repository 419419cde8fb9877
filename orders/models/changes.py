"""Tables of what stops or changes an order that stands."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.hold_kinds import HoldKind
from orders.models.placed import Order


class OrderAmendment(models.Model):
    """One change of an order as it was confirmed: what stood before and after. Can't be changed or deleted.

    Written by: orders.amendments.changing
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="amendments")
    from_version = models.BigIntegerField()
    difference_minor = models.BigIntegerField()  # of the order's total
    document = models.JSONField()  # the preview that was confirmed; no address in it
    reason = models.CharField(max_length=200, blank=True)
    made_by = models.CharField(max_length=200)
    made_at = models.DateTimeField()

    class Meta:
        verbose_name = _("change of an order")
        verbose_name_plural = _("changes of orders")
        constraints = [
            models.UniqueConstraint(name="order_amendment_once_per_version", fields=["order", "from_version"]),
        ]


class OrderHold(models.Model):
    """Why work on an order stands still, from when to when. One of a kind at a time; several kinds at once.

    While one is open, no fulfilment of its order moves towards its customer: a trigger refuses
    (`held_order_stands_still`). `Order.held_for` lists the open kinds, proved by `verify_ledger`.
    Written by: orders.holds, orders.fulfilment (an order that is over is held no longer)
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="holds")
    kind = models.CharField(_("kind"), max_length=20, choices=choices(HoldKind))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    placed_by_kind = models.CharField(max_length=10)
    placed_by_id = models.CharField(max_length=64)
    placed_by = models.CharField(max_length=200)
    placed_at = models.DateTimeField()
    released_by = models.CharField(max_length=200, blank=True)
    release_reason = models.CharField(max_length=200, blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("hold of an order")
        verbose_name_plural = _("holds of orders")
        constraints = [
            models.CheckConstraint(name="order_hold_kind_known", condition=one_of("kind", HoldKind)),
            models.UniqueConstraint(
                name="order_hold_once_per_kind", fields=["order", "kind"], condition=Q(released_at__isnull=True)
            ),
            models.CheckConstraint(
                name="order_hold_ends_after_it_began",
                condition=Q(released_at__isnull=True) | Q(released_at__gte=F("placed_at")),
            ),
        ]
        indexes = [
            models.Index(name="order_hold_open", fields=["placed_at", "id"], condition=Q(released_at__isnull=True)),
        ]
