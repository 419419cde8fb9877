"""Tables of what comes back: returns, their units, and what was given back for them."""

import uuid

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.floor import LabelState, Stage
from orders.models.placed import Order, OrderLine
from orders.return_states import Origin, Reason, RefundKind, ReturnState

# The units of an order line that a row is about, as a range.
_UNITS = Func(F("first_unit"), F("first_unit") + F("quantity"), function="int4range", output_field=IntegerRangeField())


class Return(models.Model):
    """Goods of one order that come back together. Its state moves only as `orders.return_states` says.

    That goods were booked back and that money is owed are facts of their own, of each line, each once.
    Written by: orders.returns.files
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=24, unique=True)  # what people say: "R-10042"
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    state = models.CharField(max_length=12, choices=choices(ReturnState), default=ReturnState.ANNOUNCED.value)
    origin = models.CharField(max_length=10, choices=choices(Origin))
    location = models.ForeignKey(
        "inventory.Location", on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )  # where it came in; before that unknown
    label = models.CharField(max_length=80, blank=True)  # the carrier's number of the parcel that comes back
    keeps_goods = models.BooleanField(default=False)  # the customer need not send anything
    overridden = models.CharField(max_length=200, blank=True)  # why it was taken although its time was over
    note = models.CharField(max_length=200, blank=True)
    version = models.BigIntegerField(default=1)
    announced_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        constraints = [
            models.CheckConstraint(name="return_state_known", condition=one_of("state", ReturnState)),
            models.CheckConstraint(name="return_origin_known", condition=one_of("origin", Origin)),
            models.CheckConstraint(
                name="return_received_somewhere",
                condition=Q(received_at__isnull=True) | Q(location__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="return_by_state", fields=["state", "-changed_at"]),
            models.Index(name="return_by_place", fields=["location", "state", "-changed_at"]),
            models.Index(name="return_lately", fields=["-changed_at", "-id"]),
        ]

    def __str__(self) -> str:
        return self.number


class ReturnLabel(models.Model):
    """A label for goods that come back: the intent first, then what came of it; a return has one that is wanted or made at most.

    `stage` is where the parcel is as its carrier says; a delivered one stays so. Written by: orders.returns.labels
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    of_return = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="labels", db_index=False)
    carrier = models.CharField(max_length=40)
    reference = models.CharField(max_length=35, unique=True)  # ours, new with every attempt
    state = models.CharField(max_length=10, default=LabelState.ASKED.value)
    tracking_number = models.CharField(max_length=80, blank=True)
    document = models.BinaryField(null=True)
    said = models.CharField(max_length=200, blank=True)  # by the carrier, when it did not work
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    stage = models.CharField(max_length=12, default=Stage.UNKNOWN.value)
    stage_text = models.CharField(max_length=200, blank=True)
    stage_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="return_label_state_known", condition=one_of("state", LabelState)),
            models.CheckConstraint(name="return_label_stage_known", condition=one_of("stage", Stage)),
            models.UniqueConstraint(
                name="return_label_once",
                fields=["of_return"],
                condition=Q(state__in=["asked", "made", "cancelling"]),
            ),
            models.CheckConstraint(
                name="return_label_made_has_a_number", condition=~Q(state="made") | ~Q(tracking_number="")
            ),
        ]
        indexes = [
            models.Index(name="return_label_of", fields=["of_return", "-asked_at"]),
            models.Index(
                name="return_label_unsettled", fields=["asked_at"], condition=Q(state__in=["asked", "cancelling"])
            ),
            models.Index(
                name="return_label_under_way",
                fields=["looked_at"],
                condition=Q(state="made") & ~Q(stage="delivered"),
            ),
        ]


class OrderRefund(models.Model):
    """Money given back for a return, or as goodwill. What one person may not decide waits for another.

    It is owed once (`orders.payments.refunds`, cause: its kind and id). Written by: orders.returns.refunding
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="order_refunds")
    of_return = models.ForeignKey(Return, on_delete=models.PROTECT, null=True, related_name="refunds")
    kind = models.CharField(max_length=10, choices=choices(RefundKind))
    amount_minor = models.BigIntegerField()
    uncovered_minor = models.BigIntegerField(default=0)  # of it, what no payment could give back
    reason = models.CharField(max_length=200)
    asked_by_id = models.CharField(max_length=64)
    asked_by = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    decided_by_id = models.CharField(max_length=64, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(null=True)
    needs_second = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("refund of an order")
        verbose_name_plural = _("refunds of orders")
        constraints = [
            models.CheckConstraint(name="order_refund_kind_known", condition=one_of("kind", RefundKind)),
            models.CheckConstraint(name="order_refund_amount_positive", condition=Q(amount_minor__gte=1)),
            models.CheckConstraint(
                name="order_refund_decided_whole",
                condition=Q(decided_at__isnull=True, is_granted__isnull=True)
                | Q(decided_at__isnull=False, is_granted__isnull=False),
            ),
            models.CheckConstraint(
                name="order_refund_second_person",
                condition=Q(needs_second=False) | Q(decided_at__isnull=True) | ~Q(decided_by_id=F("asked_by_id")),
            ),
        ]
        indexes = [
            models.Index(name="order_refund_undecided", fields=["asked_at"], condition=Q(decided_at__isnull=True)),
        ]


class ReturnLine(models.Model):
    """Units of one order line that come back. A unit comes back once and is refunded once, whatever is asked.

    Units are counted from 0 and cost what they were priced at (`orders.totals`). A void line (refused or called off)
    frees its units.
    Written by: orders.returns.files, orders.returns.refunding
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    of_return = models.ForeignKey(Return, on_delete=models.PROTECT, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    first_unit = models.PositiveIntegerField()
    quantity = models.PositiveIntegerField()
    reason = models.CharField(max_length=16, choices=choices(Reason))
    sellable = models.PositiveIntegerField(default=0)
    quality_control = models.PositiveIntegerField(default=0)
    damaged = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)  # announced, but not in the parcel
    restocked_at = models.DateTimeField(null=True)
    deduction_minor = models.BigIntegerField(default=0)
    deduction_reason = models.CharField(max_length=200, blank=True)
    refund = models.ForeignKey(OrderRefund, on_delete=models.PROTECT, null=True, related_name="lines")
    refund_minor = models.BigIntegerField(null=True)
    is_exchanged = models.BooleanField(default=False)  # settled by the order's total, against goods
    is_void = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="return_line_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(name="return_line_reason_known", condition=one_of("reason", Reason)),
            models.CheckConstraint(
                name="return_line_inspected_at_most_all",
                condition=Q(quantity__gte=F("sellable") + F("quality_control") + F("damaged") + F("missing")),
            ),
            models.CheckConstraint(
                name="return_line_refund_is_whole",
                condition=Q(refund__isnull=True, refund_minor__isnull=True)
                | Q(refund__isnull=False, refund_minor__gte=0, is_void=False, is_exchanged=False),
            ),
            models.CheckConstraint(
                name="return_line_deduction_has_a_reason",
                condition=Q(deduction_minor=0) | (Q(deduction_minor__gt=0) & ~Q(deduction_reason="")),
            ),
            ExclusionConstraint(
                name="returned_unit_once",
                expressions=[
                    ("order_line", RangeOperators.EQUAL),
                    (_UNITS, RangeOperators.OVERLAPS),
                ],
                condition=Q(is_void=False),
            ),
        ]


class ReturnPolicy(models.Model):
    """How long and at whose cost goods may come back: of a channel, a country, a category, or one product.

    The most special one that fits counts; without any it is the law's 14 days. Written by: orders.returns.policies
    """

    id = models.BigAutoField(primary_key=True)
    channel = models.ForeignKey(
        "commerce.Channel", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    country = models.CharField(_("country"), max_length=2, blank=True)
    category = models.CharField(_("category"), max_length=120, blank=True)
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    days = models.PositiveIntegerField(_("days"))  # 0: doesn't come back but for a claim
    reason = models.CharField(_("reason"), max_length=120, blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        verbose_name = _("return policy")
        verbose_name_plural = _("return policies")
        constraints = [
            models.CheckConstraint(name="return_policy_days_sane", condition=Q(days__lte=1100)),
            models.UniqueConstraint(
                name="return_policy_once",
                fields=["channel", "country", "category", "product"],
                condition=Q(is_active=True),
                nulls_distinct=False,
            ),
        ]


class GoodwillLimit(models.Model):
    """How much of a currency somebody with a right may give away on their own; without a row the usual holds.

    Written by: orders.returns.goodwill_limits
    """

    permission = models.CharField(_("right"), max_length=40)
    currency = models.CharField(_("currency"), max_length=3)
    amount_minor = models.PositiveIntegerField(_("limit, in the smallest unit (cents)"))

    class Meta:
        verbose_name = _("goodwill limit")
        verbose_name_plural = _("goodwill limits")
        constraints = [
            models.UniqueConstraint(name="goodwill_limit_once", fields=["permission", "currency"]),
            models.CheckConstraint(name="goodwill_limit_sane", condition=Q(amount_minor__lte=10_000_000)),
        ]

    def __str__(self) -> str:
        return f"{self.permission} {self.currency}"
