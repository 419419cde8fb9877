"""Sharing through the API: rules that withhold with their previews, dynamic policies with their steps, guarantees."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, queries
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from inventory.api import sharing_serializers as serializers
from inventory.cascade import RuleState
from inventory.models import BufferRule, DynamicPolicy, Obligation
from inventory.places import groups, locations
from inventory.sharing import buffer_rules, dynamic_buffers, obligations
from inventory.sharing.scopes import ScopeIds

_RULE = ("purpose", "kind", "amount", "priority", "starts_at", "ends_at", "daily_from", "daily_until")
_CONTRADICTIONS = {
    "equal_rank": "“{0.rule.name}” and “{0.other.name}” are about the same and say different amounts: the stricter one counts.",
    "loosens": "“{0.rule.name}” is the more special one and shows more than “{0.other.name}” meant to: it counts.",
    "cap_below_cut_off": "“{0.rule.name}” shows fewer pieces than “{0.other.name}” asks for before it shows any: both hold.",
}
_POLICY = ("minimum", "maximum", "factor_percent", "step_limit", "cool_down_seconds")


class SharingRulesView(ApiView):
    scopes = {"GET": Scope.SHARING_WRITE, "POST": Scope.SHARING_WRITE}

    @extend_schema(
        operation_id="list_sharing_rules", summary="Rules that withhold pieces from channels",
        parameters=[serializers.SharingFilters], responses=serializers.SharingRulesDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the rules in a state, newest first: active ones unless another state is asked for."""
        state = RuleState(serializers.SharingFilters.of(request)["state"])
        return self.reply({"items": [_rule(row) for row in buffer_rules.listed(state)]})

    @extend_schema(
        summary="Draft a rule that withholds, and measure it", request=serializers.SharingRuleBody,
        responses={201: serializers.SharingRuleDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest) -> HttpResponse:
        """Write a rule down. It holds nothing back yet; `preview` says what it would change, `contradictions` whom it crosses."""
        body = serializers.SharingRuleBody.read(request.data)
        wanted = buffer_rules.Draft(
            name=body["name"], scope=_scope(body), **{field: body[field] for field in _RULE if field in body}
        )

        def work() -> tuple[int, Any]:
            made = buffer_rules.propose(wanted, by=request.auth.actor, at=clock.now())
            return 201, _rule(buffer_rules.stored(made))

        return self.once(request, work)


class SharingRuleView(ApiView):
    scopes = {"GET": Scope.SHARING_WRITE, "DELETE": Scope.SHARING_WRITE}

    @extend_schema(operation_id="read_sharing_rule", summary="One rule", responses=serializers.SharingRuleDocument)
    def get(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Read a rule with what it was measured to change."""
        return self.reply(_rule(buffer_rules.stored(rule_id)))

    @extend_schema(summary="Throw the draft of a rule away", request=None, responses={204: None})
    def delete(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Throw a draft away; what was active once is retired instead."""

        def work() -> tuple[int, Any]:
            buffer_rules.discard(rule_id, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


class SharingRulePreviewView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(summary="Measure a draft anew", request=None, responses=serializers.SharingRuleDocument)
    def post(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Measure what a draft would change now; a rule is activated only with fresh figures."""

        def work() -> tuple[int, Any]:
            buffer_rules.preview(rule_id, at=clock.now())
            return 200, _rule(buffer_rules.stored(rule_id))

        return self.once(request, work)


class SharingRuleActivateView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(
        summary="Let a rule hold", request=serializers.SharingActivateBody, responses=serializers.SharingRuleDocument
    )
    def post(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Let a draft hold from now on, or from its start; channels are told what changes for them."""
        body = serializers.SharingActivateBody.read(request.data)

        def work() -> tuple[int, Any]:
            buffer_rules.activate(rule_id, words=body["words"], by=request.auth.actor, at=clock.now())
            return 200, _rule(buffer_rules.stored(rule_id))

        return self.once(request, work)


class SharingRuleRetireView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(
        summary="Retire a rule", request=serializers.SharingReasonBody, responses=serializers.SharingRuleDocument
    )
    def post(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """End an active rule for good; its pieces are for sale again."""
        body = serializers.SharingReasonBody.read(request.data)

        def work() -> tuple[int, Any]:
            buffer_rules.retire(rule_id, by=request.auth.actor, at=clock.now(), reason=body["reason"])
            return 200, _rule(buffer_rules.stored(rule_id))

        return self.once(request, work)


class SharingPoliciesView(ApiView):
    scopes = {"GET": Scope.SHARING_WRITE, "POST": Scope.SHARING_WRITE}

    @extend_schema(
        operation_id="list_sharing_policies", summary="Policies that withhold by measured need",
        parameters=[serializers.SharingFilters], responses=serializers.SharingPoliciesDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the dynamic policies in a state, newest first."""
        state = RuleState(serializers.SharingFilters.of(request)["state"])
        return self.reply({"items": [_policy(row, is_list=True) for row in dynamic_buffers.policies(state)]})

    @extend_schema(
        summary="Draft a dynamic policy", request=serializers.SharingPolicyBody,
        responses={201: serializers.SharingPolicyDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest) -> HttpResponse:
        """Write down within which bounds pieces are withheld as demand and lag are measured. Nothing holds yet."""
        body = serializers.SharingPolicyBody.read(request.data)
        wanted = dynamic_buffers.PolicyDraft(
            name=body["name"], scope=_scope(body), **{field: body[field] for field in _POLICY}
        )

        def work() -> tuple[int, Any]:
            made = dynamic_buffers.draft(wanted, by=request.auth.actor, at=clock.now())
            return 201, _policy(dynamic_buffers.stored(made))

        return self.once(request, work)


class SharingPolicyView(ApiView):
    scopes = {"GET": Scope.SHARING_WRITE, "DELETE": Scope.SHARING_WRITE}

    @extend_schema(
        operation_id="read_sharing_policy", summary="One dynamic policy", responses=serializers.SharingPolicyDocument
    )
    def get(self, request: ApiRequest, policy_id: int) -> HttpResponse:
        """Read a policy with its latest steps, each with the measurements that caused it."""
        return self.reply(_policy(dynamic_buffers.stored(policy_id)))

    @extend_schema(summary="Throw the draft of a policy away", request=None, responses={204: None})
    def delete(self, request: ApiRequest, policy_id: int) -> HttpResponse:
        """Throw a draft away."""

        def work() -> tuple[int, Any]:
            dynamic_buffers.discard(policy_id, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


class SharingPolicyActivateView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(summary="Let a dynamic policy work", request=None, responses=serializers.SharingPolicyDocument)
    def post(self, request: ApiRequest, policy_id: int) -> HttpResponse:
        """Let a policy measure and step from now on."""

        def work() -> tuple[int, Any]:
            dynamic_buffers.activate(policy_id, by=request.auth.actor, at=clock.now())
            return 200, _policy(dynamic_buffers.stored(policy_id))

        return self.once(request, work)


class SharingPolicyRetireView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(
        summary="Retire a dynamic policy", request=serializers.SharingReasonBody,
        responses=serializers.SharingPolicyDocument,
    )  # fmt: skip
    def post(self, request: ApiRequest, policy_id: int) -> HttpResponse:
        """End a policy for good; what it kept is for sale again."""
        body = serializers.SharingReasonBody.read(request.data)

        def work() -> tuple[int, Any]:
            dynamic_buffers.retire(policy_id, by=request.auth.actor, at=clock.now(), reason=body["reason"])
            return 200, _policy(dynamic_buffers.stored(policy_id))

        return self.once(request, work)


class SharingStepUndoView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(summary="Take a step of a policy back", request=None, responses=serializers.SharingPolicyDocument)
    def post(self, request: ApiRequest, policy_id: int, step_id: UUID) -> HttpResponse:
        """Take a step back and let the policy rest there for a while; both stay in its history."""

        def work() -> tuple[int, Any]:
            dynamic_buffers.undo(step_id, by=request.auth.actor, at=clock.now())
            return 200, _policy(dynamic_buffers.stored(policy_id))

        return self.once(request, work)


class ObligationsView(ApiView):
    scopes = {"GET": Scope.SHARING_WRITE, "POST": Scope.SHARING_WRITE}

    @extend_schema(
        operation_id="list_obligations", summary="What channels were guaranteed",
        responses=serializers.ObligationsDocument,
    )  # fmt: skip
    def get(self, request: ApiRequest) -> HttpResponse:
        """List guarantees, newest first, with what was taken and is still owed."""
        return self.reply({"items": [_obligation(row) for row in obligations.listed()]})

    @extend_schema(
        summary="Guarantee pieces to a channel", request=serializers.ObligationBody,
        responses={201: serializers.ObligationDocument},
    )  # fmt: skip
    def post(self, request: ApiRequest) -> HttpResponse:
        """Guarantee a quantity for a time; what is not taken of it yet, the other channels don't see."""
        body = serializers.ObligationBody.read(request.data)
        wanted = obligations.Agreement(
            name=body["name"], scope=_scope(body), quantity=body["quantity"], starts_at=body["starts_at"],
            ends_at=body["ends_at"],
        )  # fmt: skip

        def work() -> tuple[int, Any]:
            made = obligations.agree(wanted, by=request.auth.actor, at=clock.now())
            return 201, _obligation(obligations.stored(made))

        return self.once(request, work)


class ObligationEndView(ApiView):
    scopes = {"POST": Scope.SHARING_WRITE}

    @extend_schema(
        summary="End a guarantee", request=serializers.SharingReasonBody, responses=serializers.ObligationDocument
    )
    def post(self, request: ApiRequest, obligation_id: int) -> HttpResponse:
        """End a guarantee before its time; what was still owed is for everybody again."""
        body = serializers.SharingReasonBody.read(request.data)

        def work() -> tuple[int, Any]:
            obligations.end(obligation_id, by=request.auth.actor, at=clock.now(), reason=body["reason"])
            return 200, _obligation(obligations.stored(obligation_id))

        return self.once(request, work)


def _scope(body: Mapping[str, Any]) -> ScopeIds:
    """Return the scope by ids. Raises: UnknownProduct, LocationUnknown, InvalidInput for an unknown channel or group."""
    channel = group = None
    if "channel" in body:
        channel = next((one.id for one in queries.channels() if one.code == body["channel"]), None)
        if channel is None:
            raise _unknown("channel", body["channel"])
    if "group" in body:
        group = next((row.pk for row in groups.listed() if row.code == body["group"]), None)
        if group is None:
            raise _unknown("group", body["group"])
    return ScopeIds(
        channel_id=channel,
        location_id=locations.ref(body["location"]).id if "location" in body else None,
        group_id=group,
        product_id=catalog.known([body["sku"]], at="sku")[body["sku"]].id if "sku" in body else None,
        category=body.get("category", ""),
    )


def _unknown(field: str, value: str) -> InvalidInput:
    message = f"There is no {'channel' if field == 'channel' else 'group of places'} {value!r}."
    return InvalidInput(message, errors=[{"field": field, "value": value, "message": message}])


def _scoped(row: BufferRule | DynamicPolicy | Obligation) -> dict[str, Any]:
    return {
        "id": row.pk, "name": row.name, "channel": row.channel.code if row.channel else None,
        "location": row.location.code if row.location else None, "group": row.group.code if row.group else None,
        "sku": row.product.sku if row.product else None, "category": row.category,
    }  # fmt: skip


def _rule(row: BufferRule) -> dict[str, Any]:
    is_draft = row.state == RuleState.DRAFT.value
    return _scoped(row) | {name: getattr(row, name) for name in _RULE} | {
        "state": row.state, "preview": row.preview, "previewed_at": row.previewed_at,
        "needs_words": is_draft and buffer_rules.needs_words(row),
        "contradictions": [
            {"how": one.how, "rule": one.other.id, "name": one.other.name, "text": _CONTRADICTIONS[one.how].format(one)}
            for one in buffer_rules.warnings(row)
        ] if is_draft else [],
    }  # fmt: skip


def _policy(row: DynamicPolicy, *, is_list: bool = False) -> dict[str, Any]:
    steps = [] if is_list else dynamic_buffers.steps_of(row.pk)
    return _scoped(row) | {name: getattr(row, name) for name in _POLICY} | {
        "state": row.state,
        "steps": [
            {
                "id": step.pk, "sku": step.product.sku, "location": step.location.code, "before": step.before,
                "after": step.after, "cause": step.cause, "inputs": step.inputs, "stepped_at": step.stepped_at,
            }
            for step in steps
        ],
    }  # fmt: skip


def _obligation(row: Obligation) -> dict[str, Any]:
    is_live = row.ended_at is None and row.ends_at > clock.now()
    return _scoped(row) | {
        "quantity": row.quantity, "taken": row.taken, "owed": max(row.quantity - row.taken, 0) if is_live else 0,
        "starts_at": row.starts_at, "ends_at": row.ends_at, "ended_at": row.ended_at,
    }  # fmt: skip
