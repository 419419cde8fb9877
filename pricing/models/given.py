"""Tables of the quotes that were given."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class Quote(models.Model):
    """A price that was given to a channel and is honoured until it expires. Never changed; forgotten when long over.

    Written by: pricing.quote_store
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    ruleset_version = models.CharField(max_length=40)
    document = models.JSONField()
    signature = models.CharField(max_length=90)
    quoted_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)


class PriceOverride(models.Model):
    """A price that was set by hand on a quote that was given: what it changed on a line, who did it and why. Never changed.

    It stays when the quote is forgotten. Written by: pricing.overrides
    """

    id = models.BigAutoField(primary_key=True)
    quote_id = models.UUIDField(_("quote"))
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False, verbose_name=_("channel")
    )
    sku = models.CharField(_("SKU"), max_length=64)
    quantity = models.IntegerField(_("quantity"))
    difference_minor = models.BigIntegerField(_("difference in minor units"))
    currency = models.CharField(_("currency"), max_length=3)
    reason = models.CharField(_("reason"), max_length=200)
    set_by = models.CharField(_("by"), max_length=200)
    set_at = models.DateTimeField(_("at"), db_index=True)

    class Meta:
        verbose_name = _("price set by hand")
        verbose_name_plural = _("prices set by hand")
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="price_override_has_a_reason", condition=~Q(reason=""))]
