"""Tables of what was bought: orders and their lines."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.channel_prices import PriceSource
from orders.lifecycle import OrderStatus


class Order(models.Model):
    """What a customer bought through one channel. Arrives once: channel and external reference are unique.

    `status` is what its fulfilments come to (`lifecycle.order_status`), written with every change of theirs so that lists
    find it by index, and proved by `verify_ledger`.
    Written by: orders.placement (status, holds, totals and version as work goes on:
    orders.fulfilment; address: orders.amendments.addresses)
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "K-100042"
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("channel")
    )
    external_reference = models.CharField(_("the channel's reference"), max_length=120)
    customer = models.ForeignKey("customers.Profile", on_delete=models.PROTECT, related_name="+", null=True)
    contact_name = models.CharField(_("name"), max_length=160, blank=True)
    contact_email = models.CharField(_("e-mail"), max_length=254, blank=True)
    contact_phone = models.CharField(_("phone"), max_length=40, blank=True)
    ship_to = models.JSONField(null=True, blank=True)  # street, postal_code, city, country
    language = models.CharField(max_length=5, default="de")
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField(_("total"))
    tax_minor = models.BigIntegerField(_("VAT"))
    quote_id = models.UUIDField(null=True)
    price_source = models.CharField(
        _("prices"), max_length=10, choices=choices(PriceSource), default=PriceSource.QUOTE.value
    )
    asked = models.JSONField(null=True)  # digests of what the channel asked for, to know the same order again
    pricing = models.JSONField()  # the quote's document: lines, steps, taxes, ruleset version
    tracking_token = models.CharField(max_length=43, unique=True)
    status = models.CharField(max_length=20, choices=choices(OrderStatus), default=OrderStatus.OPEN.value)
    held_for = ArrayField(
        models.CharField(max_length=20), default=list, db_default=[], blank=True
    )  # kinds of open holds
    version = models.BigIntegerField(default=1)
    placed_at = models.DateTimeField(_("placed at"))
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(name="order_arrives_once", fields=["channel", "external_reference"]),
            models.CheckConstraint(name="order_total_not_negative", condition=Q(total_minor__gte=0)),
            models.CheckConstraint(name="order_status_known", condition=one_of("status", OrderStatus)),
            models.CheckConstraint(name="order_price_source_known", condition=one_of("price_source", PriceSource)),
        ]
        indexes = [
            models.Index(name="order_by_time", fields=["channel", "-placed_at", "-id"]),
            models.Index(name="order_by_status", fields=["channel", "status", "-placed_at", "-id"]),
            models.Index(name="order_lately", fields=["-placed_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """One product of an order, as priced. Written by: orders.placement (cancelled:
    orders.cancellation; added later: orders.amendments.additions)"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines", db_index=False)
    line_number = models.PositiveSmallIntegerField()
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    cancelled = models.PositiveIntegerField(default=0)  # pieces that won't be delivered: cancelled or rejected
    unit_price_minor = models.BigIntegerField()
    total_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    tax_basis_points = models.PositiveIntegerField()
    takes_substitutes = models.BooleanField(default=False, db_default=False)  # its customer agreed when ordering

    class Meta:
        ordering = ["order", "line_number"]
        constraints = [
            models.UniqueConstraint(name="order_line_number_once", fields=["order", "line_number"]),
            models.CheckConstraint(name="order_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="order_line_cancelled_at_most_all", condition=Q(cancelled__lte=F("quantity"))),
            models.CheckConstraint(name="order_line_total_not_negative", condition=Q(total_minor__gte=0)),
        ]
