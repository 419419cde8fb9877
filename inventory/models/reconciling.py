"""Reconciling: where our books and the world differ."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from commerce.roles import Role
from inventory.models.places import Location
from inventory.reconciling import DiscrepancyKind, DiscrepancyState, Meaning
from inventory.stock import Condition


class Discrepancy(models.Model):
    """Something that was found other than expected, until someone put it right or said that it stands. Never deleted.

    `expected` is what our books (or an order, or a note) say, `found` what the world says, in pieces; `repaired` is what was
    booked since to bring them together, so found − expected − repaired is left. An open one has something left. Goods of
    all places together (what a channel shows) have no location. Written by: inventory.discrepancies
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    kind = models.CharField(max_length=24)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    condition = models.CharField(max_length=20, default=Condition.SELLABLE.value)
    meaning = models.CharField(max_length=10, default=Meaning.ON_HAND.value)
    expected = models.BigIntegerField()
    found = models.BigIntegerField()
    repaired = models.BigIntegerField(default=0)
    unit_value_minor = models.BigIntegerField(null=True)  # cost or price of a piece; null when neither is known
    currency = models.CharField(max_length=3, blank=True)
    source = models.CharField(max_length=40)
    as_of = models.DateTimeField()  # when `found` was true; moves on with every statement that still differs
    since = models.DateTimeField()
    cause_type = models.CharField(max_length=20, blank=True)
    cause_id = models.CharField(max_length=64, blank=True)
    suggested_cause = models.CharField(max_length=24, blank=True)
    cause_facts = models.JSONField(default=dict)
    note = models.CharField(max_length=300, blank=True)
    owner_role = models.CharField(max_length=20)
    due_at = models.DateTimeField()
    repair_at = models.DateTimeField(null=True)  # when the house puts it right by itself; null when a person does
    state = models.CharField(max_length=10, default=DiscrepancyState.OPEN.value)
    recorded_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.CharField(max_length=200, blank=True)
    settled_note = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = _("discrepancy")
        verbose_name_plural = _("discrepancies")
        constraints = [
            models.CheckConstraint(name="discrepancy_kind_known", condition=one_of("kind", DiscrepancyKind)),
            models.CheckConstraint(name="discrepancy_state_known", condition=one_of("state", DiscrepancyState)),
            models.CheckConstraint(name="discrepancy_meaning_known", condition=one_of("meaning", Meaning)),
            models.CheckConstraint(name="discrepancy_condition_known", condition=one_of("condition", Condition)),
            models.CheckConstraint(name="discrepancy_owner_known", condition=one_of("owner_role", Role)),
            models.CheckConstraint(
                name="discrepancy_open_has_a_rest",
                condition=~Q(state="open") | ~Q(found=F("expected") + F("repaired")),
            ),
            models.CheckConstraint(
                name="discrepancy_settled_when_not_open",
                condition=Q(state="open", settled_at__isnull=True) | (~Q(state="open") & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="discrepancy_value_has_a_currency",
                condition=Q(unit_value_minor__isnull=True, currency="")
                | (Q(unit_value_minor__gte=0) & ~Q(currency="")),
            ),
            # What a source says of a product is one open difference at most; its next statement moves that one on.
            models.UniqueConstraint(
                name="discrepancy_of_source_once",
                fields=["source", "product", "location", "condition", "meaning"],
                condition=Q(state="open", kind="statement_difference"),
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(name="discrepancy_open_at", fields=["location", "due_at"], condition=Q(state="open")),
            models.Index(
                name="discrepancy_by_itself",
                fields=["repair_at"],
                condition=Q(state="open", repair_at__isnull=False),
            ),
            models.Index(name="discrepancy_of_product", fields=["product", "location", "recorded_at"]),
        ]
