"""Value classes, ranked every night, and the counts that begin by themselves."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError
from django.db import transaction as django_transaction
from django.test import Client
from django.urls import reverse

from commerce import clock
from commerce.roles import Role
from commerce.transactions import transaction
from inventory import allocations, tasks
from inventory.counting import CountKind, ValueClass
from inventory.models import CountItem, StockCount, ValueClassing
from inventory.places import locations
from inventory.procurement import suppliers
from inventory.procurement.suppliers import Term
from inventory.purchasing import OrderTerms
from inventory.replenishment import demand
from inventory.stock import EntryKind, LocationKind
from inventory.stocktaking import counts, opening, rules, value_classes
from inventory.stocktaking.rules import Policy
from tests.factories import commerce as shop
from tests.factories import inventory as make
from tests.factories import supply
from tests.inventory.conftest import BY, Shelf

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def sold(shelf: Shelf, pieces: int) -> None:
    allocation = shelf.allocate(pieces)
    with transaction():
        allocations.leave([(allocation, pieces)], kind=EntryKind.HANDED_OVER, by=BY, at=clock.now())
        demand.count()


def test_a_night_ranks_by_value_turned_over_not_by_pieces(shelf: Shelf) -> None:
    dear, never = shop.product(), shop.product()
    make.receive(dear.id, shelf.store.id, 3)
    make.receive(never.id, shelf.store.id, 3)
    costs = {shelf.product_id: 100, dear.id: 100_000}
    terms = [Term(product_id=one, quantities=OrderTerms(), unit_cost_minor=cost) for one, cost in costs.items()]
    supplier = supply.supplier()
    with transaction():
        suppliers.set_terms(supplier.id, terms, by=BY)
    sold(shelf, 5)
    sold(replace(shelf, product_id=dear.id, sku=dear.sku), 2)
    assert value_classes.classify_all(at=clock.now()) == 3
    known = value_classes.known(shelf.store.id, [shelf.product_id, dear.id, never.id])
    assert known == {dear.id: ValueClass.A, shelf.product_id: ValueClass.C, never.id: ValueClass.C}
    row = ValueClassing.objects.get(product_id=dear.id)
    assert (row.pieces, row.value_minor) == (2, 200_000)
    a, c = value_classes.shares(shelf.store.id)
    assert (a.products, a.percent, c.products) == (1, 99.8, 2)


def test_rules_go_by_last_night_and_what_came_today_is_class_c(shelf: Shelf) -> None:
    sold(shelf, 5)
    value_classes.classify_all(at=clock.now())
    fresh = shop.product()
    make.receive(fresh.id, shelf.store.id, 1)
    due = rules.due(shelf.store.id, at=clock.now() + 400 * DAY)
    assert {one.product_id: one.value_class for one in due} == {shelf.product_id: ValueClass.A, fresh.id: ValueClass.C}


def test_what_a_place_has_no_more_is_forgotten_and_the_same_night_twice_writes_the_same(shelf: Shelf) -> None:
    value_classes.classify_all(at=clock.now())
    value_classes.classify_all(at=clock.now())
    assert ValueClassing.objects.count() == 1
    other = shop.product()
    ValueClassing.objects.update(product_id=other.id)
    value_classes.classify_all(at=clock.now())
    assert list(ValueClassing.objects.values_list("product_id", flat=True)) == [shelf.product_id]


def test_the_database_knows_three_classes(shelf: Shelf) -> None:
    value_classes.classify_all(at=clock.now())
    with pytest.raises(IntegrityError, match="value_class_known"), django_transaction.atomic():
        ValueClassing.objects.update(value_class="D")


# --- counts that begin at night -------------------------------------------------------------------------------------


def test_one_count_a_night_begins_where_something_is_due(shelf: Shelf) -> None:
    make.store()  # which has nothing
    partner = make.store(kind=LocationKind.PARTNER.value)
    make.receive(shelf.product_id, partner.id, 5)
    night = clock.now() + 400 * DAY
    with clock.frozen(night):
        assert tasks.open_counts() == 1
        assert tasks.open_counts() == 0
    [begun] = StockCount.objects.all()
    assert (begun.location_id, begun.kind, begun.source) == (shelf.store.id, CountKind.DIRECTED.value, "nightly")
    assert [(item.product_id, item.reason) for item in CountItem.objects.all()] == [(shelf.product_id, "due")]
    with clock.frozen(night + DAY):
        assert tasks.open_counts() == 0, "one is open still"
    with transaction():
        counts.cancel(begun.pk, by=BY, at=night + DAY)
    with clock.frozen(night + DAY):
        assert tasks.open_counts() == 1, "the next night begins one anew"
    with clock.frozen(night + DAY):
        running = StockCount.objects.get(state="open")
        with transaction():
            counts.cancel(running.pk, by=BY, at=night + DAY)
        assert tasks.open_counts() == 0, "one a night, also when it was called off"


def test_a_night_is_the_places_own_also_when_its_clocks_change(db: None) -> None:
    store = make.store(time_zone="Europe/Berlin")
    make.receive(shop.product().id, store.id, 1)
    later = clock.now() + 400 * DAY
    change = later.replace(year=2027, month=10, day=30, hour=22, minute=30)  # 0:30 on the 31st, the day with 25 hours
    assert opening.open_due(by=BY, at=change) == 1
    with transaction():
        counts.cancel(StockCount.objects.get().pk, by=BY, at=change)
    assert opening.open_due(by=BY, at=change + timedelta(hours=24)) == 0, "still the 31st"
    assert opening.open_due(by=BY, at=change + timedelta(hours=25)) == 1


def test_a_place_may_begin_its_counts_itself_and_one_count_is_bounded(shelf: Shelf) -> None:
    for _ in range(3):
        make.receive(shop.product().id, shelf.store.id, 1)
    night = clock.now() + 400 * DAY
    with transaction():
        rules.set_policy(shelf.store.id, Policy(opens_at_night=False), by=BY, at=clock.now())
    assert opening.open_due(by=BY, at=night) == 0
    with transaction():
        rules.set_policy(shelf.store.id, Policy(items_at_once=2), by=BY, at=clock.now())
    assert opening.open_due(by=BY, at=night) == 1
    assert CountItem.objects.count() == 2


def test_the_pages_show_who_began_it_and_how_goods_spread_over_classes(shelf: Shelf) -> None:
    sold(shelf, 5)
    with clock.frozen(clock.now() + 400 * DAY):
        tasks.open_counts()
        manager, desk = shop.user(), shop.user()
        with transaction():
            locations.assign(manager, Role.STORE_MANAGER, shelf.store.id, by=BY)
            locations.assign(desk, Role.STORE_MANAGER, None, by=BY)
        client = Client()
        client.force_login(manager)
        assert "What is due, begun at night" in client.get(reverse("inventory-staff:counts")).content.decode()
        client.force_login(desk)
        page = client.get(reverse("inventory-staff:count-rules"), {"at": shelf.store.code}).content.decode()
        assert "Share of the turnover" in page
        form = {
            "at": shelf.store.code, "a_days": 10, "b_days": 20, "c_days": 30, "items_at_once": 5,
            "approve_above_pieces": 1, "approve_above_value": 1,
        }  # fmt: skip
        assert client.post(reverse("inventory-staff:count-rules"), form).status_code == 302
        assert not rules.policy(shelf.store.id).opens_at_night
