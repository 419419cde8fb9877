"""The API of payments: pay an order, take and let go, give back, gift cards; and the doors for providers' webhooks."""

import json
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from commerce import clock, idempotency, ids
from commerce.api import problems, rendering
from commerce.api.bodies import StrictSerializer, Text, Whole
from commerce.api.views import ApiRequest, ApiView, Work
from commerce.errors import CommerceError
from commerce.roles import Scope
from orders import paying, queries
from orders.api.pay_offers import PayOfferDocument, offer
from orders.api.serializers import PAY_METHODS
from orders.paying import PaidStatus, PaymentStatus, PaymentVerb, PayMethod
from orders.payments import asking, collecting, errands, following, gift_cards, ledger, refunds, requests, webhooks
from orders.payments.collecting import Wanted

HIGHEST_MINOR = 100_000_000
LONGEST_TOKEN = 200
PAYABLE = [one.value for one in PayMethod if one is not PayMethod.CHANNEL]  # a channel tells what it took itself


class PayBody(StrictSerializer):
    method = serializers.ChoiceField(PAYABLE)
    amount_minor = Whole(
        min_value=1, max_value=HIGHEST_MINOR, required=False, help_text="What is still to be paid when left out."
    )
    provider = Text(max_length=24, required=False, allow_blank=True, default="", help_text="Ours for it when left out.")
    gift_card = Text(max_length=40, required=False, allow_blank=True, default="", help_text="The code of a gift card.")
    payment_method = Text(
        max_length=LONGEST_TOKEN, required=False, help_text="The provider's token; without one the customer confirms."
    )
    return_url = serializers.URLField(
        max_length=500, required=False, help_text="Where the provider sends the customer."
    )
    label = Text(max_length=collecting.LONGEST_LABEL, required=False, allow_blank=True, default="")


class AmountBody(StrictSerializer):
    amount_minor = Whole(min_value=1, max_value=HIGHEST_MINOR, required=False, help_text="All of it when left out.")


class RefundBody(StrictSerializer):
    amount_minor = Whole(min_value=1, max_value=HIGHEST_MINOR)
    reason = Text(max_length=asking.LONGEST_REASON)
    reference = Text(
        max_length=60, required=False, allow_blank=True, default="", help_text="Yours; it gives back once."
    )


class GiftCardBody(StrictSerializer):
    amount_minor = Whole(min_value=1, max_value=gift_cards.HIGHEST_MINOR)
    reference = Text(max_length=60, help_text="Yours, such as the receipt that it was bought with; it issues once.")


class GiftCardCodeBody(StrictSerializer):
    code = Text(max_length=40)


class PaymentDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField(allow_null=True)
    method = serializers.ChoiceField(PAY_METHODS)
    provider = serializers.CharField()
    label = serializers.CharField(allow_blank=True)
    status = serializers.ChoiceField([status.value for status in PaymentStatus])
    currency = serializers.CharField()
    amount_minor = serializers.IntegerField(help_text="What was asked for.")
    authorised_minor = serializers.IntegerField()
    captured_minor = serializers.IntegerField()
    released_minor = serializers.IntegerField(help_text="Held and let go, or run out.")
    refunded_minor = serializers.IntegerField()
    owed_minor = serializers.IntegerField(help_text="Captured and to be refunded.")
    charged_back_minor = serializers.IntegerField()
    decline_reason = serializers.CharField(allow_blank=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the hold ends by itself.")
    allowed_actions = serializers.ListField(child=serializers.ChoiceField([verb.value for verb in PaymentVerb]))
    next_step = serializers.DictField(
        help_text="What the customer has to do: `client_secret`, `redirect_url`. Told once."
    )


class PaymentsDocument(serializers.Serializer[Any]):
    order_id = serializers.UUIDField()
    status = serializers.ChoiceField([status.value for status in PaidStatus])
    currency = serializers.CharField()
    total_minor = serializers.IntegerField()
    to_pay_minor = serializers.IntegerField()
    pay_later = serializers.BooleanField(help_text="Whether the rest may be paid later.")
    offers = PayOfferDocument(many=True, help_text="Ways to pay what is left.")
    payments = PaymentDocument(many=True)


class OwedPartDocument(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
    way = serializers.ChoiceField([way.value for way in paying.Way])
    amount_minor = serializers.IntegerField()
    settled_at = serializers.DateTimeField(allow_null=True)


class OwedDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    order_id = serializers.UUIDField()
    amount_minor = serializers.IntegerField()
    uncovered_minor = serializers.IntegerField(help_text="What no payment could give back: it was never paid.")
    reason = serializers.CharField()
    is_settled = serializers.BooleanField()
    parts = OwedPartDocument(many=True)


class GiftCardDocument(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField(
        required=False, help_text="Only in the answer that issues it; nobody can read it again."
    )
    last_four = serializers.CharField()
    currency = serializers.CharField()
    balance_minor = serializers.IntegerField()
    valid_until = serializers.DateTimeField()


class AskingView(ApiView):
    """An address that writes down a request, commits, takes it to its provider, and answers with how it stands then."""

    def asked(self, request: ApiRequest, work: Work) -> HttpResponse:
        """Do `work` once (law 8) and carry out its request; a replay asks nothing again and shows the payment as it is now."""
        response = self.once(request, work)
        if response.status_code not in (200, 201):
            return response
        first = json.loads(response.content)
        step = errands.carry_out(UUID(first["request"]), by=request.auth.actor)
        replayed = response.headers.get(idempotency.REPLAYED)
        return self.reply(
            document(ledger.get(UUID(first["id"]))) | {"next_step": dict(step)},
            response.status_code,
            {idempotency.REPLAYED: replayed} if replayed else None,
        )


class OrderPaymentsView(AskingView):
    """The payments of an order."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.PAYMENTS_WRITE}

    @extend_schema(
        operation_id="list_order_payments", summary="What was paid of an order", responses={200: PaymentsDocument}
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        order = queries.order(order_id, channel_id=request.auth.channel_id)
        payments = ledger.of_order(order_id)
        to_pay = following.to_pay_minor(order, payments)
        return self.reply(
            {
                "order_id": order_id,
                "status": paying.paid_status(order.total_minor, [one.amounts for one in payments]).value,
                "currency": order.currency,
                "total_minor": order.total_minor,
                "to_pay_minor": to_pay,
                "pay_later": to_pay > 0 and collecting.eligibility(order, to_pay).is_offered,
                "offers": [offer(one) for one in collecting.offers(order, to_pay)],
                "payments": [document(one) for one in payments],
            }
        )

    @extend_schema(
        operation_id="pay_order",
        summary="Pay an order, or a part of it",
        description=(
            "Several payments make up an order, a gift card and a card for example. The provider is asked after the payment "
            "is written down; when it does not answer, the payment is `pending` and `payment.changed` tells the rest."
        ),
        request=PayBody,
        responses={201: PaymentDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        body = PayBody.read(request.data)
        wanted = Wanted(
            method=PayMethod(body["method"]), amount_minor=body.get("amount_minor"), provider=body["provider"],
            gift_card_code=body["gift_card"], label=body["label"],
            details={name: body[name] for name in ("payment_method", "return_url") if name in body},
        )  # fmt: skip
        payment_id = ids.new()

        def work() -> tuple[int, Any]:
            made, asked = collecting.begin(
                order_id, wanted, payment_id=payment_id, channel_id=request.auth.channel_id,
                by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, {**document(ledger.get(made)), "request": asked}

        return self.asked(request, work)


class PaymentView(ApiView):
    """One payment."""

    scopes = {"GET": Scope.ORDERS_READ}

    @extend_schema(operation_id="read_payment", summary="One payment", responses={200: PaymentDocument})
    def get(self, request: ApiRequest, payment_id: UUID) -> HttpResponse:
        return self.reply(document(ledger.get(payment_id, channel_id=request.auth.channel_id)))


class CapturePaymentView(AskingView):
    """Taking what is held."""

    scopes = {"POST": Scope.PAYMENTS_WRITE}

    @extend_schema(
        operation_id="capture_payment",
        summary="Take what is held, or a part of it",
        description="Happens by itself when goods leave; this is for what has to be taken earlier.",
        request=AmountBody,
        responses={200: PaymentDocument},
    )
    def post(self, request: ApiRequest, payment_id: UUID) -> HttpResponse:
        body = AmountBody.read(request.data)
        return self.asked(request, _work(request, payment_id, PaymentVerb.CAPTURE, body.get("amount_minor")))


class VoidPaymentView(AskingView):
    """Letting go of what is held."""

    scopes = {"POST": Scope.PAYMENTS_WRITE}

    @extend_schema(
        operation_id="void_payment",
        summary="Let go of what is held",
        description="Happens by itself when an order is cancelled or over.",
        request=None,
        responses={200: PaymentDocument},
    )
    def post(self, request: ApiRequest, payment_id: UUID) -> HttpResponse:
        return self.asked(request, _work(request, payment_id, PaymentVerb.VOID, None))


class RefundsView(ApiView):
    """What goes back to the customer of an order."""

    scopes = {"GET": Scope.ORDERS_READ, "POST": Scope.PAYMENTS_WRITE}

    @extend_schema(
        operation_id="list_order_refunds",
        summary="What is owed back of an order",
        responses={200: OwedDocument(many=True)},
    )
    def get(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        queries.order(order_id, channel_id=request.auth.channel_id)
        return self.reply([owed_document(one) for one in refunds.of_order(order_id)])

    @extend_schema(
        operation_id="refund_order",
        summary="Give money back without goods coming back",
        description=(
            "The split over the payments is fixed at once: the youngest first, gift cards last. Providers are asked after the "
            "answer; `payment.changed` tells when it has happened. The same `reference` gives back once."
        ),
        request=RefundBody,
        responses={201: OwedDocument},
    )
    def post(self, request: ApiRequest, order_id: UUID) -> HttpResponse:
        body = RefundBody.read(request.data)

        def work() -> tuple[int, Any]:
            owed = asking.refund(
                order_id, body["amount_minor"], reason=body["reason"], reference=body["reference"],
                channel_id=request.auth.channel_id, by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, owed_document(owed)

        return self.once(request, work)


class GiftCardsView(ApiView):
    """Gift cards that a channel sells."""

    scopes = {"POST": Scope.PAYMENTS_WRITE}

    @extend_schema(
        operation_id="issue_gift_card",
        summary="Issue a gift card",
        description="The code is in this answer only. Sent again with the same idempotency key, the same answer comes back.",
        request=GiftCardBody,
        responses={201: GiftCardDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = GiftCardBody.read(request.data)

        def work() -> tuple[int, Any]:
            card, code = gift_cards.issue(
                amount_minor=body["amount_minor"], currency=request.auth.currency,
                cause=("sale", f"{request.auth.channel_id}:{body['reference']}"), by=request.auth.actor, at=clock.now(),
            )  # fmt: skip
            return 201, {**_gift_card(card), "code": code}

        return self.once(request, work, is_secret=True)


class GiftCardBalanceView(ApiView):
    """What is left on a gift card."""

    scopes = {"POST": Scope.PAYMENTS_WRITE}
    reading = frozenset({"POST"})

    @extend_schema(
        operation_id="read_gift_card_balance",
        summary="What is left on a gift card",
        description="The code travels in the body, so that no log of addresses keeps it.",
        request=GiftCardCodeBody,
        responses={200: GiftCardDocument},
    )
    def post(self, request: ApiRequest) -> HttpResponse:
        body = GiftCardCodeBody.read(request.data)
        return self.reply(_gift_card(gift_cards.find(body["code"], currency=request.auth.currency, at=clock.now())))


@csrf_exempt
@require_POST
def payment_webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Take in what a payment provider tells. Its signature is the only key; the body is read as it came."""
    try:
        outcome = webhooks.receive(provider, rendering.body_of(request), request.headers)
    except CommerceError as refusal:
        return problems.respond(refusal, instance=request.path)
    return rendering.reply({"outcome": outcome})


# --- documents --------------------------------------------------------------------------------------------------------


def document(paid: ledger.PaymentView) -> dict[str, Any]:
    """Return a payment as channels read it."""
    amounts = paid.amounts
    return {
        "id": paid.id,
        "order_id": paid.order_id,
        "method": paid.method.value,
        "provider": paid.gateway,
        "label": paid.label,
        "status": paid.status.value,
        "currency": paid.currency,
        "amount_minor": paid.amount_minor,
        "authorised_minor": amounts.authorised,
        "captured_minor": amounts.captured,
        "released_minor": amounts.released,
        "refunded_minor": amounts.refunded,
        "owed_minor": amounts.owed,
        "charged_back_minor": amounts.lost,
        "decline_reason": paid.decline_reason,
        "expires_at": paid.expires_at,
        "allowed_actions": [verb.value for verb in asking.allowed(paid, requests.open_of(paid.id))],
        "next_step": {},
    }


def owed_document(owed: refunds.Owed) -> dict[str, Any]:
    """Return what is owed back as channels read it."""
    return {
        "id": owed.id,
        "order_id": owed.order_id,
        "amount_minor": owed.amount_minor,
        "uncovered_minor": owed.uncovered_minor,
        "reason": owed.reason,
        "is_settled": owed.is_settled,
        "parts": [
            {
                "payment_id": part.payment_id,
                "way": part.way.value,
                "amount_minor": part.amount_minor,
                "settled_at": part.settled_at,
            }
            for part in owed.parts
        ],
    }


def _gift_card(card: gift_cards.GiftCardView) -> dict[str, Any]:
    return {
        "id": card.id,
        "last_four": card.last_four,
        "currency": card.currency,
        "balance_minor": card.balance_minor,
        "valid_until": card.valid_until,
    }


def _work(request: ApiRequest, payment_id: UUID, verb: PaymentVerb, amount_minor: int | None) -> Work:
    def work() -> tuple[int, Any]:
        asked = asking.ask(
            payment_id, verb, amount_minor, channel_id=request.auth.channel_id, by=request.auth.actor, at=clock.now()
        )
        return 200, {"id": payment_id, "request": asked.id}

    return work
