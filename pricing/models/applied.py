"""Tables of the prices that were applied: what the law on announced reductions asks for."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


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
