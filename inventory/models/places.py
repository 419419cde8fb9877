"""Places: where goods are, which of them are meant together, and who works there."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from commerce.enums import choices, one_of
from commerce.roles import Role
from inventory.stock import Capability, LocationKind


class Location(models.Model):
    """A place where goods are: store, warehouse, micro-fulfilment centre, partner. Written by: inventory.places.locations"""

    code = models.CharField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=20, choices=choices(LocationKind))
    capabilities = ArrayField(models.CharField(max_length=20), verbose_name=_("capabilities"), default=list, blank=True)
    street = models.CharField(_("street"), max_length=160, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=12, blank=True)
    city = models.CharField(_("city"), max_length=80, blank=True)
    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(
        _("region (ISO 3166-2 part)"), max_length=4, blank=True
    )  # for public holidays: "BY", "ZH"
    latitude = models.FloatField(_("latitude"), null=True, blank=True)
    longitude = models.FloatField(_("longitude"), null=True, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=40, default="Europe/Berlin")
    opening_hours = models.CharField(_("opening hours (OSM syntax)"), max_length=300, blank=True)
    pickup_slot_minutes = models.PositiveSmallIntegerField(_("length of a pickup window in minutes"), default=60)
    pickup_slot_capacity = models.PositiveIntegerField(_("orders per pickup window"), default=10)
    pickup_lead_minutes = models.PositiveIntegerField(_("preparation time in minutes"), default=120)
    pickup_horizon_days = models.PositiveSmallIntegerField(_("bookable days ahead"), default=7)
    pickup_keep_days = models.PositiveSmallIntegerField(_("days an order is kept for its customer"), default=3)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("location")
        verbose_name_plural = _("locations")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="location_kind_known", condition=one_of("kind", LocationKind)),
            models.CheckConstraint(
                name="location_capabilities_known",
                condition=Q(capabilities__contained_by=[c.value for c in Capability]),
            ),
            models.CheckConstraint(
                name="location_slot_minutes_sane", condition=Q(pickup_slot_minutes__range=(5, 1440))
            ),
            models.CheckConstraint(
                name="location_coordinates_on_earth",
                condition=Q(latitude__isnull=True, longitude__isnull=True)
                | Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class StaffAssignment(models.Model):
    """What role a person has where; no location means everywhere. Written by: inventory.places.locations"""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    location = models.ForeignKey(
        Location,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("location"),
    )
    role = models.CharField(_("role"), max_length=20, choices=choices(Role))

    class Meta:
        verbose_name = _("staff assignment")
        verbose_name_plural = _("staff assignments")
        constraints = [
            models.UniqueConstraint(
                name="staff_assignment_once", fields=["user", "location", "role"], nulls_distinct=False
            ),
            models.CheckConstraint(name="staff_assignment_role_known", condition=one_of("role", Role)),
        ]


class LocationGroup(models.Model):
    """Places that are meant together: a region ("west"), a format ("city stores"). Rules may name a group instead of places.

    Written by: inventory.places.groups
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)

    class Meta:
        verbose_name = _("location group")
        verbose_name_plural = _("location groups")
        ordering = ["code"]

    def __str__(self) -> str:
        return self.name


class LocationGroupMember(models.Model):
    """A place in a group; a place may be in several. Written by: inventory.places.groups"""

    group = models.ForeignKey(LocationGroup, on_delete=models.CASCADE, related_name="members", verbose_name=_("group"))
    location = models.ForeignKey(Location, on_delete=models.CASCADE, related_name="+", verbose_name=_("location"))

    class Meta:
        verbose_name = _("member of a location group")
        verbose_name_plural = _("members of location groups")
        constraints = [models.UniqueConstraint(name="location_group_member_once", fields=["group", "location"])]


class PostalPlace(models.Model):
    """Where a postal code lies, for distances. Written by: inventory.places.locations"""

    country = models.CharField(max_length=2)
    postal_code = models.CharField(max_length=12)
    place = models.CharField(max_length=120, blank=True)
    latitude = models.FloatField()
    longitude = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(name="postal_place_once", fields=["country", "postal_code"])]


class TransitTime(models.Model):
    """How many days goods are on the road: to another place of ours, so many km far, or as a parcel to a country.

    Exactly one of destination, `up_to_km` and country; without an origin it holds from everywhere. The narrowest counts.
    Written by: inventory.places.transit
    """

    origin = models.ForeignKey(
        Location, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("from")
    )
    destination = models.ForeignKey(
        Location, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("to our place")
    )
    up_to_km = models.PositiveIntegerField(_("to our places up to so many km away"), null=True, blank=True)
    country = models.CharField(_("as a parcel to this country"), max_length=2, blank=True)
    days = models.PositiveSmallIntegerField(_("days on the road"))

    class Meta:
        verbose_name = _("transit time")
        verbose_name_plural = _("transit times")
        ordering = ["country", "destination", "up_to_km", "origin"]
        constraints = [
            models.UniqueConstraint(
                name="transit_time_once",
                fields=["origin", "destination", "up_to_km", "country"],
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                name="transit_time_says_where_to",
                condition=Q(destination__isnull=False, up_to_km__isnull=True, country="")
                | Q(destination__isnull=True, up_to_km__isnull=False, country="")
                | (Q(destination__isnull=True, up_to_km__isnull=True) & ~Q(country="")),
            ),
            models.CheckConstraint(
                name="transit_time_between_two_places",
                condition=Q(origin__isnull=True) | Q(destination__isnull=True) | ~Q(origin=models.F("destination")),
            ),
            models.CheckConstraint(name="transit_time_sane", condition=Q(days__lte=90)),
        ]
