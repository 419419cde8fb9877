"""What routing and promises go by, for integrations: places with their work, terms of methods, carriers' tariffs, restrictions."""

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import catalog, clock
from commerce.api import bodies
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import NotFound
from commerce.roles import Scope
from inventory.places import locations
from orders import method_terms
from orders.api.serializers import METHODS
from orders.method_terms import Terms
from orders.models import MethodTerms, RoutingRestriction
from orders.routing import carriers, loads, nodes, standing, worlds
from orders.routing.standing import Node
from orders.sourcing.standing import RestrictionKind
from orders.sourcing.tariffs import Service, Zone

RESTRICTION_KINDS = [kind.value for kind in RestrictionKind]
MOST_RESTRICTIONS = 1_000


class NodeBody(bodies.StrictSerializer):
    is_paused = serializers.BooleanField(required=False)
    orders_per_day = bodies.Whole(required=False, min_value=0, allow_null=True, help_text="Shipments; null: no limit.")
    people = bodies.Whole(required=False, min_value=1)
    pieces_per_hour = bodies.Whole(required=False, min_value=1)
    handling_minor = bodies.Whole(required=False, min_value=0)
    handling_piece_minor = bodies.Whole(required=False, min_value=0)
    partner_basis_points = bodies.Whole(required=False, min_value=0)
    takes_returns = serializers.BooleanField(required=False)
    takes_hazardous = serializers.BooleanField(required=False)


class NodeDocument(serializers.Serializer[Any]):
    location = serializers.CharField()
    is_known = serializers.BooleanField(help_text="Whether anything was said of it; the defaults hold otherwise.")
    is_paused = serializers.BooleanField()
    orders_per_day = serializers.IntegerField(allow_null=True)
    people = serializers.IntegerField()
    pieces_per_hour = serializers.IntegerField()
    handling_minor = serializers.IntegerField()
    handling_piece_minor = serializers.IntegerField()
    partner_basis_points = serializers.IntegerField()
    takes_returns = serializers.BooleanField()
    takes_hazardous = serializers.BooleanField()
    waiting_pieces = serializers.IntegerField(help_text="What waits to be picked now.")
    waiting_minutes = serializers.IntegerField()
    taken_today = serializers.IntegerField(allow_null=True, help_text="Of `orders_per_day`; null without a limit.")
    ready_at = serializers.DateTimeField(
        allow_null=True, help_text="When an order of now could be ready; null: closed."
    )


class NodesDocument(serializers.Serializer[Any]):
    items = NodeDocument(many=True)


class TermsBody(bodies.StrictSerializer):
    location = bodies.Text(
        max_length=20, required=False, allow_null=True, help_text="Null: every place without its own."
    )
    method = serializers.ChoiceField(METHODS)
    cut_off = serializers.TimeField(
        required=False, allow_null=True, help_text="Later orders are begun on the next day."
    )
    minutes = bodies.Whole(required=False, default=0, min_value=0)
    minutes_per_line = bodies.Whole(required=False, default=0, min_value=0)
    orders_per_day = bodies.Whole(required=False, allow_null=True, min_value=0)


class TermsDocument(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    location = serializers.CharField(allow_null=True)
    method = serializers.ChoiceField(METHODS)
    cut_off = serializers.TimeField(allow_null=True)
    minutes = serializers.IntegerField()
    minutes_per_line = serializers.IntegerField()
    orders_per_day = serializers.IntegerField(allow_null=True)


class AllTermsDocument(serializers.Serializer[Any]):
    items = TermsDocument(many=True)


class RateBody(bodies.StrictSerializer):
    up_to_grams = bodies.Whole(min_value=1)
    cost_minor = bodies.Whole(min_value=0)
    per_kg_minor = bodies.Whole(
        required=False,
        default=0,
        min_value=0,
        help_text="Besides, for each started kilogram of the weight that counts.",
    )


class ZoneBody(bodies.StrictSerializer):
    code = bodies.Text(max_length=carriers.LONGEST_CODE)
    countries = serializers.ListField(child=bodies.Text(max_length=2), min_length=1, max_length=300)
    up_to_km = bodies.Whole(required=False, allow_null=True, min_value=1)
    days = bodies.Whole(min_value=0, max_value=carriers.MOST_DAYS)
    minimum_minor = bodies.Whole(
        required=False, default=0, min_value=0, help_text="The least that a consignment costs in this zone."
    )
    rates = RateBody(many=True, min_length=1, max_length=carriers.MOST_BANDS)


class ServiceBody(bodies.StrictSerializer):
    name = bodies.Text(max_length=carriers.LONGEST_NAME)
    carrier = bodies.Text(max_length=carriers.LONGEST_NAME)
    origin = bodies.Text(max_length=2, help_text="From which country.")
    methods = serializers.ListField(child=serializers.ChoiceField(METHODS), min_length=1, max_length=len(METHODS))
    cut_off = serializers.TimeField(help_text="Parcels that are ready by then leave on the same day.")
    collects_on = serializers.ListField(child=bodies.Whole(), min_length=1, max_length=7)
    delivers_on = serializers.ListField(child=bodies.Whole(), min_length=1, max_length=7)
    takes_hazardous = serializers.BooleanField(required=False, default=False)
    is_active = serializers.BooleanField(required=False, default=True)
    volume_divisor = bodies.Whole(
        required=False, default=None, allow_null=True, min_value=carriers.LEAST_DIVISOR, max_value=carriers.MOST_DIVISOR,
        help_text="cm³ that count as one kilogram: what is larger than it is heavy is charged by its volume. Null: by weight.",
    )  # fmt: skip
    zones = ZoneBody(many=True, min_length=1, max_length=carriers.MOST_ZONES)


class ServiceDocument(ServiceBody):
    code = serializers.CharField()


class ServicesDocument(serializers.Serializer[Any]):
    items = ServiceDocument(many=True)


class RestrictionBody(bodies.StrictSerializer):
    kind = serializers.ChoiceField(RESTRICTION_KINDS)
    sku = bodies.Text(required=False, max_length=64)
    category = bodies.Text(required=False, default="", allow_blank=True, max_length=120)
    country = bodies.Text(required=False, default="", allow_blank=True, max_length=2)
    location = bodies.Text(required=False, max_length=20)
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=nodes.LONGEST_NOTE)


class RestrictionDocument(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(RESTRICTION_KINDS)
    sku = serializers.CharField(allow_null=True)
    category = serializers.CharField()
    country = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    note = serializers.CharField()


class RestrictionsDocument(serializers.Serializer[Any]):
    items = RestrictionDocument(many=True)


# --- places -------------------------------------------------------------------------------------------------------------


class RoutingNodesView(ApiView):
    """What every place can do, and has to do now."""

    scopes = {"GET": Scope.ROUTING_READ}

    @extend_schema(
        operation_id="list_routing_nodes", summary="Places in routing, with their work", responses=NodesDocument
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List what routing and promises know of all places."""
        return self.reply({"items": [_node(place.id) for place in locations.every()]})


class RoutingNodeView(ApiView):
    """One place."""

    scopes = {"PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="set_routing_node", summary="Say what a place can do", request=NodeBody, responses=NodeDocument
    )
    def put(self, request: ApiRequest, code: str) -> HttpResponse:
        """Change what is named; the rest stays. Holds for the next order."""
        body, place = NodeBody.read(request.data), locations.ref(code)

        def work() -> tuple[int, Any]:
            nodes.set_node(place.id, by=request.auth.actor, **body)
            worlds.forget()
            return 200, _node(place.id)

        return self.once(request, work)


def _node(location_id: int) -> dict[str, Any]:
    known, net = standing.now(), worlds.network(at=clock.now())
    node = known.nodes.get(location_id, Node())
    seen = net.places[net.index[location_id]] if location_id in net.index else None
    pieces = loads.now().get(location_id, loads.NOTHING).total
    taken = None
    if node.orders_per_day is not None:
        left = seen.capacity_left if seen is not None else None
        taken = node.orders_per_day - (node.orders_per_day if left is None else left)
    return {
        "location": locations.by_id(location_id).code,
        "is_known": location_id in known.nodes,
        **{name: getattr(node, name) for name in Node.__dataclass_fields__},
        "waiting_pieces": pieces,
        "waiting_minutes": pieces * 60 // (node.people * node.pieces_per_hour),
        "taken_today": taken,
        "ready_at": seen.ready_at if seen is not None and not seen.is_closed else None,
    }


# --- terms of methods -----------------------------------------------------------------------------------------------------


class MethodTermsView(ApiView):
    """What methods take."""

    scopes = {"GET": Scope.ROUTING_READ, "PUT": Scope.ROUTING_MANAGE}

    @extend_schema(operation_id="list_method_terms", summary="Terms of methods", responses=AllTermsDocument)
    def get(self, request: ApiRequest) -> HttpResponse:
        """List all that is said about methods, of single places and of all."""
        return self.reply({"items": [_terms(row) for row in MethodTerms.objects.order_by("method", "id")]})

    @extend_schema(
        operation_id="set_method_terms", summary="Say what a method takes", request=TermsBody, responses=TermsDocument
    )
    def put(self, request: ApiRequest) -> HttpResponse:
        """Say until when a method is begun today, its minutes, and how many orders a day, at a place or everywhere."""
        body = TermsBody.read(request.data)
        code, method = body.pop("location", None), body.pop("method")

        def work() -> tuple[int, Any]:
            place = locations.ref(code).id if code is not None else None
            made = method_terms.agree(place, method, Terms(**body), by=request.auth.actor)
            return 200, _terms(MethodTerms.objects.get(pk=made))

        return self.once(request, work)


class MethodTermsEndView(ApiView):
    """One line of them."""

    scopes = {"DELETE": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="end_method_terms", summary="End terms of a method", request=None, responses={204: None}
    )
    def delete(self, request: ApiRequest, number: int) -> HttpResponse:
        """Let what is said of every place hold again."""

        def work() -> tuple[int, Any]:
            method_terms.end(number, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


def _terms(row: MethodTerms) -> dict[str, Any]:
    return {
        "id": row.pk,
        "location": locations.by_id(row.location_id).code if row.location_id else None,
        "method": row.method,
        **{name: getattr(row, name) for name in Terms.__dataclass_fields__},
    }


# --- carriers -------------------------------------------------------------------------------------------------------------


class ShippingServicesView(ApiView):
    """What carriers offer."""

    scopes = {"GET": Scope.ROUTING_READ}

    @extend_schema(
        operation_id="list_shipping_services", summary="Carriers' services in use", responses=ServicesDocument
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the services that are active, with zones and rates."""
        return self.reply({"items": [_service(one) for one in carriers.listed()]})


class ShippingServiceView(ApiView):
    """One service."""

    scopes = {"PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="set_shipping_service",
        summary="Say what a service offers",
        request=ServiceBody,
        responses=ServiceDocument,
    )
    def put(self, request: ApiRequest, code: str) -> HttpResponse:
        """Write a service down with its whole tariff, in place of what was known of it. Costs are in minor units."""
        body = ServiceBody.read(request.data)
        zones = [
            Zone(
                one["code"], frozenset(one["countries"]), one["days"],
                tuple((rate["up_to_grams"], rate["cost_minor"]) for rate in one["rates"]), one.get("up_to_km"),
                one["minimum_minor"], tuple(rate["per_kg_minor"] for rate in one["rates"]),
            )
            for one in body.pop("zones")
        ]  # fmt: skip
        sets: dict[str, Any] = {name: frozenset(body.pop(name)) for name in ("methods", "collects_on", "delivers_on")}

        def work() -> tuple[int, Any]:
            carriers.set_service(code, zones=zones, by=request.auth.actor, **sets, **body)
            made = Service(
                code, body["name"], body["carrier"], body["origin"], tuple(zones), sets["methods"], body["cut_off"],
                sets["collects_on"], sets["delivers_on"], body["takes_hazardous"], body["volume_divisor"],
            )  # fmt: skip
            return 200, {**_service(made), "is_active": body["is_active"]}

        return self.once(request, work)


def _service(one: Service) -> dict[str, Any]:
    return {
        "code": one.code, "name": one.name, "carrier": one.carrier, "origin": one.origin, "methods": sorted(one.methods),
        "cut_off": one.cut_off.isoformat(), "collects_on": sorted(one.collects_on), "delivers_on": sorted(one.delivers_on),
        "takes_hazardous": one.takes_hazardous, "is_active": True, "volume_divisor": one.volume_divisor,
        "zones": [
            {
                "code": zone.code, "countries": sorted(zone.countries), "up_to_km": zone.up_to_km, "days": zone.days,
                "minimum_minor": zone.minimum_minor,
                "rates": [
                    {"up_to_grams": grams, "cost_minor": cost, "per_kg_minor": more}
                    for (grams, cost), more in zip(zone.bands, zone.per_kg or (0,) * len(zone.bands), strict=True)
                ],
            }
            for zone in one.zones
        ],
    }  # fmt: skip


# --- restrictions ---------------------------------------------------------------------------------------------------------


class RoutingRestrictionsView(ApiView):
    """What may not be sent."""

    scopes = {"GET": Scope.ROUTING_READ, "POST": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="list_routing_restrictions", summary="Restrictions of shipping", responses=RestrictionsDocument
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the thousand newest restrictions."""
        rows = RoutingRestriction.objects.select_related("product").order_by("-id")[:MOST_RESTRICTIONS]
        return self.reply({"items": [_restriction(row) for row in rows]})

    @extend_schema(
        operation_id="add_routing_restriction",
        summary="Keep goods from being sent",
        request=RestrictionBody,
        responses={201: RestrictionDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Say that goods may not go to a country or from a place, or that they are hazardous. Said again changes nothing."""
        body = RestrictionBody.read(request.data)

        def work() -> tuple[int, Any]:
            product = catalog.known([body["sku"]])[body["sku"]].id if "sku" in body else None
            made = nodes.restrict(
                RestrictionKind(body["kind"]), product_id=product, category=body["category"], country=body["country"],
                location_id=locations.ref(body["location"]).id if "location" in body else None, note=body["note"],
                by=request.auth.actor,
            )  # fmt: skip
            return 201, _restriction(RoutingRestriction.objects.select_related("product").get(pk=made))

        return self.once(request, work)


class RoutingRestrictionView(ApiView):
    """One restriction."""

    scopes = {"DELETE": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="lift_routing_restriction", summary="Lift a restriction", request=None, responses={204: None}
    )
    def delete(self, request: ApiRequest, number: int) -> HttpResponse:
        """Let these goods be sent again."""

        def work() -> tuple[int, Any]:
            if number > 2**31:
                raise NotFound("There is no such restriction.", restriction=number)
            nodes.lift(number, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


def _restriction(row: RoutingRestriction) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "sku": row.product.sku if row.product else None,
        "category": row.category,
        "country": row.country,
        "location": locations.by_id(row.location_id).code if row.location_id else None,
        "note": row.note,
    }
