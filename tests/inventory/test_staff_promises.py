"""Promises on screen: why a figure is what it is, and the desk of backorders and limits."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils.timezone import localtime

from commerce import clock
from commerce.roles import Role
from commerce.transactions import transaction
from inventory.models import BackorderPolicy, PurchaseLimit
from inventory.places import locations
from tests.factories import commerce as ground
from tests.factories import inventory as make
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import expected, in_days, limit, policy
from tests.inventory.sharing import holding
from tests.inventory.test_backorders import order

pytestmark = pytest.mark.django_db

WHY, DESK = "/staff/stock/why/", "/staff/promises/"
NEW_POLICY, NEW_LIMIT = DESK + "policies/new/", DESK + "limits/new/"


def signed_in(role: Role = Role.MERCHANDISER, location_id: int | None = None, language: str = "en") -> Client:
    person = ground.user(language=language)
    with transaction():
        locations.assign(person, role, location_id, by=BY)
    client = Client()
    client.force_login(person)
    return client


def text_of(answer: HttpResponse) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def policy_form(shelf: Shelf, **changes: Any) -> dict[str, Any]:
    return {"name": "Lamps again", "kind": "backorder", "sku": shelf.sku, "cap": 5, "lead_days": 7} | changes


def limit_form(shelf: Shelf, **changes: Any) -> dict[str, Any]:
    now = localtime(clock.now())
    day = "%Y-%m-%dT%H:%M"
    return {
        "name": "The drop", "sku": shelf.sku, "quantity": 2, "starts_at": now.strftime(day),
        "ends_at": (now + timedelta(days=1)).strftime(day),
    } | changes  # fmt: skip


def test_a_clerk_reads_why_each_channel_sees_what_it_sees(shelf: Shelf) -> None:
    holding("fixed", 4)
    policy(shelf, 5)
    expected(shelf, 6, 14)
    shelf.reserve(2)
    order(shelf, 9)
    client = signed_in(Role.CLERK, shelf.store.id)
    page = text_of(client.get(WHY, {"sku": shelf.sku}))
    assert "The house itself" in page
    assert "withheld by “fixed 4” -4" in page
    assert "in other baskets, may come back -2" in page
    assert "On its way here" in page
    assert "Orders that wait for it, in their order" in page
    german = text_of(signed_in(Role.CLERK, shelf.store.id, "de").get(WHY, {"sku": shelf.sku}))
    assert "Das Haus selbst" in german
    assert "zurückgehalten durch „fixed 4“" in german
    stock = client.get("/staff/stock/", {"q": shelf.sku}).content.decode()
    assert WHY in stock


def test_unknown_goods_are_not_found_and_new_ones_have_a_way_out(shelf: Shelf) -> None:
    client = signed_in(Role.CLERK, shelf.store.id)
    assert client.get(WHY, {"sku": "NO-SUCH"}).status_code == 404
    elsewhere = make.store()
    page = text_of(signed_in(Role.CLERK, elsewhere.id).get(WHY, {"sku": shelf.sku}))
    assert "was ever at" in page
    assert Client().get(WHY, {"sku": shelf.sku}).status_code == 302


def test_the_page_asks_few_questions_however_many_channels_there_are(
    shelf: Shelf, django_assert_max_num_queries: Any
) -> None:
    holding("fixed", 1)
    for number in range(5):
        ground.channel(f"why-{number}")
    client = signed_in(Role.CLERK, shelf.store.id)
    client.get(WHY, {"sku": shelf.sku})
    with django_assert_max_num_queries(20):
        client.get(WHY, {"sku": shelf.sku})


def test_a_merchandiser_allows_backorders_and_ends_them(shelf: Shelf) -> None:
    client = signed_in()
    assert "Only what is there is promised" in text_of(client.get(DESK))
    answer = client.post(NEW_POLICY, policy_form(shelf))
    assert (answer.status_code, answer["Location"]) == (302, DESK)
    made = BackorderPolicy.objects.get()
    assert (made.cap, made.lead_days, made.product_id) == (5, 7, shelf.product_id)
    page = text_of(client.get(DESK))
    assert f"At most 5 pieces of Lamp ( {shelf.sku} ) at each place may be promised before they are there" in page
    client.post(f"{DESK}policies/{made.pk}/end/")
    made.refresh_from_db()
    assert made.ended_at is not None
    assert client.post(f"{DESK}policies/{made.pk}/end/").status_code == 302
    assert client.post(f"{DESK}policies/0/end/").status_code == 404


def test_a_merchandiser_limits_a_drop_and_ends_that(shelf: Shelf) -> None:
    client = signed_in(language="de")
    assert client.post(NEW_LIMIT, limit_form(shelf)).status_code == 302
    made = PurchaseLimit.objects.get()
    assert f"Je Kunde 2 Stück von Lamp ( {shelf.sku} )" in text_of(client.get(DESK))
    client.post(f"{DESK}limits/{made.pk}/end/")
    made.refresh_from_db()
    assert made.ended_at is not None


@pytest.mark.parametrize(
    ("address", "form", "sentence"),
    [
        (NEW_POLICY, {"cap": ""}, "Enter a number."),
        (NEW_POLICY, {"sku": "NO-SUCH"}, "No product with stock has this SKU or barcode."),
        (NEW_POLICY, {"sku": ""}, "Name a product or choose a category, one of the two."),
        (NEW_POLICY, {"kind": "preorder"}, "A preorder needs the day of its release."),
        (NEW_POLICY, {"kind": "preorder", "release_on": "2020-01-01"}, "The release lies in the past."),
        (NEW_POLICY, {"lead_days": -3}, "greater than or equal to 0"),
        (NEW_LIMIT, {"quantity": 0}, "greater than or equal to 1"),
        (NEW_LIMIT, {"ends_at": "2020-01-01T10:00"}, "The end must come after the start."),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(
    shelf: Shelf, address: str, form: dict[str, Any], sentence: str
) -> None:
    values = policy_form(shelf, **form) if address == NEW_POLICY else limit_form(shelf, **form)
    answer = signed_in().post(address, values)
    assert answer.status_code == 422
    assert sentence in text_of(answer)
    assert not BackorderPolicy.objects.exists()
    assert not PurchaseLimit.objects.exists()


def test_only_who_manages_sharing_at_all_stores_comes_in(shelf: Shelf) -> None:
    made, drop = policy(shelf, 5, lead_days=3), limit(shelf, 2)
    for client in (signed_in(Role.CLERK, shelf.store.id), signed_in(Role.STORE_MANAGER, shelf.store.id)):
        for address in (DESK, NEW_POLICY, NEW_LIMIT):
            assert client.get(address).status_code == 403
        assert client.post(f"{DESK}policies/{made}/end/").status_code == 403
        assert client.post(f"{DESK}limits/{drop}/end/").status_code == 403
    assert not BackorderPolicy.objects.filter(ended_at__isnull=False).exists()


def test_the_desk_asks_few_questions(shelf: Shelf, django_assert_max_num_queries: Any) -> None:
    for number in range(4):
        policy(shelf, 5 + number, lead_days=3)
        limit(shelf, 2 + number)
    policy(shelf, 3, kind="preorder", release_on=in_days(5))
    client = signed_in()
    client.get(DESK)
    with django_assert_max_num_queries(12):
        client.get(DESK)
