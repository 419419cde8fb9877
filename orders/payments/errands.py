"""Errands to providers: take a request there, bring its outcome home. Durable: written down, committed, asked, noted.

Nothing of this runs inside a transaction while the network is waited for. A request without an answer stays on its way; the
next errand first looks what became of it and only then asks again, under the same key.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from commerce import clock, logs
from commerce.actors import Actor
from commerce.errors import CommerceError
from commerce.transactions import durable, savepoint, transaction, transaction_required
from orders.gateways import directory
from orders.gateways.base import Answer, Asked, Gateway, NotNow, Unreachable
from orders.gateways.local import standing
from orders.models import Order
from orders.paying import Concern, PaymentVerb, RequestState
from orders.payments import ledger, refunds, requests
from orders.payments.ledger import PaymentView
from orders.payments.requests import RequestView

LEASE = timedelta(seconds=60)  # longer than the provider's module waits for an answer, looks included
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=30)
BY_HAND_PAUSE = timedelta(days=3650)  # a person ends it, not the clock
COURIER = Actor.system("payments")
WORRIES = {PaymentVerb.CAPTURE: Concern.CAPTURE_REFUSED, PaymentVerb.REFUND: Concern.REFUND_REFUSED}

log = logs.get(__name__)


@durable
def carry_out(request_id: UUID, *, by: Actor = COURIER) -> Mapping[str, Any]:
    """Take a request to its provider if it is its turn, and note the outcome. Safe to call twice, and at once.

    Returns what the customer has to do next, if anything; it is told once and never stored.
    """
    at = clock.now()
    with transaction():
        sent = requests.start(request_id, until=at + LEASE, at=at)
        if sent is None:
            return {}
        gateway, asked = _prepare(sent)
        if gateway.is_local:
            return _ask_at_home(gateway, asked, sent, by=by, at=at)
    try:
        if sent.attempts > 1 and _was_done(gateway, asked, sent, by=by):
            return {}
        answer = _ask(gateway, asked)
    except NotNow as later:
        pause = max(timedelta(seconds=later.retry_after_seconds), _pause(sent.attempts - 1))
        _wait(sent, str(later), clock.now() + pause, is_untouched=sent.attempts == 1)
        return {}
    except Unreachable as silence:
        log.warning("payment provider gave no answer", request=str(sent.id), verb=sent.verb.value)
        _wait(sent, str(silence), clock.now() + _pause(sent.attempts), is_untouched=False)
        return {}
    with transaction():
        _note(sent, answer, by=by, at=clock.now())
    return answer.next_step


@transaction_required
def carry_out_at_home(request_id: UUID, *, by: Actor, at: datetime) -> None:
    """Carry out a request whose provider is ours (the till, gift cards, demo cards) within the caller's transaction.

    Raises: ValueError for a provider outside, which is never asked inside a transaction.
    """
    sent = requests.start(request_id, until=at + LEASE, at=at)
    if sent is None:
        return
    gateway, asked = _prepare(sent)
    if not gateway.is_local:
        raise ValueError(f"{gateway.name} is asked outside of transactions: carry_out")
    _ask_at_home(gateway, asked, sent, by=by, at=at)


@durable
def look(payment_id: UUID, *, by: Actor = COURIER) -> bool:
    """Ask the provider how a payment stands and note what is new; say whether it answered."""
    paid = ledger.get(payment_id)
    gateway = directory.of(paid.gateway)
    if gateway.is_local:
        return True
    asked = Asked(
        request_id=payment_id, payment_id=payment_id, verb=PaymentVerb.AUTHORISE, amount_minor=paid.amount_minor,
        currency=paid.currency, method=paid.method, provider_reference=paid.provider_reference, known=paid.amounts,
    )  # fmt: skip
    try:
        answer = gateway.look(asked)
    except (NotNow, Unreachable):
        return False
    if answer is None or answer.refused:
        return False
    with transaction():
        see(payment_id, answer, by=by, at=clock.now())
    return True


def see(payment_id: UUID, answer: Answer, *, by: Actor, at: datetime) -> PaymentView:
    """Note a picture that came by itself, and end the request on its way that it shows as done."""
    [before] = ledger.lock(payment_ids=[payment_id])
    on_its_way = next((one for one in requests.open_of(payment_id) if one.state is RequestState.SENT), None)
    after = ledger.observe(payment_id, answer.picture, by=by, at=at, request_id=on_its_way.id if on_its_way else None)
    if on_its_way is not None and _grew(after, on_its_way) and before.version != after.version:
        _end_done(on_its_way, by=by, at=at)
    return after


def done_by_hand(request_id: UUID, *, by: Actor, at: datetime) -> None:
    """Note that a person moved the money of a request that waited for that: a transfer back, cash from the till."""
    waiting = requests.get(request_id)
    if waiting.state is not RequestState.PLANNED:
        return
    requests.hurry(waiting.payment_id, at=at)
    started = requests.start(request_id, until=at + LEASE, at=at)
    if started is None:
        return
    _gateway, asked = _prepare(started)
    picture = replace(standing(asked.known), refunded=asked.known.refunded + asked.amount_minor)
    _note(started, Answer(picture=picture), by=by, at=at)
    ledger.worry(waiting.payment_id, None, by=by, at=at)


# --- parts of it ------------------------------------------------------------------------------------------------------


def _prepare(sent: RequestView) -> tuple[Gateway, Asked]:
    paid = ledger.get(sent.payment_id)
    number = Order.objects.filter(pk=paid.order_id).values_list("number", flat=True).first() or ""
    asked = Asked(
        request_id=sent.id,
        payment_id=paid.id,
        verb=sent.verb,
        amount_minor=sent.amount_minor,
        currency=paid.currency,
        method=paid.method,
        is_final=sent.is_final,
        attempt=sent.attempts,
        provider_reference=paid.provider_reference,
        order_number=number,
        gift_card_id=paid.gift_card_id,
        known=paid.amounts,
        details=sent.details,
    )
    return directory.of(paid.gateway), asked


def _ask(gateway: Gateway, asked: Asked) -> Answer:
    verbs = {
        PaymentVerb.AUTHORISE: gateway.authorise,
        PaymentVerb.CAPTURE: gateway.capture,
        PaymentVerb.VOID: gateway.void,
        PaymentVerb.REFUND: gateway.refund,
        PaymentVerb.EXTEND: gateway.extend,
    }
    return verbs[asked.verb](asked)


def _ask_at_home(gateway: Gateway, asked: Asked, sent: RequestView, *, by: Actor, at: datetime) -> Mapping[str, Any]:
    try:
        with savepoint():
            answer = _ask(gateway, asked)
    except CommerceError as refusal:
        answer = Answer(refused=refusal.code)
    _note(sent, answer, by=by, at=at)
    return answer.next_step


def _was_done(gateway: Gateway, asked: Asked, sent: RequestView, *, by: Actor) -> bool:
    """Look what became of a request whose answer was lost; end it when the provider's totals show it."""
    answer = gateway.look(asked)
    if answer is None or answer.refused:
        return False
    with transaction():
        after = see(sent.payment_id, answer, by=by, at=clock.now())
        if _grew(after, sent) or (sent.verb is PaymentVerb.VOID and after.amounts.uncaptured <= 0):
            _end_done(sent, by=by, at=clock.now())
            return True
    return False


def _grew(paid: PaymentView, sent: RequestView) -> bool:
    """Whether the provider's total has grown by what was asked since it was asked."""
    amounts = paid.amounts
    totals = {
        PaymentVerb.AUTHORISE: amounts.authorised,
        PaymentVerb.CAPTURE: amounts.captured,
        PaymentVerb.REFUND: amounts.refunded,
    }
    return sent.verb in totals and totals[sent.verb] - sent.known_minor >= sent.amount_minor


def _note(sent: RequestView, answer: Answer, *, by: Actor, at: datetime) -> None:
    """Note an answer: what it shows, and that the request is over, or waits for a person."""
    if answer.by_hand:
        requests.wait(sent.id, answer="by hand", not_before=at + BY_HAND_PAUSE, is_untouched=True)
        ledger.worry(sent.payment_id, Concern.BY_HAND, by=by, at=at)
        return
    if answer.refused:
        if answer.picture.failure:
            ledger.observe(sent.payment_id, answer.picture, by=by, at=at, request_id=sent.id)
        requests.end(sent.id, RequestState.REFUSED, answer=answer.refused, by=by, at=at)
        if sent.verb in WORRIES:
            ledger.worry(sent.payment_id, WORRIES[sent.verb], by=by, at=at)
        elif sent.verb is PaymentVerb.EXTEND:
            ledger.worry(sent.payment_id, Concern.LOST_AUTHORISATION, by=by, at=at)
        return
    ledger.observe(sent.payment_id, answer.picture, by=by, at=at, request_id=sent.id)
    _end_done(sent, by=by, at=at)


def _end_done(sent: RequestView, *, by: Actor, at: datetime) -> None:
    if requests.end(sent.id, RequestState.DONE, by=by, at=at) and sent.verb is PaymentVerb.REFUND:
        refunds.settle_part(sent.cause, at=at)


def _wait(sent: RequestView, why: str, until: datetime, *, is_untouched: bool) -> None:
    with transaction():
        requests.wait(sent.id, answer=why, not_before=until, is_untouched=is_untouched)


def _pause(attempts: int) -> timedelta:
    return min(FIRST_PAUSE * 2 ** min(max(attempts - 1, 0), 12), LONGEST_PAUSE)
