"""Promises about goods that are not here: backorders and their dates, demand without a place, limits per customer."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from inventory.models.places import Location
from inventory.models.stock import StockLevel
from inventory.promise_dates import ClaimKind, PolicyKind


class BackorderPolicy(models.Model):
    """How many pieces may be promised beyond what is on hand: per product and place of its scope, at most `cap`.

    A policy that was made stays as it is, until it ends (trigger). Written by: inventory.promising.policies
    """

    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=choices(PolicyKind))
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    category = models.CharField(_("category"), max_length=80, blank=True)
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("location")
    )  # none: every place that has or had the goods
    channel_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # none: all channels
    cap = models.BigIntegerField(_("pieces per product and place"))
    safety = models.BigIntegerField(_("pieces of a delivery that are not promised"), default=0)
    release_on = models.DateField(_("released on"), null=True, blank=True)
    lead_days = models.PositiveIntegerField(_("days until there are goods again"), null=True, blank=True)
    until = models.DateTimeField(_("until"), null=True, blank=True)
    author = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("backorder policy")
        verbose_name_plural = _("backorder policies")
        constraints = [
            models.CheckConstraint(name="backorder_policy_kind_known", condition=one_of("kind", PolicyKind)),
            models.CheckConstraint(
                name="backorder_policy_has_one_scope",
                condition=Q(product__isnull=False, category="") | (Q(product__isnull=True) & ~Q(category="")),
            ),
            models.CheckConstraint(
                name="backorder_policy_cap_sane", condition=Q(cap__gte=1, cap__lte=1_000_000, safety__gte=0)
            ),
            models.CheckConstraint(
                name="backorder_policy_preorder_has_release",
                condition=~Q(kind=PolicyKind.PREORDER.value) | Q(release_on__isnull=False),
            ),
        ]
        indexes = [models.Index(name="backorder_policy_active", fields=["id"], condition=Q(ended_at__isnull=True))]

    def __str__(self) -> str:
        return self.name


class Backorder(models.Model):
    """Pieces of a hold or of an allocation that wait for goods: first come, first served, by `since`.

    What is open of them is promised beyond what is on hand; a hold's part counts until its expiry (law 5).
    Written by: inventory.promising.backorders
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    claim_kind = models.CharField(max_length=10)
    claim_id = models.UUIDField(unique=True)  # the hold's or the allocation's
    level = models.ForeignKey(StockLevel, on_delete=models.PROTECT, related_name="+", db_index=False)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, null=True, related_name="+")
    demand_id = models.UUIDField(db_index=True)  # the order line's; of a hold: its reservation's
    quantity = models.BigIntegerField()
    filled = models.BigIntegerField(default=0)
    released = models.BigIntegerField(default=0)
    since = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    promised_on = models.DateField(null=True)  # the newest of its promised dates

    class Meta:
        verbose_name = _("backorder")
        verbose_name_plural = _("backorders")
        constraints = [
            models.CheckConstraint(name="backorder_claim_kind_known", condition=one_of("claim_kind", ClaimKind)),
            models.CheckConstraint(
                name="backorder_not_overdrawn",
                condition=Q(quantity__gte=F("filled") + F("released"), filled__gte=0, released__gte=0)
                & Q(quantity__gte=1),
            ),
            models.CheckConstraint(
                name="backorder_of_hold_expires",
                condition=Q(claim_kind=ClaimKind.HOLD.value, expires_at__isnull=False)
                | Q(claim_kind=ClaimKind.ALLOCATION.value, expires_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(
                name="backorder_waiting", fields=["level", "since", "id"],
                condition=Q(quantity__gt=F("filled") + F("released")),
            )
        ]  # fmt: skip


class PromisedDate(models.Model):
    """By when the pieces of a backorder were promised, and each revision of that. Never changed (trigger).

    No date: nobody knows. Written by: inventory.promising.backorders
    """

    backorder = models.ForeignKey(Backorder, on_delete=models.PROTECT, related_name="dates", db_index=False)
    revision = models.PositiveIntegerField()
    promised_on = models.DateField(null=True)
    reason = models.CharField(max_length=20)
    told_at = models.DateTimeField()

    class Meta:
        verbose_name = _("promised date")
        verbose_name_plural = _("promised dates")
        constraints = [models.UniqueConstraint(name="promised_date_once", fields=["backorder", "revision"])]


class UnroutedDemand(models.Model):
    """Pieces that were promised to an order before anyone knew from where: less for all, at no place in particular.

    Counts in the customs area of `country` until it is routed or withdrawn. Written by: inventory.promising.demands
    """

    id = models.UUIDField(primary_key=True)  # the order line's
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    country = models.CharField(max_length=2)
    quantity = models.BigIntegerField()
    routed = models.BigIntegerField(default=0)
    withdrawn = models.BigIntegerField(default=0)
    accepted_at = models.DateTimeField()

    class Meta:
        verbose_name = _("demand without a place")
        verbose_name_plural = _("demand without a place")
        constraints = [
            models.CheckConstraint(
                name="unrouted_demand_not_overdrawn",
                condition=Q(quantity__gte=F("routed") + F("withdrawn"), routed__gte=0, withdrawn__gte=0)
                & Q(quantity__gte=1),
            )
        ]
        indexes = [
            models.Index(
                name="unrouted_demand_open", fields=["product"],
                condition=Q(quantity__gt=F("routed") + F("withdrawn")),
            )
        ]  # fmt: skip


class PurchaseLimit(models.Model):
    """How many pieces of a product one customer may have, from its start until its end. It stays as it is until it ends.

    Written by: inventory.promising.purchase_limits
    """

    name = models.CharField(_("name"), max_length=80)
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, related_name="+", verbose_name=_("product")
    )
    quantity = models.PositiveIntegerField(_("pieces per customer"))
    channel_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)  # none: all channels
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    author = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("purchase limit")
        verbose_name_plural = _("purchase limits")
        constraints = [
            models.CheckConstraint(name="purchase_limit_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="purchase_limit_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
        ]

    def __str__(self) -> str:
        return self.name


class PurchaseLimitUse(models.Model):
    """Which quota claim a reservation or an order has on a purchase limit. Who the customer is stands nowhere here.

    Written by: inventory.promising.purchase_limits
    """

    hold_id = models.UUIDField(primary_key=True)  # commerce.quotas'
    limit = models.ForeignKey(PurchaseLimit, on_delete=models.PROTECT, related_name="+", db_index=False)
    cause_id = models.UUIDField(db_index=True)  # the reservation's or the order's
    key = models.CharField(max_length=200)
    quantity = models.PositiveIntegerField()
    created_at = models.DateTimeField()
