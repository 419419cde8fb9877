"""Reconciling: who tells us absolute figures, what they told, and where our books and the world differ."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from commerce.roles import Role
from inventory.models.places import Location, LocationGroup
from inventory.reconciling import Decision, DiscrepancyKind, DiscrepancyState, Meaning, SourceKind
from inventory.stock import Condition


class StatementSource(models.Model):
    """Someone outside who tells us absolute figures of stock: a till, an ERP, a logistics partner, a marketplace.

    It speaks of its location or group of locations, or of all; keys of its channel may send its statements. What its
    figures mean, and who is right when they differ, its policies say. Written by: inventory.reconciliation.sources
    """

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, null=True, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+")
    group = models.ForeignKey(LocationGroup, on_delete=models.PROTECT, null=True, related_name="+")
    owner_role = models.CharField(max_length=20, default=Role.STORE_MANAGER.value)
    repair_hours = models.PositiveIntegerField(default=24)  # then a difference is overdue
    patience_minutes = models.PositiveIntegerField(
        default=60
    )  # a difference may vanish before we put it right ourselves
    most_hours_old = models.PositiveIntegerField(default=72)  # of a figure; an older one is refused
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("source of stock statements")
        verbose_name_plural = _("sources of stock statements")
        constraints = [
            models.CheckConstraint(name="statement_source_kind_known", condition=one_of("kind", SourceKind)),
            models.CheckConstraint(name="statement_source_owner_known", condition=one_of("owner_role", Role)),
            models.CheckConstraint(
                name="statement_source_one_scope_of_places",
                condition=Q(location__isnull=True) | Q(group__isnull=True),
            ),
            models.CheckConstraint(
                name="statement_source_times_sane",
                condition=Q(
                    repair_hours__range=(1, 8760), patience_minutes__lte=525_600, most_hours_old__range=(1, 8760)
                ),
            ),
        ]


class StatementPolicy(models.Model):
    """Who is right when a source's figure of this meaning differs from ours. Without one the source may not state it.

    Written by: inventory.reconciliation.sources
    """

    source = models.ForeignKey(StatementSource, on_delete=models.CASCADE, related_name="policies")
    meaning = models.CharField(max_length=10)
    decision = models.CharField(max_length=10)
    tolerance_pieces = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="statement_policy_once", fields=["source", "meaning"]),
            models.CheckConstraint(name="statement_policy_meaning_known", condition=one_of("meaning", Meaning)),
            models.CheckConstraint(name="statement_policy_decision_known", condition=one_of("decision", Decision)),
        ]


class StockStatement(models.Model):
    """Absolute figures as a source told them, as of an instant, with the answer it got (law 9). Kept for a while, never changed.

    The source's own reference arrives once; of one place and meaning no statement is older than the one before it.
    Without a location it says what a channel shows for all places together. Written by: inventory.reconciliation.statements
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(StatementSource, on_delete=models.PROTECT, related_name="statements", db_index=False)
    reference = models.CharField(max_length=64)
    sequence = models.BigIntegerField(null=True)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    meaning = models.CharField(max_length=10)
    condition = models.CharField(max_length=20, default=Condition.SELLABLE.value)
    as_of = models.DateTimeField()
    product_ids = ArrayField(models.BigIntegerField())  # together with quantities: hundreds of thousands of lines a day
    quantities = ArrayField(models.BigIntegerField())
    is_last = models.BooleanField(default=False)  # what no part as of this instant named is not there
    digest = models.CharField(max_length=64)
    answer = models.JSONField()
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("stock statement")
        verbose_name_plural = _("stock statements")
        constraints = [
            models.UniqueConstraint(name="stock_statement_once", fields=["source", "reference"]),
            models.CheckConstraint(name="stock_statement_meaning_known", condition=one_of("meaning", Meaning)),
            models.CheckConstraint(name="stock_statement_condition_known", condition=one_of("condition", Condition)),
        ]
        indexes = [
            models.Index(name="stock_statement_newest", fields=["source", "location", "meaning", "condition", "as_of"])
        ]


class RefusedStatement(models.Model):
    """Figures that a source sent and that were not read, with the reason: staff see it, and can have the sender mend it.

    Nothing of them was compared. The same again is counted on the one row of its reference. Kept for a while.
    Written by: inventory.reconciliation.refused
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(StatementSource, on_delete=models.PROTECT, related_name="refused", db_index=False)
    reference = models.CharField(max_length=64)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    meaning = models.CharField(max_length=10)
    condition = models.CharField(max_length=20)
    as_of = models.DateTimeField()
    code = models.CharField(max_length=40)  # of the refusal, as the sender got it
    sentence = models.CharField(max_length=500)
    facts = models.JSONField(default=dict)
    sent_by = models.CharField(max_length=200)
    times = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("refused statement")
        verbose_name_plural = _("refused statements")
        constraints = [
            models.UniqueConstraint(name="refused_statement_once", fields=["source", "reference"]),
            models.CheckConstraint(
                name="refused_statement_times_counted", condition=Q(times__gte=1, last_at__gte=F("first_at"))
            ),
        ]


class Discrepancy(models.Model):
    """Something that was found other than expected, until someone put it right or said that it stands. Never deleted.

    `expected` is what our books (or an order, or a note) say, `found` what the world says, in pieces; `repaired` is what was
    booked since to bring them together, so found − expected − repaired is left. An open one has something left. Goods of
    all places together (what a channel shows) have no location. Written by: inventory.reconciliation.discrepancies
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
