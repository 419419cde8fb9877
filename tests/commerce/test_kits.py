"""Kits: made of goods, by verbs and by the database; known everywhere, and told when they change."""

import pytest
from django.db import IntegrityError, connection
from django.test import Client

from commerce import audit, catalog, kits
from commerce.errors import InvalidInput
from commerce.models import KitComponent, OutboxMessage, Product
from commerce.transactions import transaction
from tests.factories import commerce as make

pytestmark = pytest.mark.django_db


def kit(*components: tuple[str, int], sku: str = "SET") -> catalog.ProductRef:
    with transaction():
        return kits.add_kit(sku=sku, name="Breakfast set", components=components, by=make.TESTER)


def change(product: catalog.ProductRef, *components: tuple[str, int]) -> None:
    with transaction():
        kits.set_components(product.id, components, by=make.TESTER)


@pytest.fixture
def mug() -> catalog.ProductRef:
    return make.product("MUG", name="Mug")


@pytest.fixture
def tray() -> catalog.ProductRef:
    return make.product("TRAY", name="Tray")


def test_a_kit_knows_its_components_and_has_no_stock(mug: catalog.ProductRef, tray: catalog.ProductRef) -> None:
    made = kit(("MUG", 2), ("TRAY", 1))
    assert made.is_kit
    assert made.is_active
    assert not made.has_stock
    assert made.components == ((mug.id, 2), (tray.id, 1))
    assert kits.described(made) == "2 × MUG (Mug), 1 × TRAY (Tray)"
    assert kits.made_with([tray.id]) == {made.id}
    assert kits.made_with([made.id]) == set()


def test_the_api_shows_what_is_in_a_kit(client: Client, mug: catalog.ProductRef) -> None:
    kit(("MUG", 2))
    headers = make.key().headers
    document = client.get("/api/v1/products/SET", **headers).json()
    assert (document["kind"], document["components"]) == ("kit", [{"sku": "MUG", "quantity": 2}])
    assert client.get("/api/v1/products/MUG", **headers).json()["components"] == []


def test_a_change_is_recorded_and_told_once(mug: catalog.ProductRef, tray: catalog.ProductRef) -> None:
    made = kit(("MUG", 2))
    assert catalog.ids_of(["SET"])["SET"].components == ((mug.id, 2),)
    OutboxMessage.objects.all().delete()
    change(made, ("MUG", 1), ("TRAY", 1))
    change(made, ("TRAY", 1), ("MUG", 1))  # the same again
    assert catalog.ids_of(["SET"])["SET"].components == ((mug.id, 1), (tray.id, 1))
    told = OutboxMessage.objects.get()
    assert (told.event_type, told.payload) == ("catalog.kit_changed", {"product_id": made.id, "sku": "SET"})
    last = audit.timeline("product", made.id)[-1]
    assert (last.before, last.after) == ({"components": {"MUG": 2}}, {"components": {"MUG": 1, "TRAY": 1}})


@pytest.mark.parametrize(
    ("components", "says"),
    [
        ([], "A kit is made of 1 to 50 different products."),
        ([("MUG", 0)], "SET has 1 to 1000 pieces of MUG in it, not 0."),
        ([("MUG", 1), ("MUG", 2)], "MUG is named twice; name it once with all its pieces."),
        ([("NONE", 1)], "There is no product NONE."),
        ([("POST", 1)], "POST is a charge; only goods can be in a kit."),
        ([("SET", 1)], "SET is a kit itself; name what is in it instead."),
    ],
)
def test_what_can_not_be_in_a_kit_is_said(
    mug: catalog.ProductRef, components: list[tuple[str, int]], says: str
) -> None:
    make.product("POST", kind="charge")
    made = kit(("MUG", 2))
    with pytest.raises(InvalidInput) as refused:
        change(made, *components)
    assert refused.value.message == says
    assert catalog.products_by_sku(["SET"])["SET"].components == ((mug.id, 2),)


def test_only_kits_have_components(mug: catalog.ProductRef, tray: catalog.ProductRef) -> None:
    with pytest.raises(InvalidInput, match="TRAY is not a kit"):
        change(tray, ("MUG", 1))


def test_a_kit_without_components_is_neither_active_nor_listed() -> None:
    empty = make.product("EMPTY", kind="kit")
    assert not empty.is_active
    with pytest.raises(InvalidInput, match="has no components yet"), transaction():
        catalog.change_product(empty.id, is_active=True, by=make.TESTER)
    with pytest.raises(InvalidInput, match="has no components yet"):
        make.listed(make.channel(), empty)


def test_a_product_keeps_its_kind_while_a_kit_depends_on_it(mug: catalog.ProductRef) -> None:
    made = kit(("MUG", 2))
    for product_id, kind in ((mug.id, "charge"), (made.id, "goods"), (mug.id, "kit")):
        with pytest.raises(InvalidInput), transaction():
            catalog.change_product(product_id, kind=kind, by=make.TESTER)
    assert catalog.products_by_sku(["MUG"])["MUG"].kind == "goods"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE commerce_product SET kind = 'charge' WHERE sku = 'MUG'",
        "UPDATE commerce_product SET kind = 'goods' WHERE sku = 'SET'",
        "DELETE FROM commerce_kitcomponent",
        "INSERT INTO commerce_kitcomponent (kit_id, component_id, quantity)"
        " SELECT other.id, kit.id, 1 FROM commerce_product kit, commerce_product other"
        " WHERE kit.sku = 'SET' AND other.sku = 'OTHER'",
        "INSERT INTO commerce_kitcomponent (kit_id, component_id, quantity)"
        " SELECT mug.id, other.id, 1 FROM commerce_product mug, commerce_product other"
        " WHERE mug.sku = 'MUG' AND other.sku = 'TRAY'",
        "UPDATE commerce_kitcomponent SET quantity = 0",
        "UPDATE commerce_product SET is_active = TRUE WHERE sku = 'EMPTY'",
    ],
)
def test_the_database_holds_it_too(mug: catalog.ProductRef, tray: catalog.ProductRef, statement: str) -> None:
    kit(("MUG", 2))
    kit(("MUG", 1), sku="OTHER")
    make.product("EMPTY", kind="kit")
    with pytest.raises(IntegrityError), connection.cursor() as cursor:
        cursor.execute(statement)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_adding_many_leaves_others_alone(mug: catalog.ProductRef) -> None:
    kit(("MUG", 2))
    assert KitComponent.objects.count() == 1
    assert Product.objects.get(sku="MUG").is_active
