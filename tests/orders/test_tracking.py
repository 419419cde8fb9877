"""The customer's page: the truth about one order, in its language, for whoever has the link."""

from datetime import timedelta

import pytest
from django.test import Client

from commerce import audit, clock
from commerce.channels.contracts import IncomingCustomer
from orders import picking, pickup, queries, tasks

pytestmark = pytest.mark.django_db


def page(client: Client, order, status: int = 200) -> str:
    answer = client.get(f"/track/{order.tracking_token}/")
    assert answer.status_code == status
    return answer.content.decode()


def english(**values) -> dict:
    return {"customer": IncomingCustomer(name="Erika Beispiel", email="erika@example.org", language="en"), **values}


def test_it_shows_code_window_store_and_total(client, shop):
    order = shop.place({0: 2}, **english())
    seen = page(client, order)
    for text in (
        order.number,
        order.fulfilments[0].pickup_code,
        shop.store.name,
        "€23.80",
        "13:00",
        "We have received",
    ):
        assert text in seen
    assert 'lang="en"' in seen


def test_it_is_private(client, shop):
    answer = client.get(f"/track/{shop.place().tracking_token}/")
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "same-origin"
    assert "noindex" in answer["X-Robots-Tag"]


def test_it_speaks_the_language_of_the_order(client, shop):
    shop_order = shop.place(customer=IncomingCustomer(name="Erika", language="de"))
    assert 'lang="de"' in page(client, shop_order)
    foreign = shop.place(customer=IncomingCustomer(name="Erika", language="fr"))
    assert 'lang="en"' in page(client, foreign)


def test_it_tells_the_truth_at_every_step(client, shop):
    order = shop.place({0: 2}, **english())
    work = order.fulfilments[0]
    shop.act(pickup.accept, work)
    assert "being prepared" in page(client, order)
    shop.scan(work)
    shop.act(picking.reject_line, work, work.lines[0].id, 1, "damaged")
    assert "1 piece is not delivered and not charged" in page(client, order)
    shop.act(pickup.mark_ready, work)
    seen = page(client, order)
    assert "Ready for pickup" in seen
    assert "We keep it until" in seen
    assert "€11.90" in seen
    with clock.frozen(queries.order(order.id).fulfilments[0].keep_until):
        tasks.mark_no_shows()
        assert "Still here for you" in page(client, order)
        shop.act(pickup.hand_over, work, work.pickup_code)
    seen = page(client, order)
    assert "Collected" in seen
    assert work.pickup_code not in seen


def test_it_admits_to_be_late(client, shop):
    order = shop.place(**english())
    with clock.frozen(order.fulfilments[0].promised_at + timedelta(minutes=1)):
        assert "are late" in page(client, order)


def test_the_customer_cancels(client, shop):
    order = shop.place(**english())
    answer = client.post(f"/track/{order.tracking_token}/cancel")
    assert answer.status_code == 302
    seen = page(client, order)
    assert "This order is cancelled" in seen
    assert order.fulfilments[0].pickup_code not in seen
    entry = queries.order_page(order.id).timeline[-1]
    assert (entry.actor_kind, entry.actor_id) == ("customer", str(order.customer_id))


def test_too_late_to_cancel_is_said_kindly(client, shop):
    order = shop.ready(**english())
    shop.act(pickup.hand_over, order.fulfilments[0], order.fulfilments[0].pickup_code)
    assert "Cancel this order" not in page(client, order)
    answer = client.post(f"/track/{order.tracking_token}/cancel")
    assert answer.status_code == 409
    assert "too late to cancel" in answer.content.decode()
    assert queries.order(order.id).status.value == "completed"


def test_a_customer_in_the_car_says_so(client, shop):
    order = shop.ready(method="curbside", **english())
    assert "I’m here" in page(client, order)
    client.post(f"/track/{order.tracking_token}/arrive", {"bay": "P7"})
    work = queries.order(order.id).fulfilments[0]
    assert (work.state, work.bay) == ("arrived", "P7")
    assert "bringing your order out" in page(client, order)
    assert not [entry for entry in audit.timeline("order", order.id) if "P7" in str((entry.before, entry.after))]


def test_nobody_is_outside_for_a_pickup_at_the_counter(client, shop):
    order = shop.ready(**english())
    assert "I’m here" not in page(client, order)
    assert client.post(f"/track/{order.tracking_token}/arrive", {"bay": "P7"}).status_code == 409
    assert queries.order(order.id).status.value == "ready"


def test_a_made_up_link_leads_nowhere(client, shop):
    order = shop.place()
    for token in ("x" * 43, order.tracking_token[:-1], str(order.id), "a%00b"):
        assert client.get(f"/track/{token}/").status_code == 404
        assert client.post(f"/track/{token}/cancel").status_code == 404
    assert queries.order(order.id).status.value == "open"


def test_changes_need_a_form_of_ours(shop):
    order = shop.place()
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(f"/track/{order.tracking_token}/cancel").status_code == 403
    assert strict.get(f"/track/{order.tracking_token}/cancel").status_code == 405
    assert queries.order(order.id).status.value == "open"


def test_a_shipment_has_no_code_and_no_window(client, shop):
    address = {"postal_code": "10115", "city": "Berlin", "country": "DE"}
    order = shop.place(method="ship", ship_to=address, **english())
    seen = page(client, order)
    assert "Shipped by" in seen
    assert "pickup code" not in seen
