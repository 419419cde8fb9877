"""Limits per customer: counted to the piece under every name of the customer, with reservations and orders, and given back."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db import transaction as database

from commerce import clock, ids
from commerce.errors import InvalidInput
from commerce.models import Quota
from commerce.transactions import transaction
from inventory import reservations
from inventory.errors import PurchaseLimitReached, SharingStateWrong
from inventory.models import PurchaseLimit, PurchaseLimitUse
from inventory.promising import purchase_limits
from inventory.reservations import ReservationRequest, Reserved
from tests.inventory.conftest import BY, Shelf
from tests.inventory.promises import another_channel, limit

pytestmark = pytest.mark.django_db


def reserve(shelf: Shelf, pieces: int, *, email: str = "", customer: str = "", minutes: float = 15) -> Any:
    at = clock.now()
    who = purchase_limits.identities(email=email, channel_id=shelf.channel_id, channel_customer_id=customer)
    wanted = ReservationRequest(
        ids.new(), shelf.channel_id, shelf.store.id, ((shelf.product_id, pieces),), at + timedelta(minutes=minutes),
        identities=who,
    )  # fmt: skip
    with transaction():
        return reservations.reserve([wanted], by=BY, at=at)[0]


def test_one_customer_has_so_many_and_the_refusal_names_the_limit_and_what_is_left(shelf: Shelf) -> None:
    made = limit(shelf, 3)
    assert isinstance(reserve(shelf, 2, email="a@example.org"), Reserved)
    refused = reserve(shelf, 2, email="A@Example.org ")
    assert isinstance(refused, PurchaseLimitReached)
    assert refused.message == f"The drop: one customer may have 3 of {shelf.sku}, 1 more now; 2 were wanted."
    assert refused.detail == {
        "limit": made, "name": "The drop", "sku": shelf.sku, "per_customer": 3, "wanted": 2, "left": 1,
    }  # fmt: skip
    assert isinstance(reserve(shelf, 1, email="a@example.org"), Reserved)
    assert isinstance(reserve(shelf, 3, email="b@example.org"), Reserved)
    assert shelf.figure().held == 6


def test_every_name_of_a_customer_counts_and_no_address_is_stored(shelf: Shelf) -> None:
    limit(shelf, 2)
    reserve(shelf, 2, email="a@example.org", customer="C-1")
    assert isinstance(reserve(shelf, 1, email="other@example.org", customer="C-1"), PurchaseLimitReached)
    assert isinstance(reserve(shelf, 1, email="a@example.org", customer="C-2"), PurchaseLimitReached)
    assert isinstance(reserve(shelf, 1, customer="C-2"), Reserved), "what was refused took nothing"
    stored = json.dumps(list(Quota.objects.values_list("key", flat=True)))
    assert "example" not in stored
    assert "C-1" not in stored


def test_what_a_basket_gives_back_may_be_taken_again(shelf: Shelf) -> None:
    limit(shelf, 2)
    first = reserve(shelf, 2, email="a@example.org")
    with transaction():
        reservations.release(first.id, channel_id=shelf.channel_id, by=BY, at=clock.now())
    second = reserve(shelf, 2, email="a@example.org", minutes=1)
    assert isinstance(second, Reserved)
    with transaction():
        reservations.extend(
            second.id, clock.now() + timedelta(minutes=30), channel_id=shelf.channel_id, by=BY, at=clock.now()
        )
    expiry = purchase_limits.quotas.usage(
        Quota.objects.values_list("key", flat=True), at=clock.now() + timedelta(minutes=5)
    )
    assert [usage.used for usage in expiry.values()] == [2], "the claim lives as long as its reservation"
    gone = purchase_limits.quotas.usage(
        Quota.objects.values_list("key", flat=True), at=clock.now() + timedelta(hours=1)
    )
    assert [usage.used for usage in gone.values()] == [0], "an expired one never counts"


def test_goods_that_lack_leave_the_customers_count_alone(shelf: Shelf) -> None:
    limit(shelf, 20)
    assert not isinstance(reserve(shelf, 11, email="a@example.org"), Reserved | PurchaseLimitReached)
    assert not PurchaseLimitUse.objects.exists()
    assert isinstance(reserve(shelf, 10, email="a@example.org"), Reserved)


def test_a_limit_holds_in_its_time_on_its_channels_for_its_product(shelf: Shelf) -> None:
    other = another_channel()
    limit(shelf, 1, channel_ids=(other.pk,))
    assert isinstance(reserve(shelf, 2, email="a@example.org"), Reserved)
    at = clock.now()
    limit(shelf, 1, name="Tomorrow", starts_at=at + timedelta(days=1), ends_at=at + timedelta(days=2))
    assert isinstance(reserve(shelf, 2, email="a@example.org"), Reserved)
    now = limit(shelf, 1)
    assert isinstance(reserve(shelf, 2, email="a@example.org"), PurchaseLimitReached)
    with transaction():
        purchase_limits.end(now, by=BY, at=clock.now())
    assert isinstance(reserve(shelf, 2, email="a@example.org"), Reserved)
    with pytest.raises(SharingStateWrong), transaction():
        purchase_limits.end(now, by=BY, at=clock.now())


def test_what_a_limit_says_never_changes(shelf: Shelf) -> None:
    made = limit(shelf, 1)
    with pytest.raises(DatabaseError, match="stays as it is"), database.atomic():
        PurchaseLimit.objects.filter(pk=made).update(quantity=100)
    with pytest.raises(DatabaseError, match="stays as it is"), database.atomic():
        PurchaseLimit.objects.filter(pk=made).delete()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("quantity", {"quantity": 0}),
        ("quantity", {"quantity": -1}),
        ("product", {"product_id": 0}),
        ("name", {"name": ""}),
        ("channels", {"channel_ids": (0,)}),
        ("ends_at", {"ends_at": clock.now() - timedelta(days=3)}),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_field(shelf: Shelf, field: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        limit(shelf, **{"quantity": 1, **values})
    assert field in {error["field"] for error in refused.value.errors}
