"""The order screen over HTTP: finding, reading, cancelling, and as much of the customer as a role may see."""

from dataclasses import replace

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from commerce import clock
from commerce.channels.contracts import IncomingCustomer
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import availability
from inventory.places import locations
from orders import pickup, queries
from orders.lifecycle import OrderStatus
from orders.queries import OrderView
from orders.staff import order_page
from tests.factories import commerce as ground
from tests.factories import orders as factory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]
SEARCH = reverse("orders-staff:orders")
ERIKA = IncomingCustomer(name="Erika Beispiel", email="Erika@Example.org", phone="+49 30 901820")


def page(order: OrderView) -> str:
    return reverse("orders-staff:order", args=[order.id])


def agent() -> User:
    """A service agent: sees the orders and customers of all stores."""
    user = ground.user()
    with transaction():
        locations.assign(user, Role.SERVICE_AGENT, None, by=ground.TESTER)
    return user


def test_the_page_shows_lines_promise_totals_and_only_allowed_actions(shop, signed_in):
    order = shop.accepted({0: 2, 1: 1})
    shop.scan(order.fulfilments[0])
    text = signed_in(shop.clerk).get(page(order)).content.decode()
    assert shop.products[0].name in text
    assert "1 of 2 picked" in text
    assert "€35.70" in text
    assert reverse("orders-staff:pick", args=[order.fulfilments[0].id]) in text
    for name in ("accept", "hand-over", "arrive", "ready"):
        assert reverse(f"orders-staff:{name}", args=[order.fulfilments[0].id]) not in text


def test_amounts_and_dates_follow_the_language(shop, signed_in):
    order = shop.place()
    shop.clerk.language = "de"
    shop.clerk.save()
    text = signed_in(shop.clerk).get(page(order)).content.decode().replace("\xa0", " ")
    assert "11,90 €" in text
    assert "18.11.2026" in text


def test_the_timeline_tells_who_did_what_when_and_why_and_can_be_filtered(shop, signed_in):
    order = shop.accepted({0: 2})
    shop.scan(order.fulfilments[0])
    shop.scan(order.fulfilments[0], 2)
    client = signed_in(shop.clerk)
    client.post(
        reverse("orders-staff:missing", args=[order.fulfilments[0].id, order.fulfilments[0].lines[0].id]),
        {"quantity": "1", "reason": "damaged"},
    )
    text = client.get(page(order)).content.decode()
    for said in ("Order placed", "Accepted for picking", "Scanned a wrong item", "Pieces missing", "damaged"):
        assert said in text
    assert shop.clerk.get_full_name() in text
    picking = client.get(page(order), {"show": "picking"}).content.decode()
    assert "Scanned a wrong item" in picking
    assert "Accepted for picking" not in picking
    steps = client.get(page(order), {"show": "step"}).content.decode()
    assert "Scanned a wrong item" not in steps
    assert "Accepted for picking" in steps
    assert client.get(page(order), {"show": "nonsense"}).status_code == 200


def test_why_this_store_shows_the_losers_with_their_reasons(shop, signed_in):
    other = factory.shop(pieces=0, code="EMPTY1", name="Empty shop")
    order = shop.place(
        method="ship", ship_to={"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    )
    text = signed_in(shop.clerk).get(page(order)).content.decode()
    assert "Why this store?" in text
    assert "Chosen" in text
    assert other.store.name in text
    assert "Not enough stock" in text


def test_a_role_sees_as_much_of_the_customer_as_it_may(shop, signed_in):
    order = shop.place(customer=ERIKA)
    clerk = signed_in(shop.clerk).get(page(order)).content.decode()
    assert "Erika Beispiel" in clerk
    assert "example.org" not in clerk.lower()
    assert "901820" not in clerk
    manager = signed_in(shop.manager).get(page(order)).content.decode()
    assert "erika@example.org" in manager.lower()


def test_orders_are_found_by_number_reference_and_code(shop, signed_in):
    order = shop.place(customer=ERIKA)
    shop.place()
    client = signed_in(shop.clerk)
    assert client.get(SEARCH, {"q": order.number.lower()})["Location"] == page(order)
    code = order.fulfilments[0].pickup_code
    for text in (order.external_reference, code, f"{code[:3]} {code[3:].lower()}"):
        found = client.get(SEARCH, {"q": text}).context["found"]
        assert [one.order.id for one in found] == [order.id]
    nothing = client.get(SEARCH, {"q": "K-999999"}).content.decode()
    assert "Nothing found for" in nothing


def test_only_who_may_see_customers_finds_by_e_mail_or_phone(shop, signed_in):
    order = shop.place(customer=ERIKA)
    for text in ("erika@example.org", "ERIKA@EXAMPLE.ORG", "+49 30 901820", "+4930901820"):
        assert [one.order.id for one in signed_in(shop.manager).get(SEARCH, {"q": text}).context["found"]] == [order.id]
        assert signed_in(shop.clerk).get(SEARCH, {"q": text}).context["found"] == []


def test_the_list_names_the_customer_to_whoever_may_see_the_order(shop, signed_in):
    shop.place(customer=ERIKA)
    listed = signed_in(shop.clerk).get(SEARCH).content.decode()
    assert "Erika Beispiel" in listed
    assert "example.org" not in listed.lower()


def test_a_customer_is_found_only_where_the_reader_may_see_customers(shop, signed_in):
    other = factory.shop()
    here, there = shop.place(customer=ERIKA), other.place(customer=ERIKA)
    both = factory.clerk(shop.store, role=Role.STORE_MANAGER)
    with transaction():
        locations.assign(both, Role.CLERK, other.store.id, by=ground.TESTER)
    client = signed_in(both)
    for store in (shop.store, other.store):
        client.post(reverse("staff:store"), {"store": store.code})
        assert [one.order.id for one in client.get(SEARCH, {"q": "erika@example.org"}).context["found"]] == [here.id]
        assert {one.order.id for one in client.get(SEARCH).context["found"]} == {here.id, there.id}


def test_how_the_price_came_about_is_told_in_the_readers_language(shop, signed_in):
    order = shop.place({0: 3})
    shop.clerk.language = "de"
    shop.clerk.save()
    text = signed_in(shop.clerk).get(page(order)).content.decode().replace("\xa0", " ")
    assert "3 × 11,90 €" in text
    assert "11.90 EUR" not in text


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"kind": "price", "amount_minor": 987, "reason": "3 × 3.29 EUR"}, "3 × 3,29 €"),
        ({"kind": "price", "amount_minor": 500, "reason": "as agreed"}, "as agreed"),
        ({"kind": "tax", "amount_minor": 19, "reason": "VAT on a net price"}, "MwSt. auf den Nettopreis"),
        ({"kind": "rounding", "amount_minor": -2, "reason": "to the nearest coin"}, "auf die nächste Münze gerundet"),
        ({"kind": "discount", "amount_minor": -100, "reason": "Herbst 10 %"}, "Herbst 10 %"),
    ],
)
def test_a_price_step_is_said_by_its_kind_and_a_discount_as_it_was_named(shop, step, said):
    order = replace(shop.place(), pricing={"lines": [{"sku": "A", "steps": [step]}], "steps": []})
    with translation.override("de"):
        (told,) = order_page.prices(order)
    assert (told.sku, told.text.replace("\xa0", " ")) == ("A", said)


def test_orders_of_another_store_do_not_exist(shop, signed_in):
    foreign = factory.shop().place(customer=ERIKA)
    client = signed_in(shop.manager)
    assert client.get(page(foreign)).status_code == 404
    assert client.post(reverse("orders-staff:cancel", args=[foreign.id]), {"reason": "other"}).status_code == 404
    for text in (
        foreign.number,
        foreign.external_reference,
        foreign.fulfilments[0].pickup_code,
        "erika@example.org",
        "",
    ):
        assert client.get(SEARCH, {"q": text}).context["found"] == []
    assert [one.order.id for one in signed_in(agent()).get(SEARCH).context["found"]] == [foreign.id]
    assert signed_in(agent()).get(page(foreign)).status_code == 200


def test_the_list_goes_on_where_it_ended(shop, signed_in, monkeypatch):
    monkeypatch.setattr(order_page, "PAGE_SIZE", 2)
    orders = [shop.place() for _ in range(5)]
    client = signed_in(shop.clerk)
    seen, address = [], SEARCH
    while address:
        answer = client.get(address)
        seen += [one.order.id for one in answer.context["found"]]
        address = SEARCH + answer.context["more_url"] if answer.context["more_url"] else ""
    assert sorted(seen) == sorted(order.id for order in orders)
    assert client.get(SEARCH, {"before": "nonsense"}).status_code == 200


def test_a_manager_cancels_with_a_reason_and_the_goods_are_free_again(shop, signed_in):
    order = shop.place({0: 4})
    client = signed_in(shop.manager)
    text = client.get(page(order)).content.decode()
    assert "4 pieces go back on sale at once" in text
    answer = client.post(
        reverse("orders-staff:cancel", args=[order.id]), {"reason": "customer_asked", "note": "by phone"}, follow=True
    )
    assert f"{order.number} is cancelled." in answer.content.decode()
    assert "the customer asked for it: by phone" in answer.content.decode()
    assert queries.order(order.id).status is OrderStatus.CANCELLED
    figure = availability.figures([shop.products[0].id], location_ids=[shop.store.id], at=clock.now())[0]
    assert figure.available == 10


def test_cancelling_needs_a_reason_and_loses_nothing_that_was_typed(shop, signed_in):
    order = shop.place()
    answer = signed_in(shop.manager).post(reverse("orders-staff:cancel", args=[order.id]), {"note": "half a sentence"})
    assert answer.status_code == 422
    assert "Choose why the order is cancelled." in answer.content.decode()
    assert "half a sentence" in answer.content.decode()
    assert queries.order(order.id).status is OrderStatus.OPEN


def test_a_clerk_cannot_cancel(shop, signed_in):
    order = shop.place()
    client = signed_in(shop.clerk)
    assert "Cancel order" not in client.get(page(order)).content.decode()
    assert client.post(reverse("orders-staff:cancel", args=[order.id]), {"reason": "other"}).status_code == 403
    assert queries.order(order.id).status is OrderStatus.OPEN


def test_what_was_handed_over_is_not_cancelled_any_more(shop, signed_in):

    order = shop.ready()
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    client = signed_in(shop.manager)
    assert "Cancel order" not in client.get(page(order)).content.decode()
    answer = client.post(reverse("orders-staff:cancel", args=[order.id]), {"reason": "other"})
    assert answer.status_code == 422
    assert queries.order(order.id).status is OrderStatus.COMPLETED


def test_a_parcel_leaves_with_the_carrier(shop, signed_in):
    order = shop.ready(
        method="ship", ship_to={"street": "Weg 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
    )
    client = signed_in(shop.clerk)
    ship = reverse("orders-staff:ship", args=[order.fulfilments[0].id])
    assert ship in client.get(reverse("orders-staff:queue")).content.decode()
    client.post(ship, {"tracking_number": "00340434161094000001"})
    assert queries.order(order.id).status is OrderStatus.COMPLETED
    assert "00340434161094000001" in client.get(page(order)).content.decode()


def test_who_may_not_view_orders_gets_no_list(shop, signed_in):
    merchandiser = factory.clerk(shop.store, role=Role.MERCHANDISER)
    assert signed_in(merchandiser).get(SEARCH).status_code == 403
    assert Client().get(SEARCH).status_code == 302
