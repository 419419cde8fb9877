"""Tables of files with prices, costs or promotions that somebody brought."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from pricing.file_states import Kind, State


class PriceFile(models.Model):
    """A file and what came of it: looked at first, then written as a whole or not at all.

    What it says is kept as it came, so that everything written by it can be explained. Written by: pricing.exchange.files
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=choices(Kind))
    name = models.CharField(_("file"), max_length=200)
    price_list = models.CharField(_("price list"), max_length=40, blank=True)
    takes_good_rows = models.BooleanField(_("take the good rows alone"), default=False)
    content = models.BinaryField()
    digest = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=12, choices=choices(State), default=State.UPLOADED.value)
    rows_read = models.PositiveIntegerField(_("rows read"), default=0)
    rows_new = models.PositiveIntegerField(_("new"), default=0)
    rows_changed = models.PositiveIntegerField(_("changed"), default=0)
    rows_same = models.PositiveIntegerField(_("unchanged"), default=0)
    rows_wrong = models.PositiveIntegerField(_("rows with faults"), default=0)
    differences = models.JSONField(default=list)
    faults = models.JSONField(default=list)
    warnings = models.JSONField(default=list)
    failure = models.CharField(_("failure"), max_length=400, blank=True)
    result = models.CharField(max_length=80, blank=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("uploaded by")
    )
    actor = models.JSONField(default=dict)
    uploaded_at = models.DateTimeField(_("uploaded at"))
    started_at = models.DateTimeField(null=True)
    checked_at = models.DateTimeField(_("checked at"), null=True)
    applied_at = models.DateTimeField(_("applied at"), null=True)

    class Meta:
        verbose_name = _("file of prices")
        verbose_name_plural = _("files of prices")
        ordering = ["-uploaded_at"]
        constraints = [
            models.CheckConstraint(name="price_file_kind_known", condition=one_of("kind", Kind)),
            models.CheckConstraint(name="price_file_state_known", condition=one_of("state", State)),
            models.CheckConstraint(
                name="price_file_applied_has_a_time",
                condition=~Q(state=State.APPLIED.value) | Q(applied_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="price_file_waits", fields=["uploaded_at"],
                condition=Q(state__in=["uploaded", "checking", "confirmed", "applying"]),
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.name
