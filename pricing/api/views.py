"""Doors to prices: ask for a quote or for many, read one again."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock, idempotency
from commerce.api import problems
from commerce.api.authentication import Credential, check_scope
from commerce.api.views import ApiRequest, ApiView
from commerce.errors import CommerceError
from commerce.roles import Scope
from pricing import quoting
from pricing.api import documents, giving
from pricing.api.serializers import QuoteBatchDocument, QuoteBatchRequest, QuoteDocument, QuoteRequest


def terms_of(credential: Credential, currency: str = "") -> quoting.ChannelTerms:
    """Return what of the calling channel decides its prices."""
    return quoting.ChannelTerms(credential.channel_id, currency or credential.currency, credential.country)


def wish_of(wanted: dict[str, Any], credential: Credential, *, at: str = "lines[{}].sku") -> quoting.Wish:
    """Return what a body asks for. Raises: UnknownProduct, MissingScope for a price set by hand."""
    lines = wanted["lines"]
    if any(line["override"] is not None for line in lines):
        check_scope(credential, Scope.PRICES_OVERRIDE)
    products = catalog.known([line["sku"] for line in lines], at=at)
    shopper = quoting.Shopper(
        customer_group=wanted["customer_group"],
        contract=wanted["contract"],
        customer=f"{credential.channel_id}:{wanted['customer']}" if wanted["customer"] else "",
        segments=frozenset(wanted["segments"]),
        loyalty_tier=wanted["loyalty_tier"],
        is_first_order=wanted["is_first_order"],
        location=wanted["location"],
        payment_method=wanted["payment_method"],
        codes=tuple(wanted["coupons"]),
        takes_gifts=wanted["takes_gifts"],
    )
    return quoting.Wish(
        [
            quoting.BasketLine(
                products[line["sku"]].id,
                line["quantity"],
                line["paid_minor"],
                quoting.Override(**line["override"]) if line["override"] is not None else None,
            )
            for line in lines
        ],
        terms_of(credential, wanted["currency"]),
        credential.actor,
        shopper,
        timedelta(seconds=wanted["ttl_seconds"]),
        (credential.channel_code, wanted["customer"]) if wanted["customer"] else None,
    )


class QuotesView(ApiView):
    """Prices for a basket."""

    scopes: ClassVar = {"POST": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="quotes_create", request=QuoteRequest, responses={201: QuoteDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Price a basket on this channel, and honour the result until it expires.

        Every amount comes with its steps and reasons; name the quote's id when placing the order. What is limited of
        promotions is held by the quote. A price set by hand (`override`) needs the scope `prices:override` besides.
        """
        wish = wish_of(QuoteRequest.read(request.data), request.auth)
        key = idempotency.key_of(request.META)
        return giving.submit(wish, self.attempt(request, key) if key is not None else None)


class QuoteBatchView(ApiView):
    """Prices for many baskets."""

    scopes: ClassVar = {"POST": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="quotes_create_many", request=QuoteBatchRequest, responses={200: QuoteBatchDocument})
    def post(self, request: ApiRequest) -> HttpResponse:
        """Price up to 100 baskets at once; each gets its quote or its refusal, and none harms another."""
        wanted = QuoteBatchRequest.read(request.data)["quotes"]

        def work() -> tuple[int, Any]:
            answers: dict[int, dict[str, Any]] = {}
            wishes: dict[int, quoting.Wish] = {}
            for index, one in enumerate(wanted):
                try:
                    wishes[index] = wish_of(one, request.auth)
                except CommerceError as refusal:
                    answers[index] = _refused(refusal)
            verdicts = quoting.give_each(list(wishes.values()), at=clock.now()) if wishes else []
            for index, verdict in zip(wishes, verdicts, strict=True):
                if isinstance(verdict, CommerceError):
                    answers[index] = _refused(verdict)
                else:
                    answers[index] = {"status": "given", "quote": documents.given(verdict)}
            return 200, {"quotes": [{"index": index, **answers[index]} for index in range(len(wanted))]}

        return self.once(request, work)


def _refused(refusal: CommerceError) -> dict[str, Any]:
    return {"status": "refused", "problem": problems.document(refusal, instance=giving.PATH)}


class QuoteView(ApiView):
    """One quote."""

    scopes: ClassVar = {"GET": Scope.QUOTES_WRITE}

    @extend_schema(operation_id="quotes_retrieve", responses={200: QuoteDocument})
    def get(self, request: ApiRequest, quote_id: UUID) -> HttpResponse:
        """Read a quote that was given to this channel, expired or not."""
        given = quoting.given(quote_id, channel_id=request.auth.channel_id)
        return self.with_etag(request, documents.given(given), version=given.id)
