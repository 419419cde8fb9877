"""Doors to prices themselves, for whoever keeps them elsewhere: lists, entries, costs, currency rates, contents."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import InvalidInput
from commerce.roles import Scope
from pricing import costs, currencies, pricelists, product_terms
from pricing.api.price_bodies import (
    ChangedDocument,
    ContentsRequest,
    CostsRequest,
    CurrencyRateRequest,
    EndingsRequest,
    PriceListDocument,
    PriceListRequest,
    PricesDocument,
    PricesRequest,
)
from pricing.listing import Content
from pricing.terms import PriceBasis, TierMode


class PriceListsView(ApiView):
    """Lists of prices."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="price_lists_create", request=PriceListRequest, responses={201: PriceListDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Open a price list for a channel or all, a country, a customer group, a contract, or computed from another one."""
        wanted = PriceListRequest.read(request.data)

        def work() -> tuple[int, Any]:
            computed = wanted["computed"]
            pricelists.add_list(
                wanted["code"], name=wanted["name"], currency=wanted["currency"], basis=PriceBasis(wanted["basis"]),
                tier_mode=TierMode(wanted["tier_mode"]), country=wanted["country"], contract=wanted["contract"],
                channel_id=request.auth.channel_id if wanted["is_for_channel"] else None,
                customer_group=wanted["customer_group"], counts_family=wanted["counts_family"],
                computed=pricelists.Computed(**computed) if computed else None, priority=wanted["priority"],
                by=request.auth.actor,
            )  # fmt: skip
            return 201, {"code": wanted["code"]}

        return self.once(request, work)


class PricesView(ApiView):
    """Prices of one list."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="prices_set", request=PricesRequest, responses={200: PricesDocument})
    def post(self, request: ApiRequest, code: str) -> HttpResponse:
        """Lay up to 10,000 prices over a list, all or none; what is covered gives way. Inverted tiers are told."""
        wanted = PricesRequest.read(request.data)["prices"]
        products = catalog.known([one["sku"] for one in wanted], at="prices[{}].sku")

        def work() -> tuple[int, Any]:
            entries = [
                pricelists.NewPrice(
                    products[one["sku"]].id, one["amount_minor"], one["min_quantity"], one["valid_from"],
                    one["valid_until"],
                )
                for one in wanted
            ]  # fmt: skip
            changed = pricelists.set_prices(code, entries, by=request.auth.actor)
            touched = {one.product_id for one in entries}
            return 200, {"changed": changed, "inversions": pricelists.inversions(code, touched, at=clock.now())}

        return self.once(request, work)


class PriceEndingsView(ApiView):
    """Prices of one list that end."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="prices_end", request=EndingsRequest, responses={200: ChangedDocument})
    def post(self, request: ApiRequest, code: str) -> HttpResponse:
        """End prices of a list, now or from an instant to come, all or none; another list's price may hold from there on.

        What was asked until then stays as it was, and prior prices look at it.
        """
        wanted = EndingsRequest.read(request.data)
        products = catalog.known([one["sku"] for one in wanted["prices"]], at="prices[{}].sku")

        def work() -> tuple[int, Any]:
            endings = [
                pricelists.Ending(products[one["sku"]].id, one["min_quantity"], one["ends_at"])
                for one in wanted["prices"]
            ]
            changed = pricelists.end_prices(code, endings, by=request.auth.actor, reason=wanted["reason"])
            return 200, {"changed": changed}

        return self.once(request, work)


class LandedCostsView(ApiView):
    """What goods cost us."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="landed_costs_set", request=CostsRequest, responses={200: ChangedDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Set landed costs of up to 10,000 products, from now on or the instants they name; margin floors follow them."""
        wanted = CostsRequest.read(request.data)["costs"]
        products = catalog.known([one["sku"] for one in wanted], at="costs[{}].sku")

        def work() -> tuple[int, Any]:
            entries = [
                costs.NewCost(products[one["sku"]].id, one["amount_minor"], one["currency"], one["valid_from"])
                for one in wanted
            ]
            return 200, {"changed": costs.set_costs(entries, by=request.auth.actor)}

        return self.once(request, work)


class CurrencyRatesView(ApiView):
    """Rates between currencies."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="currency_rates_set", request=CurrencyRateRequest, responses={200: ChangedDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Set what one unit of a currency is in another, from now on or an instant; computed lists follow."""
        wanted = CurrencyRateRequest.read(request.data)

        def work() -> tuple[int, Any]:
            is_new = currencies.set_rate(
                wanted["base"], wanted["quote"], wanted["millionths"], valid_from=wanted["valid_from"],
                by=request.auth.actor,
            )  # fmt: skip
            return 200, {"changed": int(is_new)}

        return self.once(request, work)


class ProductContentsView(ApiView):
    """What one piece of a product holds, and whose tiers it counts with."""

    scopes: ClassVar = {"POST": Scope.PRICES_WRITE}

    @extend_schema(operation_id="product_contents_set", request=ContentsRequest, responses={200: ChangedDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Set families and contents of up to 10,000 products; the unit price (§ 4 PAngV) on quotes follows."""
        wanted = ContentsRequest.read(request.data)["products"]
        products = catalog.known([one["sku"] for one in wanted], at="products[{}].sku")
        for number, one in enumerate(wanted):
            if (one["content_amount"] is None) != (not one["content_unit"]):
                message = "A content has an amount and a unit, or neither of them."
                name = f"products[{number}].content_unit"
                raise InvalidInput(message, errors=[{"field": name, "value": one["content_unit"], "message": message}])

        def work() -> tuple[int, Any]:
            terms = [
                product_terms.Terms(
                    products[one["sku"]].id, one["family"],
                    Content(one["content_amount"], one["content_unit"]) if one["content_amount"] else None,
                )
                for one in wanted
            ]  # fmt: skip
            return 200, {"changed": product_terms.set_terms(terms, by=request.auth.actor)}

        return self.once(request, work)
