"""Routing in groups: an order is never refused for the sake of a neighbour that may not come to stand."""

import pytest

from tests.factories import orders as make
from tests.orders.test_placing_many import codes, place_many

pytestmark = pytest.mark.django_db
SHIPPED = {"method": "ship", "ship_to": {"postal_code": "10115", "city": "Berlin", "country": "DE"}}


def test_a_shipment_gets_what_a_refused_neighbour_does_not_take(noon):
    shop = make.shop(pieces=3, pickup_slot_capacity=1)
    shop.place({1: 1})
    verdicts = place_many(shop, shop.incoming({0: 3}), shop.incoming({0: 1}, **SHIPPED))
    assert codes(verdicts) == ["window_full", "placed"]


def test_a_twin_of_a_shipment_is_that_shipment_even_when_it_took_nearly_all(noon):
    shop = make.shop(pieces=7)
    order = shop.incoming({0: 4}, **SHIPPED)
    verdicts = place_many(shop, order, order, shop.incoming({0: 4}, **SHIPPED))
    assert codes(verdicts) == ["placed", "placed", "insufficient_stock"]
    assert (verdicts[1].is_known, verdicts[1].order.id) == (True, verdicts[0].order.id)
    assert verdicts[2].detail["lines"][0]["available"] == 3  # what is there, never less than nothing
