"""The replenishment part of the API: what should be reordered and why, rules, and promotions that forecasts reckon with."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.paging import CursorPaging
from commerce.api.schema import page_of
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from inventory.api import replenishment_serializers as serializers
from inventory.models import ReplenishmentRule
from inventory.places import locations
from inventory.replenishment import lists, proposals, rules
from inventory.replenishment.lists import Proposal
from inventory.replenishment.proposals import Decision

_SAME_NAME = tuple(
    name for name in serializers.RuleDocument().fields if name not in {"id", "sku", "location", "group", "supplier"}
)


class ProposalsView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="What should be reordered, and why",
        parameters=[serializers.ProposalParameters],
        responses=page_of(serializers.ProposalDocument),
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List proposals of one state, newest first, with every number they were worked out from."""
        asked = serializers.ProposalParameters.of(request)
        places = [locations.ref(asked["location"]).id] if "location" in asked else None
        rows = lists.proposal_rows(location_ids=places, state=asked["state"], kind=asked.get("kind", ""))
        return self.reply(
            CursorPaging("-made_at", "-id").page(
                request,
                rows,
                limit=asked["limit"],
                cursor=asked.get("cursor"),
                present=lambda found: [_proposal(one) for one in lists.presented(found)],
            )
        )


class ApproveProposalsView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Approve proposals", request=serializers.ApproveBody, responses=serializers.ProposalsDocument
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Approve proposals, all or none; drafts of purchase orders and transfers are made of them."""
        body = serializers.ApproveBody.read(request.data)
        decisions = [Decision(item["id"], item.get("quantity")) for item in body["items"]]

        def work() -> tuple[int, Any]:
            return 200, _proposals(proposals.approve(decisions, by=request.auth.actor, at=clock.now()))

        return self.once(request, work)


class DismissProposalsView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Dismiss proposals", request=serializers.DismissBody, responses=serializers.ProposalsDocument
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Dismiss proposals with a reason, all or none; the same is not proposed again for a week."""
        body = serializers.DismissBody.read(request.data)

        def work() -> tuple[int, Any]:
            rows = proposals.dismiss(body["ids"], reason=body["reason"], by=request.auth.actor, at=clock.now())
            return 200, _proposals(rows)

        return self.once(request, work)


class OrderedProposalsView(ApiView):
    scopes = {"POST": Scope.SUPPLY_WRITE}

    @extend_schema(
        summary="Say that approved proposals were ordered elsewhere",
        request=serializers.OrderedBody,
        responses=serializers.ProposalsDocument,
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Note the number under which an ERP or a person ordered what was approved."""
        body = serializers.OrderedBody.read(request.data)
        references = {item["id"]: item["reference"] for item in body["items"]}

        def work() -> tuple[int, Any]:
            return 200, _proposals(proposals.mark_ordered(references, by=request.auth.actor, at=clock.now()))

        return self.once(request, work)


class RulesView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "POST": Scope.SUPPLY_WRITE}

    @extend_schema(summary="Replenishment rules", responses=serializers.RulesDocument)
    def get(self, request: ApiRequest) -> HttpResponse:
        """List the rules, active ones first, by name."""
        return self.reply({"items": [_rule(row) for row in lists.rules()]})

    @extend_schema(
        summary="Add a replenishment rule", request=serializers.RuleBody, responses={201: serializers.RuleDocument}
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Make a rule. Empty levels are worked out from the forecast; numbers that contradict each other are refused."""
        values = _values(serializers.RuleBody.read(request.data))

        def work() -> tuple[int, Any]:
            made = rules.add_rule(by=request.auth.actor, at=clock.now(), **values)
            return 201, _rule(lists.rule(made))

        return self.once(request, work)


class RuleView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "PATCH": Scope.SUPPLY_WRITE}

    @extend_schema(summary="One replenishment rule", responses=serializers.RuleDocument)
    def get(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Read a rule."""
        return self.reply(_rule(lists.rule(rule_id)))

    @extend_schema(
        summary="Change a replenishment rule", request=serializers.RuleChangeBody, responses=serializers.RuleDocument
    )
    def patch(self, request: ApiRequest, rule_id: int) -> HttpResponse:
        """Change what is named; retire a rule with `is_active` false."""
        values = _values(serializers.RuleChangeBody.read(request.data))

        def work() -> tuple[int, Any]:
            rules.change_rule(rule_id, by=request.auth.actor, at=clock.now(), **values)
            return 200, _rule(lists.rule(rule_id))

        return self.once(request, work)


class PromotionsView(ApiView):
    scopes = {"GET": Scope.SUPPLY_WRITE, "POST": Scope.SUPPLY_WRITE}

    @extend_schema(summary="Promotions that forecasts reckon with", responses=serializers.PromotionsDocument)
    def get(self, request: ApiRequest) -> HttpResponse:
        """List promotions, newest first."""
        rows = lists.uplifts()
        return self.reply(
            {
                "items": [
                    {
                        "id": row.pk, "name": row.name, "sku": row.product.sku if row.product else None,
                        "category": row.category, "factor": row.factor, "first_day": row.first_day,
                        "last_day": row.last_day,
                    }
                    for row in rows
                ]
            }
        )  # fmt: skip

    @extend_schema(
        summary="Note that a promotion sells more",
        request=serializers.PromotionBody,
        responses={201: serializers.PromotionDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Say how many times as much a product or category sells on the days of a promotion, ahead or past."""
        body = serializers.PromotionBody.read(request.data)
        product_id = catalog.known([body["sku"]], at="sku")[body["sku"]].id if "sku" in body else None

        def work() -> tuple[int, Any]:
            made = rules.add_uplift(
                body["name"], factor=body["factor"], first_day=body["first_day"], last_day=body["last_day"],
                product_id=product_id, category=body["category"], by=request.auth.actor,
            )  # fmt: skip
            return 201, {"id": made}

        return self.once(request, work)


class PromotionView(ApiView):
    scopes = {"DELETE": Scope.SUPPLY_WRITE}

    @extend_schema(summary="Forget a promotion", request=None, responses={204: None})
    def delete(self, request: ApiRequest, promotion_id: int) -> HttpResponse:
        """Let forecasts take its days for usual ones. Forgetting it twice changes nothing."""

        def work() -> tuple[int, Any]:
            rules.remove_uplift(promotion_id, by=request.auth.actor)
            return 204, None

        return self.once(request, work)


def _values(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a rule as the verb takes them. Raises: UnknownProduct, LocationUnknown."""
    values = dict(body)
    if "sku" in values:
        sku = values.pop("sku")
        values["product_id"] = catalog.known([sku], at="sku")[sku].id if sku is not None else None
    if "location" in values:
        code = values.pop("location")
        values["location_id"] = locations.ref(code).id if code is not None else None
    if "supplier" in values:
        values["supplier_code"] = values.pop("supplier")
    return values


def _rule(row: ReplenishmentRule) -> dict[str, Any]:
    return {
        "id": row.pk,
        "sku": row.product.sku if row.product else None,
        "location": row.location.code if row.location else None,
        "group": row.group.code if row.group else None,
        "supplier": row.supplier_code,
        **{name: getattr(row, name) for name in _SAME_NAME},
    }


def _proposals(rows: Iterable[Any]) -> dict[str, Any]:
    return {"items": [_proposal(one) for one in lists.presented(rows)]}


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "id": one.id, "kind": one.kind, "state": one.state, "sku": one.product.sku, "location": one.location.code,
        "from_location": one.from_location.code if one.from_location else None, "supplier": one.supplier_code,
        "quantity": one.quantity, "order_on": one.order_on, "expected_on": one.expected_on, "rule": one.rule_id,
        "inputs": one.inputs, "made_at": one.made_at, "decided_at": one.decided_at, "reason": one.reason,
        "order_reference": one.order_reference,
    }  # fmt: skip
