"""Tables of collecting: who comes for a pickup and how, and when customers are reminded."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.work import Fulfilment


class PickupVisit(models.Model):
    """What a customer said about coming for a pickup: on the way, here, in which car, or somebody else instead of them.

    Personal, so it is erased after the hand-over: then nothing of it is left (`pickup_visit_erased_is_empty`).
    Written by: orders.visits
    """

    fulfilment = models.OneToOneField(Fulfilment, on_delete=models.PROTECT, primary_key=True, related_name="visit")
    on_way_at = models.DateTimeField(null=True)
    eta_at = models.DateTimeField(null=True)
    car = models.CharField(max_length=60, blank=True)
    plate = models.CharField(max_length=15, blank=True)
    helper_name = models.CharField(max_length=80, blank=True)  # who may collect instead of the customer
    helper_at = models.DateTimeField(null=True)
    moves = models.PositiveSmallIntegerField(default=0)  # how often the customer moved the pickup
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="pickup_visit_erased_is_empty",
                condition=Q(erased_at__isnull=True) | Q(car="", plate="", helper_name="", eta_at__isnull=True),
            )
        ]
        indexes = [
            models.Index(
                name="pickup_visit_not_erased",
                fields=["created_at"],
                condition=Q(erased_at__isnull=True),
            )
        ]


class PickupReminder(models.Model):
    """A step of the ladder: a message so many hours before a pickup ends, at one location, on one channel, or everywhere.

    The most special ladder of an order counts, whole. Written by: orders.reminders
    """

    message = models.CharField(_("message"), max_length=60)
    hours_before = models.PositiveSmallIntegerField(_("hours before the pickup ends"))
    location = models.ForeignKey(
        "inventory.Location",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("location"),
    )
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("channel")
    )
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("reminder of pickups")
        verbose_name_plural = _("reminders of pickups")
        constraints = [
            models.UniqueConstraint(
                name="pickup_reminder_once",
                fields=["message", "location", "channel"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="pickup_reminder_within_reach", condition=Q(hours_before__range=(1, 720))),
        ]

    def __str__(self) -> str:
        return f"{self.message} −{self.hours_before} h"
