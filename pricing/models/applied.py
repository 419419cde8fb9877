"""Tables of the prices that were applied: what the law on announced reductions asks for."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from pricing.claims import ExemptionKind


class AppliedPrice(models.Model):
    """What anyone paid for one piece of a product on a channel from an instant on, until the next row; empty: no offer.

    Promotions that anyone got are part of it. It says what it came from, so it proves a prior price even when prices,
    quotes and versions are long gone. Rows of one product follow each other in time; none is ever changed or deleted.
    Written by: pricing.applied_prices
    """

    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("channel")
    )
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("product")
    )
    from_at = models.DateTimeField(_("from"))
    amount_minor = models.BigIntegerField(_("amount in minor units"), null=True)
    currency = models.CharField(_("currency"), max_length=3)
    is_reduced = models.BooleanField(_("announced as reduced"), default=False)
    announced_at = models.DateTimeField(_("first announced at"), null=True)
    listed_minor = models.BigIntegerField(_("price of the list in minor units"), null=True)
    price_list = models.CharField(_("price list"), max_length=40, blank=True)
    tax_basis_points = models.PositiveIntegerField(_("rate in basis points"), default=0)
    promotions = models.JSONField(_("promotions"), default=list)
    ruleset_version = models.CharField(_("version of the rules"), max_length=40, blank=True)
    written_at = models.DateTimeField(_("written at"))

    class Meta:
        verbose_name = _("applied price")
        verbose_name_plural = _("applied prices")
        constraints = [
            models.UniqueConstraint(name="applied_price_once", fields=["channel", "product", "from_at"]),
            models.CheckConstraint(name="applied_price_not_negative", condition=Q(amount_minor__gte=0)),
            models.CheckConstraint(
                name="applied_price_reduced_is_offered",
                condition=Q(is_reduced=False, announced_at=None) | Q(is_reduced=True, amount_minor__isnull=False),
            ),
            models.CheckConstraint(name="applied_price_is_past", condition=Q(from_at__lte=F("written_at"))),
        ]


class AppliedPriceMark(models.Model):
    """Up to when the prices of a channel are written down, and the last price entry that was seen. It only moves on.

    Written by: pricing.applied_prices
    """

    channel = models.OneToOneField("commerce.Channel", on_delete=models.PROTECT, primary_key=True, related_name="+")
    logged_until = models.DateTimeField()
    entry_id = models.BigIntegerField(default=0)


class PriorPriceExemption(models.Model):
    """Goods whose reductions need name no prior price within `[from, to)`, why, and on whose word (§ 11 (4) PAngV).

    Of one product, or of a category with all below it. A row is never deleted, and changed only to end earlier (called
    off before it began, its range is empty): it proves later why no prior price was named. Written by: pricing.exemptions
    """

    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("product")
    )
    category = models.CharField(_("category"), max_length=120, blank=True)
    kind = models.CharField(_("exempt because"), max_length=20)
    reason = models.CharField(_("reason"), max_length=200)
    valid = DateTimeRangeField(_("valid"))
    set_by = models.CharField(_("set by"), max_length=200)
    set_at = models.DateTimeField(_("set at"))

    class Meta:
        verbose_name = _("exemption from prior prices")
        verbose_name_plural = _("exemptions from prior prices")
        constraints = [
            models.CheckConstraint(
                name="prior_price_exemption_of_one",
                condition=Q(product__isnull=False, category="") | (Q(product=None) & ~Q(category="")),
            ),
            models.CheckConstraint(name="prior_price_exemption_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(name="prior_price_exemption_kind_known", condition=one_of("kind", ExemptionKind)),
            ExclusionConstraint(
                name="prior_price_exemption_product_once",
                expressions=[("product", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
            ),
            ExclusionConstraint(
                name="prior_price_exemption_category_once",
                expressions=[("category", RangeOperators.EQUAL), ("valid", RangeOperators.OVERLAPS)],
                condition=Q(product=None),
            ),
        ]
