"""Money follows goods: captured when they leave, let go when they won't, given back when owed, each once."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse

from commerce import clock, ids, relay
from commerce.actors import Actor
from commerce.operations import checks
from commerce.transactions import transaction
from orders import (
    cancellation,
    exceptions,
    holds,
    pay_later,
    picking,
    pickup,
    queries,
    shipping,
    shortage_choices,
)
from orders.amendments import changing
from orders.amendments.wishes import Amendment
from orders.gateways import directory
from orders.paying import Concern, PaidStatus, PayMethod, paid_status
from orders.payments import collecting, errands, errors, following, gift_cards, ledger, refunds, requests, watchdog
from orders.payments.collecting import Taken, Wanted
from tests.factories import commerce as ground
from tests.factories import inventory as goods
from tests.factories import orders as make
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = {"street": "Hauptstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


def take(order_id, method: PayMethod, amount: int | None = None, **options):
    with transaction():
        payment_id, request_id = collecting.begin(
            order_id, Wanted(method=method, amount_minor=amount, **options), by=ground.TESTER, at=clock.now()
        )
    errands.carry_out(request_id)
    return ledger.get(payment_id)


def settle(rounds: int = 3) -> None:
    """Let events be delivered and errands be run until nothing is left."""
    for _ in range(rounds):
        relay.drain(within=5)
        watchdog.run_errands(at=clock.now())


def card(amount: int) -> str:
    with transaction():
        return gift_cards.issue(
            amount_minor=amount, currency="EUR", cause=("test", amount), by=ground.TESTER, at=clock.now()
        )[1]


def test_two_payments_are_taken_gift_card_first_when_the_goods_leave(shop):
    order = shop.ready({0: 3, 1: 1})
    gift = take(order.id, PayMethod.GIFT_CARD, gift_card_code=card(2000))
    paid = take(order.id, PayMethod.CARD)
    assert (gift.amounts.authorised, paid.amounts.authorised) == (2000, order.total_minor - 2000)
    payments = ledger.of_order(order.id)
    assert paid_status(order.total_minor, [one.amounts for one in payments]) is PaidStatus.COVERED
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    settle()
    payments = ledger.of_order(order.id)
    assert [one.amounts.captured for one in payments] == [2000, order.total_minor - 2000]
    assert paid_status(order.total_minor, [one.amounts for one in payments]) is PaidStatus.PAID
    assert gift_cards.get(gift.gift_card_id).held_minor == 0
    settle()
    assert sum(one.amounts.captured for one in ledger.of_order(order.id)) == order.total_minor
    assert [finding for finding in checks.run() if "payment" in finding.check] == []


def test_a_cancelled_order_lets_everything_go(shop):
    order = shop.place({0: 2})
    gift = take(order.id, PayMethod.GIFT_CARD, gift_card_code=card(1000))
    take(order.id, PayMethod.CARD)
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    settle()
    assert [one.status.value for one in ledger.of_order(order.id)] == ["voided", "voided"]
    assert gift_cards.get(gift.gift_card_id).balance_minor == 1000
    assert all(owed.is_settled for owed in refunds.of_order(order.id))


def test_what_was_not_found_is_never_taken(shop):
    order = shop.accepted({0: 2})
    take(order.id, PayMethod.CARD)
    work = order.fulfilments[0]
    shop.act(picking.reject_line, work, work.lines[0].id, 1, "not_found")
    shop.scan(work)
    shop.act(pickup.mark_ready, work)
    settle()
    shop.act(pickup.hand_over, work, work.pickup_code)
    settle()
    [paid] = ledger.of_order(order.id)
    assert (paid.amounts.captured, paid.amounts.released) == (1190, 0), "its customer may still choose another store"
    [asked] = shortage_choices.asked(order.id, at=clock.now())
    with transaction():
        shortage_choices.choose(order.tracking_token, asked.id, "decline", at=clock.now())
    settle()
    [paid] = ledger.of_order(order.id)
    assert (paid.amounts.captured, paid.amounts.released, paid.amounts.refunded) == (1190, 1190, 0)


def test_what_another_place_serves_keeps_its_money(shop):
    other = goods.store(latitude=52.6)
    goods.receive(shop.products[0].id, other.id, 5)
    order = shop.accepted({0: 2}, method="ship", ship_to=ADDRESS)
    take(order.id, PayMethod.CARD)
    work = order.fulfilments[0]
    shop.act(picking.reject_line, work, work.lines[0].id, 2, "not_found")
    settle()
    view = queries.order(order.id)
    part = next(one for one in view.fulfilments if one.location_id == other.id)
    assert (view.total_minor, refunds.of_order(order.id)) == (2380, [])
    clerk = make.clerk(other)
    shop.act(pickup.accept, part, user=clerk)
    for _ in range(2):
        shop.scan(part, user=clerk)
    shop.act(pickup.mark_ready, part, user=clerk)
    shop.act(shipping.ship, part, user=clerk)
    settle()
    [paid] = ledger.of_order(order.id)
    assert (paid.amounts.captured, paid.amounts.released) == (2380, 0)


def test_goods_leave_when_they_are_paid(shop):
    order = shop.ready({0: 2})
    take(order.id, PayMethod.CARD, 1000)
    [part] = order.fulfilments
    with pytest.raises(errors.NotPaid) as refused:
        shop.act(pickup.hand_over, part, part.pickup_code)
    assert (refused.value.detail["to_pay_minor"], refused.value.detail["currency"]) == (1380, "EUR")
    take(order.id, PayMethod.CASH)
    assert shop.act(pickup.hand_over, part, part.pickup_code).is_done
    settle()
    assert sum(one.amounts.captured for one in ledger.of_order(order.id)) == 2380


def test_what_costs_more_is_not_sent_before_it_is_paid(shop):
    order = shop.place({0: 1}, method="ship", ship_to=ADDRESS)
    take(order.id, PayMethod.CARD)
    wanted = Amendment(additions={shop.products[1].id: 1})
    with transaction():
        seen = changing.preview(order.id, wanted, by=ground.TESTER, at=clock.now())
    with transaction():
        changing.confirm(order.id, wanted, seen.basis, by=ground.TESTER, at=clock.now())
    settle()
    assert queries.order(order.id).held_for == ["payment"]
    take(order.id, PayMethod.CARD)
    settle()
    assert queries.order(order.id).held_for == []
    assert [one.release_reason for one in holds.of_orders([order.id], open_only=False)[order.id]] == ["paid"]


def test_what_was_given_back_at_the_provider_is_not_asked_for_again(shop):
    order = shop.place({0: 2})
    paid = pay.payment(order.id, 2380, authorised=2380, captured=2380)
    pay.observe(paid.id, authorised=2380, captured=2380, refunded=500)
    assert following.to_pay_minor(order, ledger.of_order(order.id)) == 0
    pay.owe(order.id, 1880, ("return", "r1"))
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
        following.follow(order.id, by=ground.TESTER, at=clock.now())
    assert sum(one.amount_minor for one in requests.open_of(paid.id)) == 1880


def test_cash_at_the_till_goes_back_by_hand_and_a_person_is_told(shop):
    order = shop.place({0: 2})
    paid = take(order.id, PayMethod.CASH)
    assert paid.status == "captured"
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    settle()
    paid = ledger.get(paid.id)
    assert (paid.concern, paid.amounts.owed) == (Concern.BY_HAND, 2380)
    [case] = [case for case in exceptions.cases.of_order(order.id) if case.kind == "payment_by_hand"]
    [waiting] = requests.open_of(paid.id)
    with transaction():
        errands.done_by_hand(waiting.id, by=shop.by, at=clock.now())
    paid = ledger.get(paid.id)
    assert (paid.status, paid.concern, paid.amounts.owed) == ("refunded", None, 0)
    assert exceptions.cases.one(case.id).state == "settled"


def test_a_bank_transfer_is_paid_by_its_line_once(shop):
    order = shop.place({0: 2})
    paid = take(order.id, PayMethod.BANK_TRANSFER)
    assert paid.status == "pending"
    for amount, line in ((1000, "line-1"), (1000, "line-1"), (1380, "line-2")):
        with transaction():
            collecting.money_arrived(paid.id, amount, evidence=line, by=ground.TESTER, at=clock.now())
    assert ledger.get(paid.id).amounts.captured == 2380


def test_a_channels_payment_comes_with_its_order_and_is_captured_by_us_where_we_can(shop):
    order = shop.place({0: 1})
    taken = [
        Taken(authorised_minor=500, captured_minor=500, label="Marketplace"),
        Taken(
            method=PayMethod.CARD, provider="demo", provider_reference="pi_7", authorised_minor=690, captured_minor=0
        ),
    ]
    for _ in range(2):
        with transaction():
            collecting.take_over(
                order.id, taken[1:] if ledger.of_order(order.id) else taken, by=ground.TESTER, at=clock.now()
            )
    assert [(one.method.value, one.status.value) for one in ledger.of_order(order.id)] == [
        ("channel", "captured"), ("card", "authorised"),
    ]  # fmt: skip
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    settle()
    assert [one.status.value for one in ledger.of_order(order.id)] == ["refunded", "voided"]


def test_a_payment_before_its_order_finds_it_or_goes_back(shop):
    order = shop.place({0: 1})
    with transaction():
        for reference in (order.external_reference, "never-placed"):
            ledger.add(
                ids.new(), order_id=None, gateway="demo", method=PayMethod.CARD, currency="EUR", amount_minor=1190,
                channel_id=shop.channel.pk, external_reference=reference, provider_reference=f"x-{reference}",
                by=ground.TESTER, at=clock.now(),
            )  # fmt: skip
    for reference in (order.external_reference, "never-placed"):
        pay.observe(ledger.by_reference("demo", f"x-{reference}").id, authorised=1190, captured=400)
    with clock.frozen(clock.now() + timedelta(hours=1)):
        watchdog.watch(at=clock.now())
        settle()
    assert ledger.of_order(order.id)[0].amounts.captured == 400
    lost = ledger.by_reference("demo", "x-never-placed")
    assert (lost.order_id, lost.amounts.refunded, lost.amounts.released) == (None, 400, 790)


def test_an_authorisation_that_runs_out_is_extended_or_missed(shop, monkeypatch):
    order = shop.place({0: 1})
    paid = take(order.id, PayMethod.CARD)
    with clock.frozen(paid.expires_at - timedelta(hours=20)):
        watchdog.watch(at=clock.now())
        settle()
        extended = ledger.get(paid.id)
        assert extended.expires_at > paid.expires_at
    with clock.frozen(extended.expires_at + timedelta(hours=1)):
        watchdog.watch(at=clock.now())
        settle()
        gone = ledger.get(paid.id)
        assert (gone.status, gone.concern) == ("voided", Concern.LOST_AUTHORISATION)


@pytest.mark.parametrize(
    ("method", "options", "refusal"),
    [
        (PayMethod.CARD, {"amount_minor": 999_999}, errors.NothingToPay),
        (PayMethod.CARD, {"provider": "nobody"}, errors.GatewayUnknown),
        (PayMethod.CASH, {"provider": "demo"}, errors.GatewayUnknown),
        (PayMethod.GIFT_CARD, {"gift_card_code": "NOBODY"}, errors.GiftCardUnknown),
        (PayMethod.PAY_LATER, {}, errors.NotEligible),  # a pickup
    ],
)
def test_what_can_not_be_paid_is_refused_with_the_way_out(shop, method, options, refusal):
    order = shop.place({0: 1})
    wanted = Wanted(method=method, **options)
    with pytest.raises(refusal), transaction():
        collecting.begin(order.id, wanted, by=ground.TESTER, at=clock.now())
    assert ledger.of_order(order.id) == []


def test_a_covered_order_takes_no_more(shop):
    order = shop.place({0: 1})
    take(order.id, PayMethod.CASH)
    with pytest.raises(errors.NothingToPay, match="covered"):
        take(order.id, PayMethod.CARD)


def test_paying_later_is_captured_with_the_shipment(shop):
    order = shop.place({0: 1}, method="ship", ship_to=ADDRESS)
    paid = take(order.id, PayMethod.PAY_LATER)
    assert paid.status == "authorised"
    work = order.fulfilments[0]
    shop.act(pickup.accept, work)
    shop.scan(work)
    shop.act(pickup.mark_ready, work)
    shop.act(shipping.ship, work)
    settle()
    assert ledger.get(paid.id).status == "captured"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, ""),
        ({"amount_minor": 99}, "amount_too_low"),
        ({"amount_minor": 400_001}, "amount_too_high"),
        ({"country": "FR"}, "country"),
        ({"currency": "CHF"}, "currency"),
        ({"is_sent": False}, "nothing_sent"),
    ],
)
def test_who_may_pay_later(values, reason):
    asked = {"amount_minor": 5000, "currency": "EUR", "country": "DE", "is_sent": True} | values
    assert pay_later.eligibility(**asked).reason == reason


def test_following_twice_plans_nothing_twice(shop):
    order = shop.ready({0: 1})
    take(order.id, PayMethod.CARD)
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    for _ in range(3):
        with transaction():
            following.follow(order.id, by=Actor.system("test"), at=clock.now())
    assert len([one for one in requests.open_of(ledger.of_order(order.id)[0].id) if one.verb == "capture"]) == 1
    assert following.to_pay_minor(queries.order(order.id), ledger.of_order(order.id)) == 0
    assert "demo" in directory.every()


def test_abandoned_checkouts_are_asked_about_ever_more_rarely_and_never_forgotten():
    minutes = [timedelta(minutes=one) for one in range(10, 48 * 60)]
    asked = [age for age in minutes if watchdog.is_asked_about(age)]
    assert asked[:10] == minutes[:10], "each minute while the customer may still stand there"
    assert len(asked) < 250
    assert max(later - earlier for earlier, later in pairwise(asked)) < timedelta(minutes=30)


def test_who_asks_for_something_that_is_no_errand_is_told_that_it_is_not_there(shop, signed_in):
    order = shop.ready({0: 1})
    paid = take(order.id, PayMethod.CARD)
    for verb in ("refund", "launder"):
        address = reverse("orders-staff:payment-ask", args=[order.id, paid.id, verb])
        assert signed_in(shop.manager).post(address).status_code == 404
