"""Shelves: several per product, one to look at first, and what is scanned by mistake is said so."""

import pytest

from commerce import catalog, clock
from commerce.errors import InvalidInput
from commerce.models import AuditEntry
from commerce.transactions import transaction
from inventory import shelves
from inventory.errors import NotGoods
from tests.factories import commerce as make_commerce
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf


def put(shelf: Shelf, code: str, *, is_primary: bool = False) -> int:
    with transaction():
        return shelves.put_away(shelf.store.id, code, [shelf.product_id], is_primary=is_primary, by=BY, at=clock.now())


def where(shelf: Shelf) -> list[str]:
    return shelves.of(shelf.store.id, [shelf.product_id]).get(shelf.product_id, [])


def test_the_first_shelf_is_where_pickers_look_until_another_is_named(shelf: Shelf) -> None:
    assert where(shelf) == []
    assert [put(shelf, "a-03-2"), put(shelf, " A-03-2 "), put(shelf, "B 1")] == [1, 0, 1]
    assert where(shelf) == ["A-03-2", "B 1"]
    assert put(shelf, "B 1", is_primary=True) == 0
    assert where(shelf) == ["B 1", "A-03-2"]
    put(shelf, "C 1", is_primary=True)
    assert where(shelf)[0] == "C 1"
    assert shelves.on(shelf.store.id, "B 1") == [shelf.product_id]
    assert AuditEntry.objects.filter(verb="inventory.shelves.put_away").count() == 4


def test_shelves_belong_to_their_place(shelf: Shelf) -> None:
    put(shelf, "A-1")
    other = make.store()
    assert shelves.of(other.id, [shelf.product_id]) == {}
    assert shelves.on(other.id, "A-1") == []
    assert shelves.is_known(shelf.store.id, "A-1")
    assert not shelves.is_known(other.id, "A-1")


def test_goods_that_move_are_looked_for_where_they_went(shelf: Shelf) -> None:
    put(shelf, "A-1")
    put(shelf, "B-1")
    for _ in range(2):
        with transaction():
            shelves.relocate(shelf.store.id, shelf.product_id, away_from="A-1", to="c-1", by=BY, at=clock.now())
    assert where(shelf) == ["C-1", "B-1"]
    with transaction():
        shelves.relocate(shelf.store.id, shelf.product_id, away_from="C-1", to="B-1", by=BY, at=clock.now())
    assert where(shelf) == ["B-1"]
    with pytest.raises(InvalidInput, match="does not lie on X-9"), transaction():
        shelves.relocate(shelf.store.id, shelf.product_id, away_from="X-9", to="Y-1", by=BY, at=clock.now())


def test_what_is_taken_off_its_first_shelf_is_looked_for_on_the_next(shelf: Shelf) -> None:
    put(shelf, "A-1")
    put(shelf, "B-1")
    for _ in range(2):
        with transaction():
            shelves.take_off(shelf.store.id, shelf.product_id, "A-1", by=BY, at=clock.now())
    assert where(shelf) == ["B-1"]
    assert put(shelf, "A-1") == 1
    assert where(shelf) == ["B-1", "A-1"]


def test_goods_scanned_as_a_shelf_are_told_apart(shelf: Shelf) -> None:
    product = make_commerce.product()
    for text in (product.gtins[0], product.sku):
        with pytest.raises(InvalidInput, match="That is a product, not a shelf"):
            put(shelf, text)


@pytest.mark.parametrize("text", ["", "  ", "-", "A" * 21, "A;B", "A\x00B", "<A>"])
def test_what_can_not_be_a_shelf_is_refused(shelf: Shelf, text: str) -> None:
    with pytest.raises(InvalidInput, match="code has up to 20"):
        put(shelf, text)


def test_nothing_lies_on_more_shelves_than_anyone_would_search(shelf: Shelf) -> None:
    for number in range(shelves.MOST_SHELVES):
        put(shelf, f"A-{number}")
    with pytest.raises(InvalidInput, match="at most 20 shelves"):
        put(shelf, "B-1")
    with transaction():
        postage = catalog.add_product(sku="POSTAGE", name="Postage", kind="charge", by=BY)
    with pytest.raises(NotGoods), transaction():
        shelves.put_away(shelf.store.id, "A-1", [postage.id], by=BY, at=clock.now())
