"""Doors to price packs: take one for a till, compare what was sold by it."""

from datetime import timedelta
from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from pricing import packs, quoting
from pricing.api.serializers import PackDocument, PackQuery, ReconciledDocument, ReconcileRequest
from pricing.api.views import terms_of


class PricePackView(ApiView):
    """What a till needs to sell while it is cut off."""

    scopes: ClassVar = {"GET": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="price_pack_retrieve", parameters=[PackQuery], responses={200: PackDocument})
    def get(self, request: ApiRequest) -> HttpResponse:
        """Take a signed price pack: lists, rates, products and rules of this channel, those to come included.

        What is limited of promotions is not granted by it. Compare afterwards at `/price-pack/reconciliations`.
        """
        query = PackQuery.of(request)
        return self.reply(packs.make(terms_of(request.auth), at=clock.now(), ttl=timedelta(hours=query["hours"])))


class ReconciliationsView(ApiView):
    """What was sold by a pack beside what we would have asked for."""

    scopes: ClassVar = {"POST": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="price_pack_reconcile", request=ReconcileRequest, responses={200: ReconciledDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Compare up to 500 sales of a till that was cut off with our prices at their instants; differences are recorded."""
        wanted = ReconcileRequest.read(request.data)

        def work() -> tuple[int, Any]:
            sales = []
            for number, sale in enumerate(wanted["sales"]):
                skus = [line["sku"] for line in sale["lines"]]
                products = catalog.known(skus, at=f"sales[{number}].lines[{{}}].sku")
                shopper = quoting.Shopper(
                    customer_group=sale["customer_group"],
                    location=sale["location"],
                    payment_method=sale["payment_method"],
                    codes=tuple(sale["coupons"]),
                )
                lines = [quoting.BasketLine(products[line["sku"]].id, line["quantity"]) for line in sale["lines"]]
                sales.append(packs.Sale(sale["reference"], sale["at"], lines, sale["total_minor"], shopper))
            compared = packs.reconcile(
                wanted["header"], wanted["signature"], sales, channel=terms_of(request.auth), by=request.auth.actor
            )
            return 200, {"sales": compared}

        return self.once(request, work)
