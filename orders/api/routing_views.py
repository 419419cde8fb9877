"""Routing for integrations: why an order is served from where it is; policies, their trials, and the switch."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock
from commerce.api import bodies
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from orders import queries
from orders.routing import policies, simulations
from orders.routing.policies import LONGEST_NOTE, PolicyRef
from orders.routing.simulations import SimulationRef
from orders.sourcing.policy import LONGEST_NAME, Mode
from orders.sourcing.standing import Occasion, SimulationState

MODES = [mode.value for mode in Mode]
SIMULATION_STATES = [state.value for state in SimulationState]
OCCASIONS = [one.value for one in Occasion]
USUAL_SPAN = timedelta(days=28)


# --- what it takes and gives --------------------------------------------------------------------------------------------


class PolicyBody(bodies.StrictSerializer):
    name = bodies.Text(max_length=LONGEST_NAME)
    note = bodies.Text(required=False, default="", allow_blank=True, max_length=LONGEST_NOTE)
    based_on = bodies.Whole(required=False, min_value=1, help_text="The version that it was made from.")
    content = serializers.JSONField(
        help_text="mode (ranked, weighed), terms [{criterion, rate (thousandths of a minor unit) or step}], most_parts, "
        "split_from_minor, split_saves_minor, may_divide_lines, keep_at_stores, demand_days, overstock_days, most_attempts."
    )


class SpanBody(bodies.StrictSerializer):
    since = bodies.Instant(required=False, help_text="Orders placed from then on; default 28 days ago.")
    until = bodies.Instant(required=False, help_text="Orders placed before then; default now.")


class SwitchBody(bodies.StrictSerializer):
    reason = bodies.Text(required=False, default="", allow_blank=True, max_length=LONGEST_NOTE)
    expected_live = bodies.Whole(
        required=False, min_value=0, help_text="Only if this version is live now (0: none); else 409."
    )


class RestoreBody(bodies.StrictSerializer):
    reason = bodies.Text(max_length=LONGEST_NOTE)


class ShadowBody(bodies.StrictSerializer):
    policy = bodies.Whole(
        min_value=1, allow_null=True, help_text="The version to ask beside the live one; null ends it."
    )
    reason = bodies.Text(required=False, default="", allow_blank=True, max_length=LONGEST_NOTE)


class PolicyParameters(bodies.QueryParameters):
    before = bodies.Whole(required=False, min_value=1, help_text="Only versions before this one.")
    limit = bodies.Whole(required=False, default=50, min_value=1, max_value=policies.MOST_LISTED)


class PolicyDocument(serializers.Serializer[Any]):
    number = serializers.IntegerField()
    name = serializers.CharField()
    content = serializers.DictField()
    based_on = serializers.IntegerField(allow_null=True)
    restores = serializers.IntegerField(allow_null=True)
    note = serializers.CharField()
    author = serializers.CharField()
    created_at = serializers.DateTimeField()
    is_live = serializers.BooleanField()
    is_shadow = serializers.BooleanField()
    is_tried = serializers.BooleanField()


class PoliciesDocument(serializers.Serializer[Any]):
    items = PolicyDocument(many=True)
    next_before = serializers.IntegerField(allow_null=True)


class SimulationDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    policy = serializers.IntegerField()
    beside = serializers.IntegerField(allow_null=True)
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    state = serializers.ChoiceField(SIMULATION_STATES)
    total = serializers.IntegerField()
    done = serializers.IntegerField()
    result = serializers.DictField(allow_null=True)
    problem = serializers.CharField()
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class SimulationsDocument(serializers.Serializer[Any]):
    items = SimulationDocument(many=True)


class DecisionDocument(serializers.Serializer[Any]):
    policy_version = serializers.CharField()
    location = serializers.CharField(allow_null=True)
    occasion = serializers.ChoiceField(OCCASIONS)
    attempt = serializers.IntegerField()
    inputs = serializers.DictField()
    outcome = serializers.DictField(allow_null=True)
    shadow = serializers.DictField(allow_null=True)
    shadow_differs = serializers.BooleanField()
    decided_at = serializers.DateTimeField()


class DecisionsDocument(serializers.Serializer[Any]):
    items = DecisionDocument(many=True)


class ShadowDocument(serializers.Serializer[Any]):
    policy = serializers.IntegerField(allow_null=True)


def _policy(one: PolicyRef) -> dict[str, Any]:
    return {
        "number": one.number, "name": one.name, "content": one.policy.document(), "based_on": one.based_on,
        "restores": one.restores, "note": one.note, "author": one.author, "created_at": one.created_at,
        "is_live": one.is_live, "is_shadow": one.is_shadow, "is_tried": one.is_tried,
    }  # fmt: skip


def _simulation(one: SimulationRef) -> dict[str, Any]:
    return {
        "id": one.id, "policy": one.policy, "beside": one.beside, "since": one.since, "until": one.until,
        "state": one.state.value, "total": one.total, "done": one.done, "result": one.result, "problem": one.problem,
        "created_at": one.created_at, "ended_at": one.ended_at,
    }  # fmt: skip


# --- orders -------------------------------------------------------------------------------------------------------------


class OrderRoutingView(ApiView):
    """Why an order of the caller's channel is served from where it is."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(
        operation_id="read_order_routing", summary="Routing decisions of an order", responses=DecisionsDocument
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        """Read every decision about an order, the oldest first: its policy, inputs, losers with their measures, who was out."""
        queries.order(order_id, channel_id=request.auth.channel_id)  # whose it is not, for them there is none
        items = [
            {
                "policy_version": one.policy_version, "location": one.chosen, "occasion": one.occasion,
                "attempt": one.attempt, "inputs": one.inputs, "outcome": one.outcome, "shadow": one.shadow,
                "shadow_differs": one.shadow_differs, "decided_at": one.decided_at,
            }
            for one in queries.decisions(order_id)
        ]  # fmt: skip
        return self.reply({"items": items})


# --- policies -----------------------------------------------------------------------------------------------------------


class RoutingPoliciesView(ApiView):
    """The versions of the routing policy."""

    scopes = {"GET": Scope.ROUTING_READ, "POST": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="list_routing_policies",
        summary="Versions of the routing policy, newest first",
        parameters=[PolicyParameters],
        responses=PoliciesDocument,
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the versions with what they say, and which is live or in the shadow."""
        asked = PolicyParameters.of(request)
        found = policies.listed(before=asked.get("before"), at_most=asked["limit"] + 1)
        shown = found[: asked["limit"]]
        more = shown[-1].number if len(found) > asked["limit"] else None
        return self.reply({"items": [_policy(one) for one in shown], "next_before": more})

    @extend_schema(
        operation_id="draft_routing_policy",
        summary="Draft a version of the routing policy",
        request=PolicyBody,
        responses={201: PolicyDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Write a new version down. It never changes, and decides nothing before it was simulated and activated."""
        body = PolicyBody.read(request.data)
        content = body["content"] if isinstance(body["content"], dict) else {}

        def work() -> tuple[int, Any]:
            made = policies.draft(
                body["name"], content, based_on=body.get("based_on"), note=body["note"], by=request.auth.actor,
                at=clock.now(),
            )  # fmt: skip
            return 201, _policy(made)

        return self.once(request, work)


class RoutingPolicyView(ApiView):
    """One version."""

    scopes = {"GET": Scope.ROUTING_READ}

    @extend_schema(
        operation_id="read_routing_policy", summary="A version of the routing policy", responses=PolicyDocument
    )
    def get(self, request: ApiRequest, number: int) -> HttpResponse:
        """Read a version by its number."""
        return self.reply(_policy(policies.get(number)))


class RoutingSimulationsView(ApiView):
    """The trials of a version."""

    scopes = {"GET": Scope.ROUTING_READ, "POST": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="list_routing_simulations",
        summary="Simulations of a version, newest first",
        responses=SimulationsDocument,
    )
    def get(self, request: ApiRequest, number: int) -> HttpResponse:
        """List the twenty newest trials of a version."""
        policies.get(number)
        return self.reply({"items": [_simulation(one) for one in simulations.of_policy(number)]})

    @extend_schema(
        operation_id="simulate_routing_policy",
        summary="Try a version on past orders",
        request=SpanBody,
        responses={202: SimulationDocument},
    )
    def post(self, request: ApiRequest, number: int) -> HttpResponse:
        """Have a version serve past orders beside the live one; a worker does it, `GET /routing/simulations/{id}` tells how far."""
        body, at = SpanBody.read(request.data), clock.now()

        def work() -> tuple[int, Any]:
            until = body.get("until") or at
            since = body.get("since") or until - USUAL_SPAN
            return 202, _simulation(simulations.ask(number, since=since, until=until, by=request.auth.actor, at=at))

        return self.once(request, work)


class RoutingSimulationView(ApiView):
    """One trial."""

    scopes = {"GET": Scope.ROUTING_READ}

    @extend_schema(operation_id="read_routing_simulation", summary="A simulation", responses=SimulationDocument)
    def get(self, request: ApiRequest, simulation_id: UUID) -> HttpResponse:
        """Read how far a trial is, or what came of it."""
        return self.reply(_simulation(simulations.get(simulation_id)))


class ActivateRoutingPolicyView(ApiView):
    """The switch."""

    scopes = {"POST": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="activate_routing_policy",
        summary="Let a version decide",
        request=SwitchBody,
        responses={200: PolicyDocument},
    )
    def post(self, request: ApiRequest, number: int) -> HttpResponse:
        """Let a version that was simulated decide from now on. Activating the live one changes nothing."""
        body = SwitchBody.read(request.data)

        def work() -> tuple[int, Any]:
            made = policies.activate(
                number, reason=body["reason"], expected_live=body.get("expected_live"), by=request.auth.actor,
                at=clock.now(),
            )  # fmt: skip
            return 200, _policy(made)

        return self.once(request, work)


class RestoreRoutingPolicyView(ApiView):
    """Going back."""

    scopes = {"POST": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="restore_routing_policy",
        summary="Go back to an earlier version",
        request=RestoreBody,
        responses={201: PolicyDocument},
    )
    def post(self, request: ApiRequest, number: int) -> HttpResponse:
        """Write a new version with the content of one that was live, and let it decide at once."""
        body = RestoreBody.read(request.data)

        def work() -> tuple[int, Any]:
            made = policies.restore(number, reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 201, _policy(made)

        return self.once(request, work)


class RoutingShadowView(ApiView):
    """Which version is asked beside the live one."""

    scopes = {"PUT": Scope.ROUTING_MANAGE}

    @extend_schema(
        operation_id="follow_routing_policy",
        summary="Ask a version beside the live one",
        request=ShadowBody,
        responses=ShadowDocument,
    )
    def put(self, request: ApiRequest) -> HttpResponse:
        """Have a version decide every order in the shadow; what it would have done otherwise is kept with the decision."""
        body = ShadowBody.read(request.data)

        def work() -> tuple[int, Any]:
            policies.follow(body["policy"], reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 200, {"policy": body["policy"]}

        return self.once(request, work)
