"""Doors to prices: ask for a quote, read it again."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.authentication import Credential
from commerce.api.views import ApiRequest, ApiView
from commerce.roles import Scope
from pricing import quoting
from pricing.api.serializers import QuoteDocument, QuoteRequest, document


def terms_of(credential: Credential) -> quoting.ChannelTerms:
    """Return what of the calling channel decides its prices."""
    return quoting.ChannelTerms(credential.channel_id, credential.currency, credential.country)


class QuotesView(ApiView):
    """Prices for a basket."""

    scopes: ClassVar = {"POST": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="quotes_create", request=QuoteRequest, responses={201: QuoteDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Price a basket on this channel, and honour the result until it expires.

        Every amount comes with its steps and reasons; name the quote's id when placing the order.
        """
        wanted = QuoteRequest.read(request.data)
        credential = request.auth

        def work() -> tuple[int, Any]:
            products = catalog.known([line["sku"] for line in wanted["lines"]])
            given = quoting.give(
                [quoting.BasketLine(products[line["sku"]].id, line["quantity"]) for line in wanted["lines"]],
                channel=terms_of(credential),
                customer_group=wanted["customer_group"],
                ttl=timedelta(seconds=wanted["ttl_seconds"]),
                at=clock.now(),
                by=credential.actor,
            )
            return 201, document(given)

        return self.once(request, work)


class QuoteView(ApiView):
    """One quote."""

    scopes: ClassVar = {"GET": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="quotes_retrieve", responses={200: QuoteDocument})
    def get(self, request: ApiRequest, quote_id: UUID) -> HttpResponse:
        """Read a quote that was given to this channel, expired or not."""
        given = quoting.given(quote_id, channel_id=request.auth.channel_id)
        return self.with_etag(request, document(given), version=given.id)
