"""Stripe through its own library against the double: whatever the network does, nothing is taken or given twice."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commerce import clock, ids, relay
from commerce.errors import Busy
from commerce.transactions import transaction
from orders import holds, queries
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.paying import Concern, PaymentVerb, PayMethod
from orders.payments import collecting, errands, errors, following, ledger, refunds, requests, watchdog, webhooks
from orders.payments.collecting import Wanted
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stripe(monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeDouble]:
    """The double, set up as the provider of cards."""
    with StripeDouble() as double:
        gateway = StripeGateway("sk_test_double", double.webhook_secret, double.url)
        directory.forget()
        monkeypatch.setitem(directory.every(), "stripe", gateway)
        yield double
    directory.forget()


@pytest.fixture
def order(db, stripe):
    with clock.frozen(make.NOON):
        yield make.shop().place({0: 3, 1: 1})  # 47.60


def begin(order, *, token: str = "pm_card_visa", amount: int | None = None):
    wanted = Wanted(
        method=PayMethod.CARD,
        provider="stripe",
        amount_minor=amount,
        details={"payment_method": token} if token else {},
    )
    with transaction():
        payment_id, request_id = collecting.begin(order.id, wanted, by=ground.TESTER, at=clock.now())
    return payment_id, errands.carry_out(request_id)


def plan(payment_id, verb, amount=0, *, cause=None, **options) -> None:
    with transaction():
        requests.plan(
            payment_id, verb, amount, cause=cause or ("test", ids.new()), by=ground.TESTER, at=clock.now(), **options
        )


def pass_time(minutes: int = 60, rounds: int = 12) -> None:
    """Let errands be run as beat does, until nothing is left to do."""
    at = clock.now()
    for step in range(1, rounds + 1):
        with clock.frozen(at + timedelta(minutes=minutes * step)):
            watchdog.run_errands(at=clock.now())


def test_a_card_is_held_captured_in_parts_and_refunded(order, stripe):
    payment_id, step = begin(order)
    paid = ledger.get(payment_id)
    assert (paid.status, paid.amounts.capturable, step) == ("authorised", 4760, {})
    assert paid.expires_at is not None
    for amount in (1000, 3760):
        plan(payment_id, PaymentVerb.CAPTURE, amount, is_final=amount == 3760)
        watchdog.run_errands(at=clock.now())
    assert ledger.get(payment_id).status == "captured"
    pay.owe(order.id, 1190, ("return", "r1"))
    with transaction():
        refunds.plan(order.id, by=ground.TESTER, at=clock.now())
    watchdog.run_errands(at=clock.now())
    paid = ledger.get(payment_id)
    assert (paid.status, paid.amounts.refunded, paid.amounts.owed) == ("partly_refunded", 1190, 0)
    assert refunds.of_order(order.id)[0].is_settled


def test_what_was_not_captured_is_let_go_and_is_no_refund(order, stripe):
    payment_id, _ = begin(order)
    plan(payment_id, PaymentVerb.CAPTURE, 1000, is_final=True)
    watchdog.run_errands(at=clock.now())
    errands.look(payment_id)
    amounts = ledger.get(payment_id).amounts
    assert (amounts.captured, amounts.released, amounts.refunded) == (1000, 3760, 0)


def test_a_declined_card_says_why_and_another_one_may_be_tried(order, stripe):
    payment_id, _ = begin(order, token="pm_card_chargeDeclinedInsufficientFunds")
    paid = ledger.get(payment_id)
    assert (paid.status, paid.decline_reason) == ("failed", "insufficient_funds")
    second, _ = begin(order)
    assert ledger.get(second).status == "authorised"


def test_the_customer_confirms_in_the_browser_and_the_webhook_tells(order, stripe):
    payment_id, step = begin(order, token="")
    paid = ledger.get(payment_id)
    assert paid.status == "pending"
    assert step["client_secret"].startswith(paid.provider_reference)
    stripe.confirm(paid.provider_reference)
    [(body, headers)] = stripe.told()
    assert webhooks.receive("stripe", body, headers) == "noted"
    assert webhooks.receive("stripe", body, headers) == "known"
    assert ledger.get(payment_id).status == "authorised"


def test_a_webhook_without_the_right_signature_is_refused(order, stripe):
    payment_id, _ = begin(order, token="")
    stripe.confirm(ledger.get(payment_id).provider_reference)
    [(body, headers)] = stripe.told()
    forged = body.replace(b"4760", b"9999")
    for wrong, signature in ((forged, headers), (body, {}), (body, {"Stripe-Signature": "t=1,v1=00"}), (b"{", headers)):
        with pytest.raises(errors.WebhookForged):
            webhooks.receive("stripe", wrong, signature)
    assert ledger.get(payment_id).status == "pending"


@pytest.mark.parametrize("fault", ["429", "500", "500_done", "lost", "cut", "slow"])
@pytest.mark.parametrize("verb", [PaymentVerb.AUTHORISE, PaymentVerb.CAPTURE, PaymentVerb.REFUND, PaymentVerb.VOID])
def test_whatever_goes_wrong_it_happens_once(order, stripe, verb, fault):
    if verb is PaymentVerb.AUTHORISE:
        stripe.misbehave(fault)
    payment_id, _ = begin(order)
    if verb is PaymentVerb.REFUND:
        plan(payment_id, PaymentVerb.CAPTURE, 4760, is_final=True)
        watchdog.run_errands(at=clock.now())
    if verb is not PaymentVerb.AUTHORISE:
        stripe.misbehave(fault)
        plan(payment_id, verb, 0 if verb is PaymentVerb.VOID else 1000)
    pass_time()
    paid = ledger.get(payment_id)
    [intent] = stripe.intents.values()
    assert requests.open_of(payment_id) == []
    expected = {
        PaymentVerb.AUTHORISE: (4760, 0, 0, 0), PaymentVerb.CAPTURE: (4760, 1000, 0, 0),
        PaymentVerb.REFUND: (4760, 4760, 0, 1000), PaymentVerb.VOID: (4760, 0, 4760, 0),
    }[verb]  # fmt: skip
    amounts = paid.amounts
    assert (amounts.authorised, amounts.captured, amounts.released, amounts.refunded) == expected
    assert intent["amount_received"] == amounts.captured
    moved = sum(one["amount"] for one in stripe.refunds.values() if one["balance_transaction"])
    assert moved == amounts.refunded


def test_a_refund_at_the_provider_and_a_chargeback_are_noted(order, stripe):
    payment_id, _ = begin(order)
    plan(payment_id, PaymentVerb.CAPTURE, 4760, is_final=True)
    watchdog.run_errands(at=clock.now())
    reference = ledger.get(payment_id).provider_reference
    stripe.refund_in_dashboard(reference, 500)
    stripe.dispute(reference)
    for body, headers in stripe.told():
        webhooks.receive("stripe", body, headers)
    paid = ledger.get(payment_id)
    assert (paid.amounts.refunded, paid.amounts.charged_back, paid.concern) == (500, 4760, Concern.CHARGEBACK)


def test_a_webhook_that_needs_an_answer_is_sent_again_when_there_is_none(order, stripe):
    payment_id, _ = begin(order)
    plan(payment_id, PaymentVerb.CAPTURE, 4760, is_final=True)
    watchdog.run_errands(at=clock.now())
    stripe.refund_in_dashboard(ledger.get(payment_id).provider_reference, 500)
    told = next(event for event in stripe.events if event["type"] == "charge.refunded")
    [(body, headers)] = stripe.told([told])
    stripe.misbehave("cut")
    with pytest.raises(Busy):
        webhooks.receive("stripe", body, headers)
    assert webhooks.receive("stripe", body, headers) == "noted"
    assert ledger.get(payment_id).amounts.refunded == 500


def test_a_payment_that_nobody_ordered_is_let_go(order, stripe):
    intent = stripe.answer("POST", "/v1/payment_intents", {"amount": "900", "currency": "eur", "confirm": "true"}, "")
    for body, headers in stripe.told():
        webhooks.receive("stripe", body, headers)
    reference = json.loads(intent[1])["id"]
    paid = ledger.by_reference("stripe", reference)
    assert (paid.order_id, paid.status) == (None, "authorised")
    with clock.frozen(make.NOON + timedelta(hours=1)):
        assert watchdog.watch(at=clock.now())["without order"] == 1
        watchdog.run_errands(at=clock.now())
    assert ledger.get(paid.id).status == "voided"
    assert stripe.intents[reference]["status"] == "canceled"


def test_a_risky_payment_holds_the_order_until_somebody_looked(order, stripe):
    begin(order, token="pm_card_riskLevelElevated")
    for _ in range(2):
        relay.drain(within=5)
    assert queries.order(order.id).held_for == ["fraud"]
    with transaction():
        holds.release(order.id, "fraud", "called the customer", by=ground.TESTER, at=clock.now())
    with transaction():
        following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert queries.order(order.id).held_for == []


FAULTS = st.sampled_from(["", "", "", "429", "500", "500_done", "lost", "cut"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["capture", "refund", "webhooks", "dashboard", "wait"]), FAULTS, st.integers(1, 2500)),
    max_size=7,
)


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, random=st.randoms(use_true_random=False))
def test_in_any_story_our_sums_are_the_providers(order, stripe, steps, random):
    with clock.frozen(make.NOON):
        payment = pay.payment(order.id, 4760, gateway="stripe")
        plan(payment.id, PaymentVerb.AUTHORISE, 4760, details={"payment_method": "pm_card_visa"})
        hour = 0
        for what, fault, amount in steps:
            stripe.behave()
            stripe.misbehave(fault)
            amounts = ledger.get(payment.id).amounts
            if what == "capture" and amounts.capturable:
                plan(payment.id, PaymentVerb.CAPTURE, min(amount, amounts.capturable))
            elif what == "refund" and amounts.refundable:
                pay.owe(order.id, min(amount, amounts.refundable), ("return", ids.new()))
                with transaction():
                    refunds.plan(order.id, by=ground.TESTER, at=clock.now())
            elif what == "dashboard" and amounts.refundable > 10:
                reference = ledger.get(payment.id).provider_reference
                left = stripe.intents[reference]["amount_received"] - _moved(stripe, reference)
                if left > 10:
                    stripe.refund_in_dashboard(reference, 5)
            elif what == "webhooks":
                told = random.choices(stripe.told(), k=3) if stripe.events else []
                for body, headers in told:
                    try:
                        webhooks.receive("stripe", body, headers)
                    except Busy:
                        continue
            hour += 1
            with clock.frozen(make.NOON + timedelta(hours=hour)):
                watchdog.run_errands(at=clock.now())
        stripe.behave()
        for round_ in range(14):
            with clock.frozen(make.NOON + timedelta(hours=hour + 1 + round_)):
                watchdog.run_errands(at=clock.now())
        errands.look(payment.id)
        paid = ledger.get(payment.id)
        intent = stripe.intents[paid.provider_reference]
        assert paid.amounts.captured == intent["amount_received"]
        assert paid.amounts.refunded == _moved(stripe, paid.provider_reference)
        assert paid.amounts.refunded <= paid.amounts.captured <= paid.amounts.authorised
        asked = sum(
            one.amount_minor
            for one in requests.of_payments([payment.id])
            if one.verb == "capture" and one.state == "done"
        )
        assert asked == paid.amounts.captured


def _moved(stripe: StripeDouble, reference: str) -> int:
    return sum(
        one["amount"]
        for one in stripe.refunds.values()
        if one["payment_intent"] == reference and one["balance_transaction"]
    )
