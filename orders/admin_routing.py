"""Admin of what routing and promises go by: places, what may not be sent, carriers and their tariffs, terms of methods."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from commerce import clock
from commerce.actors import Actor
from commerce.admin_base import VerbAdmin, each
from commerce.errors import InvalidInput
from commerce.roles import Permission
from inventory.places import locations
from orders import method_terms, preparation
from orders.method_terms import Terms
from orders.models import MethodTerms, PreparationTime, RoutingNode, RoutingRestriction, ShippingService
from orders.preparation import Needed, Said
from orders.routing import carriers, loads, nodes, standing, worlds
from orders.routing.standing import Node
from orders.sourcing import tariff_text
from orders.sourcing.network import Place
from orders.sourcing.standing import RestrictionKind
from orders.sourcing.tariffs import Zone

WEEKDAYS = [
    (1, gettext_lazy("Monday")),
    (2, gettext_lazy("Tuesday")),
    (3, gettext_lazy("Wednesday")),
    (4, gettext_lazy("Thursday")),
    (5, gettext_lazy("Friday")),
    (6, gettext_lazy("Saturday")),
    (7, gettext_lazy("Sunday")),
]
FAULTS = {
    "columns": gettext_lazy(
        "Line %(line)s: six columns are needed: zone; countries; up to km; days; up to g; price. Eight with: each kg; least charge."
    ),
    "zone": gettext_lazy("Line %(line)s: the zone has no name."),
    "countries": gettext_lazy("Line %(line)s: say to which countries the zone goes, such as DE AT."),
    "km": gettext_lazy("Line %(line)s: “%(value)s” is no whole number of km; leave it empty for any distance."),
    "days": gettext_lazy("Line %(line)s: “%(value)s” is no number of days."),
    "grams": gettext_lazy("Line %(line)s: “%(value)s” is no weight in g."),
    "price": gettext_lazy("Line %(line)s: “%(value)s” is no price."),
    "per_kg": gettext_lazy("Line %(line)s: “%(value)s” is no price of a kilogram."),
    "minimum": gettext_lazy("Line %(line)s: “%(value)s” is no least charge."),
}


class MethodTermsForm(forms.ModelForm):
    """What a method takes at a place."""

    class Meta:
        model = MethodTerms
        fields = ["location", "method", "cut_off", "minutes", "minutes_per_line", "orders_per_day"]


@admin.register(MethodTerms)
class MethodTermsAdmin(VerbAdmin):
    """Until when a method is begun today, how long it takes, and how many orders a day it takes."""

    views = writes = Permission.MANAGE_ROUTING
    audited_as = "method_terms"
    form = MethodTermsForm
    list_display = ["method", "place", "cut_off", "minutes", "minutes_per_line", "orders_per_day"]
    list_select_related = ["location"]
    list_filter = ["method"]
    actions = ["end_them"]

    @display(description=gettext_lazy("place"))
    def place(self, row: MethodTerms) -> str:
        return row.location.name if row.location else _("everywhere")

    def get_readonly_fields(self, request: HttpRequest, obj: MethodTerms | None = None) -> list[str]:
        return ["location", "method"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        place = values.pop("location")
        return method_terms.agree(place.pk if place else None, values.pop("method"), Terms(**values), by=by)

    def change(self, request: HttpRequest, obj: MethodTerms, values: dict[str, Any], *, by: Actor) -> None:
        known = MethodTerms.objects.get(pk=obj.pk)
        said = {name: values.get(name, getattr(known, name)) for name in Terms.__dataclass_fields__}
        method_terms.agree(known.location_id, known.method, Terms(**said), by=by)

    @admin.action(description=gettext_lazy("Remove: what holds everywhere counts again"))
    def end_them(self, request: HttpRequest, queryset: QuerySet[MethodTerms]) -> None:
        by = Actor.staff(request.user)
        each(request, queryset, lambda row: method_terms.end(row.pk, by=by), done=_("{count} lines were removed."))


class PreparationTimeForm(forms.ModelForm):
    """What goods need besides being picked."""

    class Meta:
        model = PreparationTime
        fields = ["product", "category", "minutes", "minutes_per_piece", "what"]


@admin.register(PreparationTime)
class PreparationTimeAdmin(VerbAdmin):
    """Products and categories that take time to prepare: promises are later by that."""

    views = writes = Permission.MANAGE_ROUTING
    audited_as = "preparation_time"
    form = PreparationTimeForm
    list_display = ["__str__", "what", "minutes", "minutes_per_piece"]
    list_select_related = ["product"]
    search_fields = ["product__sku", "category", "what"]
    autocomplete_fields = ["product"]
    actions = ["end_them"]

    def get_readonly_fields(self, request: HttpRequest, obj: PreparationTime | None = None) -> list[str]:
        return ["product", "category"] if obj else []

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product = values.pop("product")
        category = values.pop("category")
        said = Said(product.pk if product else None, category, Needed(**values))
        if PreparationTime.objects.filter(product_id=said.product_id, category=category).exists():
            message = _("There is a line for this already; change that one.")
            raise InvalidInput(message, errors=[{"field": "category", "value": category, "message": message}])
        preparation.say([said], by=by)
        made = PreparationTime.objects.filter(product_id=said.product_id, category=category).first()
        if made is None:
            message = _("Say how many minutes it takes.")
            raise InvalidInput(message, errors=[{"field": "minutes", "value": 0, "message": message}])
        return int(made.pk)

    def change(self, request: HttpRequest, obj: PreparationTime, values: dict[str, Any], *, by: Actor) -> None:
        known = PreparationTime.objects.get(pk=obj.pk)
        needed = {name: values.get(name, getattr(known, name)) for name in Needed.__dataclass_fields__}
        preparation.say([Said(known.product_id, known.category, Needed(**needed))], by=by)

    @admin.action(description=gettext_lazy("Remove: nothing is added for these any more"))
    def end_them(self, request: HttpRequest, queryset: QuerySet[PreparationTime]) -> None:
        by, nothing = Actor.staff(request.user), Needed(0, 0, "")
        each(
            request, queryset, lambda row: preparation.say([Said(row.product_id, row.category, nothing)], by=by),
            done=_("{count} lines were removed."),
        )  # fmt: skip


class RoutingNodeForm(forms.ModelForm):
    """What routing has to know of a place."""

    class Meta:
        model = RoutingNode
        fields = ["location", *Node.__dataclass_fields__]
        help_texts = {
            "orders_per_day": gettext_lazy("Shipments that it takes in a day; empty: as many as come."),
            "people": gettext_lazy("Promises count the work that waits by people and pieces an hour."),
        }


@admin.register(RoutingNode)
class RoutingNodeAdmin(VerbAdmin):
    """What places can do, what they have to do now, and when they work."""

    views = writes = Permission.MANAGE_ROUTING
    audited_as = "location"
    form = RoutingNodeForm
    list_display = ["location", "standing", "waiting", "day", "works", "staffing"]
    list_select_related = ["location"]
    list_filter = ["is_paused"]
    search_fields = ["location__code", "location__name"]
    actions = ["pause", "go_on"]

    def get_readonly_fields(self, request: HttpRequest, obj: RoutingNode | None = None) -> list[str]:
        return ["location", "waiting", "day", "works"] if obj else []

    def _place(self, row: RoutingNode) -> Place | None:
        net = worlds.network(at=clock.now())
        number = net.index.get(row.location_id)
        return None if number is None else net.places[number]

    @display(description=gettext_lazy("stands"), label={"open": "success", "paused": "warning"})
    def standing(self, row: RoutingNode) -> tuple[str, str]:
        return ("paused", _("paused")) if row.is_paused else ("open", _("takes orders"))

    @display(description=gettext_lazy("people × pieces an hour"))
    def staffing(self, row: RoutingNode) -> str:
        return f"{row.people} × {row.pieces_per_hour}"

    @display(description=gettext_lazy("waits to be picked"))
    def waiting(self, row: RoutingNode) -> str:
        pieces = loads.now().get(row.location_id, loads.NOTHING).total
        minutes = pieces * 60 // max(row.people * row.pieces_per_hour, 1)  # of a form that is refused
        return _("%(pieces)s pieces, %(minutes)s min") % {"pieces": pieces, "minutes": minutes}

    @display(description=gettext_lazy("today"))
    def day(self, row: RoutingNode) -> str:
        if row.orders_per_day is None:
            return "–"
        place = self._place(row)
        left = row.orders_per_day if place is None or place.capacity_left is None else place.capacity_left
        taken = max(row.orders_per_day - left, 0)
        return _("%(taken)s of %(limit)s") % {"taken": taken, "limit": row.orders_per_day}

    @display(description=gettext_lazy("ready with an order of now"))
    def works(self, row: RoutingNode) -> str:
        place = self._place(row)
        if place is None or place.is_closed:
            return _("closed")
        with timezone.override(locations.by_id(row.location_id).time_zone):
            return date_format(timezone.localtime(place.ready_at), "SHORT_DATETIME_FORMAT")

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        place = values.pop("location")
        nodes.set_node(place.pk, by=by, **values)
        return int(place.pk)

    def change(self, request: HttpRequest, obj: RoutingNode, values: dict[str, Any], *, by: Actor) -> None:
        nodes.set_node(obj.location_id, by=by, **values)

    @admin.action(description=gettext_lazy("Give them no orders for now"))
    def pause(self, request: HttpRequest, queryset: QuerySet[RoutingNode]) -> None:
        self._set(request, queryset, is_paused=True)

    @admin.action(description=gettext_lazy("Give them orders again"))
    def go_on(self, request: HttpRequest, queryset: QuerySet[RoutingNode]) -> None:
        self._set(request, queryset, is_paused=False)

    def _set(self, request: HttpRequest, queryset: QuerySet[RoutingNode], **values: Any) -> None:
        by = Actor.staff(request.user)
        each(
            request,
            queryset,
            lambda row: nodes.set_node(row.location_id, by=by, **values),
            done=_("{count} places were changed."),
        )


class RoutingRestrictionForm(forms.ModelForm):
    """What may not be sent, or needs a place that handles it."""

    class Meta:
        model = RoutingRestriction
        fields = ["kind", "product", "category", "country", "location", "note"]
        help_texts = {
            "product": gettext_lazy("A product or a category; neither: all goods."),
            "country": gettext_lazy("Two letters; empty: to everywhere."),
            "location": gettext_lazy("Empty: from everywhere."),
        }


@admin.register(RoutingRestriction)
class RoutingRestrictionAdmin(VerbAdmin):
    """Goods that may not go to a country or from a place, and goods that are hazardous."""

    views = writes = Permission.MANAGE_ROUTING
    audited_as = "routing_restriction"
    form = RoutingRestrictionForm
    list_display = ["kind", "product", "category", "country", "location", "note"]
    list_select_related = ["product", "location"]
    list_filter = ["kind", "country"]
    raw_id_fields = ["product"]
    actions = ["lift"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a rule is lifted, and another one said

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        product, place = values["product"], values["location"]
        return nodes.restrict(
            RestrictionKind(values["kind"]), product_id=product.pk if product else None, category=values["category"],
            country=values["country"].strip().upper(), location_id=place.pk if place else None, note=values["note"],
            by=by,
        )  # fmt: skip

    @admin.action(description=gettext_lazy("Lift: these goods may be sent again"))
    def lift(self, request: HttpRequest, queryset: QuerySet[RoutingRestriction]) -> None:
        by = Actor.staff(request.user)
        each(request, queryset, lambda row: nodes.lift(row.pk, by=by), done=_("{count} restrictions were lifted."))


class ShippingServiceForm(forms.ModelForm):
    """A carrier's service with its tariff."""

    collects_on = forms.TypedMultipleChoiceField(
        label=gettext_lazy("collects on"), choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    delivers_on = forms.TypedMultipleChoiceField(
        label=gettext_lazy("delivers on"), choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    methods = forms.MultipleChoiceField(
        label=gettext_lazy("methods"),
        choices=[("ship", gettext_lazy("Shipment")), ("same_day", gettext_lazy("Same-day delivery"))],
        widget=forms.CheckboxSelectMultiple,
    )
    tariff = forms.CharField(
        label=gettext_lazy("tariff"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 14, "spellcheck": "false"}),
        help_text=gettext_lazy(
            "One line for each zone and weight: zone; countries; up to km; days; up to g; price. For example: "
            "de; DE; ; 2; 2000; 4,29. Further weights of a zone leave out countries, km and days. Two more columns, for each "
            "started kg and the least charge of the zone, may follow. Cells of a table can be pasted."
        ),
    )

    class Meta:
        model = ShippingService
        fields = [
            "code", "name", "carrier", "origin", "methods", "cut_off", "collects_on", "delivers_on", "takes_hazardous",
            "is_active", "volume_divisor",
        ]  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and "tariff" in self.fields:
            self.fields["tariff"].initial = tariff_text.write(zones_of(self.instance))

    def clean_origin(self) -> str:
        return str(self.cleaned_data["origin"]).strip().upper()

    def clean_volume_divisor(self) -> int | None:
        divisor: int | None = self.cleaned_data["volume_divisor"]
        if divisor is not None and not carriers.LEAST_DIVISOR <= divisor <= carriers.MOST_DIVISOR:
            said = _("%(least)s to %(most)s cm³ count as a kilogram; leave it empty for a tariff by weight alone.")
            raise forms.ValidationError(said % {"least": carriers.LEAST_DIVISOR, "most": carriers.MOST_DIVISOR})
        return divisor

    def clean_tariff(self) -> list[Zone]:
        zones, faults = tariff_text.read(self.cleaned_data["tariff"])
        if faults:
            raise forms.ValidationError(
                [str(FAULTS[fault.what]) % {"line": fault.line, "value": fault.value} for fault in faults[:10]]
            )
        return zones

    def clean(self) -> dict[str, Any]:
        """Say what is wrong in the verb's words beside the tariff, which has no fields of the zones' names."""
        values = super().clean() or {}
        if not self.errors and "tariff" in values:
            for where, _value, message in carriers.faults_of(values["tariff"]):
                self.add_error("tariff", f"{where}: {message}")
        return values


@admin.register(ShippingService)
class ShippingServiceAdmin(VerbAdmin):
    """What carriers offer, where to, for how much."""

    views = writes = Permission.MANAGE_ROUTING
    audited_as = "shipping_service"
    form = ShippingServiceForm
    list_display = ["code", "name", "carrier", "origin", "cut_off", "reach", "is_active"]
    list_filter = ["is_active", "carrier", "origin"]
    search_fields = ["code", "name", "carrier"]
    fields = [
        "code", "name", "carrier", "origin", "methods", "cut_off", "collects_on", "delivers_on", "takes_hazardous",
        "is_active", "volume_divisor", "tariff",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[ShippingService]:
        return super().get_queryset(request).prefetch_related("zones")

    def get_readonly_fields(self, request: HttpRequest, obj: ShippingService | None = None) -> list[str]:
        return ["code"] if obj else []

    @display(description=gettext_lazy("to"))
    def reach(self, row: ShippingService) -> str:
        return ", ".join(sorted({country for zone in row.zones.all() for country in zone.countries}))

    def add(self, request: HttpRequest, values: dict[str, Any], *, by: Actor) -> int:
        return self._say(values.pop("code"), values, by=by)

    def change(self, request: HttpRequest, obj: ShippingService, values: dict[str, Any], *, by: Actor) -> None:
        known = ShippingService.objects.get(pk=obj.pk)
        names = (
            "name",
            "carrier",
            "origin",
            "methods",
            "cut_off",
            "collects_on",
            "delivers_on",
            "takes_hazardous",
            "is_active",
            "volume_divisor",
        )
        said = {name: values.get(name, getattr(known, name)) for name in names}
        said["tariff"] = values.get("tariff") or zones_of(known)
        self._say(known.code, said, by=by)

    def _say(self, code: str, values: dict[str, Any], *, by: Actor) -> int:
        zones = values.pop("tariff")
        sets: dict[str, Any] = {name: frozenset(values.pop(name)) for name in ("methods", "collects_on", "delivers_on")}
        carriers.set_service(code, zones=zones, by=by, **sets, **values)
        return int(ShippingService.objects.get(code=code).pk)


def zones_of(row: ShippingService) -> list[Zone]:
    """Return the zones of a service with their rates."""
    return [
        standing.zone_of(
            zone, zone.rates.order_by("up_to_grams").values_list("up_to_grams", "cost_minor", "per_kg_minor")
        )
        for zone in row.zones.prefetch_related("rates").order_by("id")
    ]  # fmt: skip
