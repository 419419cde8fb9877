"""Who buys: a quote that names a customer takes tier, group, segments and first order from our own profile of them."""

from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commerce import clock
from commerce.channels.contracts import IncomingCustomer
from commerce.transactions import transaction
from customers import standings
from customers.models import Identifier, Profile, Standing
from customers.standings import Groups, Stands
from orders import cancellation
from orders.models import Order
from pricing import facts, rulesets
from tests.factories import commerce as ground
from tests.factories import customers as people
from tests.factories import orders as make
from tests.factories import pricing as prices

pytestmark = pytest.mark.django_db

OFF = {"kind": "amount_off", "amount_minor": 100}
RULES = {
    "GOLD": {"loyalty_tiers": ["gold"]},
    "CLUB": {"segments": ["club"]},
    "FIRST": {"is_first_order": True},
    "LATER": {"is_first_order": False},
}


@pytest.fixture
def shop(client):
    """A shop with a rule for each thing that is asked about who buys; `ask` wants a quote for one piece."""
    with clock.frozen(make.NOON):
        facts.forget()
        shop = make.shop()
        key = ground.key(shop.channel)
        rules = [{"id": name, "name": name, "benefit": OFF, "conditions": asked} for name, asked in RULES.items()]
        with transaction():
            rulesets.publish({"promotions": rules}, by=ground.TESTER)

        def ask(**said):
            body = {"lines": [{"sku": shop.products[0].sku, "quantity": 1}], **said}
            answer = client.post("/api/v1/quotes", body, content_type="application/json", **key.headers)
            assert answer.status_code == 201, answer.json()
            return answer.json()

        shop.ask = ask
        yield shop
        facts.forget()


def person(shop, name="anna"):
    return people.person(channel_code=shop.channel.code, channel_customer_id=name)


def keep(profile_id, *segments, tier="", customer_group=""):
    with transaction():
        standings.say(profile_id, Stands(tier), by=ground.TESTER)
        standings.assign(profile_id, Groups(customer_group, segments or None), by=ground.TESTER)


def applied(quote):
    return {one["promotion"] for one in quote["promotions"] if one["verdict"] == "applied"}


def test_what_our_profile_keeps_decides_and_what_the_channel_said_otherwise_is_told(shop):
    keep(person(shop), "club", "staff", tier="gold")
    quote = shop.ask(customer="anna")
    assert applied(quote) == {"GOLD", "CLUB", "FIRST"}
    assert quote["buyer"] == {
        "customer_group": "", "segments": ["club"], "loyalty_tier": "gold", "is_first_order": True,
        "is_from_profile": True, "overruled": [],
    }  # fmt: skip
    quote = shop.ask(customer="anna", loyalty_tier="silver", segments=["vip"])
    assert (applied(quote), quote["buyer"]["overruled"]) == ({"GOLD", "CLUB", "FIRST"}, ["loyalty_tier", "segments"])


def test_a_channels_word_stands_of_what_we_do_not_keep(shop):
    person(shop)
    said = {"loyalty_tier": "gold", "segments": ["club"], "is_first_order": False}
    for customer in ("anna", "nobody we know", "", "\N{ZERO WIDTH SPACE}"):
        quote = shop.ask(customer=customer, **said)
        assert (applied(quote), quote["buyer"]["overruled"]) == ({"GOLD", "CLUB", "LATER"}, [])
        assert quote["buyer"]["is_from_profile"] is (customer == "anna")
    assert shop.ask(customer="nobody we know")["buyer"] is None
    keep(person(shop), "other")
    assert applied(shop.ask(customer="anna", segments=["club"])) == {"FIRST"}


def test_who_ordered_has_no_first_order_before_them_until_it_is_cancelled(shop):
    customer = IncomingCustomer(name="Anna", channel_customer_id="anna")
    quote = shop.ask(customer="anna", is_first_order=True)
    assert applied(quote) == {"FIRST"}
    order = shop.place(quote_id=UUID(quote["id"]), customer=customer)
    assert Order.objects.get(pk=order.id).pricing["buyer"]["is_first_order"] is True
    second = shop.ask(customer="anna", is_first_order=True)
    assert (applied(second), second["buyer"]["overruled"]) == ({"LATER"}, ["is_first_order"])
    with transaction():
        cancellation.cancel_order(order.id, by=ground.TESTER, at=clock.now())
    assert applied(shop.ask(customer="anna")) == {"FIRST"}


def test_a_group_that_is_kept_has_its_own_prices_and_quotes_keep_nothing_that_nobody_asked(shop):
    prices.price_list("staff", customer_group="staff")
    prices.prices({shop.products[0].id: 500}, price_list="staff")
    keep(person(shop), "secret", customer_group="staff")
    quote = shop.ask(customer="anna")
    assert (quote["lines"][0]["unit_price_minor"], quote["buyer"]["customer_group"]) == (500, "staff")
    assert quote["buyer"]["segments"] == []
    with transaction():
        rulesets.publish({"promotions": []}, by=ground.TESTER)
    assert "secret" not in str(shop.ask(customer="anna"))


def test_a_basket_without_a_customer_asks_nobody_and_many_customers_are_asked_at_once(shop, client):
    key = ground.key(shop.channel)
    for name in ("anna", "bert", "cleo"):
        person(shop, name)

    def queries(*customers):
        lines = [{"sku": shop.products[0].sku, "quantity": 1}]
        body = {"quotes": [{"lines": lines, "customer": customer} for customer in customers]}
        with CaptureQueriesContext(
            connection,
        ) as seen:
            headers = {**key.headers, "HTTP_IDEMPOTENCY_KEY": "-".join(customers) or "none"}
            assert (
                client.post("/api/v1/quotes/batch", body, content_type="application/json", **headers).status_code == 200
            )
        return [one["sql"] for one in seen if "customers_identifier" in one["sql"] or "orders_pastsale" in one["sql"]]

    queries("anna")
    assert queries("", "") == []
    assert len(queries("anna", "bert", "cleo")) == 2


def test_a_standing_goes_with_its_profile(shop):
    profile_id = people.person(email="", channel_code=shop.channel.code, channel_customer_id="anna")
    keep(profile_id, "club", tier="gold")
    Identifier.objects.filter(profile_id=profile_id).delete()
    Profile.objects.get(pk=profile_id).delete()
    assert not Standing.objects.exists()
    assert shop.ask(customer="anna")["buyer"] is None
