"""What goods are worth by their price: asked for by rooms below that may not know prices."""

import pytest

from commerce import clock
from inventory import valuation
from inventory.valuation import UnitValue
from orders import worth
from tests.factories import orders as make

pytestmark = pytest.mark.django_db


def test_a_piece_is_worth_what_our_first_channel_asks_for_it() -> None:
    with clock.frozen(make.NOON):
        shop = make.shop()
        priced = shop.products[0].id
        found = worth.prices([priced], clock.now())
        assert found[priced].currency == "EUR"
        assert found[priced].minor > 0
        assert valuation.of_pieces([priced], at=clock.now()) == found


def test_without_channels_nobody_knows() -> None:
    assert worth.prices([1], clock.now()) == {}


def test_a_cost_says_more_than_a_price() -> None:
    before = dict(valuation._sources)
    try:
        valuation.register("tests", lambda wanted, at: {wanted[0]: UnitValue(1, "CHF")}, order=valuation.COSTS - 1)
        with clock.frozen(make.NOON):
            first, second = (product.id for product in make.shop().products[:2])
            found = valuation.of_pieces([second, first], at=clock.now())
        assert found[min(first, second)] == UnitValue(1, "CHF")
        assert found[max(first, second)].currency == "EUR"
    finally:
        valuation._sources.clear()
        valuation._sources.update(before)
