"""Tables of how orders come in: what is agreed with each channel."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class IntakeTerms(models.Model):
    """What is agreed with a channel about its orders. A channel without a row has our prices, our places, and no delay.

    Written by: orders.intake_terms
    """

    channel = models.OneToOneField(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", verbose_name=_("channel")
    )
    may_price = models.BooleanField(
        _("names its own prices"),
        default=False,
        help_text=_("Its orders may bring prices, discounts and VAT of its own."),
    )
    tolerance_minor = models.PositiveIntegerField(
        _("tolerance"), default=0, help_text=_("By how many cents each of its sums may differ from ours.")
    )
    may_choose_place = models.BooleanField(
        _("chooses the place"), default=False, help_text=_("Its shipments may name the place they are sent from.")
    )
    routes_later = models.BooleanField(
        _("routed in batches"),
        default=False,
        help_text=_("Its shipments are accepted at once and get their place moments later, many together."),
    )
    shipping_product = models.ForeignKey(
        "commerce.Product",
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("charge for shipping"),
        help_text=_("The charge that stands for shipping costs that it names itself."),
    )

    class Meta:
        verbose_name = _("intake terms")
        verbose_name_plural = _("intake terms")
        constraints = [
            models.CheckConstraint(name="intake_tolerance_is_small", condition=Q(tolerance_minor__lte=100)),
        ]

    def __str__(self) -> str:
        return str(self.channel)
