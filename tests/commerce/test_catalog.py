"""Products, barcodes, channels and listings: one writer, audited, versioned, found quickly."""

from contextlib import closing
from dataclasses import replace

import pytest
from django.db import connection

from commerce import audit, catalog, clock, product_refs
from commerce.actors import Actor
from commerce.catalog import ProductSpec
from commerce.errors import DuplicateCode, InvalidInput, NotFound, UnknownProduct
from commerce.models import Channel, Listing, Product, ProductGtin
from commerce.transactions import transaction
from tests.factories import commerce as factories

pytestmark = pytest.mark.django_db
BY = factories.TESTER


def add(**values: object) -> catalog.ProductRef:
    with transaction():
        return catalog.add_product(**({"sku": "MUG", "name": "Mug", "by": BY} | values))


def test_a_product_is_added_with_barcodes_audit_and_version() -> None:
    ref = add(gtins=["4006381333931", ("14006381333938", 12)], brand="Halden", weight_grams=340)
    assert ref.gtins == ("04006381333931", "14006381333938")
    product = Product.objects.get(sku="MUG")
    assert (ref.id, product.brand, product.weight_grams) == (product.pk, "Halden", 340)
    assert audit.timeline("product", ref.id)[0].after["gtins"] == list(ref.gtins)
    assert product.history.get().history_change_reason == "System: tests"
    assert catalog.products_by_sku(["MUG", "NONE"]) == {"MUG": ref}


def test_staff_stand_in_the_versions() -> None:
    user = factories.user()
    ref = add(by=Actor.staff(user))
    with transaction():
        catalog.change_product(ref.id, name="Cup", by=Actor.staff(user))
    assert [row.history_user for row in Product.objects.get().history.all()] == [user, user]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sku": ""}, "sku"),
        ({"sku": " A"}, "sku"),
        ({"sku": "A\nB"}, "sku"),
        ({"sku": "x" * 65}, "sku"),
        ({"name": " "}, "name"),
        ({"name": "x" * 251}, "name"),
        ({"kind": "service"}, "kind"),
        ({"weight_grams": -1}, "weight_grams"),
        ({"gtins": ["4006381333932"]}, "gtin"),
        ({"gtins": [("4006381333931", 0)]}, "pieces"),
    ],
)
def test_malformed_products_are_refused_with_their_field(wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        add(**wrong)
    assert refusal.value.errors[0]["field"] == field
    assert not Product.objects.exists()


def test_sku_and_barcode_mean_one_product() -> None:
    add(gtins=["4006381333931"])
    with pytest.raises(DuplicateCode):
        add()
    with pytest.raises(DuplicateCode):
        add(sku="CUP", gtins=["04006381333931"])
    with pytest.raises(DuplicateCode), transaction():
        catalog.add_products([ProductSpec(sku="A", name="A"), ProductSpec(sku="A", name="B")], by=BY)
    with pytest.raises(DuplicateCode):
        add(sku="TWICE", gtins=["96385074", "0096385074".zfill(14)])
    with pytest.raises(DuplicateCode), transaction():  # the database itself, when Python did not look
        Product.objects.create(sku="MUG", name="x")
    assert Product.objects.count() == 1


def test_an_import_that_resumes_leaves_what_is_there() -> None:
    mug = add()
    specs = [ProductSpec(sku="MUG", name="Other"), ProductSpec(sku="CUP", name="Cup", gtins=(("96385074", 1),))]
    with transaction():
        refs = catalog.add_products(specs, by=BY, skip_existing=True)
    assert (refs["MUG"], refs["CUP"].name) == (mug, "Cup")
    assert Product.objects.get(sku="MUG").name == "Mug"


def test_adding_many_takes_a_bounded_number_of_queries() -> None:
    specs = [ProductSpec(sku=f"BULK-{n}", name=f"Bulk {n}") for n in range(1000)]
    with transaction(), connection.execute_wrapper(count := _Count()):
        catalog.add_products(specs, by=BY)
    assert count.queries <= 8
    assert len(audit.timeline("product", Product.objects.get(sku="BULK-999").pk)) == 1


class _Count:
    def __init__(self) -> None:
        self.queries = 0

    def __call__(self, execute, sql, params, many, context):
        self.queries += 1
        return execute(sql, params, many, context)


def test_only_what_differs_is_changed_and_recorded() -> None:
    ref = add()
    before = Product.objects.get().updated_at
    with transaction():
        assert catalog.change_product(ref.id, name="Cup", brand="", by=BY).name == "Cup"
    entry = audit.timeline("product", ref.id)[-1]
    assert (entry.verb, entry.before, entry.after) == (
        "commerce.catalog.change_product",
        {"name": "Mug"},
        {"name": "Cup"},
    )
    assert Product.objects.get().updated_at > before
    with transaction():
        catalog.change_product(ref.id, name="Cup", by=BY)
    assert len(audit.timeline("product", ref.id)) == 2
    with pytest.raises(InvalidInput), transaction():
        catalog.change_product(ref.id, sku="OTHER", by=BY)
    with pytest.raises(NotFound), transaction():
        catalog.change_product(ref.id + 1, name="x", by=BY)


def test_barcodes_come_and_go() -> None:
    ref, other = add(), add(sku="CUP")
    for _ in range(2):
        with transaction():
            assert catalog.add_gtin(ref.id, "4006381333931", by=BY) == "04006381333931"
    assert catalog.products_by_sku(["MUG"])["MUG"].gtins == ("04006381333931",)
    with pytest.raises(DuplicateCode), transaction():
        catalog.add_gtin(other.id, "4006381333931", by=BY)
    with transaction():
        catalog.remove_gtin(ref.id, "4006381333931", by=BY)
    with pytest.raises(NotFound), transaction():
        catalog.remove_gtin(ref.id, "4006381333931", by=BY)
    assert not ProductGtin.objects.exists()
    assert len(audit.timeline("product", ref.id)) == 3


def test_a_scan_finds_the_product_and_its_pieces() -> None:
    ref = add(gtins=["4006381333931", ("14006381333938", 12)])
    assert catalog.product_by_barcode("4006381333931") == (ref, 1)
    assert catalog.product_by_barcode(" 14006381333938 ") == (ref, 12)
    assert catalog.product_by_barcode("MUG") == (ref, 1)
    for nothing in ("96385074", "4006381333932", "", "mug\x00", "x" * 500):
        assert catalog.product_by_barcode(nothing) is None


def test_hot_lookups_are_answered_from_memory_and_forget_after_a_change(django_assert_num_queries) -> None:
    ref = add()
    with django_assert_num_queries(1):
        assert catalog.ids_of(["MUG", "NONE", "MUG"]) == {"MUG": ref}
    with django_assert_num_queries(0):
        assert catalog.ids_of(["NONE", "MUG"]) == {"MUG": ref}
    with transaction():
        catalog.change_product(ref.id, name="Cup", by=BY)
    assert catalog.ids_of(["MUG"])["MUG"].name == "Cup"
    assert catalog.products_by_id([ref.id])[ref.id].name == "Cup"
    with transaction():
        catalog.add_product(sku="NONE", name="Now there is", by=BY)
    assert "NONE" in catalog.ids_of(["NONE"])


@pytest.mark.django_db(transaction=True)
def test_who_knows_little_reads_the_products_added_after_one_with_it(django_assert_num_queries) -> None:
    skus = [f"P-{number}" for number in range(6)]
    refs = {sku: add(sku=sku) for sku in skus}
    catalog.forget()
    with django_assert_num_queries(1):
        assert catalog.ids_of(["P-2"]) == {"P-2": refs["P-2"]}
        assert catalog.ids_of(["P-5", "P-3"]) == {"P-5": refs["P-5"], "P-3": refs["P-3"]}
        assert catalog.products_by_id([refs["P-4"].id]) == {refs["P-4"].id: refs["P-4"]}
    with django_assert_num_queries(1):
        assert catalog.products_by_id([refs["P-0"].id]) == {refs["P-0"].id: refs["P-0"]}
        assert catalog.ids_of(["P-1"]) == {"P-1": refs["P-1"]}


def test_in_a_transaction_nothing_but_what_is_asked_for_is_remembered(django_assert_num_queries) -> None:
    first, second = add(sku="P-1"), add(sku="P-2")
    catalog.forget()
    assert catalog.ids_of(["P-1"]) == {"P-1": first}
    with django_assert_num_queries(1):  # what was added by a transaction that is not over may never have been
        assert catalog.ids_of(["P-2"]) == {"P-2": second}


def test_unknown_skus_are_named_with_their_place() -> None:
    add()
    assert set(catalog.known(["MUG"])) == {"MUG"}
    with pytest.raises(UnknownProduct) as refusal:
        catalog.known(["MUG", "A", "MUG", "B"])
    assert refusal.value.status == 422
    assert refusal.value.detail == {"skus": ["A", "B"]}
    assert [(fault["field"], fault["value"]) for fault in refusal.value.errors] == [
        ("lines[1].sku", "A"),
        ("lines[3].sku", "B"),
    ]


def test_channels_are_opened_changed_and_closed() -> None:
    channel = factories.channel("berlin-web")
    with transaction():
        catalog.change_channel(channel.pk, name="Berlin", is_active=False, by=BY)
    assert audit.timeline("channel", channel.pk)[-1].after == {"name": "Berlin", "is_active": False}
    assert channel.history.count() == 2
    with pytest.raises(DuplicateCode):
        factories.channel("berlin-web")
    with pytest.raises(NotFound), transaction():
        catalog.change_channel(0, name="x", by=BY)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "Ä"}, "code"),
        ({"kind": "fax"}, "kind"),
        ({"country": "Germany"}, "country"),
        ({"currency": "eur"}, "currency"),
    ],
)
def test_malformed_channels_are_refused(wrong: dict, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        factories.channel(**wrong)
    assert refusal.value.errors[0]["field"] == field
    assert not Channel.objects.exists()


def test_listings_are_made_once_and_taken_off() -> None:
    channel, refs = factories.channel(), factories.products(3)
    with transaction():
        assert catalog.list_products(channel, refs[:2], by=BY) == 2
        assert catalog.list_products(channel.pk, [ref.id for ref in refs], by=BY) == 1
        assert catalog.list_products(channel, refs, by=BY) == 0
        assert catalog.unlist_products(channel, refs[:1], by=BY) == 1
        assert catalog.unlist_products(channel, refs[:1], by=BY) == 0
        assert catalog.list_products(channel, refs[:1], by=BY) == 1
        assert catalog.unlist_products(channel, [refs[0], refs[0].id + 1000], by=BY) == 1
    assert audit.timeline("channel", channel.pk)[-1].before == {"products": [refs[0].id]}
    assert set(Listing.objects.values_list("product_id", flat=True)) == {refs[1].id, refs[2].id}
    assert [entry.verb.rpartition(".")[2] for entry in audit.timeline("channel", channel.pk)][1:] == [
        "list_products",
        "list_products",
        "unlist_products",
        "list_products",
        "unlist_products",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_change_is_told_to_a_process_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What transactions before the last look wrote is known; what a slower reader brings from before it is not kept."""
    told: list[list[str]] = []
    read = product_refs._read

    def listening(column: str, wanted: object, **more: object) -> list[catalog.ProductRef]:
        found = read(column, wanted, **more)  # type: ignore[arg-type]
        told.append(sorted(ref.sku for ref in found))
        return found

    def look() -> list[str]:
        memory.looked_at -= product_refs.FRESH_FOR_SECONDS + 1
        told.clear()
        memory.get("sku", ["MUG"])
        return told[0]

    add(), add(sku="CUP")
    memory = product_refs._Memory()
    memory.get("sku", ["MUG", "CUP"])
    monkeypatch.setattr(product_refs, "_read", listening)
    assert look() == ["CUP", "MUG"], "at the first look a process does not know what it was told"
    assert look() == []
    Product.objects.filter(sku="CUP").update(name="Goblet", updated_at=clock.now())
    assert look() == ["CUP"]
    assert memory.get("sku", ["CUP"])["CUP"].name == "Goblet"
    assert look() == []
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        cursor = other.cursor()  # who writes for long hides nothing, and brings nothing back
        cursor.execute("SELECT pg_current_xact_id()")
        assert look() == []
        Product.objects.filter(sku="CUP").update(name="Grail", updated_at=clock.now())
        cursor.execute("UPDATE commerce_product SET name = 'Beaker', updated_at = now() WHERE sku = 'MUG'")
        assert look() == ["CUP"]
        other.commit()
    assert look() == ["MUG"]
    assert memory.get("sku", ["CUP"])["CUP"].name == "Grail"
    memory._learn([replace(memory.by_sku["CUP"], name="Cup")], memory.looks - 1)
    assert memory.get("sku", ["CUP"])["CUP"].name == "Grail"
