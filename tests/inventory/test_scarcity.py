"""Scarcity: only what is true and fresh, for this channel and place; recorded, and proven again later."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.utils import IntegrityError
from django.test import Client

from commerce import clock, ids
from commerce.errors import InvalidInput
from commerce.models import Channel
from commerce.operations import experiments
from commerce.operations.experiments import Metric, VariantSpec
from commerce.transactions import transaction
from inventory import movements
from inventory.errors import ScarcityClaimNotFound
from inventory.models import FeedFigure, ScarcityClaim
from inventory.movements import Receipt
from inventory.places import groups
from inventory.scarcity import messages, places
from inventory.scarcity import terms as scarcity_terms
from inventory.scarcity.messages import Message
from inventory.scarcity.places import Place
from inventory.scarcity.terms import Policy
from inventory.scarcity.words import Wording
from inventory.scarcity_facts import Kind, Terms, Tone
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.sharing import holding

T0 = datetime(2026, 11, 20, 9, tzinfo=UTC)


def say(
    shelf: Shelf, place: Place | None = None, *, locale: str = "en", unit: str = "", at: datetime | None = None
) -> list[Message]:
    with transaction():
        return messages.messages(
            [shelf.product_id], channel_id=shelf.channel_id, country="DE", locale=locale, unit=unit, at=at or clock.now(),
            place=place or places.of_location(shelf.store),
        )  # fmt: skip


def texts(shelf: Shelf, place: Place | None = None, **options: Any) -> list[str]:
    return [one.text for one in say(shelf, place, **options)]


def policy(shelf: Shelf, **values: Any) -> None:
    terms = {name: values.pop(name) for name in list(values) if name in Terms.__dataclass_fields__}
    with transaction():
        scarcity_terms.set_policy(shelf.channel_id, Policy(Terms(**terms), **values), by=BY, at=clock.now())


@pytest.fixture
def few(shelf: Shelf) -> Shelf:
    """Three pieces are left in Berlin."""
    shelf.allocate(7)
    return shelf


def test_few_left_is_said_with_its_number_its_place_and_its_end(few: Shelf) -> None:
    (message,) = say(few, at=T0)
    assert message.text == "Only 3 left in Berlin"
    assert (message.kind, message.tone, message.count) == (Kind.FEW_LEFT, Tone.FIRM, 3)
    assert message.valid_until == T0 + timedelta(seconds=300)
    assert texts(few, locale="de") == ["Nur noch 3 Stück in Berlin"]


def test_a_city_is_named_only_where_we_have_one_place(few: Shelf) -> None:
    other = make.store()
    make.receive(few.product_id, other.id, 50)
    assert texts(few) == [f"Only 3 left in {few.store.name}"]  # in Berlin there are 53


def test_enough_says_nothing_and_the_threshold_is_the_channels(shelf: Shelf) -> None:
    assert texts(shelf) == []
    policy(shelf, few=10)
    assert texts(shelf) == ["Only 10 left in Berlin"]
    policy(shelf, few=10, is_active=False)
    assert texts(shelf) == []
    assert ScarcityClaim.objects.count() == 1


def test_what_is_withheld_from_the_channel_is_not_called_left_or_sold_out(few: Shelf) -> None:
    holding(kind="fixed", amount=2)
    assert texts(few) == ["1 piece can be ordered in Berlin"]
    few.allocate(1)
    assert texts(few) == []


def test_in_other_baskets_while_the_hold_lasts_and_left_again_after_it(few: Shelf) -> None:
    few.reserve(3, minutes=10, at=T0)
    assert texts(few, at=T0) == ["In other baskets in Berlin right now; may come back"]
    (message,) = say(few, at=T0 + timedelta(minutes=11))  # nobody swept it
    assert message.text == "Only 3 left in Berlin"
    assert messages.verify(message.claim_id).is_true
    few.reserve(1, at=T0 + timedelta(minutes=12))  # this sweeps
    assert messages.verify(message.claim_id).is_true


def test_sold_out_in_a_region_available_in_another(shelf: Shelf) -> None:
    north = make.store(city="Hamburg", latitude=53.55, longitude=10.0)
    with transaction():
        groups.set_group("west", "West", [shelf.store.id], by=BY)
        groups.set_group("north", "Nord", [north.id], by=BY)
    shelf.allocate(10)
    west = places.group("west", "DE")
    assert texts(shelf, west) == ["Sold out in the region West"]
    make.receive(shelf.product_id, north.id, 2)
    (message,) = say(shelf, west, locale="de", at=T0)
    assert message.text.startswith("Ausverkauft in der Region West, verfügbar in der Region Nord")
    proof = messages.verify(message.claim_id)
    assert (proof.is_true, [one.is_here for one in proof.levels]) == (True, [True, False])
    assert texts(shelf, at=T0)[0].startswith("Sold out in Berlin, available in Hamburg")


def test_a_day_of_delivery_is_promised_only_until_midnight(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    from inventory.promising import promises
    from inventory.promising.promises import Delivery

    other = make.store(city="Hamburg")
    shelf.allocate(10)
    make.receive(shelf.product_id, other.id, 2)
    monkeypatch.setattr(promises, "_delivery", lambda place, at, country: Delivery(at, (at + timedelta(days=1)).date()))
    (message,) = say(shelf, at=T0)
    assert message.text == "Sold out in Berlin, available in Hamburg, delivered tomorrow"
    late = datetime(2026, 11, 20, 22, 58, tzinfo=UTC)  # two minutes to midnight in Berlin
    (message,) = say(shelf, at=late)
    assert message.valid_until == datetime(2026, 11, 20, 23, tzinfo=UTC)
    (message,) = say(shelf, at=late + timedelta(seconds=90))
    assert message.text == "Sold out in Berlin, available in Hamburg"


def test_a_product_that_was_never_here_is_not_sold_out_here(shelf: Shelf) -> None:
    other = places.of_location(make.store(city="Bonn"))
    assert texts(shelf, other)[0].startswith("Available in Berlin")


# --- freshness --------------------------------------------------------------------------------------------------------


def sold_late(shelf: Shelf, minutes: int) -> None:
    """A piece left the shelf `minutes` ago, and we hear of it now."""
    with transaction():
        movements.receive(
            [Receipt(ids.new(), shelf.product_id, shelf.store.id, 1)], by=BY, at=clock.now(), reason="late",
            source="till", occurred_at=clock.now() - timedelta(minutes=minutes),
        )  # fmt: skip


def test_a_place_that_reports_late_is_softened_and_then_withheld(few: Shelf) -> None:
    sold_late(few, 30)
    (message,) = say(few)
    assert (message.tone, message.count) == (Tone.SOFT, None)
    assert "4" not in message.text.partition("(")[0]
    assert message.text.startswith("Few left in Berlin (as of ")
    sold_late(few, 90)
    assert texts(few) == []


def test_a_shop_that_still_shows_another_number_gets_no_number_from_us(few: Shelf) -> None:
    told = FeedFigure.objects.create(
        channel_id=few.channel_id, product_id=few.product_id, version=4, available=9, by_location={}, told_at=T0
    )
    assert [one.tone for one in say(few)] == [Tone.SOFT]
    FeedFigure.objects.filter(pk=told.pk).update(available=3)
    assert [one.tone for one in say(few)] == [Tone.FIRM]


def test_terms_that_contradict_themselves_are_refused(shelf: Shelf) -> None:
    for values in (
        {"few": 0},
        {"shown_seconds": 0},
        {"fresh_seconds": 10},
        {"soft_seconds": 100},
        {"soft_seconds": 10**6},
    ):
        with pytest.raises(InvalidInput):
            policy(shelf, **values)


# --- proof ------------------------------------------------------------------------------------------------------------


def test_a_claim_is_proven_later_whatever_happened_since(few: Shelf) -> None:
    (message,) = say(few)
    few.allocate(3)
    few.receive(40)
    proof = messages.verify(message.claim_id, channel_id=few.channel_id)
    assert (proof.is_true, proof.is_true_in_hindsight, proof.faults) == (True, True, ())
    (level,) = proof.levels
    assert (level.on_hand, level.allocated, level.held, level.available) == (10, 7, 0, 3)
    with pytest.raises(ScarcityClaimNotFound):
        messages.verify(message.claim_id, channel_id=ground.channel().pk)


def test_what_was_reported_late_shows_in_hindsight(few: Shelf) -> None:
    with clock.frozen(clock.now() + timedelta(seconds=1)):
        (message,) = say(few)
    with clock.frozen(clock.now() + timedelta(minutes=20)), transaction():
        movements.receive(
            [Receipt(ids.new(), few.product_id, few.store.id, 5)], by=BY, at=clock.now(), reason="late", source="erp",
            occurred_at=clock.now() - timedelta(minutes=20, seconds=0.5),
        )  # fmt: skip
    proof = messages.verify(message.claim_id)
    assert (proof.is_true, proof.is_true_in_hindsight) == (True, False)


def test_a_forged_claim_is_found_and_a_claim_cant_be_changed(few: Shelf) -> None:
    (message,) = say(few)
    row = ScarcityClaim.objects.get()
    for change in ({"count": 1}, {"available": [1]}, {"text": "Only 1 left"}, {"versions": [1]}):
        forged = ScarcityClaim(**({f.attname: getattr(row, f.attname) for f in row._meta.fields} | change))
        forged.id = ids.new()
        forged.save(force_insert=True)
        assert not messages.verify(forged.id).is_true
    with pytest.raises(IntegrityError), transaction():
        ScarcityClaim.objects.filter(id=message.claim_id).update(text="never said")


def test_a_claim_of_an_old_version_is_not_true(few: Shelf) -> None:
    """A reader that remembers figures would say what was true once: the proof sees that the level had moved on."""
    (message,) = say(few, at=clock.now())
    few.allocate(1)
    row = ScarcityClaim.objects.get(id=message.claim_id)
    row.as_of, row.valid_until = clock.now() + timedelta(minutes=5), clock.now() + timedelta(minutes=9)
    row.text = "later"
    row.id = messages._identity(row)
    row.save(force_insert=True)
    proof = messages.verify(row.id)
    assert not proof.is_true
    assert "moved on" in proof.faults[0]


def test_the_same_words_from_the_same_versions_are_one_row(few: Shelf) -> None:
    (first,), (second,) = say(few, at=T0), say(few, at=T0 + timedelta(minutes=2))
    assert (first.claim_id, ScarcityClaim.objects.count()) == (second.claim_id, 1)
    assert second.valid_until > first.valid_until
    few.receive(1)
    say(few, at=T0 + timedelta(minutes=3))
    assert ScarcityClaim.objects.count() == 2


def test_a_hundred_products_cost_as_many_queries_as_one(few: Shelf, django_assert_max_num_queries: Any) -> None:
    products = ground.products(99)
    for product in products:
        make.receive(product.id, few.store.id, 2)
    place = places.of_location(few.store)
    say(few)
    with transaction(), django_assert_max_num_queries(8):
        found = messages.messages(
            [few.product_id, *(one.id for one in products)], channel_id=few.channel_id, country="DE", place=place,
            locale="de", at=clock.now(),
        )  # fmt: skip
    assert len(found) == 100


# --- words and experiments --------------------------------------------------------------------------------------------


def test_own_wordings_are_checked_and_used(few: Shelf) -> None:
    with transaction():
        scarcity_terms.set_wording(
            Kind.FEW_LEFT, Tone.FIRM, "en", Wording("One left {place}: {count}", "{count} remain {place}"), by=BY, at=T0
        )
    assert texts(few) == ["3 remain in Berlin"]
    with pytest.raises(InvalidInput, match="Hurry"), transaction():
        hurry = Wording.same("Hurry! {count} left {place}")
        scarcity_terms.set_wording(Kind.FEW_LEFT, Tone.FIRM, "en", hurry, by=BY, at=T0)


def test_thresholds_and_wordings_are_tried_in_an_experiment(shelf: Shelf) -> None:
    with transaction():
        experiments.draft(
            "few", "Few", [VariantSpec("control", 5_000, is_control=True), VariantSpec("ten", 5_000, {"few": 10, "wording": "w"})],
            guardrails={Metric.CANCELLATION: 100}, by=BY, at=T0,
        )  # fmt: skip
        experiments.start("few", by=BY, at=T0)
        scarcity_terms.set_wording(
            Kind.FEW_LEFT, Tone.FIRM, "en", Wording.same("{count} {place}"), variant="w", by=BY, at=T0
        )
    policy(shelf, experiment="few")
    met = {f"u{n}": say(shelf, unit=f"u{n}") for n in range(40)}
    assert {message.text for found in met.values() for message in found} == {"10 in Berlin"}
    for unit, found in met.items():
        assignment = experiments.assigned("few", unit)
        assert assignment is not None
        assert bool(found) == (assignment.variant == "ten")
    assert ScarcityClaim.objects.get().variant == "ten"
    assert texts(shelf) == []  # who is nobody's unit meets no experiment


# --- the API ----------------------------------------------------------------------------------------------------------


def test_messages_and_proof_over_the_api(few: Shelf) -> None:
    key = ground.key(Channel.objects.get(pk=few.channel_id))

    def post(**body: Any) -> Any:
        wanted = {"skus": [few.sku], "locale": "de"} | body
        return Client().post("/api/v1/scarcity/messages", wanted, content_type="application/json", **key.headers)

    document = post(location=few.store.code).json()
    (item,) = document["items"]
    assert (document["place"], item["sku"], item["count"]) == (f"location:{few.store.code}", few.sku, 3)
    assert item["text"] == "Nur noch 3 Stück in Berlin"
    proof = Client().get(f"/api/v1/scarcity/claims/{item['claim']}", **key.headers).json()
    assert (proof["is_true"], proof["text"], proof["levels"][0]["available"]) == (True, item["text"], 3)
    assert post().json()["items"][0]["text"] == "Nur noch 3 Stück online"
    with transaction():
        from inventory.places import locations

        locations.set_places([("DE", "10115", "Berlin", 52.5323, 13.3846)])
    assert post(country="DE", postal_code="10115").json()["place"] == document["place"]
    for wrong in (
        {"location": "X", "group": "y"}, {"group": "nowhere"}, {"postal_code": "10115"}, {"locale": "fr"}, {"skus": []},
        {"country": "DE", "postal_code": "99999"},
    ):  # fmt: skip
        assert post(**wrong).status_code == 400, wrong
    other = ground.key()
    assert Client().get(f"/api/v1/scarcity/claims/{item['claim']}", **other.headers).status_code == 404


def test_claims_name_nobody(few: Shelf) -> None:
    say(few, unit="reader-17")
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(c)::text FROM inventory_scarcityclaim c")
        assert "reader-17" not in cursor.fetchone()[0]
