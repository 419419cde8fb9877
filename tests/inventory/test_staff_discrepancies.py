"""The manager's pages of discrepancies: what is shown to whom, what one button books, and what is said when it can't."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.http import HttpResponse
from django.test import Client

from commerce import clock, ids
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import valuation
from inventory.models import Discrepancy
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.reconciliation import discrepancies, sources
from inventory.reconciliation.discrepancies import NewDiscrepancy
from inventory.reconciling import Decision, DiscrepancyKind, Meaning
from inventory.valuation import UnitValue
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.inventory.conftest import BY, Shelf

pytestmark = pytest.mark.django_db
PAGE = "/staff/stock/discrepancies/"
SOURCES = f"{PAGE}sources/"


def signed_in(role: Role, store: LocationRef | None) -> Client:
    person: User = make.user()
    with transaction():
        locations.assign(person, role, store.id if store else None, by=make.TESTER)
    client = Client()
    client.force_login(person)
    return client


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def found(shelf: Shelf, pieces: int, **values: Any) -> UUID:
    at = values.pop("at", clock.now())
    defaults: dict[str, Any] = {
        "id": ids.new(), "kind": DiscrepancyKind.STATEMENT_DIFFERENCE, "product_id": shelf.product_id,
        "location_id": shelf.store.id, "expected": 10, "found": pieces, "source": "till", "as_of": clock.now(),
    }  # fmt: skip
    row = NewDiscrepancy(**(defaults | values))
    with transaction():
        discrepancies.record([row], by=BY, at=at)
    return row.id


@pytest.fixture
def worth() -> Any:
    """A piece of anything is worth 2.50 euros."""
    before = dict(valuation._sources)
    valuation._sources.clear()
    valuation.register("tests", lambda wanted, at: {one: UnitValue(250, "EUR") for one in wanted}, order=1)
    yield
    valuation._sources.clear()
    valuation._sources.update(before)


def test_the_list_says_what_since_when_worth_how_much_and_why(shelf: Shelf, worth: None) -> None:
    found(shelf, 7, suggested_cause="shrinkage", cause_facts={"times": 3}, at=clock.now() - timedelta(days=3))
    found(shelf, 12, source="erp")
    page = signed_in(Role.STORE_MANAGER, shelf.store).get(PAGE)
    text = text_of(page)
    for said in ("Pieces go missing again and again", "Cause unknown", "Lamp", "€7.50", "€5.00", "overdue", "−3", "+2"):
        assert said.replace("−", "-") in text, said
    [sums] = page.context["sums"]
    assert (sums["count"], sums["fewer"], sums["more"], sums["overdue"]) == (2, 3, 2, 1)
    assert [group.source for group in page.context["groups"]] == ["till", "erp"]  # the most valuable first


def test_filters_narrow_the_list_and_its_sums(shelf: Shelf) -> None:
    found(shelf, 7, suggested_cause="shrinkage", cause_facts={"times": 3}, at=clock.now() - timedelta(days=3))
    found(shelf, 12, source="erp")
    client = signed_in(Role.STORE_MANAGER, shelf.store)

    def listed(**query: str) -> list[int]:
        context = client.get(PAGE, query).context
        rows = [one.row.found for group in context["groups"] for one in group.rows]
        assert sum(one["count"] for one in context["sums"]) == len(rows)
        return rows

    assert listed(cause="shrinkage") == [7]
    assert listed(cause="unknown") == [12]
    assert listed(source="erp") == [12]
    assert listed(overdue="on") == [7]
    assert listed(order="age") == [7, 12]
    assert listed(state="repaired") == []
    assert listed(kind="over_delivery") == []
    assert "Nothing is like that" in text_of(client.get(PAGE, {"kind": "over_delivery"}))


def test_an_empty_list_says_what_will_stand_there(shelf: Shelf) -> None:
    assert "Everything agrees" in text_of(signed_in(Role.STORE_MANAGER, shelf.store).get(PAGE))


def test_one_button_with_a_reason_books_it(shelf: Shelf) -> None:
    one = found(shelf, 7)
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    page = client.get(f"{PAGE}{one}/")
    assert "Nothing in the books explains it" in text_of(page)
    assert "Book -3" in text_of(page)
    assert client.post(f"{PAGE}{one}/book/", {"reason": ""}).status_code == 422
    assert shelf.figure().on_hand == 10
    answer = client.post(f"{PAGE}{one}/book/", {"reason": "stolen"}, follow=True)
    assert "-3 booked" in text_of(answer)
    assert shelf.figure().on_hand == 7
    history = text_of(client.get(f"{PAGE}{one}/"))
    assert "-3 booked, +0 left" in history
    assert "Stolen" in history
    again = client.post(f"{PAGE}{one}/book/", {"reason": "stolen"})
    assert again.status_code == 409
    assert "Someone has settled this difference" in text_of(again)


def test_promised_pieces_stay_and_the_page_says_so(shelf: Shelf) -> None:
    shelf.allocate(9)
    one = found(shelf, 7)
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    answer = client.post(f"{PAGE}{one}/book/", {"reason": "missing"}, follow=True)
    assert "-1 booked. 2 pieces stay open" in text_of(answer)
    assert (shelf.figure().on_hand, Discrepancy.objects.get().state) == (9, "open")


def test_our_books_stand_with_a_sentence(shelf: Shelf) -> None:
    one = found(shelf, -10, suggested_cause="sign_flipped", cause_facts={"theirs": -10})
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    assert "They sent -10: the sign is wrong" in text_of(client.get(f"{PAGE}{one}/"))
    assert client.post(f"{PAGE}{one}/accept/", {"note": ""}).status_code == 422
    client.post(f"{PAGE}{one}/accept/", {"note": "their export is broken"})
    assert (Discrepancy.objects.get().state, shelf.figure().on_hand) == ("accepted", 10)
    assert "their export is broken" in text_of(client.get(f"{PAGE}{one}/"))


def test_a_delivery_that_was_booked_as_it_came_offers_no_booking(shelf: Shelf) -> None:
    one = found(shelf, 12, kind=DiscrepancyKind.OVER_DELIVERY)
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    assert "/book/" not in client.get(f"{PAGE}{one}/").content.decode()
    assert client.post(f"{PAGE}{one}/book/", {"reason": "found"}).status_code == 409


def test_a_group_is_booked_at_once_but_slips_of_the_source_are_left_out(shelf: Shelf) -> None:
    other = make.product()
    make_inventory.receive(other.id, shelf.store.id, 10)
    rows = [found(shelf, 8), found(shelf, 9, product_id=other.id)]
    slip = found(shelf, 100, source="erp", suggested_cause="unit_error", cause_facts={"factor": 10})
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    groups = client.get(PAGE).context["groups"]
    assert {group.source: len(group.repairable) for group in groups} == {"till": 2, "erp": 0}
    form = {"id": [str(one) for one in rows], "reason": "missing"}
    assert client.post(f"{PAGE}book/", form | {"reason": ""}).status_code == 422
    assert "All 2 are put right" in text_of(client.post(f"{PAGE}book/", form, follow=True))
    assert shelf.figure().on_hand == 8
    assert Discrepancy.objects.get(state="open").id == slip
    assert client.post(f"{PAGE}book/", {"id": ["nonsense"], "reason": "missing"}).status_code == 404


# --- who may see what --------------------------------------------------------------------------------------------------


def test_a_clerk_has_no_business_here_and_a_manager_only_at_their_store(shelf: Shelf) -> None:
    one = found(shelf, 7)
    nowhere = found(shelf, 7, location_id=None, meaning=Meaning.AVAILABLE, source="shop")
    clerk = signed_in(Role.CLERK, shelf.store)
    assert {clerk.get(PAGE).status_code, clerk.get(f"{PAGE}{one}/").status_code} == {403}
    assert clerk.post(f"{PAGE}{one}/book/", {"reason": "missing"}).status_code == 403
    stranger = signed_in(Role.STORE_MANAGER, make_inventory.store())
    assert stranger.get(PAGE, {"place": "all"}).context["groups"] == []
    assert stranger.get(f"{PAGE}{one}/").status_code == 404
    assert stranger.post(f"{PAGE}{one}/book/", {"reason": "missing"}).status_code == 404
    assert stranger.post(f"{PAGE}{one}/accept/", {"note": "no"}).status_code == 404
    assert stranger.post(f"{PAGE}book/", {"id": [str(one)], "reason": "missing"}).status_code == 404
    assert Discrepancy.objects.filter(state="open").count() == 2
    merchandiser = signed_in(Role.MERCHANDISER, None)
    groups = merchandiser.get(PAGE, {"place": "all"}).context["groups"]
    assert {shown.row.id for group in groups for shown in group.rows} == {one, nowhere}
    assert "all places" in text_of(merchandiser.get(f"{PAGE}{nowhere}/"))
    assert Client().get(PAGE).status_code == 302


def test_the_menu_counts_what_is_open_here(shelf: Shelf) -> None:
    found(shelf, 7)
    found(shelf, 8, source="erp")
    found(shelf, 8, location_id=make_inventory.store().id)
    page = signed_in(Role.STORE_MANAGER, shelf.store).get(PAGE)
    [room] = [room for room in page.context["shell"].rooms if room.key == "discrepancies"]
    assert room.waiting == 2


def test_the_list_asks_few_questions_however_long_it_is(shelf: Shelf, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for number, product in enumerate(make.products(30)):
        found(shelf, number, product_id=product.id, expected=100)
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    client.get(PAGE)
    with django_assert_max_num_queries(12):  # one of them counts what stands on the exceptions desk
        client.get(PAGE)
    one = Discrepancy.objects.first()
    assert one is not None
    with django_assert_max_num_queries(11):
        client.get(f"{PAGE}{one.id}/")


# --- sources -----------------------------------------------------------------------------------------------------------


def source_form(**values: str) -> dict[str, str]:
    return {
        "code": "till-1", "name": "Till 1", "kind": "till", "channel": "", "places": "", "on_hand": "tolerance",
        "available": "", "tolerance": "2", "owner_role": "store_manager", "repair_hours": "24", "patience_minutes": "60",
        "most_hours_old": "72", "is_active": "on",
    } | values  # fmt: skip


def test_a_source_is_agreed_with_and_changed(shelf: Shelf) -> None:
    client = signed_in(Role.MERCHANDISER, None)
    assert "Nobody tells figures yet" in text_of(client.get(SOURCES))
    assert client.get(f"{SOURCES}new/").status_code == 200
    assert "Agreed with Till 1" in text_of(client.post(f"{SOURCES}new/", source_form(), follow=True))
    terms = sources.source("till-1").terms
    assert terms.policies[Meaning.ON_HAND] == sources.Policy(Decision.TOLERANCE, 2)
    assert 'value="location:' in client.get(f"{SOURCES}till-1/").content.decode()
    client.post(f"{SOURCES}till-1/", source_form(places=f"location:{shelf.store.id}", on_hand="ours", code="other"))
    terms = sources.source("till-1").terms
    assert (terms.location_id, terms.policies[Meaning.ON_HAND].decision) == (shelf.store.id, Decision.OURS)
    assert "Our books are right" in text_of(client.get(SOURCES))
    assert client.get(f"{SOURCES}nobody/").status_code == 404


def test_a_source_with_gaps_is_explained_and_a_code_is_given_once(shelf: Shelf) -> None:
    client = signed_in(Role.MERCHANDISER, None)
    refused = client.post(f"{SOURCES}new/", source_form(on_hand=""))
    assert (refused.status_code, "on_hand" in refused.context["form"].errors) == (422, True)
    assert client.post(f"{SOURCES}new/", source_form(repair_hours="0")).status_code == 422
    client.post(f"{SOURCES}new/", source_form())
    again = client.post(f"{SOURCES}new/", source_form(name="Another"))
    assert again.status_code == 409
    assert sources.source("till-1").terms.name == "Till 1"


def test_sources_are_for_who_manages_all_places(shelf: Shelf) -> None:
    client = signed_in(Role.STORE_MANAGER, shelf.store)
    assert {client.get(address).status_code for address in (SOURCES, f"{SOURCES}new/")} == {403}
    assert client.post(f"{SOURCES}new/", source_form()).status_code == 403
