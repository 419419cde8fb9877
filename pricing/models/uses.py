"""Tables of coupon codes that were made, and of what quotes and orders took of promotions' limits."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class CouponCode(models.Model):
    """A code of a batch, in the form in which codes are compared; perhaps for one customer only. Written by: pricing.coupons

    The customer is a keyed hash of how the channel or the address names them.
    """

    code = models.CharField(_("code"), max_length=40, primary_key=True)
    batch = models.SlugField(_("batch"), max_length=40)
    customer = models.CharField(max_length=40, blank=True)
    made_at = models.DateTimeField(_("made at"))
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)

    class Meta:
        verbose_name = _("coupon code")
        verbose_name_plural = _("coupon codes")
        indexes = [models.Index(fields=["batch", "code"], name="coupon_code_by_batch")]

    def __str__(self) -> str:
        return self.code


class PromotionUse(models.Model):
    """A claim on a limit of a promotion: held by a quote until it expires, an order's for good, free when it is cancelled.

    What is left of the limit stands in its quota (`commerce.quotas`), which can't be overbooked. Written by: pricing.limits
    """

    hold_id = models.UUIDField(primary_key=True)
    promotion = models.CharField(_("promotion"), max_length=40)
    key = models.CharField(max_length=160)
    quantity = models.BigIntegerField(_("quantity"))
    quote_id = models.UUIDField(db_index=True)
    order_id = models.UUIDField(null=True, blank=True, db_index=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("use of a promotion")
        verbose_name_plural = _("uses of promotions")
        constraints = [models.CheckConstraint(name="promotion_use_positive", condition=Q(quantity__gte=1))]
