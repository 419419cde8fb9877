"""Payments over HTTP: paid in parts, taken and let go, given back once, gift cards, webhooks, and every refusal with its field."""

import json

import pytest
from django.test import Client

from commerce import clock
from commerce.roles import Scope
from commerce.transactions import transaction
from orders import queries
from orders.gateways import directory
from orders.gateways.stripe import StripeGateway
from orders.gateways.stripe_double import StripeDouble
from orders.payments import gift_cards, ledger, requests
from tests.factories import commerce as ground
from tests.factories import orders as make
from tests.factories import payments as pay

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order(shop):
    return shop.place({0: 3, 1: 1})


@pytest.fixture
def call(client: Client, shop):
    key = ground.key(shop.channel)

    def call(method: str, path: str, body: object = None, **headers: str):
        data = json.dumps(body) if body is not None else None
        answer = client.generic(
            method, f"/api/v1/{path}", data or "", content_type="application/json" if data else "", **key.headers,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        )  # fmt: skip
        return answer.status_code, answer.json() if answer.content else None

    return call


def test_an_order_is_paid_in_parts_taken_and_given_back(call, order):
    with transaction():
        code = gift_cards.issue(amount_minor=2000, currency="EUR", cause=("t", 1), by=ground.TESTER, at=clock.now())[1]
    address = f"orders/{order.id}/payments"
    status, gift = call("POST", address, {"method": "gift_card", "gift_card": code})
    assert (status, gift["status"], gift["authorised_minor"]) == (201, "authorised", 2000)
    body = {"method": "card", "provider": "demo"}
    status, card = call("POST", address, body, **{"Idempotency-Key": "pay-1"})
    assert (status, card["authorised_minor"]) == (201, 2760)
    status, again = call("POST", address, body, **{"Idempotency-Key": "pay-1"})
    assert (status, again["id"]) == (201, card["id"])
    status, found = call("GET", address)
    assert (found["status"], found["to_pay_minor"], len(found["payments"])) == ("covered", 0, 2)
    status, taken = call("POST", f"payments/{card['id']}/capture", {"amount_minor": 1000})
    assert (status, taken["captured_minor"], taken["allowed_actions"]) == (200, 1000, ["capture", "extend", "refund"])
    refund = {"amount_minor": 400, "reason": "scratched", "reference": "T-1"}
    status, owed = call("POST", f"orders/{order.id}/refunds", refund)
    assert (status, owed["parts"][0]["payment_id"]) == (201, card["id"])
    assert call("POST", f"orders/{order.id}/refunds", refund)[1]["id"] == owed["id"]
    assert len(call("GET", f"orders/{order.id}/refunds")[1]) == 1
    status, gone = call("POST", f"payments/{gift['id']}/void")
    assert (status, gone["status"]) == (200, "voided")
    assert call("POST", "gift-cards/balance", {"code": code})[1]["balance_minor"] == 2000


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"method": "cheque"}, 400, "invalid_input"),
        ({"method": "cash", "amount_minor": 0}, 400, "invalid_input"),
        ({"method": "cash", "amount_minor": "12"}, 400, "invalid_input"),
        ({"method": "cash", "amount_minor": 999_999}, 409, "nothing_to_pay"),
        ({"method": "card", "provider": "nobody"}, 422, "payment_provider_unknown"),
        ({"method": "cash", "provider": "demo"}, 422, "payment_provider_unknown"),
        ({"method": "gift_card", "gift_card": "WRONG"}, 422, "gift_card_unknown"),
        ({"method": "pay_later", "provider": "demo"}, 422, "pay_later_not_offered"),
        ({"method": "channel"}, 400, "invalid_input"),
        ({"method": "cash", "colour": "red"}, 400, "invalid_input"),
    ],
)
def test_what_can_not_be_is_refused_and_nothing_is_written(call, order, body, status, code):
    answered, problem = call("POST", f"orders/{order.id}/payments", body)
    assert (answered, problem["code"]) == (status, code)
    assert problem["detail"]
    assert ledger.of_order(order.id) == []


def test_asking_for_too_much_names_what_there_is(call, order):
    paid = pay.payment(order.id, 4760, gateway="demo", authorised=4760)
    status, problem = call("POST", f"payments/{paid.id}/capture", {"amount_minor": 5000})
    assert (status, problem["code"], problem["there_minor"]) == (409, "amount_too_high", 4760)
    status, problem = call("POST", f"orders/{order.id}/refunds", {"amount_minor": 1, "reason": "early"})
    assert (status, problem["there_minor"]) == (409, 0)
    pay.observe(paid.id, authorised=4760, captured=4760)
    status, problem = call("POST", f"payments/{paid.id}/void")
    assert (status, problem["code"], problem["allowed_actions"]) == (409, "payment_action_not_allowed", ["refund"])


def test_another_channel_neither_sees_nor_moves_it(client, order):
    other = ground.key(ground.channel())
    paid = pay.payment(order.id, 4760, gateway="demo", authorised=4760)
    for path in (f"orders/{order.id}/payments", f"payments/{paid.id}", f"orders/{order.id}/refunds"):
        assert client.get(f"/api/v1/{path}", **other.headers).status_code == 404
    answer = client.post(f"/api/v1/payments/{paid.id}/void", **other.headers)
    assert answer.status_code == 404
    assert ledger.get(paid.id).status == "authorised"


def test_a_key_that_may_order_may_not_move_money(client, shop, order):
    key = ground.key(shop.channel, Scope.ORDERS_READ, Scope.ORDERS_WRITE)
    body = {"amount_minor": 1, "reason": "x"}
    answer = client.post(f"/api/v1/orders/{order.id}/refunds", body, content_type="application/json", **key.headers)
    assert answer.status_code == 403


def test_ways_to_pay_are_told_with_what_they_cost_and_why_not(call, order):
    status, told = call("GET", f"orders/{order.id}/payments")
    offers = {one["method"]: one for one in told["offers"]}
    assert status == 200
    assert (offers["card"]["is_offered"], offers["card"]["fee_minor"], offers["card"]["surcharge_minor"]) == (
        True,
        96,
        0,
    )
    assert (offers["pay_later"]["is_offered"], offers["pay_later"]["reason"]) == (False, "nothing_sent")


def test_a_gift_card_is_issued_once_and_its_code_is_told_once(call, shop):
    body = {"amount_minor": 2500, "reference": "receipt 7"}
    status, made = call("POST", "gift-cards", body, **{"Idempotency-Key": "g-1"})
    assert (status, made["balance_minor"], made["code"][-4:]) == (201, 2500, made["last_four"])
    assert call("POST", "gift-cards", body, **{"Idempotency-Key": "g-1"})[1] == made


def test_webhooks_come_in_by_their_signature_alone(client, order):
    with StripeDouble() as double:
        directory.forget()
        directory.every()["stripe"] = StripeGateway("sk_test", double.webhook_secret, double.url)
        paid = pay.payment(order.id, 4760, gateway="stripe")
        form = {"amount": "4760", "currency": "eur", "confirm": "true", "metadata[kontor_payment]": str(paid.id)}
        double.answer("POST", "/v1/payment_intents", form, "")
        [(body, headers)] = double.told()
        door = "/api/v1/payment-webhooks/stripe"
        told = [
            client.generic("POST", door, body, content_type="application/json", headers=headers).json()
            for _ in range(2)
        ]
        assert [one["outcome"] for one in told] == ["noted", "known"]
        assert ledger.get(paid.id).status == "authorised"
        forged = client.generic("POST", door, body + b" ", content_type="application/json", headers=headers)
        assert (forged.status_code, forged.json()["code"]) == (400, "webhook_forged")
        assert client.post("/api/v1/payment-webhooks/nobody").status_code == 422
        assert client.get(door).status_code == 405
    directory.forget()


# --- at the counter ---------------------------------------------------------------------------------------------------


def page(client: Client, order) -> str:
    return client.get(f"/staff/orders/{order.id}/").content.decode()


def test_the_counter_takes_cash_and_a_manager_gives_it_back(shop, order, signed_in):
    clerk, manager = signed_in(shop.clerk), signed_in(shop.manager)
    assert "47.60" in page(clerk, order)
    address = f"/staff/orders/{order.id}/"
    clerk.post(f"{address}pay/", {"how": "cash", "amount": "40,00"})
    clerk.post(f"{address}pay/", {"how": "terminal", "amount": ""})
    assert [one.amounts.captured for one in ledger.of_order(order.id)] == [4000, 760]
    assert clerk.post(f"{address}give-back/", {"amount": "5", "reason": "x"}).status_code == 403
    manager.post(f"{address}give-back/", {"amount": "5.00", "reason": "scratched"})
    shown = page(manager, order)
    assert "were given back" in shown
    assert "scratched" in shown
    [waiting] = [one for paid in ledger.of_order(order.id) for one in requests.open_of(paid.id)]
    manager.post(f"{address}by-hand/{waiting.id}/")
    assert sum(one.amounts.refunded for one in ledger.of_order(order.id)) == 500
    assert "went back" in page(manager, order)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"how": "cash", "amount": "a lot"}, "12.50"),
        ({"how": "cash", "amount": "999999"}, "left to pay"),
        ({"how": "gift_card", "gift_card": "NOBODY"}, "gift card"),
        ({"how": "shells"}, "Choose how it is paid"),
    ],
)
def test_what_is_typed_wrong_is_said_in_a_sentence(shop, order, signed_in, typed, said):
    answer = signed_in(shop.clerk).post(f"/staff/orders/{order.id}/pay/", typed, follow=True)
    assert said in answer.content.decode()
    assert ledger.of_order(order.id) == []


def test_a_held_payment_is_taken_or_let_go_by_who_may(shop, order, signed_in):
    paid = pay.payment(order.id, 4760, gateway="demo", authorised=4760)
    address = f"/staff/orders/{order.id}/payments/{paid.id}/"
    assert signed_in(shop.clerk).post(f"{address}capture/").status_code == 403
    signed_in(shop.manager).post(f"{address}capture/")
    assert ledger.get(paid.id).status == "captured"
    elsewhere = make.shop()
    assert signed_in(elsewhere.manager).post(f"{address}void/").status_code == 404
    assert queries.order(order.id).version == order.version
