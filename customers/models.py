"""Tables of customers: one profile per person, the identifiers that point to it, and what they bought."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from customers.identifiers import IdentifierKind


class Profile(models.Model):
    """One customer, with a stable id. Written by: customers.profiles"""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=160, blank=True)
    language = models.CharField(_("language"), max_length=5, default="de")
    country = models.CharField(_("country"), max_length=2, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("customer profile")
        verbose_name_plural = _("customer profiles")
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="profile_by_part_of_name")]

    def __str__(self) -> str:
        return self.name or str(self.id)


class Identifier(models.Model):
    """Something that points to a person: a normalised e-mail, phone, loyalty number or a channel's customer id.

    `scope` is the channel code for a channel's own ids, empty for ids that mean the same everywhere; one value points
    to one profile only. Written by: customers.profiles
    """

    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(_("kind"), max_length=20, choices=choices(IdentifierKind))
    scope = models.CharField(max_length=40, blank=True)
    value = models.CharField(_("value"), max_length=254)  # normalised
    is_verified = models.BooleanField(_("verified"), default=False)
    source = models.CharField(_("source"), max_length=40)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("identifier")
        verbose_name_plural = _("identifiers")
        constraints = [
            models.UniqueConstraint(name="identifier_points_to_one_profile", fields=["kind", "scope", "value"]),
            models.CheckConstraint(name="identifier_kind_known", condition=one_of("kind", IdentifierKind)),
        ]


class Standing(models.Model):
    """What is agreed with a customer: tier, group, segments, and how much sooner orders come. Who is as everybody has no row.

    It goes with its profile. `segments` of NULL are not kept here, an empty list says that there are none.

    Written by: customers.standings
    """

    profile = models.OneToOneField(
        Profile, on_delete=models.CASCADE, primary_key=True, related_name="standing", verbose_name=_("customer profile")
    )
    tier = models.CharField(_("loyalty tier"), max_length=40, blank=True, default="")
    priority = models.PositiveSmallIntegerField(
        _("priority"), default=0, help_text=_("How much sooner orders come: 0 is as everybody, 9 the most.")
    )
    reason = models.CharField(_("reason"), max_length=120, blank=True, default="")
    customer_group = models.CharField(_("customer group"), max_length=40, blank=True, default="")
    segments = ArrayField(models.CharField(max_length=120), verbose_name=_("segments"), null=True, blank=True)
    changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("standing of a customer")
        verbose_name_plural = _("standings of customers")
        constraints = [
            models.CheckConstraint(name="standing_priority_known", condition=models.Q(priority__lte=9)),
            models.CheckConstraint(
                name="standing_says_something",
                condition=~models.Q(tier="", priority=0, reason="", customer_group="", segments__isnull=True),
            ),
            models.CheckConstraint(
                name="standing_segments_bounded",
                condition=models.Q(segments__isnull=True) | models.Q(segments__len__lte=50),
            ),
        ]

    def __str__(self) -> str:
        return str(self.profile_id)


class OrderHistory(models.Model):
    """What a customer's profile knows of one order, fed by order events; the newest event wins.

    Written by: customers.activity
    """

    order_id = models.UUIDField(primary_key=True)
    profile = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="orders")
    number = models.CharField(max_length=24)
    location = models.CharField(max_length=20, blank=True, default="")  # code of the place that serves it (law 17)
    channel = models.ForeignKey("commerce.Channel", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(max_length=20)
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    pieces = models.IntegerField(default=0)
    placed_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    sequence = models.BigIntegerField()

    class Meta:
        verbose_name = _("order of a customer")
        verbose_name_plural = _("orders of customers")
        indexes = [
            models.Index(name="order_history_by_profile", fields=["profile", "-placed_at"]),
            models.Index(name="order_history_by_number", fields=["number"]),
        ]
