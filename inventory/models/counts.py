"""Counting: counts and their items, what people counted, what could not be taken as a count, and the rules."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.actors import ActorKind
from commerce.enums import choices, one_of
from inventory.counting import (
    CountKind,
    CountMode,
    CountReason,
    CountState,
    FindingKind,
    FindingState,
    ItemState,
    ValueClass,
)
from inventory.models.places import Location
from inventory.stock import Condition


class CountPolicy(models.Model):
    """How often a place counts what, and up to which difference one person decides alone. Without a place: everywhere else.

    Written by: inventory.stocktaking.rules
    """

    location = models.OneToOneField(Location, on_delete=models.CASCADE, null=True, related_name="+")
    a_days = models.PositiveSmallIntegerField(default=30)
    b_days = models.PositiveSmallIntegerField(default=90)
    c_days = models.PositiveSmallIntegerField(default=180)
    items_at_once = models.PositiveSmallIntegerField(default=30)
    approve_above_pieces = models.PositiveIntegerField(default=5)
    approve_above_minor = models.PositiveIntegerField(default=5000)
    opens_at_night = models.BooleanField(default=True, db_default=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("rules of counting")
        verbose_name_plural = _("rules of counting")
        constraints = [
            models.UniqueConstraint(name="count_policy_one_for_the_house", fields=["location"], nulls_distinct=False),
            models.CheckConstraint(
                name="count_policy_days_sane",
                condition=Q(a_days__gte=1, b_days__gte=F("a_days"), c_days__gte=F("b_days")),
            ),
            models.CheckConstraint(name="count_policy_items_sane", condition=Q(items_at_once__range=(1, 500))),
        ]


class ValueClassing(models.Model):
    """How much a product makes of its place's turnover: what came to customers in the last quarter, worked out every night.

    `value_minor` is the pieces × what one is worth; null where nobody knows that. Written by: inventory.stocktaking.value_classes
    """

    id = models.BigAutoField(primary_key=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    value_class = models.CharField(_("class"), max_length=1)
    pieces = models.BigIntegerField(_("pieces"))
    value_minor = models.BigIntegerField(_("turnover"), null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    made_at = models.DateTimeField(_("worked out"))

    class Meta:
        verbose_name = _("value class")
        verbose_name_plural = _("value classes")
        constraints = [
            models.UniqueConstraint(name="value_class_once", fields=["location", "product"]),
            models.CheckConstraint(name="value_class_known", condition=one_of("value_class", ValueClass)),
        ]


class StockCount(models.Model):
    """A count of goods at a place: opened, counted by several people blindly, handed in, posted. It ends once.

    Written by: inventory.stocktaking.counts, inventory.stocktaking.settlement, inventory.stocktaking.review
    """

    id = models.UUIDField(primary_key=True)  # minted by the caller
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "C-100042"
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    condition = models.CharField(max_length=16, default=Condition.SELLABLE.value)
    kind = models.CharField(max_length=10, choices=choices(CountKind))
    shelf = models.CharField(max_length=20, blank=True)
    category = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10, choices=choices(CountState), default=CountState.OPEN.value)
    note = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=40, blank=True)
    opened_at = models.DateTimeField()
    handed_in_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("count")
        verbose_name_plural = _("counts")
        constraints = [
            models.CheckConstraint(name="stock_count_kind_known", condition=one_of("kind", CountKind)),
            models.CheckConstraint(name="stock_count_state_known", condition=one_of("state", CountState)),
            models.CheckConstraint(
                name="stock_count_condition_countable",
                condition=one_of("condition", Condition) & ~Q(condition=Condition.IN_TRANSIT.value),
            ),
            models.CheckConstraint(
                name="stock_count_ended_when_over",
                condition=Q(state__in=["open", "in_review"], ended_at__isnull=True)
                | (Q(state__in=["posted", "cancelled"]) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [models.Index(name="stock_count_lately", fields=["location", "-opened_at"])]


class CountItem(models.Model):
    """A product of a count, and once settled what came of it. `counted` − `expected` = `posted` + `short`, in pieces.

    `expected` is what the books said as of `counted_at`; `short` is what is missing but promised, so not booked yet. Above
    the limits nothing is posted without an approver, who is none of those that counted it: a trigger refuses that.
    `round` grows with every request to count it anew; only records of the round at hand count.
    Written by: inventory.stocktaking.counts, inventory.stocktaking.figures, inventory.stocktaking.settlement,
    inventory.stocktaking.review
    """

    id = models.BigAutoField(primary_key=True)
    count = models.ForeignKey(StockCount, on_delete=models.PROTECT, related_name="items", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    condition = models.CharField(max_length=16)
    is_directed = models.BooleanField(default=False)  # wanted from the start, not just found
    reason = models.CharField(max_length=12, blank=True)
    value_class = models.CharField(max_length=1, blank=True)
    state = models.CharField(max_length=12, default=ItemState.OPEN.value)
    round = models.PositiveSmallIntegerField(default=1)
    asked_at = models.DateTimeField()  # when this round began; what was counted before it belongs to an earlier one
    records = models.PositiveIntegerField(default=0)  # of this round
    counted = models.BigIntegerField(null=True)
    counted_at = models.DateTimeField(null=True)
    expected = models.BigIntegerField(null=True)
    posted = models.BigIntegerField(default=0)
    short = models.BigIntegerField(default=0)
    unit_value_minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    is_uncertain = models.BooleanField(default=False)  # the books changed while it was counted, or a clock did
    is_impossible = models.BooleanField(default=False)  # more left since than was counted
    needs_approval = models.BooleanField(default=False)
    approver_kind = models.CharField(max_length=10, blank=True)
    approver_id = models.CharField(max_length=64, blank=True)
    discrepancy_id = models.UUIDField(null=True)  # the open one that it stands for
    note = models.CharField(max_length=200, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("item of a count")
        verbose_name_plural = _("items of counts")
        constraints = [
            models.UniqueConstraint(name="count_item_once", fields=["count", "product"]),
            models.CheckConstraint(name="count_item_state_known", condition=one_of("state", ItemState)),
            models.CheckConstraint(
                name="count_item_reason_known", condition=Q(reason="") | one_of("reason", CountReason)
            ),
            models.CheckConstraint(
                name="count_item_settled_when_over",
                condition=Q(state__in=["open", "review"], settled_at__isnull=True)
                | (~Q(state__in=["open", "review"]) & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="count_item_has_figures",
                condition=Q(state__in=["open", "uncounted"])
                | Q(counted__gte=0, expected__isnull=False, counted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="count_item_posts_its_difference",
                condition=Q(state="posted", counted=F("expected") + F("posted") + F("short"), short__lte=0)
                | (~Q(state="posted") & Q(posted=0, short=0)),
            ),
            models.CheckConstraint(
                name="count_item_large_is_approved",
                condition=~Q(state="posted", needs_approval=True) | ~Q(approver_id=""),
            ),
        ]
        indexes = [
            models.Index(name="count_item_of_product", fields=["location", "product", "-counted_at"]),
            models.Index(
                name="count_item_waiting",
                fields=["location", "product"],
                condition=Q(state__in=["open", "review"]),
            ),
        ]


class CountRecord(models.Model):
    """One figure that a person or a device counted of an item. Never changed; what is wrong is replaced by a later one.

    Only items that are not settled get records, and each counter replaces only their own.
    Written by: inventory.stocktaking.figures
    """

    id = models.UUIDField(primary_key=True)  # minted by the device
    item = models.ForeignKey(CountItem, on_delete=models.PROTECT, related_name="+", db_index=False)
    round = models.PositiveSmallIntegerField()
    quantity = models.BigIntegerField()
    mode = models.CharField(max_length=8)
    text = models.CharField(max_length=80)  # as it was scanned or typed
    counter_kind = models.CharField(max_length=10)
    counter_id = models.CharField(max_length=64)
    station = models.CharField(max_length=40, blank=True)  # which of a channel's devices
    counted_at = models.DateTimeField()
    or_counted_at = models.DateTimeField(null=True)  # the other candidate after a clock was changed
    is_time_doubtful = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    place = models.PositiveSmallIntegerField()  # among those recorded together

    class Meta:
        verbose_name = _("figure of a count")
        verbose_name_plural = _("figures of counts")
        constraints = [
            models.CheckConstraint(name="count_record_not_negative", condition=Q(quantity__gte=0)),
            models.CheckConstraint(name="count_record_mode_known", condition=one_of("mode", CountMode)),
            models.CheckConstraint(name="count_record_counter_known", condition=one_of("counter_kind", ActorKind)),
        ]
        indexes = [models.Index(name="count_record_of_item", fields=["item", "round"])]


class CountFinding(models.Model):
    """Something that was counted and could not be taken: an unknown barcode, a charge, or what came in after the end.

    Kept as it was until a person says what it is, or that it is nothing.
    Written by: inventory.stocktaking.figures, inventory.stocktaking.review
    """

    id = models.UUIDField(primary_key=True)  # the device's id of what it counted
    count = models.ForeignKey(StockCount, on_delete=models.PROTECT, related_name="findings")
    kind = models.CharField(max_length=8)
    text = models.CharField(max_length=80)
    quantity = models.BigIntegerField()
    mode = models.CharField(max_length=8)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, null=True, related_name="+")
    counter_kind = models.CharField(max_length=10)
    counter_id = models.CharField(max_length=64)
    station = models.CharField(max_length=40, blank=True)
    counted_at = models.DateTimeField()
    or_counted_at = models.DateTimeField(null=True)
    is_time_doubtful = models.BooleanField(default=False)
    recorded_at = models.DateTimeField()
    state = models.CharField(max_length=10, default=FindingState.OPEN.value)
    settled_by_kind = models.CharField(max_length=10, blank=True)
    settled_by_id = models.CharField(max_length=64, blank=True)
    settled_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("finding of a count")
        verbose_name_plural = _("findings of counts")
        constraints = [
            models.CheckConstraint(name="count_finding_kind_known", condition=one_of("kind", FindingKind)),
            models.CheckConstraint(name="count_finding_state_known", condition=one_of("state", FindingState)),
            models.CheckConstraint(name="count_finding_not_negative", condition=Q(quantity__gte=0)),
            models.CheckConstraint(
                name="count_finding_settled_when_over",
                condition=Q(state="open", settled_at__isnull=True) | (~Q(state="open") & Q(settled_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="count_finding_taken_has_a_product", condition=~Q(state="taken") | Q(product__isnull=False)
            ),
        ]
