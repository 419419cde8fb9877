"""Tables of what goods cost us and what must be left of a price: landed costs, fees of channels, minimum margins."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class LandedCost(models.Model):
    """What one piece of a product costs us, net, with freight and duty, within `[from, to)`. Written by: pricing.costs"""

    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("product")
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.BigIntegerField(_("amount in minor units"))
    valid = DateTimeRangeField(_("valid"))

    class Meta:
        verbose_name = _("landed cost")
        verbose_name_plural = _("landed costs")
        constraints = [
            models.CheckConstraint(name="landed_cost_not_negative", condition=Q(amount_minor__gte=0)),
            ExclusionConstraint(
                name="landed_cost_no_overlap",
                expressions=[
                    ("product", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("valid", RangeOperators.OVERLAPS),
                ],
            ),
        ]


class ChannelFee(models.Model):
    """What a channel keeps of a gross price, in basis points, within `[from, to)`. Written by: pricing.costs"""

    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("channel")
    )
    basis_points = models.PositiveIntegerField(_("share in basis points"))
    valid = DateTimeRangeField(_("valid"))

    class Meta:
        verbose_name = _("channel fee")
        verbose_name_plural = _("channel fees")
        constraints = [
            models.CheckConstraint(name="channel_fee_at_most_100_percent", condition=Q(basis_points__lte=10_000)),
            ExclusionConstraint(
                name="channel_fee_no_overlap",
                expressions=[("channel", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
        ]


class MarginRule(models.Model):
    """What must be left of the net price after cost and fee, for a product, a category, a channel, or all.

    The most specific rule counts: product, then the deepest category, then all goods; each for its channel before for all.
    Written by: pricing.floors
    """

    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    category = models.CharField(_("category"), max_length=120, blank=True)
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("channel")
    )
    basis_points = models.PositiveIntegerField(_("minimum margin in basis points of net"))

    class Meta:
        verbose_name = _("minimum margin")
        verbose_name_plural = _("minimum margins")
        constraints = [
            models.CheckConstraint(name="margin_rule_below_100_percent", condition=Q(basis_points__lt=10_000)),
            models.CheckConstraint(name="margin_rule_of_one_kind", condition=Q(product=None) | Q(category="")),
            models.UniqueConstraint(
                name="margin_rule_once", fields=["product", "category", "channel"], nulls_distinct=False
            ),
        ]


class AdvertisedMinimum(models.Model):
    """The least that is shown for one piece of a product outside the basket, VAT included; the basket may cost less.

    Only counts where KONTOR_ADVERTISED_MINIMUMS is on: in the EU a supplier may recommend prices, not fix them, and a
    minimum that a supplier imposes is as a rule a restriction by object (art. 101 TFEU, art. 4 of regulation (EU)
    2022/720). Written by: pricing.floors
    """

    product = models.OneToOneField(
        "commerce.Product", on_delete=models.PROTECT, primary_key=True, related_name="+", verbose_name=_("product")
    )
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.BigIntegerField(_("amount in minor units"))
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        verbose_name = _("minimum advertised price")
        verbose_name_plural = _("minimum advertised prices")
        constraints = [models.CheckConstraint(name="advertised_minimum_positive", condition=Q(amount_minor__gte=1))]
