"""Stripe, through its official library: PaymentIntents that are authorised first and captured as goods leave.

What counts is read from the PaymentIntent, its latest charge and its refunds. A hold that is let go is listed by Stripe as a
refund without a balance transaction; only those that moved money are counted as refunds here.
Source: Stripe API reference and the pages on holds and multicapture (docs.stripe.com/api, /payments/multicapture).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe

from orders.gateways.base import Answer, Asked, Forged, Notice, NotNow, Unreachable
from orders.paying import PayMethod, Picture

CONNECT_SECONDS = 3.0
READ_SECONDS = 10.0
SIGNATURE_TOLERANCE_SECONDS = 300
MOST_REFUNDS = 100  # of one payment; Stripe's largest page
PAYMENT, REQUEST = "kontor_payment", "kontor_request"  # our names in their metadata
TYPES = {PayMethod.CARD: "card", PayMethod.WALLET: "card", PayMethod.PAY_LATER: "klarna"}
METHODS = {"card": frozenset({PayMethod.CARD, PayMethod.WALLET}), "klarna": frozenset({PayMethod.PAY_LATER})}
COUNTING_REFUNDS = frozenset({"succeeded", "pending", "requires_action"})
RISKS = frozenset({"elevated", "highest"})  # what a person looks at before goods leave
OPEN_DISPUTES_COST = frozenset({"needs_response", "under_review", "lost"})
# The PaymentIntent in these events is the whole picture, but for refunds.
INTENT_EVENTS = frozenset(
    {
        "payment_intent.amount_capturable_updated",
        "payment_intent.canceled",
        "payment_intent.payment_failed",
        "payment_intent.succeeded",
        "payment_intent.processing",
    }
)
CHARGE_EVENTS = frozenset(
    {
        "charge.refunded",
        "charge.captured",
        "charge.expired",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
        "refund.created",
        "refund.updated",
        "refund.failed",
    }
)


class StripeGateway:
    """The adapter. `base_url` points it elsewhere: at the double of tests and demonstrations."""

    name = "stripe"
    methods = frozenset(TYPES)
    is_local = False

    def __init__(self, secret_key: str, webhook_secret: str, base_url: str = "") -> None:
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": base_url} if base_url else {},
            http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
            max_network_retries=0,  # the errand repeats, by its own clock and under the same key
        )

    def authorise(self, asked: Asked) -> Answer:
        """Create the PaymentIntent; with a payment method at hand it is confirmed at once, else by the customer's browser."""
        params: Any = {
            "amount": asked.amount_minor,
            "currency": asked.currency.lower(),
            "capture_method": "manual",
            "payment_method_types": [TYPES[asked.method]],
            "metadata": {PAYMENT: str(asked.payment_id), REQUEST: str(asked.request_id), "order": asked.order_number},
            "expand": ["latest_charge"],
        }
        if asked.method is not PayMethod.PAY_LATER:
            params["payment_method_options"] = {
                "card": {"request_multicapture": "if_available", "request_extended_authorization": "if_available"}
            }
        if token := asked.details.get("payment_method"):
            params |= {"payment_method": token, "confirm": True}
            if address := asked.details.get("return_url"):
                params["return_url"] = address
        return self._ask(asked, lambda: self._client.v1.payment_intents.create(params, _keyed(asked)))

    def capture(self, asked: Asked) -> Answer:
        """Capture a part; unless it is final, the rest stays held (multicapture)."""
        params: Any = {"amount_to_capture": asked.amount_minor, "expand": ["latest_charge"]}
        if not asked.is_final:
            params["final_capture"] = False
        return self._ask(
            asked, lambda: self._client.v1.payment_intents.capture(asked.provider_reference, params, _keyed(asked))
        )

    def void(self, asked: Asked) -> Answer:
        """Cancel the PaymentIntent: what is held and not captured is let go."""
        params: Any = {"expand": ["latest_charge"]}
        return self._ask(
            asked, lambda: self._client.v1.payment_intents.cancel(asked.provider_reference, params, _keyed(asked))
        )

    def refund(self, asked: Asked) -> Answer:
        """Refund a part of what was captured, and return how the payment stands after it."""
        params: Any = {
            "payment_intent": asked.provider_reference,
            "amount": asked.amount_minor,
            "metadata": {REQUEST: str(asked.request_id)},
        }

        def work() -> Any:
            made = self._client.v1.refunds.create(params, _keyed(asked))
            if made.status in ("failed", "canceled"):
                return Answer(refused=str(getattr(made, "failure_reason", "") or made.status))
            return self._retrieve(asked.provider_reference)

        return self._ask(asked, work)

    def extend(self, asked: Asked) -> Answer:
        """Refuse: a card's hold is as long as the card allows, which is asked for when it is made."""
        return Answer(refused="not_offered")

    def look(self, asked: Asked) -> Answer | None:
        """Return how the PaymentIntent stands; one whose name got lost with the answer is searched by our own."""
        if asked.provider_reference:
            return self._ask(asked, lambda: self._retrieve(asked.provider_reference))
        found = self._ask(asked, lambda: self._search(asked.payment_id))
        return found if found.picture.provider_reference or found.refused else None

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice | None:
        """Check the signature and return what the event tells. Refunds and disputes have to be looked up."""
        try:
            event = stripe.Webhook.construct_event(
                body, headers.get("Stripe-Signature", ""), self._webhook_secret, SIGNATURE_TOLERANCE_SECONDS
            )
            kind, told = str(event.type), event.data.object
        except (ValueError, stripe.SignatureVerificationError, AttributeError, KeyError) as error:
            raise Forged(str(error)[:200]) from error
        if kind in INTENT_EVENTS:
            named = _get(_get(told, "metadata") or {}, PAYMENT)
            return Notice(
                event_id=event.id, kind=kind, provider_reference=told.id, payment_id=_uuid(named),
                picture=picture_of(told, provider_event=event.id), currency=str(_get(told, "currency") or "").upper(),
                methods=_methods(told),
            )  # fmt: skip
        if kind in CHARGE_EVENTS and (intent := _get(told, "payment_intent")):
            failed = str(_get(told, "failure_reason") or "failed") if kind == "refund.failed" else ""
            return Notice(
                event_id=event.id,
                kind=kind,
                provider_reference=intent if isinstance(intent, str) else intent.id,
                failure=failed,
            )
        return None

    def _search(self, payment_id: UUID) -> Answer:
        query = f"metadata['{PAYMENT}']:'{payment_id}'"
        named = self._client.v1.payment_intents.search({"query": query, "limit": 1})
        return self._retrieve(named.data[0].id) if named.data else Answer()

    def _retrieve(self, reference: str) -> Answer:
        intent = self._client.v1.payment_intents.retrieve(reference, {"expand": ["latest_charge"]})
        refunds = self._client.v1.refunds.list({"payment_intent": reference, "limit": MOST_REFUNDS})
        returned = sum(
            one.amount
            for one in refunds.data
            if one.status in COUNTING_REFUNDS
            and (_get(one, "balance_transaction") or _get(_get(one, "metadata"), REQUEST))
        )
        disputes = self._client.v1.disputes.list({"payment_intent": reference, "limit": 10})
        taken = sum(one.amount for one in disputes.data if one.status in OPEN_DISPUTES_COST or one.status == "won")
        won = sum(one.amount for one in disputes.data if one.status == "won")
        return Answer(picture=picture_of(intent, refunded=returned, charged_back=taken, chargeback_won=won))

    def _ask(self, asked: Asked, work: Callable[[], Any]) -> Answer:
        """Do it, and say what an error means: a no, not now, or nobody knows."""
        try:
            made = work()
        except stripe.RateLimitError as error:
            raise NotNow(str(error)[:200], _retry_after(error)) from error
        except stripe.CardError as error:
            reason = str(_get(getattr(error, "error", None), "decline_code") or error.code or "card_declined")
            intent = _get(getattr(error, "error", None), "payment_intent")
            reference = str(_get(intent, "id") or "")
            return Answer(picture=Picture(failure=reason, provider_reference=reference), refused=reason)
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            raise NotNow(str(error)[:200], 300) from error
        except stripe.IdempotencyError as error:
            raise Unreachable(str(error)[:200]) from error
        except stripe.InvalidRequestError as error:
            if error.http_status == 409:  # the first request under this key is still running there
                raise Unreachable(str(error)[:200]) from error
            return Answer(refused=str(error.code or error.param or "invalid_request"))
        except (stripe.APIConnectionError, stripe.APIError) as error:
            raise Unreachable(str(error)[:200]) from error
        except stripe.StripeError as error:
            raise Unreachable(str(error)[:200]) from error
        if isinstance(made, Answer):
            return made
        return Answer(picture=picture_of(made), next_step=_next_step(made))


def picture_of(
    intent: Any, *, refunded: int = 0, charged_back: int = 0, chargeback_won: int = 0, provider_event: str = ""
) -> Picture:
    """Return the totals that a PaymentIntent shows.

    While it waits for its capture, held and captured make up what was authorised; once it succeeded or was cancelled, what
    was not received has been let go.
    """
    status, received = str(intent.status), int(_get(intent, "amount_received") or 0)
    capturable = int(_get(intent, "amount_capturable") or 0)
    charge = _get(intent, "latest_charge")
    charge = None if isinstance(charge, str) else charge
    authorised, released, failure = 0, 0, ""
    if status == "requires_capture":
        authorised = capturable + received
    elif status == "succeeded" or (status == "canceled" and (charge or received)):
        authorised, released = int(intent.amount), int(intent.amount) - received
    elif status == "requires_payment_method" and (error := _get(intent, "last_payment_error")):
        failure = str(_get(error, "decline_code") or _get(error, "code") or "declined")
    details = _get(_get(charge, "payment_method_details"), "card")
    before = _get(details, "capture_before")
    return Picture(
        authorised=authorised,
        captured=received,
        released=released,
        is_expired=status == "canceled" and _get(intent, "cancellation_reason") == "automatic",
        refunded=refunded,
        charged_back=charged_back,
        chargeback_won=chargeback_won,
        failure=failure,
        provider_reference=str(intent.id),
        provider_event=provider_event,
        risk=risk if (risk := str(_get(_get(charge, "outcome"), "risk_level") or "")) in RISKS else "",
        expires_at=datetime.fromtimestamp(int(before), UTC) if before and status == "requires_capture" else None,
    )


def _methods(intent: Any) -> frozenset[PayMethod] | None:
    """Return by which of our methods a PaymentIntent may be paid; nothing is known where it does not say."""
    named = _get(intent, "payment_method_types")
    if not named:
        return None
    return frozenset(method for kind in named for method in METHODS.get(str(kind), ()))


def _next_step(intent: Any) -> dict[str, Any]:
    if str(intent.status) in ("requires_payment_method", "requires_confirmation", "requires_action"):
        step: dict[str, Any] = {"client_secret": _get(intent, "client_secret")}
        action = _get(intent, "next_action")
        if address := _get(_get(action, "redirect_to_url"), "url"):
            step["redirect_url"] = address
        return step
    return {}


def _keyed(asked: Asked) -> Any:
    return {"idempotency_key": asked.key}


def _get(thing: Any, name: str) -> Any:
    if thing is None:
        return None
    if isinstance(thing, Mapping):
        return thing.get(name)
    return getattr(thing, name, None)


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


def _retry_after(error: stripe.StripeError) -> float:
    try:
        return min(max(float((error.headers or {}).get("Retry-After", "2")), 0.5), 60.0)
    except ValueError:
        return 2.0
