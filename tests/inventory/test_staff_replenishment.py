"""The desk of replenishment as staff use it: deciding on proposals, why each number, rules, and who may."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commerce import clock
from commerce.models import User
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import ReplenishmentProposal, ReplenishmentRule
from inventory.places import locations
from inventory.places.locations import LocationRef
from inventory.replenishment import demand, forecasts, rules
from inventory.replenishment import proposals as replenishment
from tests.factories import commerce as make
from tests.factories import inventory as make_inventory
from tests.factories import past_sales
from tests.inventory.conftest import BY

pytestmark = pytest.mark.django_db
LIST, DECIDE, RULES, NEW_RULE = (
    "/staff/replenishment/",
    "/staff/replenishment/decide/",
    "/staff/replenishment/rules/",
    "/staff/replenishment/rules/new/",
)
RULE = {
    "name": "Weekly", "sku": "", "category": "", "place": "", "service_level_percent": "95", "review_days": "7",
    "lead_time_days": "7", "lead_time_deviation_days": "0", "reorder_point": "", "target_level": "", "safety_stock": "0",
    "case_pack": "1", "lot_size": "1", "minimum_order": "1", "supplier_code": "", "transfer_radius_km": "0", "is_active": "on",
}  # fmt: skip


def signed_in(role: Role, place: LocationRef | None, *, language: str = "en") -> Client:
    person: User = make.user(language=language)
    with transaction():
        locations.assign(person, role, place.id if place else None, by=make.TESTER)
    client = Client()
    client.force_login(person)
    return client


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def night() -> None:
    list(demand.count_all())
    forecasts.run(at=clock.now(), uplifts=rules.Book().uplifts)
    replenishment.run(by=BY, at=clock.now())


@pytest.fixture
def store() -> LocationRef:
    return make_inventory.store()


@pytest.fixture
def proposals(store: LocationRef) -> list[ReplenishmentProposal]:
    """Three products that run low at a store, and a rule."""
    with transaction():
        rules.add_rule(name="Weekly", supplier_code="LAMPCO", by=BY, at=clock.now() - timedelta(days=100))
    for product in make.products(3):
        past_sales.sold(product.id, store.id, [7, 6, 8, 7] * 8, until=clock.now(), left=3)
    night()
    return list(ReplenishmentProposal.objects.order_by("id"))


def state_of(row: ReplenishmentProposal) -> str:
    row.refresh_from_db()
    return row.state


def test_the_list_says_what_to_order_and_why(store: LocationRef, proposals: list[ReplenishmentProposal]) -> None:
    page = text_of(signed_in(Role.STORE_MANAGER, store).get(LIST))
    assert "3 proposals" in page
    assert "3 here and coming. In the 14 days until the next order arrives" in page
    assert "LAMPCO" in page


def test_many_are_approved_at_once_with_the_quantities_as_typed(
    store: LocationRef, proposals: list[ReplenishmentProposal]
) -> None:
    first, second, third = proposals
    answer = signed_in(Role.STORE_MANAGER, store).post(
        DECIDE, {"action": "approve", "proposal": [first.pk, second.pk], f"quantity-{first.pk}": "50"}, follow=True
    )
    assert "2 proposals were approved." in text_of(answer)
    assert {state_of(first), state_of(second)} <= {"approved", "ordered"}
    assert first.quantity == 50
    assert state_of(third) == "proposed"


@pytest.mark.parametrize("typed", ["0", "-4", "many", "12345678", "٣"])
def test_a_quantity_that_is_none_changes_nothing(
    typed: str, store: LocationRef, proposals: list[ReplenishmentProposal]
) -> None:
    answer = signed_in(Role.STORE_MANAGER, store).post(
        DECIDE, {"action": "approve", "proposal": [one.pk for one in proposals], f"quantity-{proposals[0].pk}": typed}
    )
    assert answer.status_code == 422
    assert "Order 1 to 1,000,000 pieces" in text_of(answer)
    assert {state_of(one) for one in proposals} == {"proposed"}


def test_dismissing_needs_a_reason_and_a_choice(store: LocationRef, proposals: list[ReplenishmentProposal]) -> None:
    client = signed_in(Role.STORE_MANAGER, store)
    assert client.post(DECIDE, {"action": "dismiss", "proposal": [proposals[0].pk]}).status_code == 422
    assert "Nothing was chosen" in text_of(client.post(DECIDE, {"action": "approve"}))
    client.post(DECIDE, {"action": "dismiss", "proposal": [proposals[0].pk], "reason": "delisted"})
    assert state_of(proposals[0]) == "dismissed"
    assert proposals[0].reason == "delisted"


def test_what_was_decided_meanwhile_is_refused_with_a_sentence(
    store: LocationRef, proposals: list[ReplenishmentProposal]
) -> None:
    with transaction():
        replenishment.dismiss([proposals[0].pk], reason="no", by=BY, at=clock.now())
    answer = signed_in(Role.STORE_MANAGER, store).post(
        DECIDE, {"action": "approve", "proposal": [one.pk for one in proposals]}
    )
    assert answer.status_code == 409
    assert "Look at the newest list" in text_of(answer)
    assert state_of(proposals[1]) == "proposed"


def test_why_this_number_shows_every_input_and_the_weeks(
    store: LocationRef, proposals: list[ReplenishmentProposal]
) -> None:
    answer = signed_in(Role.STORE_MANAGER, store).get(f"/staff/replenishment/proposals/{proposals[0].pk}/")
    page = text_of(answer)
    for words in ("Expected to sell in a week", "Safety for late deliveries", "Forecast by", "Days to cover"):
        assert words in page
    assert answer.content.decode().count("demand-bar") == 26


@pytest.mark.parametrize("role", [Role.CLERK, Role.SERVICE_AGENT])
def test_only_who_manages_supply_may(role: Role, store: LocationRef, proposals: list[ReplenishmentProposal]) -> None:
    client = signed_in(role, store)
    one = f"/staff/replenishment/proposals/{proposals[0].pk}/"
    assert [client.get(address).status_code for address in (LIST, RULES, NEW_RULE, one)] == [403] * 4
    assert client.post(DECIDE, {"action": "approve", "proposal": [proposals[0].pk]}).status_code == 403


def test_a_manager_decides_only_for_the_own_store(proposals: list[ReplenishmentProposal]) -> None:
    client = signed_in(Role.STORE_MANAGER, make_inventory.store())
    assert "Nothing to reorder" in text_of(client.get(f"{LIST}?all=1"))
    assert client.get(f"/staff/replenishment/proposals/{proposals[0].pk}/").status_code == 404
    for chosen in (str(proposals[0].pk), str(uuid4()), "nonsense"):
        assert client.post(DECIDE, {"action": "approve", "proposal": [chosen]}).status_code == 404
    assert state_of(proposals[0]) == "proposed"
    assert client.get(RULES).status_code == 403


def test_merchandisers_decide_for_all_stores(proposals: list[ReplenishmentProposal]) -> None:
    client = signed_in(Role.MERCHANDISER, None)
    assert "3 proposals" in text_of(client.get(f"{LIST}?all=1&kind=purchase"))
    client.post(f"{DECIDE}?all=1", {"action": "approve", "proposal": [proposals[0].pk]})
    assert state_of(proposals[0]) in {"approved", "ordered"}


def test_the_list_has_a_bounded_number_of_queries(store: LocationRef, proposals: list[ReplenishmentProposal]) -> None:
    client = signed_in(Role.STORE_MANAGER, store)
    client.get(LIST)
    with CaptureQueriesContext(connection) as few:
        client.get(LIST)
    for product in make.products(20):
        past_sales.sold(product.id, store.id, [7, 6, 8, 7] * 4, until=clock.now(), left=1)
    night()
    client.get(LIST)
    with CaptureQueriesContext(connection) as many:
        client.get(LIST)
    assert len(many) <= len(few) + 1
    assert len(many) <= 14


# --- rules -------------------------------------------------------------------------------------------------------------


def test_a_rule_is_written_and_changed(store: LocationRef) -> None:
    client = signed_in(Role.MERCHANDISER, None)
    product = make.product()
    client.post(NEW_RULE, RULE | {"sku": product.sku, "place": f"place:{store.id}", "order_weekdays": ["2", "4"]})
    rule = ReplenishmentRule.objects.get()
    assert (rule.product_id, rule.location_id, rule.order_weekdays) == (product.id, store.id, [2, 4])
    page = client.get(f"{RULES}{rule.pk}/").content.decode()
    assert product.sku in page
    client.post(f"{RULES}{rule.pk}/", RULE | {"sku": product.sku, "place": f"place:{store.id}", "case_pack": "6"})
    rule.refresh_from_db()
    assert (rule.case_pack, rule.order_weekdays) == (6, [])
    assert rule.name in text_of(client.get(RULES))
    assert client.get(f"{RULES}{rule.pk + 99}/").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"lead_time_days": "-2"}, "greater than or equal to 0"),
        ({"service_level_percent": "101"}, "less than or equal to 99.9"),
        ({"reorder_point": "9", "target_level": "3"}, "contradicts itself or another rule"),
        ({"sku": "unheard-of"}, "No product is called"),
        ({"name": ""}, "required"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_beside_its_field(wrong: dict[str, Any], sentence: str) -> None:
    answer = signed_in(Role.MERCHANDISER, None).post(NEW_RULE, RULE | wrong)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not ReplenishmentRule.objects.exists()


def test_pages_without_anything_say_what_to_do_next(store: LocationRef) -> None:
    assert "New proposals are made every night" in text_of(signed_in(Role.STORE_MANAGER, store).get(LIST))
    assert "One rule for all goods everywhere is enough" in text_of(signed_in(Role.MERCHANDISER, None).get(RULES))
