"""Payments: amounts follow from events, nothing is ever taken or given twice or beyond what there is (law 12)."""

from datetime import timedelta
from functools import partial

import pytest
from django.db import IntegrityError, connection, transaction

from commerce import clock, ids
from commerce.models import OutboxMessage
from commerce.operations import checks
from orders import queries
from orders.models import OwedRefundPart, Payment, PaymentEvent
from orders.paying import Concern, GiftCardEntryKind, PaymentVerb, PayMethod, RequestState, Way
from orders.payments import errors, gift_cards, ledger, refunds, requests
from tests.factories import commerce as ground
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(shop):
    return shop.place({0: 3, 1: 1})  # 4 × 11.90


def execute(statement: str, *parameters: object) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, parameters)


def test_a_payment_begins_with_nothing_and_moves_by_its_events(order):
    paid = pay.payment(order.id, order.total_minor)
    assert (paid.status, paid.version) == ("pending", 0)
    paid = pay.observe(paid.id, authorised=4760)
    assert (paid.status, paid.amounts.capturable, paid.version) == ("authorised", 4760, 1)
    paid = pay.observe(paid.id, authorised=4760, captured=2000)
    paid = pay.observe(paid.id, authorised=4760, captured=2000, released=2760, refunded=500)
    assert (paid.status, paid.amounts.refundable, paid.version) == ("partly_refunded", 1500, 4)
    assert list(PaymentEvent.objects.order_by("number").values_list("kind", "number")) == [
        ("authorised", 1), ("captured", 2), ("voided", 3), ("refunded", 4),
    ]  # fmt: skip
    told = OutboxMessage.objects.filter(event_type="payment.changed").order_by("id").last()
    assert (told.payload["captured_minor"], told.aggregate_sequence) == (2000, 4)
    assert queries.order_page(order.id).timeline[-1].verb == "orders.payments.observe"


def test_late_and_repeated_pictures_change_nothing(order):
    paid = pay.payment(order.id, 100, authorised=100, captured=100, refunded=40)
    for late in ({"authorised": 100}, {"authorised": 100, "captured": 60}, {"authorised": 100, "captured": 100}):
        assert pay.observe(paid.id, provider_event="evt_1", **late) == paid


def test_a_picture_that_contradicts_the_law_needs_a_person(order):
    paid = pay.payment(order.id, 100, authorised=100)
    worried = pay.observe(paid.id, authorised=100, captured=120)
    assert (worried.concern, worried.amounts.captured) == (Concern.PROVIDER_DISAGREES, 0)
    assert OutboxMessage.objects.filter(event_type="payment.needs_person").count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders_payment SET captured_minor = 100",
        "UPDATE orders_payment SET refunded_minor = 1, version = version + 1",
        "DELETE FROM orders_payment",
        "UPDATE orders_paymentevent SET amount_minor = 1",
        "DELETE FROM orders_paymentevent",
        "TRUNCATE orders_paymentevent CASCADE",
        "UPDATE orders_payment SET order_id = NULL",
    ],
)
def test_amounts_and_events_are_never_written_by_hand(order, statement):
    pay.payment(order.id, 100, authorised=100, captured=50)
    with pytest.raises(IntegrityError):
        execute(statement)


def test_the_database_refuses_more_than_there_is(order):
    paid = pay.payment(order.id, 100, authorised=100, captured=100)
    for kind in ("captured", "voided"):
        with pytest.raises(IntegrityError, match="payment_captured_at_most_authorised"):
            _event(paid.id, kind, 1)
    with pytest.raises(IntegrityError, match="payment_refunded_at_most_captured"):
        _event(paid.id, "refunded", 101)
    with pytest.raises(IntegrityError, match="payment_amounts_not_negative"):
        _event(paid.id, "refunded", -1)
    _event(paid.id, "refunded", 10, provider_event="evt_9")
    with pytest.raises(IntegrityError, match="payment_provider_event_once"):
        _event(paid.id, "refunded", 10, provider_event="evt_9")


def _event(payment_id, kind, amount, provider_event=""):
    with transaction.atomic():
        PaymentEvent.objects.create(
            id=ids.new(), payment_id=payment_id, kind=kind, amount_minor=amount, gateway="manual",
            provider_event=provider_event, occurred_at=clock.now(), recorded_at=clock.now(),
        )  # fmt: skip


def test_a_provider_reference_belongs_to_one_payment(order):
    pay.payment(order.id, 100, authorised=100, provider_reference="pi_1")
    with pytest.raises(Exception, match="known already"):
        pay.payment(order.id, 100, authorised=100, provider_reference="pi_1")


# --- what is owed back ------------------------------------------------------------------------------------------------


def test_a_cause_owes_once(order):
    pay.payment(order.id, 4760, authorised=4760, captured=4760)
    first = pay.owe(order.id, 1190, ("return", "r1"))
    assert pay.owe(order.id, 1190, ("return", "r1")) == first
    assert [(part.way, part.amount_minor) for part in first.parts] == [(Way.REFUND, 1190)]
    assert OutboxMessage.objects.get(event_type="refund.owed").payload["amount_minor"] == 1190
    assert ledger.of_order(order.id)[0].amounts.refundable == 4760 - 1190


def test_a_cancellation_lets_go_what_is_only_held_and_a_return_gives_back_what_was_taken(order):
    gift = pay.payment(order.id, 2000, method=PayMethod.GIFT_CARD, authorised=2000, captured=2000)
    card = pay.payment(order.id, 2760, authorised=2760, captured=1000)
    owed = pay.owe(order.id, 2000, ("cancellation", "c1"))
    assert {(part.payment_id, part.way, part.amount_minor) for part in owed.parts} == {
        (card.id, Way.RELEASE, 1760), (card.id, Way.REFUND, 240),
    }  # fmt: skip
    owed = pay.owe(order.id, 1000, ("return", "r1"))
    assert {(part.payment_id, part.way, part.amount_minor) for part in owed.parts} == {
        (card.id, Way.REFUND, 760), (gift.id, Way.REFUND, 240),
    }  # fmt: skip
    assert sum(one.amounts.covers for one in ledger.of_order(order.id)) == 4760 - 3000
    assert [finding for finding in checks.run() if "payments" in finding.check] == []


def test_what_was_never_paid_is_owed_by_nobody(order):
    pay.payment(order.id, 1000, authorised=1000)
    owed = pay.owe(order.id, 4760, ("cancellation", "c1"))
    assert (owed.amount_minor, owed.uncovered_minor) == (4760, 3760)
    nothing = pay.owe(order.id, 100, ("cancellation", "c2"))
    assert (nothing.uncovered_minor, nothing.parts, nothing.is_settled) == (100, (), True)


def test_the_database_refuses_to_owe_more_than_there_is(order):
    paid = pay.payment(order.id, 100, authorised=100, captured=60)
    owed = pay.owe(order.id, 1, ("return", "r1"))
    for way, amount in (("refund", 60), ("release", 41)):
        with pytest.raises(IntegrityError, match="owed_part_fits_payment"), transaction.atomic():
            OwedRefundPart.objects.create(
                id=ids.new(),
                owed_id=refunds.for_cause(("return", "r1")).id,
                payment_id=paid.id,
                way=way,
                amount_minor=amount,
            )
    with pytest.raises(IntegrityError):
        execute("UPDATE orders_owedrefundpart SET amount_minor = 2")
    with pytest.raises(IntegrityError):
        execute("DELETE FROM orders_owedrefund")
    assert owed.parts[0].amount_minor == Payment.objects.get().owed_minor == 1


# --- requests and gift cards ------------------------------------------------------------------------------------------


def test_what_is_asked_for_together_fits_what_there_is(order):
    paid = pay.payment(order.id, 100, authorised=100)
    ask = partial(requests.plan, paid.id, PaymentVerb.CAPTURE, by=ground.TESTER, at=clock.now())
    first = ask(60, cause=("fulfilment", 1))
    assert ask(60, cause=("fulfilment", 1)) == first
    with pytest.raises(IntegrityError, match="more is asked for"), transaction.atomic():
        ask(41, cause=("fulfilment", 2))
    assert ledger.get(paid.id).amounts.capturable == 40
    second = ask(40, cause=("fulfilment", 2))
    until = clock.now() + timedelta(minutes=1)
    assert requests.start(second.id, until=until, at=clock.now()) is None  # one at a time, in order
    assert requests.start(first.id, until=until, at=clock.now()).known_minor == 0
    assert requests.end(first.id, RequestState.DONE, by=ground.TESTER, at=clock.now())
    assert not requests.end(first.id, RequestState.REFUSED, by=ground.TESTER, at=clock.now())
    with pytest.raises(IntegrityError, match="ends once"):
        execute("UPDATE orders_paymentrequest SET state = 'planned', ended_at = NULL WHERE state = 'done'")


def test_a_gift_card_is_held_redeemed_and_filled_again_each_once(order):
    card, code = gift_cards.issue(
        amount_minor=5000, currency="EUR", cause=("test", 1), by=ground.TESTER, at=clock.now()
    )
    spaced = " ".join(code[place : place + 4].lower() for place in range(0, len(code), 4))
    assert gift_cards.find(spaced, currency="EUR", at=clock.now()) == card
    gift_cards.hold(card.id, 2000, cause=("payment", 1), at=clock.now())
    gift_cards.hold(card.id, 2000, cause=("payment", 1), at=clock.now())
    with pytest.raises(errors.GiftCardTooLow, match=r"30\.00 EUR left") as refusal:
        gift_cards.hold(card.id, 3001, cause=("payment", 2), at=clock.now())
    assert refusal.value.detail["balance_minor"] == 3000
    for kind in (GiftCardEntryKind.REDEEMED, GiftCardEntryKind.RETURNED):
        gift_cards.move(card.id, kind, 2000, cause=("request", 1), at=clock.now())
        gift_cards.move(card.id, kind, 2000, cause=("request", 1), at=clock.now())
    now = gift_cards.get(card.id)
    assert (now.balance_minor, now.held_minor) == (5000, 0)
    for statement in ("UPDATE orders_giftcard SET balance_minor = 9", "DELETE FROM orders_giftcardentry"):
        with pytest.raises(IntegrityError):
            execute(statement)


@pytest.mark.parametrize("wrong", ["", "AAAA", "'; DROP TABLE orders_giftcard", "ÄÖÜ" * 50])
def test_a_code_that_nobody_issued_is_refused_with_a_way_out(order, wrong):
    with pytest.raises(errors.GiftCardUnknown, match="another way"):
        gift_cards.find(wrong, currency="EUR", at=clock.now())
