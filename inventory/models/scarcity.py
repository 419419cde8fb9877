"""Scarcity: who waits for goods, and what was said about how many are left, with its proof."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import one_of
from inventory.models.places import Location
from inventory.scarcity_facts import Kind, Tone
from inventory.waiting import WaitingState


class WaitingEntry(models.Model):
    """Someone who waits for goods, in the order of joining. Ends once, in one of its final states.

    `subscriber` is the channel's own reference, never an address; it is emptied when the person is erased, or a while after
    the end. Written by: inventory.promising.waiting_list
    """

    id = models.UUIDField(primary_key=True)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, related_name="+", db_index=False)
    product = models.ForeignKey("commerce.Product", on_delete=models.PROTECT, related_name="+", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    quantity = models.PositiveIntegerField()
    subscriber = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=10)
    joined_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("waiting-list entry")
        verbose_name_plural = _("waiting-list entries")
        constraints = [
            models.CheckConstraint(name="waiting_entry_state_known", condition=one_of("state", WaitingState)),
            models.CheckConstraint(name="waiting_entry_quantity_positive", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="waiting_entry_ended_when_over",
                condition=Q(state__in=["waiting", "offered"], ended_at__isnull=True)
                | (~Q(state__in=["waiting", "offered"]) & Q(ended_at__isnull=False)),
            ),
            models.UniqueConstraint(
                name="waiting_entry_once",
                fields=["channel", "subscriber", "product", "location"],
                condition=Q(state__in=["waiting", "offered"]),
                nulls_distinct=False,
            ),
        ]
        indexes = [
            models.Index(
                name="waiting_entry_line",
                fields=["product", "joined_at", "id"],
                condition=Q(state__in=["waiting", "offered"]),
            ),
            models.Index(
                name="waiting_entry_subscriber", fields=["channel", "subscriber"], condition=~Q(subscriber="")
            ),
            models.Index(
                name="waiting_entry_ended", fields=["ended_at"], condition=~Q(subscriber="") & Q(ended_at__isnull=False)
            ),
        ]


class WaitingOffer(models.Model):
    """Goods offered to someone who waited: a reservation of the same id holds them until its expiry. Ends once.

    Nobody has two open offers for one entry. Written by: inventory.promising.waiting_list
    """

    id = models.UUIDField(primary_key=True)  # the reservation's
    entry = models.ForeignKey(WaitingEntry, on_delete=models.PROTECT, related_name="offers", db_index=False)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="+", db_index=False)
    offered_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    outcome = models.CharField(max_length=10, default=WaitingState.OFFERED.value)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("waiting-list offer")
        verbose_name_plural = _("waiting-list offers")
        constraints = [
            models.CheckConstraint(
                name="waiting_offer_ended_when_over",
                condition=Q(outcome="offered", ended_at__isnull=True)
                | Q(outcome__in=["taken", "missed", "declined"], ended_at__isnull=False),
            ),
            models.UniqueConstraint(name="waiting_offer_open_once", fields=["entry"], condition=Q(outcome="offered")),
            models.UniqueConstraint(name="waiting_offer_made_once", fields=["entry", "id"]),
        ]


class ScarcityPolicy(models.Model):
    """What a channel may be told about how few are left: from which number on, and how old a fact may be.

    A fact up to `fresh_seconds` old carries a number; up to `soft_seconds` it is said softly with its time; an older one
    says nothing. `shown_seconds`: how long the channel shows a message at least. Written by: inventory.scarcity.terms
    """

    channel = models.OneToOneField("commerce.Channel", on_delete=models.PROTECT, related_name="+")
    few = models.PositiveIntegerField(_("few means up to"))
    fresh_seconds = models.PositiveIntegerField(_("a number may be this old, in seconds"))
    soft_seconds = models.PositiveIntegerField(_("anything may be this old, in seconds"))
    shown_seconds = models.PositiveIntegerField(_("the shop shows a message for, in seconds"))
    experiment = models.CharField(_("experiment"), max_length=60, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scarcity policy")
        verbose_name_plural = _("scarcity policies")
        constraints = [
            models.CheckConstraint(
                name="scarcity_policy_sane",
                condition=Q(few__range=(1, 100), shown_seconds__gte=1)
                & Q(fresh_seconds__gte=F("shown_seconds"), soft_seconds__gte=F("fresh_seconds"))
                & Q(soft_seconds__lte=86_400),
            )
        ]


class ScarcityWording(models.Model):
    """A wording of our own instead of the house's: for a kind, a tone, a locale; variants are for experiments.

    Its templates were checked: they hold what the kind has to say, and nothing that no fact carries.
    Written by: inventory.scarcity.terms
    """

    kind = models.CharField(max_length=20)
    tone = models.CharField(max_length=6)
    locale = models.CharField(max_length=5)
    variant = models.SlugField(max_length=40, blank=True)  # empty: for everyone
    one = models.CharField(max_length=200)
    other = models.CharField(max_length=200)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("scarcity wording")
        verbose_name_plural = _("scarcity wordings")
        constraints = [
            models.UniqueConstraint(name="scarcity_wording_once", fields=["kind", "tone", "locale", "variant"]),
            models.CheckConstraint(name="scarcity_wording_kind_known", condition=one_of("kind", Kind)),
            models.CheckConstraint(name="scarcity_wording_tone_known", condition=one_of("tone", Tone)),
        ]


class ScarcityClaim(models.Model):
    """What was said about how many are left, and the ledger versions that prove it. Never changed or deleted (trigger).

    The same words from the same versions are one row a day: the id is made from all of it. Nothing refers to this table and
    its day is part of the id, so it can be kept in partitions by day. Written by: inventory.scarcity.messages
    """

    id = models.UUIDField(primary_key=True)
    said_on = models.DateField()
    channel_id = models.BigIntegerField()
    product_id = models.BigIntegerField()
    place = models.CharField(max_length=60)  # "location:BER01", "group:west", "all"
    kind = models.CharField(max_length=20)
    tone = models.CharField(max_length=6)
    locale = models.CharField(max_length=5)
    text = models.CharField(max_length=300)
    experiment = models.CharField(max_length=60, blank=True)
    variant = models.CharField(max_length=40, blank=True)
    count = models.BigIntegerField()  # pieces that the channel could have here
    elsewhere = models.CharField(max_length=60, blank=True)
    elsewhere_count = models.BigIntegerField(default=0)
    arrives_on = models.DateField(null=True)
    # One item per level that counted, here first: its entry's version, and what no journal knows of that moment.
    here_levels = models.PositiveIntegerField()
    level_ids = ArrayField(models.BigIntegerField())
    versions = ArrayField(models.BigIntegerField())
    available = ArrayField(models.BigIntegerField())
    held = ArrayField(models.BigIntegerField())
    withheld = ArrayField(models.BigIntegerField())
    waiting = ArrayField(models.BigIntegerField())
    pieces = ArrayField(models.BigIntegerField(), null=True)  # of a kit: what one of it takes from each level
    most_in_all = ArrayField(models.BigIntegerField(null=True))  # here, elsewhere
    age_seconds = models.PositiveIntegerField()
    as_of = models.DateTimeField()
    valid_until = models.DateTimeField()

    class Meta:
        verbose_name = _("scarcity claim")
        verbose_name_plural = _("scarcity claims")
        constraints = [
            models.CheckConstraint(name="scarcity_claim_kind_known", condition=one_of("kind", Kind)),
            models.CheckConstraint(name="scarcity_claim_tone_known", condition=one_of("tone", Tone)),
            models.CheckConstraint(name="scarcity_claim_valid_after_fact", condition=Q(valid_until__gt=F("as_of"))),
        ]
        indexes = [BrinIndex(name="scarcity_claim_by_time", fields=["as_of"], autosummarize=True)]
