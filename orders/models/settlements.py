"""Tables of reconciliation: files of providers and banks, their lines, and what each line was found to belong to."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.models.payments import Payment
from orders.settlement_formats import LineKind
from orders.settlement_states import MatchState


class SettlementFile(models.Model):
    """A file that was read, once by its content. Written by: orders.settlements.files"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    source = models.CharField(_("source"), max_length=24)  # a provider's name, or bank
    name = models.CharField(_("file"), max_length=200)
    digest = models.CharField(max_length=64)
    lines_read = models.PositiveIntegerField(default=0)
    rejects = models.JSONField(default=list)  # [line number, why], as many as are shown
    rejected = models.PositiveIntegerField(default=0)
    imported_by = models.CharField(max_length=200)
    imported_at = models.DateTimeField(_("read at"))

    class Meta:
        verbose_name = _("settlement file")
        verbose_name_plural = _("settlement files")
        constraints = [models.UniqueConstraint(name="settlement_file_once", fields=["source", "digest"])]
        indexes = [models.Index(name="settlement_file_by_time", fields=["-imported_at"])]


class SettlementLine(models.Model):
    """One line of such a file, as it was read. What it says never changes. Written by: orders.settlements.files

    Who looks after it, and when it was settled, is written by orders.settlements.decisions
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    file = models.ForeignKey(SettlementFile, on_delete=models.PROTECT, related_name="lines")
    line_number = models.PositiveIntegerField()
    source = models.CharField(max_length=24)
    kind = models.CharField(max_length=8, choices=choices(LineKind))
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    dated_on = models.DateField()
    text = models.CharField(max_length=400, blank=True)
    reference = models.CharField(max_length=120, blank=True)
    settled_at = models.DateTimeField(null=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("settlement line")
        verbose_name_plural = _("settlement lines")
        constraints = [
            models.UniqueConstraint(name="settlement_line_once", fields=["file", "line_number"]),
            models.CheckConstraint(name="settlement_line_kind_known", condition=one_of("kind", LineKind)),
            models.CheckConstraint(name="settlement_line_has_an_amount", condition=~Q(amount_minor=0)),
        ]
        indexes = [
            models.Index(
                name="settlement_line_open", fields=["kind", "dated_on"], condition=Q(settled_at__isnull=True)
            ),
            models.Index(name="settlement_line_reference", fields=["source", "reference"]),
        ]


class SettlementMatch(models.Model):
    """What a line was found to belong to: a payment, or the payout that a line of the bank is. At most one of them counts.

    A pair that a person rejected is never proposed again. Written by: orders.settlements.decisions
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    line = models.ForeignKey(SettlementLine, on_delete=models.PROTECT, related_name="matches", db_index=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, null=True, related_name="+")
    payout = models.ForeignKey(SettlementLine, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    rule = models.CharField(max_length=24)
    certainty = models.PositiveSmallIntegerField()  # in thousandths
    difference_minor = models.BigIntegerField(default=0)
    state = models.CharField(max_length=10, choices=choices(MatchState))
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="settlement_match_state_known", condition=one_of("state", MatchState)),
            models.CheckConstraint(
                name="settlement_match_has_one_target",
                condition=Q(payment__isnull=False, payout__isnull=True) | Q(payment__isnull=True, payout__isnull=False),
            ),
            models.CheckConstraint(name="settlement_match_certainty_bounded", condition=Q(certainty__lte=1000)),
            models.UniqueConstraint(
                name="settlement_line_settled_once",
                fields=["line"],
                condition=Q(state__in=["automatic", "confirmed"]),
            ),
            models.UniqueConstraint(
                name="settlement_payout_settled_once",
                fields=["payout"],
                condition=Q(state__in=["automatic", "confirmed"], payout__isnull=False),
            ),
            models.UniqueConstraint(
                name="settlement_pair_once", fields=["line", "payment", "payout"], nulls_distinct=False
            ),
        ]
        indexes = [models.Index(name="settlement_match_proposed", fields=["created_at"], condition=Q(state="proposed"))]
