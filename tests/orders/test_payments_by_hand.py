"""Trying payments by hand: the double as a process of its own, from checkout to refund; and money that can't be ours."""

import threading
from collections.abc import Iterator

import pytest
from django.core.management.base import CommandError
from django.test import Client

from commerce import clock
from commerce.transactions import transaction
from orders import exceptions, shipping
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.management.commands import payment_double
from orders.models import DeskCase, Payment
from orders.paying import Concern
from orders.payments import concerns, following, ledger, watchdog
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay

DOOR = "/api/v1/payment-webhooks/stripe"


@pytest.fixture
def told(db) -> Iterator[StripeDouble]:
    with StripeDouble() as double:
        directory.forget()
        directory.every()["stripe"] = StripeGateway("sk_test", double.webhook_secret, double.url)
        yield double
    directory.forget()


def deliver(double: StripeDouble) -> list[str]:
    found = []
    for body, headers in double.told():
        answer = Client().generic("POST", DOOR, body, content_type="application/json", headers=headers)
        found.append(answer.json()["outcome"])
    double.events.clear()
    return found


def paid_there(double: StripeDouble, currency: str = "eur", kind: str = "card", **metadata: str) -> None:
    form = {"amount": "4760", "currency": currency, "confirm": "true", "payment_method_types[0]": kind}
    double.answer(
        "POST", "/v1/payment_intents", form | {f"metadata[{key}]": value for key, value in metadata.items()}, ""
    )


@pytest.mark.parametrize(("currency", "kind"), [("usd", "card"), ("eur", "konbini")], ids=["currency", "method"])
def test_money_that_no_channel_takes_moves_nothing_and_stands_on_the_desk(shop, told, currency, kind):
    paid_there(told, currency, kind)
    assert deliver(told) == ["refused"]
    assert Payment.objects.count() == 0
    case = DeskCase.objects.get()
    assert case.kind == concerns.STRAY
    assert "47" in str(exceptions.kinds.get(case.kind).says(case.facts))


@pytest.mark.parametrize(("currency", "kind"), [("chf", "card"), ("eur", "klarna")], ids=["currency", "method"])
def test_news_of_another_currency_or_method_than_the_payment_s_are_not_believed(shop, told, currency, kind):
    order = shop.place({0: 3, 1: 1})
    paid = pay.payment(order.id, 4760, gateway="stripe")
    paid_there(told, currency, kind, kontor_payment=str(paid.id))
    assert deliver(told) == ["refused"]
    assert ledger.get(paid.id).amounts.authorised == 0
    assert Payment.objects.get().concern == Concern.PROVIDER_DISAGREES
    assert DeskCase.objects.get().kind == ledger.case_of(Concern.PROVIDER_DISAGREES)


def test_money_of_ours_without_a_payment_is_written_down_in_its_currency(shop, told):
    paid_there(told)
    assert deliver(told) == ["noted"]
    found = Payment.objects.get()
    assert (found.currency, found.method, found.authorised_minor) == ("EUR", "card", 4760)


def test_a_double_is_nothing_for_production(settings):
    settings.PRODUCTION = True
    with pytest.raises(CommandError):
        payment_double.Command().handle(port=0, deliver_to="http://127.0.0.1:1", misbehave=[])


@pytest.mark.django_db(transaction=True)
def test_from_checkout_to_refund_with_the_double_as_the_readme_says(live_server):
    """An order is paid with a token, captured as it leaves, and refunded in part; the double tells each step by webhook."""
    with clock.frozen(make.NOON):
        shop = make.shop()
    command = payment_double.Command()
    running = threading.Thread(
        target=command.handle, kwargs={"port": 0, "deliver_to": live_server.url, "misbehave": []}
    )
    running.start()
    try:
        assert command.is_up.wait(20)
        assert command.double is not None
        directory.forget()
        directory.every()["stripe"] = StripeGateway("sk_test_double", payment_double.SECRET, command.double.url)
        with clock.frozen(make.NOON):
            order = shop.ready(
                {0: 1}, method="ship", ship_to={"postal_code": "10115", "city": "Berlin", "country": "DE"}
            )
        key = ground.key(shop.channel)
        answer = Client().post(
            f"/api/v1/orders/{order.id}/payments",
            {"method": "card", "payment_method": "pm_card_visa"},
            content_type="application/json",
            HTTP_IDEMPOTENCY_KEY="pay",
            **key.headers,
        )
        assert answer.status_code == 201, answer.content
        until(lambda: ledger.of_order(order.id)[0].amounts.authorised == order.total_minor)
        shop.act(shipping.ship, order.fulfilments[0])
        drive(order.id)
        until(lambda: ledger.of_order(order.id)[0].amounts.captured == order.total_minor)
        back = Client().post(
            f"/api/v1/orders/{order.id}/refunds",
            {"amount_minor": 500, "reason": "scratched"},
            content_type="application/json",
            HTTP_IDEMPOTENCY_KEY="back",
            **key.headers,
        )
        assert back.status_code < 300, back.content
        drive(order.id)
        until(lambda: ledger.of_order(order.id)[0].amounts.refunded == 500)
        assert command.double.refunded(next(iter(command.double.intents))) == 500
    finally:
        command.stop.set()
        running.join(20)
        directory.forget()


def drive(order_id) -> None:
    with transaction():
        following.follow(order_id, by=following.FOLLOWER, at=clock.now())
    watchdog.run_errands(at=clock.now())


def until(holds) -> None:
    waiting = threading.Event()
    for _ in range(200):
        if holds():
            return
        waiting.wait(0.1)
    raise AssertionError("the double did not tell it")
