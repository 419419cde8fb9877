"""Reservations over the API. Single ones that wait in a process at the same time are settled in one transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema

from commerce import catalog, clock, context, idempotency, ids
from commerce.actors import Actor
from commerce.api import problems, rendering
from commerce.api.views import ApiRequest, ApiView
from commerce.catalog import ProductRef
from commerce.errors import CommerceError
from commerce.grouping import Combiner
from commerce.roles import Scope
from inventory import availability, reservations
from inventory.api import plain, serializers
from inventory.errors import InsufficientStock
from inventory.places import locations
from inventory.promising import purchase_limits
from inventory.reservations import Claim, ReservationRequest, Reserved, Verdict

PATH = "/api/v1/reservations"
Explain = Callable[[Verdict, ReservationRequest], CommerceError]  # a refusal in the words of who asked
MOST_BATCHES_AT_ONCE = 4  # past 2,000 holds others wait longer for their goods than is saved


class ReservationsView(ApiView):
    scopes = {"POST": Scope.RESERVATIONS_WRITE}

    @extend_schema(
        summary="Hold goods for a checkout",
        request=serializers.ReservationBody,
        responses={201: serializers.ReservationDocument},
        examples=[
            OpenApiExample(
                "one lamp",
                request_only=True,
                value={"location": "BER01", "lines": [{"sku": "LAMP-1", "quantity": 1}], "ttl_seconds": 900},
            )
        ],
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Take goods out of what others may buy, until the reservation is ordered, released or expires."""
        body = plain.reservation(request.data) or serializers.ReservationBody.read(request.data)
        key = idempotency.key_of(request.META)
        products = catalog.known([line["sku"] for line in body["lines"]])
        wanted = _request(body, products, request.auth.channel_id, at=clock.now(), request_id=context.request_id())
        claims = reservations.claim([wanted])

        def refused(outcomes: Sequence[Verdict], explain: Explain) -> HttpResponse:
            return problems.respond(explain(outcomes[0], wanted), instance=PATH)

        granted = rendering.reply(document(claims[0].reserved), 201)
        attempt = self.attempt(request, key) if key else None
        return _singles.submit(_Wish(claims, request.auth.actor, attempt, granted, refused))


class ReservationBatchView(ApiView):
    scopes = {"POST": Scope.RESERVATIONS_WRITE}

    @extend_schema(
        summary="Hold goods for up to 500 checkouts",
        request=serializers.ReservationBatchBody,
        responses={200: serializers.BatchDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        """Serve the items in order, each with a verdict of its own: a refusal fails no neighbour."""
        items = plain.batch(request.data) or serializers.ReservationBatchBody.read(request.data)["items"]
        key = idempotency.key_of(request.META)
        refused: dict[int, dict[str, Any]] = {}
        wanted: list[ReservationRequest] = []
        products = catalog.ids_of({line["sku"] for item in items for line in item["lines"]})
        at, asked_by = clock.now(), context.request_id()
        for index, item in enumerate(items):
            try:
                if not all(line["sku"] in products for line in item["lines"]):
                    catalog.known([line["sku"] for line in item["lines"]], at=f"items[{index}].lines[{{}}].sku")
                wanted.append(_request(item, products, request.auth.channel_id, at=at, request_id=asked_by))
            except CommerceError as refusal:
                refused[index] = _refused(index, refusal, request.path)
        claims = reservations.claim(wanted)
        granted = documents([claim.reserved for claim in claims])

        def answered(outcomes: Sequence[Verdict], explain: Explain) -> HttpResponse:
            found = iter(zip(claims, granted, outcomes, strict=True))
            answers = []
            for index in range(len(items)):
                answer = refused.get(index)
                if answer is None:
                    claim, reservation, outcome = next(found)
                    if isinstance(outcome, Reserved):
                        answer = {"index": index, "status": "reserved", "reservation": reservation}
                    else:
                        answer = _refused(index, explain(outcome, claim.request), request.path)
                answers.append(answer)
            reserved = sum(answer["status"] == "reserved" for answer in answers)
            return rendering.reply({"reserved": reserved, "refused": len(answers) - reserved, "items": answers}, 200)

        attempt = self.attempt(request, key) if key else None
        everything = answered([claim.reserved for claim in claims], _explainer(at))
        return _batches.submit(_Wish(claims, request.auth.actor, attempt, everything, answered))


class ReservationView(ApiView):
    scopes = {"GET": Scope.RESERVATIONS_WRITE, "DELETE": Scope.RESERVATIONS_WRITE}

    @extend_schema(summary="One reservation", responses=serializers.ReservationDocument)
    def get(self, request: ApiRequest, reservation_id: UUID) -> HttpResponse:
        """Read a reservation of this channel as it stands now."""
        return self.reply(
            document(reservations.read(reservation_id, channel_id=request.auth.channel_id, at=clock.now()))
        )

    @extend_schema(summary="Release a reservation", request=None, responses={204: None})
    def delete(self, request: ApiRequest, reservation_id: UUID) -> HttpResponse:
        """Give the goods free. Releasing again, or after the expiry, changes nothing."""

        def work() -> tuple[int, Any]:
            reservations.release(
                reservation_id, channel_id=request.auth.channel_id, by=request.auth.actor, at=clock.now()
            )
            return 204, None

        return self.once(request, work)


class ReservationExtendView(ApiView):
    scopes = {"POST": Scope.RESERVATIONS_WRITE}

    @extend_schema(
        summary="Extend a reservation",
        request=serializers.ExtendBody,
        responses={200: serializers.ReservationDocument},
    )
    def post(self, request: ApiRequest, reservation_id: UUID) -> HttpResponse:
        """Let a running reservation live longer, up to four hours in all. An expired one is not revived: reserve again."""
        body = serializers.ExtendBody.read(request.data)

        def work() -> tuple[int, Any]:
            now = clock.now()
            extended = reservations.extend(
                reservation_id,
                now + timedelta(seconds=body["ttl_seconds"]),
                channel_id=request.auth.channel_id,
                by=request.auth.actor,
                at=now,
            )
            return 200, document(extended)

        return self.once(request, work)


def document(reserved: Reserved) -> dict[str, Any]:
    """Return a reservation as channels read it."""
    return documents([reserved])[0]


def documents(reserved: Sequence[Reserved]) -> list[dict[str, Any]]:
    """Return reservations as channels read them."""
    products = catalog.products_by_id({product_id for one in reserved for product_id, _ in one.lines})
    places = {location_id: locations.by_id(location_id).code for location_id in {one.location_id for one in reserved}}
    return [
        {
            "id": one.id,
            "location": places[one.location_id],
            "lines": [{"sku": products[product_id].sku, "quantity": quantity} for product_id, quantity in one.lines],
            "state": one.state,
            "expires_at": one.expires_at,
            "reference": one.reference,
        }
        for one in reserved
    ]


def _request(
    body: Mapping[str, Any], products: Mapping[str, ProductRef], channel_id: int, *, at: datetime, request_id: str = ""
) -> ReservationRequest:
    return ReservationRequest(
        ids.new(),
        channel_id,
        locations.ref(body["location"]).id,
        tuple([(products[line["sku"]].id, line["quantity"]) for line in body["lines"]]),
        at + timedelta(seconds=body["ttl_seconds"]),
        body["reference"],
        request_id,
        _identities(body.get("customer"), channel_id),
    )


def _identities(customer: Mapping[str, str] | None, channel_id: int) -> tuple[str, ...]:
    """Return who buys, as limits per customer count them; nobody when the channel doesn't say."""
    if not customer:
        return ()
    return purchase_limits.identities(
        email=customer.get("email", ""),
        channel_id=channel_id,
        channel_customer_id=customer.get("channel_customer_id", ""),
    )


def _explainer(at: datetime) -> Explain:
    """Return what explains the refusals of one transaction."""
    found_before: dict[tuple[object, ...], list[dict[str, Any]]] = {}

    def explain(refusal: Verdict, asked: ReservationRequest) -> CommerceError:
        if isinstance(refusal, InsufficientStock):
            return availability.explained(
                refusal, asked=asked.lines, channel_id=asked.channel_id, at=at, found_before=found_before
            )
        return cast(CommerceError, refusal)

    return explain


def _refused(index: int, refusal: CommerceError, path: str) -> dict[str, Any]:
    return {"index": index, "status": "refused", "problem": problems.document(refusal, instance=path)}


# --- the groups -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Wish:
    """One waiting POST: what it wants, who asks, what makes it safe to repeat, and how it is answered.

    Others wait for the goods until the answer is kept, so the one for everything being there is written before.
    """

    claims: Sequence[Claim]
    by: Actor
    attempt: idempotency.Attempt | None
    granted: HttpResponse
    answered: Callable[[Sequence[Verdict], Explain], HttpResponse]


def _settle(wishes: Sequence[_Wish]) -> list[HttpResponse | Exception]:
    """Settle the reservations that wait in this process at the same time, in one transaction."""
    begun = iter(idempotency.begin_all([wish.attempt for wish in wishes if wish.attempt]))
    earlier = [next(begun) if wish.attempt else None for wish in wishes]
    now = clock.now()
    groups: dict[Actor, list[Claim]] = {}
    for wish, verdict in zip(wishes, earlier, strict=True):
        if verdict is None:
            groups.setdefault(wish.by, []).extend(wish.claims)
    outcomes = reservations.reserve_for(groups, at=now)
    explain = _explainer(now)
    answers: list[HttpResponse | Exception] = []
    kept = []
    for wish, verdict in zip(wishes, earlier, strict=True):
        if verdict is not None:
            answers.append(ApiView.replay(verdict) if isinstance(verdict, idempotency.Replay) else verdict)
            continue
        found = [outcomes[claim.request.id] for claim in wish.claims]
        response = wish.granted
        if not all(isinstance(outcome, Reserved) for outcome in found):
            with context.bound(wish.claims[0].request.request_id):  # the writer serves many
                response = wish.answered(found, explain)
        if wish.attempt:
            kept.append(
                idempotency.Answer(
                    wish.attempt, response.status_code, response.content, response.headers["Content-Type"]
                )
            )
        answers.append(response)
    idempotency.store_all(kept)
    return answers


_singles: Combiner[_Wish, HttpResponse] = Combiner("reservations", _settle)
_batches: Combiner[_Wish, HttpResponse] = Combiner("reservation batches", _settle, most_at_once=MOST_BATCHES_AT_ONCE)
