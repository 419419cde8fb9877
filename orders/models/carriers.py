"""Tables of what sending costs and what places can do: carriers' services, places as routing knows them, what may not be sent."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commerce.enums import choices, one_of
from orders.lifecycle import Method
from orders.sourcing.standing import RestrictionKind

_WEEKDAYS = Q(collects_on__contained_by=[1, 2, 3, 4, 5, 6, 7], delivers_on__contained_by=[1, 2, 3, 4, 5, 6, 7])


class ShippingService(models.Model):
    """What a carrier offers from one country: when it collects and delivers (ISO weekdays), by when parcels must be ready.

    Written by: orders.routing.carriers
    """

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=80)
    carrier = models.CharField(_("carrier"), max_length=80)
    origin = models.CharField(_("from country"), max_length=2)
    methods = ArrayField(models.CharField(max_length=16), verbose_name=_("methods"))
    cut_off = models.TimeField(_("parcels ready by"))
    collects_on = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("collects on"))
    delivers_on = ArrayField(models.PositiveSmallIntegerField(), verbose_name=_("delivers on"))
    takes_hazardous = models.BooleanField(_("takes hazardous goods"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    volume_divisor = models.PositiveIntegerField(
        _("cm³ that count as 1 kg"), null=True, blank=True,
        help_text=_("What is larger than it is heavy is charged by its volume; empty: by weight alone. Usual are 5000 and 6000."),
    )  # fmt: skip

    class Meta:
        verbose_name = _("shipping service")
        verbose_name_plural = _("shipping services")
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(name="shipping_service_weekdays_known", condition=_WEEKDAYS),
            models.CheckConstraint(
                name="shipping_service_works_some_day", condition=~Q(collects_on=[]) & ~Q(delivers_on=[])
            ),
            models.CheckConstraint(
                name="shipping_service_volume_counts",
                condition=Q(volume_divisor__isnull=True) | Q(volume_divisor__range=(500, 50_000)),
            ),
            models.CheckConstraint(
                name="shipping_service_methods_known", condition=Q(methods__contained_by=[m.value for m in Method])
            ),
        ]

    def __str__(self) -> str:
        return self.code


class ShippingZone(models.Model):
    """Where a service goes: to which countries, how far, in how many days. Written by: orders.routing.carriers"""

    service = models.ForeignKey(ShippingService, on_delete=models.CASCADE, related_name="zones", db_index=False)
    code = models.SlugField(_("code"), max_length=20)
    countries = ArrayField(models.CharField(max_length=2), verbose_name=_("to countries"))
    up_to_km = models.PositiveIntegerField(_("up to km"), null=True, blank=True)
    days = models.PositiveSmallIntegerField(_("days on the way"))
    minimum_minor = models.PositiveIntegerField(_("least charge"), default=0)

    class Meta:
        verbose_name = _("shipping zone")
        verbose_name_plural = _("shipping zones")
        ordering = ["service", "code"]
        constraints = [
            models.UniqueConstraint(name="shipping_zone_once", fields=["service", "code"]),
            models.CheckConstraint(name="shipping_zone_days_sane", condition=Q(days__lte=30)),
        ]


class ShippingRate(models.Model):
    """What a consignment costs in a zone up to a weight, in minor units: once, and for each started kilogram.

    Written by: orders.routing.carriers
    """

    zone = models.ForeignKey(ShippingZone, on_delete=models.CASCADE, related_name="rates", db_index=False)
    up_to_grams = models.PositiveIntegerField(_("up to g"))
    cost_minor = models.PositiveIntegerField(_("cost"))
    per_kg_minor = models.PositiveIntegerField(_("and by started kg"), default=0)

    class Meta:
        verbose_name = _("shipping rate")
        verbose_name_plural = _("shipping rates")
        ordering = ["zone", "up_to_grams"]
        constraints = [
            models.UniqueConstraint(name="shipping_rate_once", fields=["zone", "up_to_grams"]),
            models.CheckConstraint(name="shipping_rate_has_weight", condition=Q(up_to_grams__gte=1)),
        ]


class RoutingNode(models.Model):
    """What routing knows of a location besides its master data. A location without a row has the defaults.

    Written by: orders.routing.nodes
    """

    location = models.OneToOneField("inventory.Location", on_delete=models.CASCADE, primary_key=True, related_name="+")
    is_paused = models.BooleanField(_("takes no orders for now"), default=False)
    orders_per_day = models.PositiveIntegerField(_("orders a day"), null=True, blank=True)
    people = models.PositiveSmallIntegerField(_("people who pick"), default=1)
    pieces_per_hour = models.PositiveSmallIntegerField(_("pieces one person picks in an hour"), default=60)
    handling_minor = models.PositiveIntegerField(_("handling of a parcel"), default=0)
    handling_piece_minor = models.PositiveIntegerField(_("handling of a piece"), default=0)
    partner_basis_points = models.PositiveIntegerField(_("partner's share in 1/100 %"), default=0)
    takes_returns = models.BooleanField(_("takes returns"), default=True)
    takes_hazardous = models.BooleanField(_("handles hazardous goods"), default=True)

    class Meta:
        verbose_name = _("place in routing")
        verbose_name_plural = _("places in routing")
        constraints = [
            models.CheckConstraint(name="routing_node_people_work", condition=Q(people__gte=1, pieces_per_hour__gte=1)),
            models.CheckConstraint(name="routing_node_share_of_whole", condition=Q(partner_basis_points__lte=10_000)),
        ]


class RoutingRestriction(models.Model):
    """Goods that may not go to a country or from a place, or that are hazardous. Empty fields mean all.

    Written by: orders.routing.nodes
    """

    kind = models.CharField(_("kind"), max_length=12, choices=choices(RestrictionKind))
    product = models.ForeignKey(
        "commerce.Product", on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("product"),
    )  # fmt: skip
    category = models.CharField(_("category"), max_length=120, blank=True)
    country = models.CharField(_("to country"), max_length=2, blank=True)
    location = models.ForeignKey(
        "inventory.Location", on_delete=models.CASCADE, null=True, blank=True, related_name="+", db_index=False,
        verbose_name=_("from place"),
    )  # fmt: skip
    note = models.CharField(_("why"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("restriction of shipping")
        verbose_name_plural = _("restrictions of shipping")
        constraints = [
            models.CheckConstraint(name="routing_restriction_kind_known", condition=one_of("kind", RestrictionKind)),
            models.CheckConstraint(
                name="routing_restriction_says_what",
                condition=Q(product__isnull=False) | ~Q(category="") | ~Q(country="") | Q(location__isnull=False),
            ),
            models.CheckConstraint(
                name="routing_restriction_one_scope", condition=Q(product__isnull=True) | Q(category="")
            ),
            models.UniqueConstraint(
                name="routing_restriction_once",
                fields=["kind", "product", "category", "country", "location"],
                nulls_distinct=False,
            ),
        ]
