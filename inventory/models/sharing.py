"""Sharing: what is withheld from channels by rule, by obligation, and by measured need."""

from django.db import models
from django.db.models import F, Q

from commerce.enums import choices, one_of
from inventory.cascade import MOST_PIECES, Purpose, RuleKind, RuleState
from inventory.models.places import Location, LocationGroup


class SharingScope(models.Model):
    """For whom and what: a channel or all, a place or a group of places or all, a product or a category or all."""

    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, null=True, related_name="+")
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+")
    group = models.ForeignKey(LocationGroup, on_delete=models.PROTECT, null=True, related_name="+")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, null=True, related_name="+")
    category = models.CharField(max_length=120, blank=True)

    class Meta:
        abstract = True


class BufferRule(SharingScope):
    """A rule that withholds pieces from channels. A draft becomes active after a preview, and is retired in the end.

    What an active rule says can't be changed, nor can a rule go back or vanish: a trigger refuses.
    Written by: inventory.sharing.buffer_rules
    """

    name = models.CharField(max_length=80)
    purpose = models.CharField(max_length=10)
    kind = models.CharField(max_length=10)
    amount = models.BigIntegerField()  # pieces, or per cent
    priority = models.SmallIntegerField(default=0)
    starts_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField(null=True)
    daily_from = models.TimeField(null=True)  # by the clock on the wall of the place
    daily_until = models.TimeField(null=True)
    state = models.CharField(max_length=10, choices=choices(RuleState), default=RuleState.DRAFT.value)
    preview = models.JSONField(null=True)  # what it would change, as last measured for this content
    previewed_at = models.DateTimeField(null=True)
    author = models.CharField(max_length=200)
    activator = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="buffer_rule_kind_known", condition=one_of("kind", RuleKind)),
            models.CheckConstraint(name="buffer_rule_state_known", condition=one_of("state", RuleState)),
            models.CheckConstraint(
                name="buffer_rule_purpose_known",
                condition=Q(purpose__in=[Purpose.BUFFER.value, Purpose.HOLDBACK.value]),
            ),
            models.CheckConstraint(
                name="buffer_rule_amount_in_bounds",
                condition=Q(kind=RuleKind.PERCENTAGE.value, amount__range=(1, 100))
                | Q(kind=RuleKind.CAP.value, amount__range=(0, MOST_PIECES))
                | Q(kind__in=[RuleKind.FIXED.value, RuleKind.CUT_OFF.value], amount__range=(1, MOST_PIECES)),
            ),
            models.CheckConstraint(
                name="buffer_rule_one_scope_of_places", condition=Q(location__isnull=True) | Q(group__isnull=True)
            ),
            models.CheckConstraint(
                name="buffer_rule_one_scope_of_products", condition=Q(product__isnull=True) | Q(category="")
            ),
            models.CheckConstraint(
                name="buffer_rule_ends_after_start",
                condition=Q(starts_at__isnull=True) | Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
            ),
            models.CheckConstraint(
                name="buffer_rule_daily_hours_whole",
                condition=Q(daily_from__isnull=True, daily_until__isnull=True)
                | (Q(daily_from__isnull=False, daily_until__isnull=False) & ~Q(daily_from=F("daily_until"))),
            ),
            models.CheckConstraint(
                name="buffer_rule_active_after_preview",
                condition=Q(state="draft")
                | (Q(previewed_at__isnull=False, activated_at__isnull=False) & ~Q(activator="")),
            ),
            models.CheckConstraint(
                name="buffer_rule_retired_has_time",
                condition=Q(state="retired", retired_at__isnull=False)
                | (~Q(state="retired") & Q(retired_at__isnull=True)),
            ),
        ]
        indexes = [models.Index(name="buffer_rule_active", fields=["id"], condition=Q(state="active"))]


class SharingVersion(models.Model):
    """One row: the token that changes with everything that withholds, so that processes know when to read again.

    `told_until` is the instant up to which starts and ends of rules were told to the stock feed.
    Written by: inventory.sharing.news
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    token = models.UUIDField()
    told_until = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="sharing_version_is_one_row", condition=Q(id=1))]


class Obligation(SharingScope):
    """A quantity that a channel was guaranteed for a time: what of it is not taken yet is withheld from the others.

    `taken` is the sum of its takes, kept in the transaction of each. What was agreed can't be changed afterwards: a
    trigger refuses. Written by: inventory.sharing.obligations
    """

    name = models.CharField(max_length=80)
    quantity = models.BigIntegerField()
    taken = models.BigIntegerField(default=0)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    author = models.CharField(max_length=200)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="obligation_has_channel", condition=Q(channel__isnull=False)),
            models.CheckConstraint(name="obligation_quantity_in_bounds", condition=Q(quantity__range=(1, MOST_PIECES))),
            models.CheckConstraint(name="obligation_taken_not_negative", condition=Q(taken__gte=0)),
            models.CheckConstraint(name="obligation_ends_after_start", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(
                name="obligation_one_scope_of_places", condition=Q(location__isnull=True) | Q(group__isnull=True)
            ),
            models.CheckConstraint(
                name="obligation_names_product_or_category",
                condition=Q(product__isnull=False, category="") | (Q(product__isnull=True) & ~Q(category="")),
            ),
        ]
        indexes = [models.Index(name="obligation_open", fields=["ends_at"], condition=Q(ended_at__isnull=True))]


class ObligationShare(models.Model):
    """Where the owed pieces of an obligation are kept: a picture that is drawn anew as goods move.

    Written by: inventory.sharing.obligations
    """

    obligation = models.ForeignKey(Obligation, on_delete=models.CASCADE, related_name="shares")
    product = models.ForeignKey("commerce.Product", on_delete=models.CASCADE, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", db_index=False)
    pieces = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="obligation_share_once", fields=["obligation", "product", "location"]),
            models.CheckConstraint(name="obligation_share_positive", condition=Q(pieces__gte=1)),
        ]


class ObligationTake(models.Model):
    """Pieces that a channel took from its obligation, or gave back (negative). Can't be changed: a trigger refuses.

    `cause_id` is the hold or allocation. Written by: inventory.sharing.obligations
    """

    id = models.BigAutoField(primary_key=True)
    obligation = models.ForeignKey(Obligation, on_delete=models.PROTECT, related_name="takes")
    cause_id = models.UUIDField(db_index=True)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.BigIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="obligation_take_not_zero", condition=~Q(quantity=0))]


class DynamicPolicy(SharingScope):
    """Bounds and pace of a buffer that follows measured demand and the channel's lag, per product and place.

    What an active policy says can't be changed: a trigger refuses. Written by: inventory.sharing.dynamic_buffers
    """

    name = models.CharField(max_length=80)
    minimum = models.BigIntegerField()
    maximum = models.BigIntegerField()
    factor_percent = models.PositiveIntegerField()
    step_limit = models.BigIntegerField()
    cool_down_seconds = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=choices(RuleState), default=RuleState.DRAFT.value)
    author = models.CharField(max_length=200)
    activator = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="dynamic_policy_state_known", condition=one_of("state", RuleState)),
            models.CheckConstraint(
                name="dynamic_policy_bounds_in_order",
                condition=Q(minimum__gte=0, maximum__gte=F("minimum"), maximum__range=(1, MOST_PIECES)),
            ),
            models.CheckConstraint(
                name="dynamic_policy_factor_in_bounds", condition=Q(factor_percent__range=(1, 10_000))
            ),
            models.CheckConstraint(
                name="dynamic_policy_step_positive", condition=Q(step_limit__range=(1, MOST_PIECES))
            ),
            models.CheckConstraint(
                name="dynamic_policy_cool_down_in_bounds", condition=Q(cool_down_seconds__range=(10, 86_400))
            ),
            models.CheckConstraint(
                name="dynamic_policy_one_scope_of_places", condition=Q(location__isnull=True) | Q(group__isnull=True)
            ),
            models.CheckConstraint(
                name="dynamic_policy_one_scope_of_products", condition=Q(product__isnull=True) | Q(category="")
            ),
            models.CheckConstraint(
                name="dynamic_policy_active_has_activator",
                condition=Q(state="draft") | (Q(activated_at__isnull=False) & ~Q(activator="")),
            ),
        ]


class DynamicBuffer(models.Model):
    """What a dynamic policy keeps back of a product at a place now; equals the `after` of its latest step.

    Within the bounds of its policy. Written by: inventory.sharing.dynamic_buffers
    """

    policy = models.ForeignKey(DynamicPolicy, on_delete=models.PROTECT, related_name="buffers")
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    pieces = models.BigIntegerField()
    stepped_at = models.DateTimeField()
    pinned_until = models.DateTimeField(null=True)  # a person took a step back: no step before then

    class Meta:
        constraints = [
            models.UniqueConstraint(name="dynamic_buffer_once", fields=["policy", "product", "location"]),
            models.CheckConstraint(name="dynamic_buffer_not_negative", condition=Q(pieces__gte=0)),
        ]


class BufferStep(models.Model):
    """One step of a dynamic buffer with the measurements that caused it. Can't be changed or deleted: a trigger refuses.

    Written by: inventory.sharing.dynamic_buffers
    """

    id = models.UUIDField(primary_key=True)
    policy = models.ForeignKey(DynamicPolicy, on_delete=models.PROTECT, related_name="steps", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    before = models.BigIntegerField()
    after = models.BigIntegerField()
    cause = models.CharField(max_length=10)  # "tightened", "released", "undone"
    undoes = models.UUIDField(null=True, unique=True)
    inputs = models.JSONField()
    actor = models.CharField(max_length=200)
    stepped_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="buffer_step_cause_known", condition=Q(cause__in=["tightened", "released", "undone"])
            ),
            models.CheckConstraint(
                name="buffer_step_undone_names_step",
                condition=Q(cause="undone", undoes__isnull=False) | (~Q(cause="undone") & Q(undoes__isnull=True)),
            ),
        ]
        indexes = [models.Index(name="buffer_step_by_policy", fields=["policy", "-stepped_at"])]
