"""The figure, where else there is some, and how a refusal is explained."""

from datetime import timedelta

from commerce import clock
from inventory import availability
from inventory.errors import InsufficientStock
from inventory.places import locations
from tests.factories import inventory as make
from tests.inventory.conftest import Shelf


def test_figures_take_one_query_however_many_places(shelf: Shelf, django_assert_num_queries) -> None:
    for _ in range(5):
        make.receive(shelf.product_id, make.store().id, 2)
    availability.figures([shelf.product_id], at=clock.now())  # once a second a process looks for demand without a place
    with django_assert_num_queries(1):
        figures = availability.figures([shelf.product_id], at=clock.now())
    assert sorted(figure.available for figure in figures) == [2, 2, 2, 2, 2, 10]


def test_a_refusal_names_the_nearest_places_that_can(shelf: Shelf) -> None:
    hamburg = make.store("HAM", name="Hamburg", latitude=53.55, longitude=9.99, city="Hamburg")
    munich = make.store("MUC", name="München", latitude=48.14, longitude=11.58, city="München")
    zurich = make.store("ZRH", name="Zürich", latitude=47.37, longitude=8.54, city="Zürich", country="CH", region="ZH")
    short = make.store("LEJ", name="Leipzig", latitude=51.34, longitude=12.37, city="Leipzig")
    for place, pieces in ((hamburg, 30), (munich, 30), (zurich, 30), (short, 19)):
        make.receive(shelf.product_id, place.id, pieces)
    refusal = shelf.reserve(20)
    assert isinstance(refusal, InsufficientStock)
    explained = availability.explained(refusal, at=clock.now())
    assert explained.detail["lines"] == [
        {"sku": shelf.sku, "name": "Lamp", "location": shelf.store.code, "wanted": 20, "available": 10}
    ]
    found = [(entry["location"], entry["available"]) for entry in explained.detail["alternatives"]]
    assert found == [("HAM", 30), ("MUC", 30)], "nearest first; not across a customs border, not where too few are"
    assert "Hamburg has 30" in explained.message


def test_places_are_ordered_by_distance(shelf: Shelf) -> None:
    far = make.store("FAR", latitude=48.14, longitude=11.58)
    near = make.store("NEAR", latitude=52.53, longitude=13.38)
    ordered = [place.code for place, _ in locations.nearest([far, near], 52.52, 13.40)]
    assert ordered == ["NEAR", "FAR"]


def test_many_figures_are_read_another_way_and_are_the_same(shelf: Shelf, monkeypatch) -> None:
    shelf.reserve(3)
    shelf.reserve(2, minutes=1)
    make.receive(shelf.product_id, make.store().id, 4)
    at = clock.now() + timedelta(minutes=2)
    few = availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=at)
    monkeypatch.setattr(availability, "MANY_FIGURES", 1)
    many = availability.figures([shelf.product_id], channel_id=shelf.channel_id, at=at)
    assert sorted(many) == sorted(few)
    assert sorted(figure.available for figure in many) == [4, 7]
    assert all(figure.changed_at.tzinfo is not None for figure in many)
    assert availability.figures([0], at=at) == []
