"""The canonical data model and the registry of translators."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commerce.channels import contracts, registry
from commerce.errors import NotFound

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def line(product_id: int, quantity: Any) -> contracts.IncomingLine:
    return contracts.IncomingLine(product_id=product_id, quantity=quantity)


def test_lines_of_one_product_are_summed_in_product_order() -> None:
    order = contracts.IncomingOrder(
        external_reference="A-1", method=contracts.PICKUP, lines=(line(9, 1), line(2, 2), line(9, 3))
    )
    assert list(order.quantities().items()) == [(2, 2), (9, 4)]


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, "2"])
def test_a_quantity_is_a_whole_number_of_pieces(quantity: object) -> None:
    with pytest.raises(ValueError, match="quantity"):
        line(1, quantity)


@pytest.mark.parametrize(
    "wrong", [{"external_reference": ""}, {"lines": ()}], ids=["without a reference", "without lines"]
)
def test_an_order_names_itself_and_its_goods(wrong: dict[str, Any]) -> None:
    right: dict[str, Any] = {"external_reference": "A-1", "method": contracts.SHIP, "lines": (line(1, 1),)}
    assert contracts.IncomingOrder(**right).customer == contracts.IncomingCustomer()
    with pytest.raises(ValueError, match="needs"):
        contracts.IncomingOrder(**right | wrong)


def test_figures_from_outside_are_possible_ones() -> None:
    stock: dict[str, Any] = {"product_id": 1, "location_id": 2, "on_hand": 0, "as_of": NOON}
    assert contracts.StockUpdate(**stock).expected is None
    with pytest.raises(ValueError, match="on hand"):
        contracts.StockUpdate(**stock | {"on_hand": -1})
    with pytest.raises(ValueError, match="time zone"):
        contracts.StockUpdate(**stock | {"as_of": NOON.replace(tzinfo=None)})

    price: dict[str, Any] = {"product_id": 1, "currency": "EUR", "unit_price_minor": 0, "valid_from": NOON}
    assert contracts.PriceUpdate(**price).minimum_quantity == 1
    with pytest.raises(ValueError, match="price"):
        contracts.PriceUpdate(**price | {"unit_price_minor": -1})
    with pytest.raises(ValueError, match="end after"):
        contracts.PriceUpdate(**price | {"valid_to": NOON - timedelta(seconds=1)})


class Lowercase:
    """A platform of our own invention that writes its orders in one field."""

    def is_genuine(self, body: bytes, headers: Mapping[str, str], *, secret: str) -> bool:
        return headers.get("x-secret") == secret

    def translate(
        self, topic: str, document: Mapping[str, Any], *, products: registry.ProductIds
    ) -> registry.Translation:
        (product_id,) = products([document["sku"]]).values()
        order = contracts.IncomingOrder(
            external_reference=document["no"], method=contracts.PICKUP, lines=(line(product_id, 1),)
        )
        return registry.Translation(event_id=document["no"], facts=(order,))


@pytest.fixture
def _registry_as_it_was() -> Iterator[None]:
    before = dict(registry._translators)
    yield
    registry._translators.clear()
    registry._translators.update(before)


@pytest.mark.usefixtures("_registry_as_it_was")
def test_a_platform_is_translated_by_the_translator_plugged_in_for_it() -> None:
    lowercase = Lowercase()
    registry.register("lowercase", lowercase)
    registry.register("lowercase", lowercase)
    found = registry.translator("lowercase")
    said = found.translate("order", {"no": "77", "sku": "A"}, products=lambda skus: dict.fromkeys(skus, 5))
    assert said.event_id == "77"
    (order,) = said.facts
    assert isinstance(order, contracts.IncomingOrder)
    assert order.quantities() == {5: 1}

    with pytest.raises(ValueError, match="already"):
        registry.register("lowercase", Lowercase())
    with pytest.raises(NotFound) as refusal:
        registry.translator("unheard-of")
    assert "lowercase" in refusal.value.detail["platforms"]
