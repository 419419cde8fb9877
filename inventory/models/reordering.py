"""Reordering: what was sold day by day, what is expected, the rules of replenishment, and what they propose."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from inventory.models.places import Location, LocationGroup
from inventory.models.stock import StockLevel
from inventory.replenishing import DemandClass, Misfire, ProposalKind, ProposalState


class DemandDay(models.Model):
    """What moved of a product at a location on one day of that place, counted from the journal; days without are missing.

    `sold` and `returned` are pieces to and from customers, `came_in` all that was added, `delta` the change of on hand.
    Can be counted anew from the journal at any time. Written by: inventory.replenishment.demand
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    sold = models.BigIntegerField(default=0)
    returned = models.BigIntegerField(default=0)
    came_in = models.BigIntegerField(default=0)
    delta = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(name="demand_day_once", fields=["product", "location", "day"])]


class DemandMark(models.Model):
    """Up to which version a level's journal was counted, so that no entry counts twice.

    Written by: inventory.replenishment.demand
    """

    level = models.OneToOneField(StockLevel, on_delete=models.CASCADE, primary_key=True, related_name="+")
    version = models.BigIntegerField()


class DemandForecast(models.Model):
    """What a product is expected to sell at a location: pieces a week, by which method, and on what evidence.

    `evidence` holds what a person needs to judge it: the weeks (null where nothing was on hand), the error of each method
    that was tried, and the note of a short history. Written by: inventory.replenishment.forecasts
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    until = models.DateField()  # the last day of the history
    demand_class = models.CharField(max_length=12)
    method = models.CharField(max_length=24)
    per_week = models.FloatField()
    evidence = models.JSONField(default=dict)
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="demand_forecast_once", fields=["product", "location"]),
            models.CheckConstraint(name="demand_forecast_class_known", condition=one_of("demand_class", DemandClass)),
            models.CheckConstraint(name="demand_forecast_not_negative", condition=Q(per_week__gte=0)),
        ]


class ForecastSpread(models.Model):
    """How far demand went beyond its forecasts: quantiles of actual ÷ expected, by weeks ahead and size of what was expected.

    Written by: inventory.replenishment.forecasts
    """

    weeks_ahead = models.PositiveSmallIntegerField()
    size = models.PositiveSmallIntegerField()  # index of the class in inventory.replenishment.spread.SIZES
    observations = models.PositiveIntegerField()
    quantiles = ArrayField(models.FloatField())  # at inventory.replenishment.spread.LEVELS

    class Meta:
        constraints = [models.UniqueConstraint(name="forecast_spread_once", fields=["weeks_ahead", "size"])]


class ReplenishmentRule(models.Model):
    """How a product (or category, or all goods) is kept in stock at a location (or group, or everywhere).

    The narrower scope wins: product before category before all goods, then location before group before everywhere.
    Empty levels are worked out from the forecast. Never negative, never against itself; one active rule per scope.
    Written by: inventory.replenishment.rules
    """

    name = models.CharField(_("name"), max_length=120)
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    category = models.CharField(_("category"), max_length=120, blank=True)
    location = models.ForeignKey(
        Location, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("location")
    )
    group = models.ForeignKey(
        LocationGroup,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("location group"),
    )
    is_active = models.BooleanField(_("active"), default=True)
    reorder_point = models.IntegerField(_("reorder point"), null=True, blank=True)
    target_level = models.IntegerField(_("target level"), null=True, blank=True)
    safety_stock = models.IntegerField(_("least safety stock"), default=0)
    service_level_percent = models.FloatField(_("service level in percent"), default=95)
    review_days = models.IntegerField(_("review period in days"), default=7)
    lead_time_days = models.FloatField(_("lead time in days"), default=7)
    lead_time_deviation_days = models.FloatField(_("deviation of the lead time in days"), default=0)
    lot_size = models.IntegerField(_("lot size"), default=1)
    case_pack = models.IntegerField(_("pieces per case"), default=1)
    minimum_order = models.IntegerField(_("minimum order"), default=1)
    supplier_code = models.CharField(_("supplier"), max_length=40, blank=True)
    order_weekdays = ArrayField(
        models.PositiveSmallIntegerField(), verbose_name=_("order days"), default=list, blank=True
    )
    closed_from = models.DateField(_("supplier closed from"), null=True, blank=True)
    closed_until = models.DateField(_("supplier closed until"), null=True, blank=True)
    channel_priorities = models.JSONField(_("priorities of channels"), default=dict, blank=True)
    transfer_radius_km = models.IntegerField(_("transfers from up to km away"), default=0)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("replenishment rule")
        verbose_name_plural = _("replenishment rules")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                name="replenishment_rule_once_per_scope",
                fields=["product", "category", "location", "group"],
                condition=Q(is_active=True),
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="replenishment_rule_product_or_category", condition=Q(product__isnull=True) | Q(category="")
            ),
            models.CheckConstraint(
                name="replenishment_rule_location_or_group",
                condition=Q(location__isnull=True) | Q(group__isnull=True),
            ),
            models.CheckConstraint(
                name="replenishment_rule_nothing_negative",
                condition=Q(safety_stock__gte=0, lead_time_days__gte=0, lead_time_deviation_days__gte=0)
                & Q(review_days__gte=1, lot_size__gte=1, case_pack__gte=1, minimum_order__gte=1)
                & Q(transfer_radius_km__gte=0)
                & (Q(reorder_point__isnull=True) | Q(reorder_point__gte=0)),
            ),
            models.CheckConstraint(
                name="replenishment_rule_target_not_below_point",
                condition=Q(target_level__isnull=True)
                | (Q(reorder_point__isnull=True) & Q(target_level__gte=F("safety_stock")))
                | Q(reorder_point__isnull=False, target_level__gte=F("reorder_point")),
            ),
            models.CheckConstraint(
                name="replenishment_rule_service_level_sane",
                condition=Q(service_level_percent__gte=50, service_level_percent__lte=99.9),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PromotionUplift(models.Model):
    """A promotion sells `factor` times as much from the first day to the last: expected ahead, and taken out of the past.

    Written by: inventory.replenishment.rules
    """

    name = models.CharField(_("name"), max_length=120)
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    category = models.CharField(_("category"), max_length=120, blank=True)
    factor = models.FloatField(_("factor"))
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))

    class Meta:
        ordering = ["first_day", "id"]
        constraints = [
            models.CheckConstraint(name="promotion_uplift_factor_sane", condition=Q(factor__gt=0, factor__lte=50)),
            models.CheckConstraint(
                name="promotion_uplift_ends_after_it_begins", condition=Q(last_day__gte=F("first_day"))
            ),
            models.CheckConstraint(
                name="promotion_uplift_product_or_category",
                condition=Q(product__isnull=False, category="") | (Q(product__isnull=True) & ~Q(category="")),
            ),
        ]


class ReplenishmentProposal(models.Model):
    """Goods that a rule wants at a location: from a supplier, or from another place that has more than it needs.

    `inputs` holds every number it was worked out from, as of `made_at`. One open proposal per product, place and origin;
    a newer one supersedes it. `order_reference` names the purchase order or transfer that it became.
    Written by: inventory.replenishment.proposals
    """

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=10)
    state = models.CharField(max_length=12, default=ProposalState.PROPOSED.value)
    rule = models.ForeignKey(ReplenishmentRule, on_delete=models.PROTECT, related_name="proposals")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+")
    from_location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+")
    supplier_code = models.CharField(max_length=40, blank=True)
    quantity = models.IntegerField()
    order_on = models.DateField()
    expected_on = models.DateField()
    inputs = models.JSONField()
    made_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=200, blank=True)
    order_reference = models.CharField(max_length=64, blank=True)

    class Meta:
        verbose_name = _("replenishment proposal")
        verbose_name_plural = _("replenishment proposals")
        constraints = [
            models.UniqueConstraint(
                name="replenishment_proposal_open_once",
                fields=["product", "location", "from_location"],
                condition=Q(state=ProposalState.PROPOSED.value),
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="replenishment_proposal_kind_known", condition=one_of("kind", ProposalKind)),
            models.CheckConstraint(name="replenishment_proposal_state_known", condition=one_of("state", ProposalState)),
            models.CheckConstraint(name="replenishment_proposal_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="replenishment_proposal_origin_fits",
                condition=Q(kind="transfer", from_location__isnull=False)
                | Q(kind="purchase", from_location__isnull=True),
            ),
            models.CheckConstraint(
                name="replenishment_proposal_not_to_itself",
                condition=Q(from_location__isnull=True) | ~Q(from_location=F("location")),
            ),
            models.CheckConstraint(
                name="replenishment_proposal_ordered_has_reference",
                condition=~Q(state="ordered") | ~Q(order_reference=""),
            ),
        ]
        indexes = [
            models.Index(
                name="replenishment_proposal_open", fields=["location", "made_at"], condition=Q(state="proposed")
            ),
            models.Index(name="replenishment_proposal_of_good", fields=["product", "location", "made_at"]),
        ]


class ReplenishmentAlert(models.Model):
    """A rule that deserves a look, and the facts that say so. Found anew every night; nothing is kept of earlier ones.

    Written by: inventory.replenishment.alerts
    """

    rule = models.ForeignKey(ReplenishmentRule, on_delete=models.CASCADE, related_name="alerts")
    kind = models.CharField(max_length=16)
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.CASCADE, null=True, related_name="+", db_index=False
    )
    location = models.ForeignKey(Location, on_delete=models.CASCADE, null=True, related_name="+")
    facts = models.JSONField(default=dict)
    found_at = models.DateTimeField()

    class Meta:
        verbose_name = _("replenishment alert")
        verbose_name_plural = _("replenishment alerts")
        constraints = [models.CheckConstraint(name="replenishment_alert_kind_known", condition=one_of("kind", Misfire))]
