"""Scarcity through the API: messages for shop pages, and the proof of one that was shown."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema

from commerce import catalog, clock
from commerce.api.views import ApiRequest, ApiView
from commerce.product_refs import ProductRef
from commerce.roles import Scope
from inventory.api import scarcity_serializers as serializers
from inventory.places import locations
from inventory.scarcity import messages, places
from inventory.scarcity.places import Place


class ScarcityMessagesView(ApiView):
    scopes = {"POST": Scope.SCARCITY_READ}
    reading = frozenset({"POST"})

    @extend_schema(
        summary="What may be said about how few are left",
        request=serializers.MessagesBody,
        responses=serializers.MessagesDocument,
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Get messages for a page: true for your channel and the place, fresh enough until `valid_until`, provable later."""
        body = serializers.MessagesBody.read(request.data)
        skus = list(dict.fromkeys(body["skus"]))
        products = catalog.known(skus, at="skus[{}]")
        country = request.auth.country
        place = _place(body, country)

        def work() -> tuple[int, Any]:
            now = clock.now()
            found = messages.messages(
                [products[sku].id for sku in skus], channel_id=request.auth.channel_id, country=country, place=place,
                locale=body["locale"], unit=body["unit"], at=now,
            )  # fmt: skip
            names = {product.id: product.sku for product in products.values()}
            items = [
                {
                    "claim": one.claim_id, "sku": names[one.product_id], "kind": one.kind, "tone": one.tone,
                    "text": one.text, "count": one.count, "as_of": one.as_of, "valid_until": one.valid_until,
                    "variant": one.variant,
                }
                for one in found
            ]  # fmt: skip
            return 200, {"place": place.key, "as_of": now, "items": items}

        return self.run(work)


class ScarcityClaimView(ApiView):
    scopes = {"GET": Scope.SCARCITY_READ}

    @extend_schema(summary="Prove what was said", responses=serializers.ClaimDocument)
    def get(self, request: ApiRequest, claim_id: UUID) -> HttpResponse:
        """Recompute a message that was shown from the journal, at the versions that it rested on."""
        proof = messages.verify(claim_id, channel_id=request.auth.channel_id)
        claim = proof.claim
        products = catalog.products_by_id({claim.product_id, *(one.product_id for one in proof.levels)})
        names = ("place", "kind", "tone", "locale", "text", "as_of", "valid_until", "age_seconds")
        return self.reply(
            {
                "claim": claim.id,
                "sku": products[claim.product_id].sku,
                **{name: getattr(claim, name) for name in names},
                "is_true": proof.is_true,
                "is_true_in_hindsight": proof.is_true_in_hindsight,
                "faults": list(proof.faults),
                "levels": [_level(asdict(one), products[one.product_id]) for one in proof.levels],
            }
        )


def _place(body: Mapping[str, Any], country: str) -> Place:
    if "location" in body:
        return places.at(body["location"], country)
    if "group" in body:
        return places.group(body["group"], country)
    if "postal_code" in body:
        return places.near(body["country"].upper(), body["postal_code"], channel_country=country)
    return places.everywhere(country)


def _level(values: dict[str, Any], product: ProductRef) -> dict[str, Any]:
    place = locations.by_id(values.pop("location_id"))
    del values["product_id"]
    return {"level": values.pop("level_id"), "sku": product.sku, "location": place.code} | values
