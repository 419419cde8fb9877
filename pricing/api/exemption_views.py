"""Doors to goods whose reductions need name no prior price (§ 11 (4) PAngV)."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from pricing import exemptions
from pricing.api.price_bodies import (
    ExemptionDocument,
    ExemptionEnd,
    ExemptionQuery,
    ExemptionRequest,
    ExemptionsDocument,
)
from pricing.claims import ExemptionKind
from pricing.exemptions import Named


class ExemptionsView(ApiView):
    """Exemptions from prior prices."""

    scopes: ClassVar = {"GET": Scope.PRICES_WRITE, "POST": Scope.PRICES_WRITE}

    @extend_schema(
        operation_id="prior_price_exemptions_list", parameters=[ExemptionQuery], responses={200: ExemptionsDocument}
    )
    def get(self, request: ApiRequest) -> HttpResponse:
        """List what is, was and will be exempt, the newest first."""
        query = ExemptionQuery.of(request)
        rows = list(exemptions.listed(before=query.get("before"), at_most=query["limit"] + 1))
        shown = rows[: query["limit"]]
        more = shown[-1].pk if len(rows) > len(shown) else None
        return self.reply({"items": [_told(row) for row in shown], "next_before": more})

    @extend_schema(
        operation_id="prior_price_exemptions_create", request=ExemptionRequest, responses={201: ExemptionDocument}
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Let reductions of a product or category name no prior price, from now or an instant to come on, with the reason."""
        wanted = ExemptionRequest.read(request.data)
        products = catalog.known([wanted["sku"]], at="sku") if wanted["sku"] else {}

        def work() -> tuple[int, Any]:
            row = exemptions.exempt(
                Named(products[wanted["sku"]].id if products else None, wanted["category"]),
                ExemptionKind(wanted["kind"]), reason=wanted["reason"], valid_from=wanted["valid_from"],
                valid_until=wanted["valid_until"], by=request.auth.actor,
            )  # fmt: skip
            return 201, _told(row)

        return self.once(request, work)


class ExemptionEndView(ApiView):
    """The end of an exemption."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="prior_price_exemption_end", request=ExemptionEnd, responses={200: ExemptionDocument})
    def post(self, request: ApiRequest, exemption_id: int) -> HttpResponse:
        """End an exemption, now or from an instant to come; one that has not begun is called off."""
        wanted = ExemptionEnd.read(request.data)

        def work() -> tuple[int, Any]:
            row = exemptions.end(
                exemption_id, reason=wanted["reason"], ends_at=wanted["ends_at"], by=request.auth.actor
            )
            return 200, _told(row)

        return self.once(request, work)


def _told(row: Any) -> dict[str, Any]:
    valid = row.valid
    return {
        "id": row.pk, "sku": row.product.sku if row.product_id else "", "category": row.category, "kind": row.kind,
        "reason": row.reason, "valid_from": valid.lower, "valid_until": valid.upper, "is_called_off": bool(valid.isempty),
        "set_by": row.set_by, "set_at": row.set_at,
    }  # fmt: skip
