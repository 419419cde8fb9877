"""Tables of promises: what places need and take by method, and what customers were told when a promise moved."""

import uuid

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.lifecycle import Method
from orders.models.placed import Order
from orders.models.work import Fulfilment
from orders.promise_reasons import PromiseReason


class MethodTerms(models.Model):
    """What one method takes at a place, or at every place that says nothing of its own: time, until when, how many a day.

    Written by: orders.method_terms
    """

    location = models.ForeignKey(
        "inventory.Location", on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("place"), help_text=_("Empty: every place that says nothing of its own."),
    )  # fmt: skip
    method = models.CharField(_("method"), max_length=16, choices=choices(Method))
    cut_off = models.TimeField(
        _("today until"), null=True, blank=True,
        help_text=_("Orders after this time, on the wall of the place, are begun on the next day."),
    )  # fmt: skip
    minutes = models.PositiveSmallIntegerField(
        _("minutes an order"),
        default=0,
        help_text=_("Besides the lead time of the place: packing, calling the courier."),
    )
    minutes_per_line = models.PositiveSmallIntegerField(
        _("minutes a line"), default=0, help_text=_("For the walk to another shelf, besides picking the pieces.")
    )
    orders_per_day = models.PositiveIntegerField(_("orders a day"), null=True, blank=True)

    class Meta:
        verbose_name = _("terms of a method")
        verbose_name_plural = _("terms of methods")
        ordering = ["method", "location__code"]
        constraints = [
            models.UniqueConstraint(name="method_terms_once", fields=["location", "method"], nulls_distinct=False),
            models.CheckConstraint(name="method_terms_method_known", condition=one_of("method", Method)),
            models.CheckConstraint(
                name="method_terms_minutes_sane", condition=Q(minutes__lte=1440, minutes_per_line__lte=240)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_method_display()} · {self.location.code if self.location else '*'}"


class PreparationTime(models.Model):
    """What a product, or all of a category, needs besides being picked: engraving, assembly. One line for each.

    Written by: orders.preparation
    """

    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("product"),
    )  # fmt: skip
    category = models.CharField(_("category"), max_length=120, blank=True, default="")
    minutes = models.PositiveIntegerField(_("minutes once"), default=0)
    minutes_per_piece = models.PositiveIntegerField(_("minutes a piece"), default=0)
    what = models.CharField(_("what for"), max_length=60, blank=True, default="")

    class Meta:
        verbose_name = _("preparation time")
        verbose_name_plural = _("preparation times")
        constraints = [
            models.UniqueConstraint(name="preparation_time_once", fields=["product", "category"], nulls_distinct=False),
            models.CheckConstraint(name="preparation_time_of_one", condition=Q(product__isnull=True) ^ Q(category="")),
            models.CheckConstraint(
                name="preparation_time_sane", condition=Q(minutes__lte=14_400, minutes_per_piece__lte=14_400)
            ),
        ]

    def __str__(self) -> str:
        return self.product.sku if self.product else self.category


class PromiseRevision(models.Model):
    """A promise to a customer that moved: from when to when, why, told when. Can't be changed.

    Without a fulfilment it is about an order that had no place yet. Written by: orders.promise_history
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="promise_revisions")
    fulfilment = models.ForeignKey(Fulfilment, on_delete=models.PROTECT, null=True, related_name="promise_revisions")
    promised_before = models.DateTimeField()
    promised_after = models.DateTimeField()
    reason = models.CharField(max_length=16, choices=choices(PromiseReason))
    revised_by = models.CharField(max_length=200)
    revised_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="promise_revision_reason_known", condition=one_of("reason", PromiseReason)),
            models.CheckConstraint(name="promise_revision_moves", condition=~Q(promised_after=F("promised_before"))),
        ]
